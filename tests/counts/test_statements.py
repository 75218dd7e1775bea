"""What one request asks of the disk: SQLite statements, transactions, pages and syncs, counted to the last one.

The numbers are what is needed, each with its reason. One that grows with the answer, or with the conversation, would be
felt after a while; here it is felt at once.
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.budget import Budget
from llmdesk.core.errors import RateLimited, ServerFailed
from llmdesk.core.types import Status
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import DeskWorld, ask
from tests.support.reported import run_over
from tests.support.sitting import exchange, sitting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from llmdesk.desk import Desk
    from tests.support.screen import Seat

Counts = Counter[str]

READS = Counter({"begin": 1, "commit": 1})
"""One look into the database: a snapshot of its own."""

WRITES = Counter({"begin immediate": 1, "commit": 1, "pragma data_version": 2})
"""One commit that waits for the disk; whether others have written meanwhile is asked before and after."""

ACCEPTED = WRITES + Counter({
    "insert requests": 1,
    "insert conversations": 1,  # begun, or brought to the top of the list
    "insert messages": 1,  # the prompt,
    "update messages": 1,  # which gives its turn a name
})  # fmt: skip
"""The request is on the disk before anything is sent."""

REMEMBERED = READS + Counter({"select messages": 1, "select attachments": 1})
"""What was said before, and which prompts of it have files; nothing where the conversation begins with it."""

MEASURED = Counter({"select measures": 5, "update measures": 5})
"""An attempt is added to its roll-ups: by day for three groupings, by hour for provider and lane, and for jobs."""

NEW_MEASURES = Counter({"select measures": 5, "insert measures": 5})
"""The same where it is the first in its roll-ups."""

BOOKED = Counter({
    "delete reservations": 1,  # what was set aside for it, if anything was
    "insert attempts": 1,
    "select attempts": 2,  # as it is to be measured; and whether it came before another, which then counts anew
    "select failovers": 1,  # whether it was a failover
})  # fmt: skip
"""An attempt is booked."""

SPENT = Counter({"insert spend": 3})
"""What it used, added to its day, its month and its conversation."""

SETTLED = Counter({
    "select requests": 3,  # whether it is still there; whether it is still ours; whom it is booked to
    "update requests": 2,  # how it ended; and that what it replaces waits no more
    "select messages": 1,  # where its answer goes
    "delete messages": 1,  # an earlier answer to it
    "insert messages": 1,  # the answer
    "update conversations": 1,  # brought to the top of the list
})  # fmt: skip
"""The request ends, with its answer."""

PLAIN = ACCEPTED + REMEMBERED + WRITES + BOOKED + SPENT + MEASURED + SETTLED
"""A request that the first target answers: 43 statements, two of them commits that wait for the disk."""

FAILED_FIRST = WRITES + BOOKED + MEASURED + Counter({"select requests": 2})
"""What one target more costs that fails without having used anything: one more commit, before the next is asked."""

STEPPED = Counter({
    "delete reservations": 1,  # the failed attempt is handed in again with the one that answered,
    "insert attempts": 1,  # and found to be there
    "select measures": 5,  # its roll-ups learn that it was a failover
    "update measures": 5,
})  # fmt: skip
"""What is known of the failed attempt only when the next one has ended."""

OPENED = Counter({
    "pragma user_version": 2,  # the schema: before, and after what there was to migrate
    "pragma journal_mode": 1,
    "pragma synchronous = full": 1,
    "pragma wal_autocheckpoint = 4000": 1,
    "pragma secure_delete = on": 1,
    "pragma foreign_keys = on": 1,
    "select pragma_module_list": 1,  # whether there is full-text search,
    "select sqlite_master": 2,  # and whether its index is as it should be
})  # fmt: skip
"""The database is opened, once in a process."""

LEFT_OVER = WRITES + WRITES + READS + Counter({
    "select reservations": 1,  # of processes that are gone
    "delete reservations": 1,
    "select requests": 1,  # under way in processes that are gone
    "select conversations": 1,  # deleted long ago
})  # fmt: skip
"""What others have left behind is looked for, once in a process."""

PAGES = 48
"""How many pages of 4 KiB a request may write, at most; it takes 31 to 37, by how full those of the index are."""

SCREEN = READS + Counter({"select messages": 1})
"""What the screen reads again after an exchange: the title."""

FIGURES = READS + READS + READS + Counter({"select attempts": 9})
"""What stands beside the chat: how many requests wait, and two questions about the last hour.

It is read once for a request, when its end is written down; before that nothing of it counts. Where there are budgets,
it is read when an attempt has begun too, of which something may be set aside.
"""

TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+(\w+)")


def kind_of(statement: str) -> str:
    """What a statement does to which table."""
    words = " ".join(statement.split())
    verb = words.partition(" ")[0]
    if verb not in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        return words.lower()
    table = TABLE.search(words)
    assert table is not None, words
    return f"{verb} {table[1]}".lower()


def unlike(found: Counts, meant: Counts) -> dict[str, tuple[int, int]]:
    """What was asked more or less often than it should be: how often, and how often it should be."""
    return {each: (found[each], meant[each]) for each in sorted(found | meant) if found[each] != meant[each]}


class Told:
    """What has been asked of the disk since ``start``."""

    def __init__(self) -> None:
        self.statements: Counts = Counter()
        self.syncs: list[str] = []
        """What was waited for outside SQLite."""

    def start(self) -> None:
        self.statements.clear()
        self.syncs.clear()

    def note(self, statement: str, times: int = 1) -> None:
        if times:
            self.statements[kind_of(statement)] += times


def connection_kind(told: Told) -> type[sqlite3.Connection]:
    """Connections that tell of each statement they are given; of one for many rows as often as it is run."""

    class Cursor(sqlite3.Cursor):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            told.note(statement)
            return super().execute(statement, *values)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            told.note(statement)
            return super().execute(statement, *values)

        def executemany(self, statement: str, rows: Iterable[Any]) -> sqlite3.Cursor:
            listed = list(rows)
            told.note(statement, len(listed))
            return super().executemany(statement, listed)

    return Connection


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Listens at every connection that is opened, and at every sync."""
    told = Told()
    connect, fsync, kind = sqlite3.connect, os.fsync, connection_kind(told)

    def sync(descriptor: int) -> None:
        told.syncs.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(sqlite3, "connect", lambda *a, **how: connect(*a, **how, factory=kind))
    monkeypatch.setattr(os, "fsync", sync)
    return told


def words(count: int) -> list[Scene]:
    return [Scene(steps=["word "] * count)]


async def turn(world: DeskWorld, desk: Desk, conversation: str | None = None, tokens: int = 10) -> str:
    """Ask once and be answered; the conversation."""
    world.cloud.script(words(tokens))
    outcome = await ask(desk, "hello", conversation=conversation)
    assert outcome.status is Status.COMPLETED
    assert outcome.conversation is not None
    return outcome.conversation


def pages(world: DeskWorld) -> int:
    """How many pages are in the write-ahead log, which grows with each that is written until it is emptied."""
    log = world.paths.database.with_name(f"{world.paths.database.name}-wal")
    return (log.stat().st_size - 32) // (4096 + 24)  # sqlite.org/fileformat2.html, section 4.1


@pytest.mark.parametrize("tokens", [10, 1_000])
async def test_an_answer_of_any_length_costs_the_same_statements(told: Told, tmp_path: Path, tokens: int) -> None:
    world = DeskWorld(tmp_path)
    async with world.desk() as desk:
        conversation = await turn(world, desk)
        told.start()
        await turn(world, desk, conversation, tokens)
        assert unlike(told.statements, PLAIN) == {}
        assert told.statements.total() == 43
        assert told.syncs == []


async def test_the_first_request_of_all_begins_its_measures(told: Told, tmp_path: Path) -> None:
    world = DeskWorld(tmp_path)
    async with world.desk() as desk:
        told.start()
        await turn(world, desk)
        assert unlike(told.statements, PLAIN - REMEMBERED - MEASURED + NEW_MEASURES) == {}


async def test_the_two_hundredth_turn_of_a_conversation_costs_what_the_second_did(told: Told, tmp_path: Path) -> None:
    world = DeskWorld(tmp_path)
    async with world.desk() as desk:
        conversation = await turn(world, desk)
        costs, written = [], []
        for _ in range(199):
            told.start()
            before = pages(world)
            await turn(world, desk, conversation)
            costs.append(told.statements.copy())
            written.append(pages(world) - before)
        assert [unlike(cost, PLAIN) for cost in costs] == [{}] * 199
        assert max(written) <= PAGES
        assert max(written[90:100]) <= max(written[:10]) + 8


async def test_a_failed_target_costs_one_commit_and_one_state_file_more(told: Told, tmp_path: Path) -> None:
    world = DeskWorld(tmp_path)
    async with world.desk() as desk:
        for _ in range(2):  # the second finds the measures of both targets
            conversation = await turn(world, desk)
            world.local.script(words(10))
            world.cloud.script([Scene(error=RateLimited("cloud: full", http_status=429))])
            told.start()
            outcome = await ask(desk, "hello", conversation=conversation)
            assert [attempt.target.provider for attempt in outcome.attempts] == ["cloud", "local"]
            world.clocks.pass_time(700)  # its cooldown is over, its hour is not
        assert unlike(told.statements, PLAIN + FAILED_FIRST + STEPPED) == {}
        assert told.syncs == ["file", "folder"]


async def test_attempts_that_are_repeated_wait_for_the_disk_once_each(told: Told, tmp_path: Path) -> None:
    world = DeskWorld(tmp_path)
    async with world.desk() as desk:
        conversation = await turn(world, desk)
        down = Scene(error=ServerFailed("cloud: overloaded", http_status=503))
        world.cloud.script([down, down, *words(10)])
        told.start()
        outcome = await ask(desk, "hello", conversation=conversation)
        assert [attempt.outcome.value for attempt in outcome.attempts] == ["failed", "failed", "completed"]
        assert told.statements["begin immediate"] == PLAIN["begin immediate"] + 2
        assert told.syncs == []


def test_exec_costs_what_it_costs_on_the_desk_and_the_opening(told: Told, tmp_path: Path) -> None:
    world = DeskWorld(tmp_path)
    world.cloud.script(words(10))
    for _ in range(2):
        told.start()
        ran = run_over(world, "exec", "hello")
        assert (ran.ending, ran.err) == (0, "")
    assert unlike(told.statements, OPENED + LEFT_OVER + PLAIN - REMEMBERED) == {}
    assert told.syncs == []


async def quiet(seat: Seat, told: Told) -> None:
    """Wait until the screen has read what it wanted to: nothing comes while its event loop gets to rest three times."""
    figures = seat.app.chat._figures
    assert figures is not None
    rests = 0
    while rests < 3:
        before = told.statements.total()
        await seat.pilot.pause()
        rests = rests + 1 if told.statements.total() == before and not figures._fresh._reading else 0


async def test_the_screen_reads_as_much_after_a_long_answer_as_after_a_short_one(told: Told, tmp_path: Path) -> None:
    world = DeskWorld(tmp_path)
    async with sitting(world, size=(120, 40)) as seat:
        world.cloud.script(words(10))
        await exchange(seat, "hello", "word")
        await quiet(seat, told)
        for tokens in (10, 1_000, 10):
            told.start()
            world.cloud.script(words(tokens))
            await exchange(seat, "hello", "word")
            await quiet(seat, told)
            assert unlike(told.statements, PLAIN + SCREEN + FIGURES) == {}
            assert told.statements.total() == 61


async def test_with_budgets_the_panels_are_read_twice_at_most_for_an_exchange(told: Told, tmp_path: Path) -> None:
    world = DeskWorld(tmp_path, budgets=(Budget(scope="day", limit=10**9, unit="tokens"),))
    async with sitting(world, size=(120, 40)) as seat:
        world.cloud.script(words(10))
        await exchange(seat, "hello", "word")
        await quiet(seat, told)
        for tokens in (10, 1_000, 10):
            world.cloud.script(words(tokens))
            told.start()
            await exchange(seat, "hello", "word")
            await quiet(seat, told)
            readings = (told.statements - PLAIN)["select attempts"] / FIGURES["select attempts"]
            assert readings in (1, 2)


async def test_with_the_sidebar_folded_away_nothing_is_read_for_it(told: Told, tmp_path: Path) -> None:
    world = DeskWorld(tmp_path)
    async with sitting(world, size=(80, 24)) as seat:
        world.cloud.script(words(10))
        await exchange(seat, "hello", "word")
        await quiet(seat, told)
        told.start()
        world.cloud.script(words(10))
        await exchange(seat, "hello", "word")
        await quiet(seat, told)
        assert unlike(told.statements, PLAIN + SCREEN) == {}
