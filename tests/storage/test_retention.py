"""Numbers older than their time are forgotten beside the work, a few at a time; words and what still waits stay."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from llmdesk.core.budget import Account
from llmdesk.core.errors import ErrorKind, StorageError
from llmdesk.core.measures import Selection
from llmdesk.core.periods import Calendar
from llmdesk.core.types import Failure, Status, Usage
from llmdesk.paths import find_paths
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.measures import MeasureStore
from llmdesk.storage.requests import RequestStore
from llmdesk.storage.upkeep import FIRST_S, PAUSE_S, STEP, Upkeep
from llmdesk.wiring import make_desk
from tests.support.desk_world import DeskWorld, answers, ask, until
from tests.support.plain_measures import assert_same, plain_measures
from tests.support.stored import LOCAL, a_request, an_answer, an_attempt, an_outcome

DAY_S = 86_400.0
NOW = 1_800_000_000.0
UTC_DAYS = Calendar(lambda at: datetime.fromtimestamp(at, UTC).date())


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "llmdesk.db", on_warning=lambda _: None)
    yield database
    await database.aclose()


class Pauses:
    """Sleeps that take no time, and what they would have taken."""

    def __init__(self):
        self.taken = []

    async def __call__(self, seconds):
        self.taken.append(seconds)
        await asyncio.sleep(0)


def upkeep(database, *, keep_days=30, now=NOW, sleep=None):
    return Upkeep(database, keep_days=keep_days, clock=lambda: now, calendar=UTC_DAYS, sleep=sleep or Pauses())


async def book(database, request, *, days_ago, job=None, conversation=None, count=1):
    done = {"elapsed_s": 2.0, "usage": Usage(input_tokens=10, output_tokens=30), "cost_usd": "0.5"}
    attempts = [
        an_attempt(number + 1, LOCAL, "completed", at=NOW - days_ago * DAY_S, **done) for number in range(count)
    ]
    account = Account(request=request, lane="chat", job=job, conversation=conversation)
    await Ledger(database, calendar=UTC_DAYS).book(account, attempts)


async def column(database, query):
    return [row[0] for row in await database.read(lambda c: c.execute(query).fetchall())]


async def test_whole_days_are_forgotten_and_the_rest_still_adds_up(database):
    for days_ago in (45, 32, 31, 30, 29, 1, 0):
        await book(database, f"r{days_ago}", days_ago=days_ago)
    await upkeep(database, keep_days=30).run()
    assert await column(database, "SELECT request FROM attempts ORDER BY id") == ["r30", "r29", "r1", "r0"]
    for table in ("measures", "spend WHERE scope = 'day'"):
        name = "day" if table == "measures" else "key"
        days = await column(database, f"SELECT DISTINCT {name} FROM {table} ORDER BY 1")
        assert days == [UTC_DAYS.day(NOW - ago * DAY_S) for ago in (30, 29, 1, 0)]
    for by in ((), ("provider", "lane"), ("model", "agent"), ("hour",)):
        found = await MeasureStore(database, calendar=UTC_DAYS).read(Selection(), by)
        assert_same(found, await database.read(lambda c, by=by: plain_measures(c, UTC_DAYS, Selection(), by)))
        assert sum(row.attempts for row in found) == 4


async def test_what_a_job_a_conversation_and_a_month_have_cost_stays(database):
    await book(database, "r1", days_ago=400, job="release", conversation="c1")
    before = await column(database, "SELECT scope || nano_usd FROM spend WHERE scope <> 'day' ORDER BY 1")
    await upkeep(database).run()
    assert await column(database, "SELECT count(*) FROM attempts") == [0]
    assert await column(database, "SELECT scope || nano_usd FROM spend ORDER BY 1") == before
    assert len(before) >= 2


async def test_many_rows_go_in_small_steps_with_pauses_in_between(database):
    await book(database, "r1", days_ago=40, count=STEP * 2 + 5)
    pauses = Pauses()
    await upkeep(database, sleep=pauses).run()
    assert await column(database, "SELECT count(*) FROM attempts") == [0]
    assert pauses.taken == [FIRST_S, PAUSE_S, PAUSE_S]


async def test_old_rows_are_looked_for_once_a_local_day(database):
    await upkeep(database).run()
    await book(database, "late", days_ago=40)
    await upkeep(database, now=NOW + 60).run()
    assert await column(database, "SELECT request FROM attempts") == ["late"]
    await upkeep(database, now=NOW + DAY_S).run()
    assert await column(database, "SELECT request FROM attempts") == []


async def test_conversations_and_requests_stay_without_their_attempts(database):
    store = RequestStore(database, "me", clock=lambda: NOW - 50 * DAY_S, calendar=UTC_DAYS)
    old = an_attempt(1, LOCAL, "completed", at=NOW - 50 * DAY_S)
    await store.accept(a_request("done", conversation="c1", title="kept"))
    await store.finish("done", an_outcome("done", target=LOCAL, attempts=(old,)), answer=an_answer("still here"))
    await store.accept(a_request("waits"))
    failed = an_attempt(1, error_kind=ErrorKind.RATE, at=NOW - 50 * DAY_S)
    await store.finish(
        "waits",
        an_outcome("waits", Status.PAUSED, attempts=(failed,), error=Failure(kind=ErrorKind.RATE, message="later")),
        answer=None,
    )
    await upkeep(database).run()
    view = await store.view("done")
    assert (view.status, view.answer, view.attempts) == (Status.COMPLETED, "still here", ())
    assert [each.content for each in (await ConversationStore(database).get("c1")).messages][-1] == "still here"
    assert (await store.view("waits")).attempts == (failed,)
    assert [entry.attempts for entry in await store.outbox()] == [1]


async def test_a_backlog_is_rolled_up_in_the_background(database):
    await book(database, "r1", days_ago=2, count=30)
    await database.write(lambda c: c.execute("DELETE FROM measures"))
    await database.write(lambda c: c.execute("INSERT INTO upkeep VALUES ('backlog first', 1), ('backlog last', 30)"))
    await upkeep(database).run()
    assert await column(database, "SELECT sum(attempts) FROM measures WHERE level = 'day'") == [30]


async def test_a_database_that_cannot_be_written_is_left_for_the_next_desk(database):
    await book(database, "r1", days_ago=40)
    await database.write(lambda c: c.execute("PRAGMA user_version = 999"))
    newer = Database(database.path, on_warning=lambda _: None)
    with pytest.raises(StorageError, match="newer llmdesk"):
        await upkeep(newer).run()
    quiet = upkeep(newer)
    quiet.begin()
    await until(quiet._task.done)
    await quiet.aclose()
    await newer.aclose()
    assert await column(database, "SELECT request FROM attempts") == ["r1"]


async def test_a_desk_forgets_beside_its_work_and_closes_in_the_middle_of_it(tmp_path):
    world = DeskWorld(tmp_path)
    database = Database(world.paths.database, on_warning=lambda _: None)
    ago = (NOW - world.clocks.wall) / DAY_S + 500
    await book(database, "old", days_ago=ago, count=STEP + 5)
    gate = asyncio.Event()

    async def sleep(seconds):
        if seconds == PAUSE_S:
            await gate.wait()

    kept_up = Upkeep(database, keep_days=400, clock=lambda: world.clocks.wall, calendar=world.calendar, sleep=sleep)
    world.cloud.scenes = answers("one")
    async with world.desk(database=database, ledger=Ledger(database), upkeep=kept_up) as desk:
        await until(lambda: world.rows("SELECT count(*) FROM attempts WHERE request = 'old'") == [(5,)])
        assert (await ask(desk)).status is Status.COMPLETED  # in spite of it
    assert world.rows("SELECT count(*) FROM attempts WHERE request = 'old'") == [(5,)]


async def test_a_desk_keeps_as_many_days_as_its_configuration_says(tmp_path, monkeypatch):
    monkeypatch.setattr("llmdesk.storage.upkeep.FIRST_S", 0.0)
    env = {"LLMDESK_HOME": str(tmp_path)}
    paths = find_paths(env=env)
    paths.create()
    paths.config_file.write_text("version: 1\ntelemetry: {retention_days: 7}\n")
    database = Database(paths.database, on_warning=lambda _: None)
    today = time.time()
    for days_ago in (9, 5):
        await book(database, f"r{days_ago}", days_ago=(NOW - today) / DAY_S + days_ago)
    async with make_desk(env=env) as desk:
        while [row.request async for row in desk.attempts()] != ["r5"]:
            await asyncio.sleep(0.01)
    await database.aclose()


async def test_a_short_command_forgets_a_little_on_leaving(database):
    for number in range(3):
        await book(database, f"old{number}", days_ago=40, count=STEP)
    await book(database, "new", days_ago=1)
    left = []
    for _ in range(3):
        short = upkeep(database, sleep=asyncio.sleep)
        short.begin()
        await asyncio.sleep(0)
        await short.aclose()
        left.append((await column(database, "SELECT count(*) FROM attempts"))[0])
    assert left == [STEP + 1, 1, 1]
    assert await column(database, "SELECT value FROM upkeep") == [UTC_DAYS.day(NOW)]
