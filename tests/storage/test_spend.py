"""Budgets on disk: what is granted, set aside, settled and let go (policy B1, B2, B6)."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from llmdesk.core.budget import Account, Budget, Claim, Grant, Refusal
from llmdesk.core.errors import StorageError
from llmdesk.core.periods import Calendar
from llmdesk.core.prices import FREE, Price
from llmdesk.core.types import Usage
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.spend import EXPIRES_S, SpendStore
from tests.support.stored import CLOUD, LOCAL, an_attempt, full_disk

DAY = 86_400.0
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
GREENWICH = Calendar(lambda at: datetime.fromtimestamp(at, UTC).date())
CHAT = Account(request="r1", lane="chat", job="nightly", conversation="c1")


class World:
    """One database, instances over it that live or not, and a clock moved by hand."""

    def __init__(self, path):
        self.now = NOON
        self.living = {"me", "other"}
        self.database = Database(path, on_warning=pytest.fail)
        self.ledger = Ledger(self.database, calendar=GREENWICH)

    def store(self, *budgets, owner="me", database=None):
        return SpendStore(
            database or self.database,
            owner,
            budgets,
            is_alive=lambda who: who in self.living,
            clock=lambda: self.now,
            calendar=GREENWICH,
        )

    async def book(self, tokens, *, account=CHAT, number=1, target=CLOUD, cost="0", at=None, **fields):
        usage = Usage(input_tokens=tokens, output_tokens=0)
        made = an_attempt(number, target, usage=usage, cost_usd=cost, at=self.now if at is None else at, **fields)
        await self.ledger.book(account, [made])

    async def reserved(self):
        return await self.database.read(
            lambda c: [tuple(row) for row in c.execute("SELECT owner, day, tokens FROM reservations ORDER BY 1, 2")]
        )


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path / "llmdesk.db")
    yield world
    await world.database.aclose()


def tokens(limit, scope="day", **fields):
    return Budget(scope=scope, limit=limit, unit="tokens", **fields)


def a_claim(size=1, *, number=1, account=CHAT, target=CLOUD, **fields):
    """An attempt that needs exactly ``size`` tokens."""
    return Claim(account=account, target=target, number=number, input_tokens=size, answers=False, **fields)


def of_request(name, **fields):
    return Account(**{"request": name, "lane": "chat"} | fields)


# --- reserving ---


async def test_what_is_reserved_counts_until_it_is_booked_and_then_what_was_used_counts(world):
    store = world.store(tokens(100))
    assert isinstance(await store.reserve(a_claim(80)), Grant)
    refused = await store.reserve(a_claim(30, number=2))
    assert isinstance(refused, Refusal)
    assert (refused.standing.reserved, refused.standing.spent, refused.needed) == (80, 0, 30)
    await world.book(50)
    assert await world.reserved() == []
    assert isinstance(await store.reserve(a_claim(50, number=2)), Grant)
    assert isinstance(await store.reserve(a_claim(1, number=3)), Refusal)


async def test_an_attempt_that_used_nothing_gives_everything_back(world):
    store = world.store(tokens(100))
    await store.reserve(a_claim(100))
    await world.ledger.book(CHAT, [an_attempt(1, at=world.now)])
    assert isinstance(await store.reserve(a_claim(100, number=2)), Grant)


async def test_all_that_was_set_aside_counts_where_another_model_answered_whose_price_nobody_knows(world):
    store = world.store(Budget(scope="day", limit=150_000, unit="usd"))
    price = Price(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(1))
    assert isinstance(await store.reserve(a_claim(100, price=price)), Grant)
    await world.book(100, cost=None)
    refused = await store.reserve(a_claim(100, number=2, price=price))
    assert isinstance(refused, Refusal)
    assert (refused.standing.spent, refused.standing.unknown, refused.standing.reserved) == (100_000, 1, 0)
    ((cost,),) = await world.database.read(lambda c: c.execute("SELECT cost_nano_usd FROM attempts").fetchall())
    assert cost is None


@pytest.mark.parametrize(
    ("fields", "counted", "free"),
    [
        ({"scope": "request"}, of_request("r1"), of_request("r2")),
        ({"scope": "conversation"}, of_request("r2", conversation="c1"), of_request("r2", conversation="c2")),
        ({"scope": "job"}, of_request("r2", job="nightly"), of_request("r2", job="daily")),
        ({"scope": "day", "lane": "chat"}, of_request("r2"), of_request("r2", lane="codegen")),
        ({"scope": "month", "agent": "a"}, of_request("r2", agent="a"), of_request("r2", agent="b")),
    ],
)
async def test_each_scope_counts_what_belongs_to_it_booked_and_reserved(world, fields, counted, free):
    store = world.store(tokens(100, **fields))
    mine = Account(request="r1", lane="chat", agent="a", job="nightly", conversation="c1")
    await world.book(40, account=mine, number=1)
    assert isinstance(await store.reserve(a_claim(40, account=mine, number=2)), Grant)
    refused = await store.reserve(a_claim(21, account=counted, number=3))
    assert isinstance(refused, Refusal)
    assert (refused.standing.spent, refused.standing.reserved) == (40, 40)
    assert isinstance(await store.reserve(a_claim(100, account=free, number=4)), Grant)


async def test_a_budget_of_one_provider_counts_that_provider(world):
    store = world.store(tokens(100, provider="cloud"))
    await world.book(100, target=LOCAL)
    assert isinstance(await store.reserve(a_claim(100, number=2)), Grant)
    assert isinstance(await store.reserve(a_claim(1, number=3)), Refusal)
    assert isinstance(await store.reserve(a_claim(500, number=3, target=LOCAL)), Grant)


async def test_a_month_counts_its_days_and_no_other(world):
    store = world.store(tokens(100, "month"))
    await world.book(30, number=1, at=NOON - 20 * DAY)
    await world.book(30, number=2, at=NOON + 9 * DAY)
    await world.book(500, number=3, at=NOON - 21 * DAY)
    await world.book(500, number=4, at=NOON + 10 * DAY)
    assert isinstance(await store.reserve(a_claim(41, number=5)), Refusal)
    assert isinstance(await store.reserve(a_claim(40, number=5)), Grant)


async def test_money_is_counted_to_the_nano_dollar(world):
    price = Price(input_usd_per_mtok=Decimal("0.001"), output_usd_per_mtok=Decimal(0))  # a nano-dollar a token
    store = world.store(Budget(scope="day", limit=100, unit="usd"))
    await world.book(1, cost="0.000000060")
    assert isinstance(await store.reserve(a_claim(41, number=2, price=price)), Refusal)
    assert isinstance(await store.reserve(a_claim(40, number=2, price=price)), Grant)


async def test_where_no_hard_budget_is_touched_the_database_is_not_asked(tmp_path):
    (tmp_path / "llmdesk.db").mkdir()
    world = World(tmp_path / "llmdesk.db")
    store = world.store(tokens(1, hard=False), Budget(scope="day", limit=1, unit="usd"), tokens(1, lane="codegen"))
    assert await store.reserve(a_claim(1_000, price=FREE)) == Grant()
    await world.database.aclose()


async def test_a_database_that_cannot_be_written_grants_nothing_and_names_the_budget(world):
    store = world.store(tokens(10**6, lane="chat"))
    await store.reserve(a_claim())
    with (
        full_disk(),
        pytest.raises(StorageError, match=r"^Not sent, as the hard day budget of lane chat cannot be kept"),
    ):
        await store.reserve(a_claim(number=2))


async def test_the_same_attempt_is_reserved_once_whoever_left_the_first_reservation(world):
    await world.store(tokens(100), owner="gone").reserve(a_claim(80))
    assert isinstance(await world.store(tokens(100)).reserve(a_claim(90)), Grant)
    assert await world.reserved() == [("me", "2026-11-21", 90)]


async def test_a_refusal_says_when_a_day_or_month_begins_anew_and_nothing_of_jobs(world):
    for scope, resets_at in (
        ("day", datetime(2026, 11, 22, tzinfo=UTC).timestamp()),
        ("month", datetime(2026, 12, 1, tzinfo=UTC).timestamp()),
        ("job", None),
        ("conversation", None),
        ("request", None),
    ):
        refused = await world.store(tokens(1, scope)).reserve(a_claim(2))
        assert isinstance(refused, Refusal)
        assert refused.resets_at == resets_at


async def test_a_reservation_waits_for_no_disk_and_what_is_booked_does(world):
    full, modes = 2, []
    connection = await world.database.read(lambda c: c)

    def now():
        modes.append(connection.execute("PRAGMA synchronous").fetchone()[0])
        return NOON

    store = SpendStore(world.database, "me", [tokens(100)], is_alive=bool, clock=now, calendar=GREENWICH)
    await store.reserve(a_claim())
    await store.release_dead()
    assert modes == [1, full]


# --- letting go ---


async def test_a_refused_claim_lets_go_of_dead_owners_before_it_is_refused(world):
    await world.store(tokens(100), owner="gone").reserve(a_claim(100))
    assert isinstance(await world.store(tokens(100)).reserve(a_claim(100, number=2)), Grant)
    assert await world.reserved() == [("me", "2026-11-21", 100)]


async def test_only_the_dead_and_the_expired_are_let_go(world):
    mine, other = world.store(tokens(1_000)), world.store(tokens(1_000), owner="other")
    await mine.reserve(a_claim(1, number=1))
    world.now += EXPIRES_S
    await other.reserve(a_claim(2, number=2))
    await world.store(tokens(1_000), owner="gone").reserve(a_claim(3, number=3))
    assert await mine.release_dead() == 2
    assert [row[0] for row in await world.reserved()] == ["other"]
    assert await mine.release_dead() == 0


# --- clocks (policy B6) ---


async def test_what_was_reserved_before_midnight_counts_to_that_day_when_it_is_booked_after(world):
    store = world.store(tokens(100))
    world.now = datetime(2026, 11, 21, 23, 59, tzinfo=UTC).timestamp()
    await store.reserve(a_claim(60))
    world.now += 120
    assert isinstance(await store.reserve(a_claim(100, number=2)), Grant), "the new day owes nothing"
    await world.book(50, at=world.now)
    world.now -= 120
    (standing,) = await store.standings(CHAT, "cloud")
    assert (standing.period, standing.spent) == ("2026-11-21", 50)


async def test_a_clock_set_back_over_midnight_moves_nothing_that_is_booked(world):
    store = world.store(tokens(100), tokens(100, "month"))
    world.now = datetime(2026, 12, 1, 0, 10, tzinfo=UTC).timestamp()
    await world.book(70)
    world.now -= 1_200
    day, month = await store.standings(CHAT, "cloud")
    assert (day.period, day.spent, month.period, month.spent) == ("2026-11-30", 0, "2026-11", 0)
    world.now += 1_200
    day, month = await store.standings(CHAT, "cloud")
    assert (day.period, day.spent, month.period, month.spent) == ("2026-12-01", 70, "2026-12", 70)


# --- how budgets stand ---


async def test_views_tell_every_budget_in_its_order_as_it_stands(world):
    world.now = datetime(2026, 11, 21, 6, tzinfo=UTC).timestamp()
    store = world.store(
        tokens(1_000, "month"), tokens(100, warn_at=0.5), tokens(50, "request"), tokens(500, "job", provider="cloud")
    )
    await world.book(60, cost=None)
    await store.reserve(a_claim(10, account=of_request("r2", job="nightly")))
    month, day, request, job = await store.views()
    assert (month.period, month.spent, month.reserved, month.left) == ("2026-11", 60, 10, 930)
    assert month.begins_at == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert month.resets_at == datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    assert month.forecast == round(60 / (20.25 / 30))
    assert (day.period, day.forecast, day.unknown) == ("2026-11-21", 240, 1)
    assert day.warning == "Day budget: 60 tokens of 100 tokens spent (60 %)."
    assert (request.period, request.spent, request.resets_at) == (None, 0, None)
    assert (job.period, job.spent, job.reserved, job.forecast, job.begins_at) == ("nightly", 60, 10, None, None)


async def test_without_budgets_there_is_nothing_to_see_and_no_database_is_opened(tmp_path):
    world = World(tmp_path / "llmdesk.db")
    assert await world.store().views() == ()
    assert not (tmp_path / "llmdesk.db").exists()


async def test_early_in_a_period_and_before_anything_is_spent_there_is_no_forecast(world):
    store = world.store(tokens(100), tokens(100, lane="codegen"))
    world.now = datetime(2026, 11, 21, 1, 11, tzinfo=UTC).timestamp()
    await world.book(60)
    assert [view.forecast for view in await store.views()] == [None, None]
    world.now = datetime(2026, 11, 21, 1, 12, tzinfo=UTC).timestamp()
    assert [view.forecast for view in await store.views()] == [1_200, None]


async def test_a_job_budget_shows_the_twenty_jobs_used_last_and_one_empty_view_where_there_are_none(world):
    store = world.store(tokens(1_000, "job", lane="chat"))
    (empty,) = await store.views()
    assert (empty.period, empty.spent) == (None, 0)
    for n in range(25):
        await world.book(n + 1, account=of_request(f"r{n}", job=f"job {n}"))
    await world.book(7, account=of_request("again", job="job 3"))
    await world.book(7, account=of_request("elsewhere", job="unseen", lane="codegen"))
    await store.reserve(a_claim(5, account=of_request("now", job="just begun")))
    views = await store.views()
    assert len(views) == 20
    assert [view.period for view in views[:4]] == ["just begun", "job 3", "job 24", "job 23"]
    assert (views[0].spent, views[0].reserved, views[1].spent) == (0, 5, 11)


async def test_a_conversation_budget_shows_itself_and_the_five_conversations_used_last(world):
    store = world.store(tokens(1_000, "conversation"))
    for n in range(8):
        await world.book(n, account=of_request(f"r{n}", conversation=f"c{n}"))
    await world.book(9, account=of_request("again", conversation="c2"))
    first, *rest = await store.views()
    assert (first.period, first.spent, first.left) == (None, 0, 1_000)
    assert [(view.period, view.spent) for view in rest] == [("c2", 11), ("c7", 7), ("c6", 6), ("c5", 5), ("c4", 4)]


async def test_looking_changes_nothing(world, tmp_path):
    store = world.store(tokens(100), tokens(100, "job"), tokens(100, "conversation"))
    await world.book(5)
    await store.reserve(a_claim(5, number=2))
    with sqlite3.connect(tmp_path / "llmdesk.db") as connection:
        before = list(connection.iterdump())
        await store.views()
        await store.standings(CHAT, "cloud")
        assert list(connection.iterdump()) == before
    connection.close()


async def test_claims_of_one_instance_that_race_exceed_nothing(world):
    store = world.store(tokens(40))
    answers = await asyncio.gather(*(store.reserve(a_claim(number=n)) for n in range(80)))
    assert sum(isinstance(answer, Grant) for answer in answers) == 40


# --- how it is found ---


async def test_no_sum_is_made_by_reading_everything(world):
    """Every question that reserving or looking asks goes through an index."""
    asked = []
    store = world.store(
        *(tokens(10**6, scope, lane="chat") for scope in ("request", "conversation", "job", "day", "month"))
    )
    await world.book(1)
    await world.database.read(lambda connection: connection.set_trace_callback(asked.append))
    await store.reserve(a_claim(number=2))
    await store.views()
    await world.database.read(lambda connection: connection.set_trace_callback(None))
    plans = [
        (statement, row["detail"])
        for statement in asked
        if statement.startswith("SELECT")
        for row in await world.database.read(
            lambda c, statement=statement: c.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
        )
    ]
    assert len(plans) > 20
    scans = [(s, p) for s, p in plans if "SCAN" in p and "SCAN CONSTANT ROW" not in p and "SCAN reservations" not in p]
    sorts = [(s, p) for s, p in plans if "TEMP B-TREE" in p]
    assert scans == sorts == []
