"""What is measured of booked attempts, over any selection by any grouping, is what counting one by one tells."""

import asyncio
import itertools
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from llmdesk.core.budget import Account
from llmdesk.core.errors import ErrorKind
from llmdesk.core.measures import Percentiles, Selection
from llmdesk.core.periods import Calendar
from llmdesk.core.types import ModelRef, Usage
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.measures import ROWS_AT_ONCE, MeasureStore
from tests.support.plain_measures import assert_same, plain_measures, some_requests
from tests.support.stored import CLOUD, LOCAL, an_attempt


def calendar_of(name):
    zone = ZoneInfo(name)
    return Calendar(lambda at: datetime.fromtimestamp(at, zone).date())


KOLKATA = calendar_of("Asia/Kolkata")  # 5:30 ahead, so that its hours begin at half past
SINCE = datetime(2026, 11, 1, 13, 40, tzinfo=ZoneInfo("Asia/Kolkata")).timestamp()
DAYS = 4


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "llmdesk.db", on_warning=lambda _: None)
    yield database
    await database.aclose()


async def book(path, calendar, requests):
    database = Database(path, on_warning=lambda _: None)
    for account, attempts in requests:
        await Ledger(database, calendar=calendar).book(account, attempts)
    await database.aclose()


@pytest.fixture(scope="module")
def booked(tmp_path_factory):
    """Four days of requests, booked one after the other as desks book them."""
    path = tmp_path_factory.mktemp("measures") / "llmdesk.db"
    asyncio.run(book(path, KOLKATA, some_requests(300, since=SINCE, days=DAYS)))
    return path


@pytest.fixture
async def filled(booked):
    database = Database(booked, on_warning=lambda _: None)
    yield database
    await database.aclose()


async def assert_told(database, calendar, selection, by):
    found = await MeasureStore(database, calendar=calendar).read(selection, by)
    assert_same(found, await database.read(lambda connection: plain_measures(connection, calendar, selection, by)))
    return found


async def test_one_row_for_all_even_where_there_is_nothing(database):
    (nothing,) = await MeasureStore(database).read(Selection())
    assert (nothing.attempts, nothing.response_s, dict(nothing.group)) == (0, None, {})
    assert await MeasureStore(database).read(Selection(), ["provider"]) == ()


async def test_attempts_are_counted_by_what_became_of_them(database):
    done = {"elapsed_s": 2.0, "first_token_s": 0.5, "usage": Usage(input_tokens=10, output_tokens=30)}
    await Ledger(database).book(
        Account(request="r1", lane="chat", agent="a"),
        [
            an_attempt(1, error_kind=ErrorKind.RATE, elapsed_s=0.5, cooldown_s=60.0),
            an_attempt(2, LOCAL, "completed", **done),
        ],
    )
    by_provider = {row.group["provider"]: row for row in await MeasureStore(database).read(Selection(), ["provider"])}
    cloud, local = by_provider[CLOUD.provider], by_provider[LOCAL.provider]
    assert (cloud.attempts, cloud.failed, dict(cloud.errors), cloud.cooldown_s) == (1, 1, {"rate": 1}, 60.0)
    assert (cloud.failovers, cloud.lost_s) == (1, 0.5)
    assert (local.completed, local.input_tokens, local.output_tokens) == (1, 10, 30)
    assert local.response_s == Percentiles(count=1, p50=2.0, p95=2.0, p99=2.0)
    assert local.tokens_per_s == Percentiles(count=1, p50=20.0, p95=20.0, p99=20.0)
    assert local.free_tokens == {"chat": (10, 30)}


NAMES = ("provider", "model", "lane", "agent", "job", "day", "hour")


@pytest.mark.parametrize("by", [*itertools.combinations(NAMES, 1), *itertools.combinations(NAMES, 2), NAMES])
async def test_every_grouping_adds_up(filled, by):
    found = await assert_told(filled, KOLKATA, Selection(), by)
    (everything,) = await assert_told(filled, KOLKATA, Selection(), ())
    assert sum(row.attempts for row in found) == everything.attempts > 300


HOUR = 3600
DAY = 24 * HOUR
NEXT_MIDNIGHT = KOLKATA.ends_at("day", SINCE)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (None, None),
        (SINCE + 5 * HOUR + 7, None),
        (None, SINCE + 30 * HOUR + 7),
        (SINCE + 5 * HOUR + 7, SINCE + 75 * HOUR),
        (SINCE + HOUR, SINCE + 3 * HOUR),  # within a day
        (SINCE + HOUR, SINCE + HOUR),
        (SINCE + HOUR + 1, SINCE + HOUR),  # the whole hour, all the same
        (SINCE + 9 * HOUR, SINCE),  # backwards
        (NEXT_MIDNIGHT, NEXT_MIDNIGHT + DAY),  # a day
        (NEXT_MIDNIGHT + 1, NEXT_MIDNIGHT + DAY - 1),
        (NEXT_MIDNIGHT - 1, NEXT_MIDNIGHT + 1),
        (NEXT_MIDNIGHT, NEXT_MIDNIGHT + 2 * DAY + HOUR),
        (SINCE + 400 * DAY, None),
        (None, SINCE - DAY),
    ],
)
@pytest.mark.parametrize("by", [(), ("provider", "lane"), ("model",), ("agent", "day"), ("hour",), ("job",)])
async def test_a_time_is_taken_to_whole_local_hours(filled, since, until, by):
    await assert_told(filled, KOLKATA, Selection(since=since, until=until), by)


@pytest.mark.parametrize("by", [(), ("five_minutes",), ("provider", "five_minutes"), ("hour",)])
async def test_an_exact_time_is_taken_as_it_is(filled, by):
    for since, until in ((SINCE + 5 * HOUR + 7.25, SINCE + 6 * HOUR + 7.25), (NEXT_MIDNIGHT - 90, None)):
        await assert_told(filled, KOLKATA, Selection(since=since, until=until, exact=True), by)


@pytest.mark.parametrize(
    "names",
    [
        {"lane": "chat"},
        {"provider": "cloud"},
        {"model": "fast"},
        {"agent": "tester"},
        {"job": "nightly"},
        {"provider": "local", "lane": "codegen", "agent": "tester"},
        {"job": "nightly", "model": "big:120b"},
        {"lane": "no such"},
    ],
)
async def test_names_narrow_what_is_looked_at(filled, names):
    for since in (None, SINCE + 20 * HOUR):
        await assert_told(filled, KOLKATA, Selection(since=since, **names), ())
        await assert_told(filled, KOLKATA, Selection(since=since, **names), ("provider", "hour"))


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Europe/Berlin", "2026-10-25 00:10"),  # 25 hours
        ("Europe/Berlin", "2026-03-29 00:10"),  # 23 hours
        ("America/Santiago", "2026-09-05 22:10"),  # the next day begins at one
        ("Australia/Lord_Howe", "2026-04-05 00:10"),  # half an hour is set back
        ("Pacific/Chatham", "2026-05-05 23:40"),  # 12:45 ahead
    ],
)
async def test_days_and_hours_are_those_of_the_place(database, zone, at):
    calendar = calendar_of(zone)
    since = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone)).timestamp()
    ledger = Ledger(database, calendar=calendar)
    for account, attempts in some_requests(80, since=since, days=1.3):
        await ledger.book(account, attempts)
    for begins in range(0, 30 * HOUR, 3 * HOUR + 600):
        for by in ((), ("day",), ("hour",)):
            await assert_told(database, calendar, Selection(since=since + begins, until=since + 20 * HOUR), by)
            await assert_told(database, calendar, Selection(since=since + begins), by)


async def test_attempts_are_handed_out_in_the_order_of_their_booking(filled):
    store = MeasureStore(filled, calendar=KOLKATA)
    everything = [row async for row in store.rows(Selection())]
    assert len(everything) > ROWS_AT_ONCE / 2
    assert [row.id for row in everything] == sorted(row.id for row in everything)
    selection = Selection(since=SINCE + 7 * HOUR, until=SINCE + 70 * HOUR, provider="cloud", lane="chat")
    some = [row async for row in store.rows(selection)]
    (measured,) = await store.read(selection)
    assert len(some) == measured.attempts + measured.skipped
    assert sum(row.failover_to is not None for row in some) == measured.failovers > 0
    assert sum(row.lost_s or 0 for row in some) == pytest.approx(measured.lost_s)
    assert set(some) <= set(everything)
    assert [row async for row in store.rows(Selection(since=SINCE + 9 * HOUR, until=SINCE))] == []


async def test_more_attempts_than_are_read_at_once_come_in_order_and_once(database):
    ledger = Ledger(database)
    for number in range(3):
        skips = [
            an_attempt(n + 1, outcome="skipped", reason="cooling", at=5000.0 - number)
            for n in range(ROWS_AT_ONCE * 2 // 3)
        ]
        await ledger.book(Account(request=f"r{number}", lane="chat"), skips)
    rows = [row async for row in MeasureStore(database).rows(Selection())]
    assert [row.id for row in rows] == list(range(1, ROWS_AT_ONCE * 2 // 3 * 3 + 1))


async def test_a_row_has_everything_that_was_booked_in_numbers(database):
    usage = Usage(input_tokens=12, output_tokens=34, cached_input_tokens=5, reasoning_tokens=6, estimated=True)
    await Ledger(database).book(
        Account(request="r1", lane="chat", agent="a", job="j"),
        [
            an_attempt(1, error_kind=ErrorKind.RATE, reason="rate", http_status=429, elapsed_s=0.25, cooldown_s=60.0),
            an_attempt(
                2, ModelRef("local", "m"), "completed", elapsed_s=1.5, first_token_s=0.5, usage=usage, cost_usd=None,
                served_model="m-2",
            ),
        ],
    )  # fmt: skip
    first, second = [row async for row in MeasureStore(database).rows(Selection())]
    assert (first.error_kind, first.http_status, first.failover_to, first.lost_s) == ("rate", 429, "local/m", 0.25)
    assert (first.cooldown_s, first.cost_usd, first.input_tokens, first.at) == (60.0, "0", None, 1001.0)
    assert (second.agent, second.job, second.request, second.number) == ("a", "j", "r1", 2)
    assert (second.first_token_s, second.elapsed_s, second.served_model, second.cost_usd) == (0.5, 1.5, "", None)
    assert (second.input_tokens, second.output_tokens, second.cached_input_tokens) == (12, 34, 5)
    assert (second.reasoning_tokens, second.estimated, second.failover_to) == (6, True, None)
