"""Reports of real rows: a home with booked attempts, and command lines run over it in the test's own process."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO, cast
from zoneinfo import ZoneInfo

from llmdesk.cli.session import Session
from llmdesk.cli.start import run
from llmdesk.core.budget import Account
from llmdesk.core.lanes import Lane
from llmdesk.core.periods import Calendar
from llmdesk.core.policy import ProviderRules
from llmdesk.core.prices import Price
from llmdesk.core.types import ModelRef, Usage
from llmdesk.desk.parts import Agent
from tests.support.cli_run import Ran, memory
from tests.support.desk_world import CLOUD, LOCAL, DeskWorld
from tests.support.stored import an_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from llmdesk.cli.session import DeskMaker
    from llmdesk.core.budget import Budget
    from llmdesk.core.types import Attempt

BERLIN = ZoneInfo("Europe/Berlin")
PAID = ModelRef("paid", "fast")
RATES = Price(input_usd_per_mtok=Decimal("0.25"), output_usd_per_mtok=Decimal(2), per_request_usd=Decimal("0.01"))


def at(text: str) -> float:
    """A time in Berlin, UTC epoch seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


NOON = "2026-11-21 12:00"
TODAY = "2026-11-21 10:00"


def a_world(home: Path, *budgets: Budget) -> DeskWorld:
    """``cloud`` and ``local`` are free, ``paid`` is not; lane ``codegen`` has it, ``chat`` has not. Noon in Berlin."""
    world = DeskWorld(home, prices={str(PAID): RATES}, budgets=budgets)
    world.calendar = Calendar(lambda when: datetime.fromtimestamp(when, BERLIN).date())
    world.rules["paid"] = ProviderRules(name="paid", kind="openai")
    world.lanes["codegen"] = Lane(name="codegen", targets=(CLOUD, PAID, LOCAL))
    world.agents["backend-dev"] = Agent(name="backend-dev")
    world.clocks.wall = at(NOON)
    return world


def done(
    when: str, target: ModelRef = CLOUD, cost: str | None = "0", *, tokens: tuple[int, int] = (1000, 100), **fields: Any
) -> Attempt:
    """An answer; a second long, of which 0.2 s to the first token, unless said otherwise."""
    usage = Usage(input_tokens=tokens[0], output_tokens=tokens[1])
    values = {"at": at(when), "usage": usage, "cost_usd": cost, "elapsed_s": 1.0, "first_token_s": 0.2}
    return an_attempt(fields.pop("number", 1), target, "completed", **{**values, **fields})


@dataclass
class Books:
    """Books requests in a world, each under its own id."""

    world: DeskWorld
    count: int = 0

    def book(self, *attempts: Attempt, **fields: Any) -> str:
        """Book the attempts of one request; ``fields`` say to whom."""
        return asyncio.run(self.book_now(*attempts, **fields))

    async def book_now(self, *attempts: Attempt, **fields: Any) -> str:
        self.count += 1
        account = Account(**{"request": f"q{self.count}", "lane": "chat", **fields})
        async with self.world.desk() as desk:
            await desk._parts.ledger.book(account, attempts)
        return account.request


def run_over(
    world: DeskWorld, *argv: str, encoding: str = "utf-8", env: dict[str, str] | None = None, **changes: Any
) -> Ran:
    """Run a command line over the files of a world; ``changes`` replace parts of its desk."""
    out, err = memory(encoding=encoding), memory()
    maker = cast("DeskMaker", lambda **_options: world.desk(**changes))
    session = Session(
        env=env or {}, stdin=memory(), stdout=out, stderr=err, make_desk=maker, now=lambda: world.clocks.wall
    )
    ending = run(argv, session)
    return Ran(ending=ending, out=_bytes(out).decode(session.out.stdout.encoding), err=_bytes(err).decode())


def run_on_terminal(world: DeskWorld, *argv: str) -> list[str]:
    """Run a command line whose stdout is a terminal (its width is that of ``COLUMNS``); returns its lines."""

    def work(out: TextIO) -> None:
        session = Session(
            env={"NO_COLOR": "1"}, stdin=memory(), stdout=out, stderr=memory(), now=lambda: world.clocks.wall,
            make_desk=cast("DeskMaker", lambda **_options: world.desk()),
        )  # fmt: skip
        assert run(argv, session) == 0

    return on_terminal(work)


def on_terminal(work: Callable[[TextIO], None], encoding: str = "utf-8") -> list[str]:
    """Let ``work`` write to a terminal; returns the lines that reached it (a few pages at most)."""
    master, slave = os.openpty()
    seen = b""
    try:
        with open(slave, "w", encoding=encoding) as out:  # noqa: PTH123 - a descriptor
            work(out)
        with suppress(OSError):  # the end, as Linux tells it
            while piece := os.read(master, 65_536):
                seen += piece
    finally:
        os.close(master)
    return seen.decode(encoding).replace("\r\n", "\n").splitlines()


def cells(ran: Ran) -> list[dict[str, str]]:
    """The rows of a CSV report by their column names."""
    return list(csv.DictReader(io.StringIO(ran.out, newline="")))


def array(ran: Ran) -> Sequence[dict[str, Any]]:
    """The one JSON array of a report."""
    rows = json.loads(ran.out)
    assert isinstance(rows, list)
    return rows


def _bytes(stream: Any) -> bytes:
    value = stream.buffer.getvalue()
    assert isinstance(value, bytes)
    return value
