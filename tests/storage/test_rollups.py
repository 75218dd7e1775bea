"""What is added up beforehand is what the rows tell, however and in whatever order they came to be booked."""

import asyncio
import random
import sqlite3
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdesk.core.budget import Account
from llmdesk.core.errors import ErrorKind, StorageError
from llmdesk.core.measures import Selection
from llmdesk.core.periods import Calendar
from llmdesk.core.types import ModelRef
from llmdesk.storage.booking import HERE, book_row
from llmdesk.storage.columns import attempt_row
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.measures import MeasureStore
from llmdesk.storage.migrations import migrate
from llmdesk.storage.rollups import backlog, roll_up_backlog
from llmdesk.storage.schema import MIGRATIONS
from tests.support.plain_measures import assert_same, plain_measures, some_requests
from tests.support.stored import CLOUD, LOCAL, an_attempt, run_together

UTC_DAYS = Calendar(lambda at: datetime.fromtimestamp(at, UTC).date())
SINCE = 1_800_000_000.0
QUESTIONS = [
    (selection, by)
    for selection in (Selection(), Selection(since=SINCE + 40_000), Selection(lane="chat", until=SINCE + 90_000))
    for by in ((), ("provider", "lane"), ("model", "agent"), ("hour",), ("job",))
]


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "llmdesk.db", on_warning=lambda _: None)
    yield database
    await database.aclose()


async def assert_all_told(database, questions=QUESTIONS):
    store = MeasureStore(database, calendar=UTC_DAYS)
    for selection, by in questions:
        found = await store.read(selection, by)
        assert_same(found, await database.read(lambda c, s=selection, b=by: plain_measures(c, UTC_DAYS, s, b)))


def rows_of(requests):
    return [
        attempt_row(attempt, account, day=UTC_DAYS.day(attempt.at), run=1, record_text=False)
        for account, attempts in requests
        for attempt in attempts
    ]


def insert(connection, rows):
    """As an llmdesk that knew no roll-ups has booked them."""
    for row in rows:
        connection.execute(
            f"INSERT INTO attempts ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})", row
        )


def make_backlog(connection):
    connection.execute("DELETE FROM upkeep")
    first, last = connection.execute("SELECT min(id), max(id) FROM attempts").fetchone()
    connection.execute("INSERT INTO upkeep VALUES ('backlog first', ?), ('backlog last', ?)", (first, last))


async def test_what_was_booked_before_there_were_rollups_counts_from_the_first_question_on(database):
    requests = some_requests(150, since=SINCE, days=3)
    await database.write(lambda c: (insert(c, rows_of(requests[:100])), make_backlog(c)))
    await assert_all_told(database)  # nothing is rolled up
    ledger = Ledger(database, calendar=UTC_DAYS)
    for account, attempts in requests[100:]:
        await ledger.book(account, attempts)
    await assert_all_told(database)  # the new ones are
    steps = 0
    while await database.write(lambda c: roll_up_backlog(c, UTC_DAYS, batch=37)):
        await assert_all_told(database, QUESTIONS[:4])
        steps += 1
    assert steps >= 3
    assert await database.read(backlog) is None
    await assert_all_told(database)
    assert not await database.write(lambda c: roll_up_backlog(c, UTC_DAYS))
    await assert_all_told(database)


async def test_an_old_database_begins_with_a_backlog_and_an_empty_one_without(tmp_path):
    path = tmp_path / "llmdesk.db"
    old = sqlite3.connect(path, isolation_level=None)
    migrate(old, None, now=lambda: 1.0, migrations=MIGRATIONS[:4])
    insert(old, rows_of(some_requests(20, since=SINCE, days=1)))
    old.close()
    database = Database(path, on_warning=lambda _: None)
    first, last = await database.read(backlog)
    assert first == 1
    assert last == await database.read(lambda c: c.execute("SELECT max(id) FROM attempts").fetchone()[0])
    await assert_all_told(database)
    await database.aclose()
    new = Database(tmp_path / "new.db", on_warning=lambda _: None)
    assert await new.read(backlog) is None
    await new.aclose()


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (2, 1, 3), (1, 3, 2), (3, 1, 2)])
async def test_a_failover_is_counted_once_in_whatever_order_its_attempts_are_booked(database, order):
    attempts = {
        1: an_attempt(1, CLOUD, elapsed_s=0.5, error_kind=ErrorKind.RATE, reason="rate"),
        2: an_attempt(2, ModelRef("other", "m"), elapsed_s=0.25, error_kind=ErrorKind.SERVER, reason="server"),
        3: an_attempt(3, LOCAL, "completed", elapsed_s=2.0),
    }
    for number in order:
        await Ledger(database, calendar=UTC_DAYS).book(Account(request="r1", lane="chat"), [attempts[number]])
    await assert_all_told(database)
    by_provider = await MeasureStore(database, calendar=UTC_DAYS).read(Selection(), ("provider",))
    assert [(row.group["provider"], row.failovers) for row in by_provider] == [("cloud", 1), ("local", 0), ("other", 1)]


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 60), st.booleans())
def test_any_order_and_any_backlog_adds_up(tmp_path_factory, source, rolled_up_late, pause):
    """Also a late attempt whose neighbours are not all rolled up yet."""
    rows = rows_of(some_requests(25, since=SINCE, days=1.5, seed=source.randrange(1000)))
    source.shuffle(rows)

    async def check():
        database = Database(None, on_warning=lambda _: None)
        await database.write(lambda c: (insert(c, rows[:rolled_up_late]), rolled_up_late and make_backlog(c)))
        for row in rows[rolled_up_late:]:
            await database.write(lambda c, row=row: book_row(c, row, UTC_DAYS))
            if pause and source.random() < 0.2:
                await database.write(lambda c: roll_up_backlog(c, UTC_DAYS, batch=source.randrange(1, 9)))
        await assert_all_told(database, QUESTIONS[:5])
        while await database.write(lambda c: roll_up_backlog(c, UTC_DAYS, batch=7)):
            pass
        await assert_all_told(database)
        await database.aclose()

    asyncio.run(check())


SHAPES = {
    "constant": lambda r: 1.5,
    "exponential": lambda r: r.expovariate(1.1),
    "heavy tail": lambda r: 0.2 * r.paretovariate(0.8),
    "one in a hundred is slow": lambda r: 90.0 if r.random() < 0.01 else r.uniform(0.3, 0.4),
    "lognormal": lambda r: r.lognormvariate(0.3, 1.5),
    "milliseconds": lambda r: r.randrange(1, 5) / 1000,
}


@pytest.mark.parametrize("count", [1, 2, 3, 40, 1500])
@pytest.mark.parametrize("shape", SHAPES)
async def test_percentiles_of_rollups_are_within_two_hundredths_of_exact(database, shape, count):
    source = random.Random(shape)
    attempts = [
        an_attempt(1, CLOUD, "completed", at=SINCE + n * 200_000 / count, elapsed_s=SHAPES[shape](source))
        for n in range(count)
    ]
    rows = rows_of([(Account(request=f"q{n}", lane="chat"), [each]) for n, each in enumerate(attempts)])
    await database.write(lambda c: (insert(c, rows), make_backlog(c)))
    while await database.write(lambda c: roll_up_backlog(c, UTC_DAYS, batch=100)):
        pass
    found = await MeasureStore(database, calendar=UTC_DAYS).read(Selection())
    exact = await database.read(lambda c: plain_measures(c, UTC_DAYS, Selection(), ()))
    assert_same(found, exact, within=0.02)


async def test_a_moment_beyond_any_calendar_is_counted_all_the_same(database):
    (row,) = rows_of([(Account(request="r1", lane="chat"), [an_attempt(1, error_kind=ErrorKind.RATE)])])
    await database.write(lambda c: book_row(c, {**row, "at": 2**53}, UTC_DAYS))
    (measured,) = await MeasureStore(database, calendar=UTC_DAYS).read(Selection(), ("day",))
    assert (measured.attempts, measured.group["day"]) == (1, row["day"])


async def test_a_booking_that_fails_leaves_the_measures_as_they_were(database):
    ledger = Ledger(database, calendar=UTC_DAYS)
    await ledger.book(Account(request="r0", lane="chat"), [an_attempt(1)])
    with pytest.raises(StorageError):
        await ledger.book(Account(request="r1", lane="chat"), [an_attempt(1), an_attempt(2, elapsed_s=1e30)])
    await assert_all_told(database)
    (measured,) = await MeasureStore(database, calendar=UTC_DAYS).read(Selection())
    assert measured.attempts == 1


RACE = """
import asyncio, sys
from pathlib import Path
from llmdesk.core.budget import Account
from llmdesk.storage.booking import HERE
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.rollups import roll_up_backlog
from tests.support.stored import an_attempt

async def main(number, path):
    database = Database(path, on_warning=lambda text: print("warning", text))
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(25):
        await Ledger(database).book(Account(request=f"{number}-{n}", lane="chat"), [an_attempt(1, elapsed_s=n + 1.0)])
        await database.write(lambda connection: roll_up_backlog(connection, HERE, batch=5))
    await database.aclose()
    print("done")

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


async def test_processes_that_book_and_roll_up_together_count_every_attempt_once(tmp_path):
    path = tmp_path / "llmdesk.db"
    database = Database(path, on_warning=lambda _: None)
    await database.write(lambda c: (insert(c, rows_of(some_requests(100, since=SINCE, days=2))), make_backlog(c)))
    before = await database.read(lambda c: c.execute("SELECT count(*) FROM attempts").fetchone()[0])
    assert run_together(RACE, 3, path) == [["done"]] * 3
    assert await database.read(lambda c: c.execute("SELECT count(*) FROM attempts").fetchone()[0]) == before + 75
    for by in ((), ("provider", "lane"), ("model", "agent"), ("hour",)):
        found = await MeasureStore(database).read(Selection(), by)
        assert_same(found, await database.read(lambda c, by=by: plain_measures(c, HERE, Selection(), by)))
    await database.aclose()
