"""Processes that spend from one budget at the same time, and processes that die with something reserved (B1, B2)."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.desk_world import DeskWorld
from tests.support.stored import Clocks, run_together, worker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from subprocess import Popen

LIMIT = 400

RESERVING = """
import asyncio, sys
from decimal import Decimal
from pathlib import Path
from llmdesk.core.budget import Account, Budget, Claim, Grant
from llmdesk.core.prices import Price
from llmdesk.core.types import ModelRef
from llmdesk.storage.database import Database
from llmdesk.storage.instance import Instance
from llmdesk.storage.spend import SpendStore

async def main(who, home, unit, claims):
    limit = 400 if unit == "tokens" else 4_000_000_000
    price = Price(input_usd_per_mtok=Decimal(10_000), output_usd_per_mtok=Decimal(0))  # one cent a token
    instance = Instance(home / "state")
    database = Database(home / "data" / "llmdesk.db", on_warning=print)
    budget = Budget(scope="day", limit=limit, unit=unit)
    store = SpendStore(database, instance.id, [budget], is_alive=instance.is_alive)
    target = ModelRef("openai", "m")
    print("ready", flush=True)
    sys.stdin.readline()

    async def one(n):
        account = Account(request=f"{who}-{n}", lane="chat")
        claim = Claim(account=account, target=target, number=1, input_tokens=1, answers=False, price=price)
        return isinstance(await store.reserve(claim), Grant)

    print(sum(await asyncio.gather(*(one(n) for n in range(claims)))), flush=True)
    sys.stdin.readline()
    await database.aclose()

asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
"""


def reserved(home: Path) -> Counter[str]:
    with sqlite3.connect(home / "data" / "llmdesk.db") as connection:
        rows = connection.execute("SELECT owner, tokens FROM reservations").fetchall()
    connection.close()
    return Counter(owner for owner, _ in rows)


@pytest.mark.parametrize("unit", ["tokens", "usd"])
@pytest.mark.parametrize("processes", [2, 8])
def test_processes_that_race_for_a_hard_budget_are_granted_exactly_what_it_has(tmp_path, processes, unit):
    granted = grants_of(processes, tmp_path, unit)
    assert sum(granted) == LIMIT
    assert sum(reserved(tmp_path).values()) == LIMIT


def grants_of(processes: int, home: Path, unit: str) -> list[int]:
    """Let processes race for 800 reservations in all, all of them alive until the last one has its answers."""
    with ExitStack() as stack:
        started = [stack.enter_context(worker(RESERVING, n, home, unit, 800 // processes)) for n in range(processes)]
        granted = answers_of(started)
        tell(started, "done")
        assert [process.wait() for process in started] == [0] * processes
        return granted


def answers_of(started: Sequence[Popen[str]]) -> list[int]:
    """Let processes begin at the same moment, and return how many claims each was granted."""
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    tell(started, "go")
    return [int(process.stdout.readline()) for process in started if process.stdout is not None]


def tell(started: Sequence[Popen[str]], word: str) -> None:
    for process in started:
        assert process.stdin is not None
        process.stdin.write(f"{word}\n")
        process.stdin.flush()


async def test_a_killed_process_has_nothing_reserved_after_the_next_start_and_a_living_one_has_all(tmp_path):
    world = DeskWorld(tmp_path, clocks=Clocks(wall=time.time()))
    with (
        worker(RESERVING, "living", tmp_path, "tokens", 7) as living,
        worker(RESERVING, "dying", tmp_path, "tokens", 9) as dying,
    ):
        assert answers_of([living, dying]) == [7, 9]
        assert sorted(reserved(tmp_path).values()) == [7, 9]
        os.kill(dying.pid, signal.SIGKILL)
        dying.wait()
        assert sorted(reserved(tmp_path).values()) == [7, 9]
        async with world.desk():
            assert list(reserved(tmp_path).values()) == [7]
            os.kill(living.pid, signal.SIGKILL)
            living.wait()
        starts = run_together(STARTING, 3, tmp_path)
        assert starts == [["0 left"]] * 3
    assert not reserved(tmp_path)


STARTING = """
import asyncio, sys, time
from pathlib import Path
from tests.support.desk_world import DeskWorld
from tests.support.stored import Clocks

async def main():
    world = DeskWorld(Path(sys.argv[2]), clocks=Clocks(wall=time.time()))
    print("ready", flush=True)
    sys.stdin.readline()
    async with world.desk():
        print(world.rows("SELECT count(*) FROM reservations")[0][0], "left")

asyncio.run(main())
"""
