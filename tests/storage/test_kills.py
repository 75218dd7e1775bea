"""Processes killed at any moment: what they acknowledged is there, and every file is whole (policy I2, I9, I10)."""

import json
import sqlite3

import pytest

from llmdesk.core.types import Status
from llmdesk.storage.cooldowns import CooldownFile
from llmdesk.storage.database import Database
from llmdesk.storage.files import left_over_temps
from llmdesk.storage.instance import Instance
from llmdesk.storage.requests import INTERRUPTED, RequestStore
from tests.support.stored import worker

KILLS = 20

ACCEPT = """
import asyncio, sys
from pathlib import Path
from llmdesk.storage.database import Database
from llmdesk.storage.instance import Instance
from llmdesk.storage.requests import RequestStore
from tests.support.stored import a_request, an_answer, an_attempt, an_outcome

async def main(home, prefix):
    instance = Instance(home / "state")
    store = RequestStore(Database(home / "data" / "llmdesk.db", on_warning=print), instance.id)
    n = 0
    while True:
        n += 1
        name = f"{prefix}-{n}"
        await store.accept(a_request(name, conversation=f"c{prefix}", prompt="x" * 3000))
        print(name, flush=True)
        if n % 2:
            await store.finish(name, an_outcome(name, attempts=(an_attempt(1),)), answer=an_answer())
            print(name + " done", flush=True)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""

COOL = """
import sys
from pathlib import Path
from llmdesk.storage.cooldowns import CooldownFile
cooldowns = CooldownFile(Path(sys.argv[1]), on_warning=print)
n = 0
while True:
    n += 1
    cooldowns.cool(f"{sys.argv[2]}-{n}", "rate", "m" * 150, 600.0)
    print(n, flush=True)
"""


def killed_after(script, lines, *arguments):
    """Run ``script``, kill it after some lines, and return everything it had said in full by then."""
    with worker(script, *arguments) as process:
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.read().splitlines(keepends=True)
    return [line.strip() for line in said if line.endswith("\n")]


async def test_whatever_was_acknowledged_survives_a_kill_in_a_legal_state(tmp_path):
    accepted, done = set(), set()
    for kill in range(KILLS):
        for line in killed_after(ACCEPT, 1 + kill % 7, tmp_path, kill):
            (done if line.endswith(" done") else accepted).add(line.removesuffix(" done"))
    with sqlite3.connect(tmp_path / "data" / "llmdesk.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()

    database = Database(tmp_path / "data" / "llmdesk.db", on_warning=pytest.fail)
    me = Instance(tmp_path / "state")
    store = RequestStore(database, me.id)
    recovered = await store.recover(me.is_alive)
    assert await store.recover(me.is_alive) == ()
    assert len(accepted) >= KILLS
    for name in accepted:
        view = await store.view(name)
        assert view is not None, f"{name} was acknowledged and is lost"
        assert view.prompt == "x" * 3000
        if name in done:
            assert (view.status, view.answer, len(view.attempts)) == (Status.COMPLETED, "an answer", 1)
        else:
            assert (view.status, view.reason) in ((Status.PAUSED, INTERRUPTED), (Status.COMPLETED, ""))
    assert set(recovered) == {entry.id for entry in await store.outbox()}
    assert (
        await database.read(lambda c: c.execute("SELECT count(*) FROM requests WHERE status = 'running'").fetchone()[0])
        == 0
    )
    await database.aclose()
    me.close()
    assert list((tmp_path / "state" / "instances").iterdir()) == []


def killed_in_mid_write(script, looks, path, *arguments):
    """Run ``script`` and kill it a few looks after it began to write a replacement for ``path``."""
    with worker(script, path, *arguments) as process:
        said = [process.stdout.readline()]
        before = left_over_temps(path)
        while set(left_over_temps(path)) <= set(before):
            pass
        for _ in range(looks):
            left_over_temps(path)
        process.kill()
        said += process.stdout.read().splitlines(keepends=True)
    return [line.strip() for line in said if line.endswith("\n")]


def test_the_state_file_is_whole_after_every_kill_and_holds_what_was_acknowledged(tmp_path):
    path = tmp_path / "llm_state.json"
    path.write_text(json.dumps({"padding": "x" * 2_000_000}))  # so that a write takes its time
    acknowledged = set()
    for kill in range(KILLS):
        acknowledged |= {f"{kill}-{n}" for n in killed_in_mid_write(COOL, 5 * kill, path, kill)}
        assert acknowledged <= set(json.loads(path.read_text())["cooldowns"])
    assert left_over_temps(path)
    left = CooldownFile(path, on_warning=pytest.fail).current()
    assert acknowledged <= set(left)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["llm_state.json", "llm_state.json.lock"]
