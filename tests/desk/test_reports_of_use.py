"""What was used over days and months, and what free answers would have cost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from llmdesk.core.budget import Account
from llmdesk.core.errors import UsageError
from llmdesk.core.lanes import Lane
from llmdesk.core.measures import Selection
from llmdesk.core.periods import Calendar
from llmdesk.core.policy import ProviderRules
from llmdesk.core.prices import Price
from llmdesk.core.types import ModelRef, Usage
from llmdesk.storage.ledger import Ledger
from tests.support.desk_world import CLOUD, LOCAL, DeskWorld
from tests.support.stored import an_attempt

BERLIN = ZoneInfo("Europe/Berlin")
PAID = ModelRef("paid", "fast")
RATES = Price(input_usd_per_mtok=Decimal("0.25"), output_usd_per_mtok=Decimal(2), per_request_usd=Decimal("0.01"))


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.fixture
def world(tmp_path):
    world = DeskWorld(tmp_path, prices={str(PAID): RATES})
    world.calendar = Calendar(lambda when: datetime.fromtimestamp(when, BERLIN).date())
    world.rules["paid"] = ProviderRules(name="paid", kind="openai")
    world.lanes["codegen"] = Lane(name="codegen", targets=(CLOUD, PAID, LOCAL))
    world.clocks.wall = at("2026-11-21 12:00")
    return world


async def book(desk, *attempts, lane="chat", agent=None, job=None):
    parts = desk._parts
    ledger = Ledger(parts.database, calendar=parts.calendar)
    book.count += 1
    await ledger.book(Account(request=f"q{book.count}", lane=lane, agent=agent, job=job), attempts)


book.count = 0  # type: ignore[attr-defined]


def done(when, target=CLOUD, cost="0", tokens=(1000, 100), **more):
    usage = Usage(input_tokens=tokens[0], output_tokens=tokens[1], **more)
    return an_attempt(1, target, "completed", at=at(when), usage=usage, cost_usd=cost, elapsed_s=1.0)


def rows_of(stats, name):
    return {row.group[name]: row for row in stats.rows}


@pytest.mark.parametrize(
    ("period", "first_day", "answers"),
    [("day", "2026-11-21", 1), ("week", "2026-11-15", 2), ("month", "2026-11-01", 3), ("all", None, 5)],
)
async def test_a_period_holds_the_users_own_days(world, period, first_day, answers):
    async with world.desk() as desk:
        for when in (
            "2026-11-21 00:00",
            "2026-11-15 00:30",
            "2026-11-14 23:30",
            "2026-10-31 23:59",
            "2025-11-21 12:00",
        ):
            await book(desk, done(when))
        stats = await desk.stats(period)
        assert (stats.first_day, stats.last_day, stats.total.sums.completed) == (first_day, "2026-11-21", answers)


async def test_a_week_over_the_end_of_summer_time_has_seven_days(world):
    world.clocks.wall = at("2026-10-26 00:30")
    async with world.desk() as desk:
        await book(desk, done("2026-10-20 00:10"))
        await book(desk, done("2026-10-19 23:50"))
        stats = await desk.stats("week", "day")
        assert (stats.first_day, [row.group["day"] for row in stats.rows]) == ("2026-10-20", ["2026-10-20"])


async def test_days_and_months_come_in_order_and_add_up(world):
    async with world.desk() as desk:
        for when, cost in (("2026-11-02 10:00", "0.3"), ("2026-10-31 23:30", "0.2"), ("2026-11-03 10:00", "0.1")):
            await book(desk, done(when, PAID, cost))
        by_day, by_month = await desk.stats("all", "day"), await desk.stats("all", "month")
        assert [row.group["day"] for row in by_day.rows] == ["2026-10-31", "2026-11-02", "2026-11-03"]
        assert [(row.group["month"], row.cost_nano_usd) for row in by_month.rows] == [
            ("2026-10", 200_000_000),
            ("2026-11", 400_000_000),
        ]
        assert by_day.total.cost_nano_usd == by_month.total.cost_nano_usd == 600_000_000


async def test_models_are_told_apart_by_their_provider_and_the_dearest_comes_first(world):
    async with world.desk() as desk:
        await book(desk, done("2026-11-21 10:00", ModelRef("cloud", "fast")), done("2026-11-21 10:00", CLOUD))
        await book(desk, done("2026-11-21 10:00", PAID, "0.5"))
        stats = await desk.stats()
        assert dict(stats.rows[0].group) == {"provider": "paid", "model": "fast"}
        assert {"provider": "cloud", "model": "fast"} in [dict(row.group) for row in stats.rows]


async def test_agents_and_jobs_have_a_row_for_those_without(world):
    async with world.desk() as desk:
        await book(desk, done("2026-11-21 10:00"), agent="backend-dev", job="nightly")
        await book(desk, done("2026-11-21 10:00"))
        assert set(rows_of(await desk.stats("day", "agent"), "agent")) == {"backend-dev", None}
        assert set(rows_of(await desk.stats("day", "job"), "job")) == {"nightly", None}


async def test_an_unknown_price_is_counted_and_never_taken_for_nothing(world):
    async with world.desk() as desk:
        await book(desk, done("2026-11-21 10:00", PAID, None), lane="chat")
        await book(desk, done("2026-11-21 10:00", PAID, None), lane="codegen")
        await book(desk, done("2026-11-21 10:00", PAID, "0.5"), lane="codegen")
        rows = rows_of(await desk.stats("day", "lane"), "lane")
        assert (rows["chat"].cost_nano_usd, rows["chat"].sums.unknown_price) == (None, 1)
        assert (rows["codegen"].cost_nano_usd, rows["codegen"].sums.unknown_price) == (500_000_000, 1)


async def test_free_answers_save_what_the_first_metered_target_of_their_lane_costs(world):
    async with world.desk() as desk:
        await book(desk, done("2026-11-21 10:00", tokens=(1_000_000, 0)), lane="codegen")
        await book(desk, done("2026-11-21 10:00", tokens=(0, 1_000_000)), lane="codegen")
        await book(desk, done("2026-11-21 10:00", PAID, "9", tokens=(1_000_000, 1_000_000)), lane="codegen")
        rows = rows_of(stats := await desk.stats("day", "lane"), "lane")
        assert rows["codegen"].saved_nano_usd == 2_250_000_000
        assert (stats.total.saved_nano_usd, dict(stats.uncompared)) == (2_250_000_000, {})


async def test_where_nobody_can_tell_the_saving_it_is_unknown_and_the_reason_is_told(world):
    world.lanes["dark"] = Lane(name="dark", targets=(ModelRef("paid", "unheard-of"), PAID))
    async with world.desk() as desk:
        for lane in ("chat", "dark", "gone"):
            await book(desk, done("2026-11-21 10:00"), lane=lane)
        stats = await desk.stats("day", "lane")
        assert {row.group["lane"]: row.saved_nano_usd for row in stats.rows} == {
            "chat": None,
            "dark": None,
            "gone": None,
        }
        assert stats.total.saved_nano_usd is None
        assert stats.uncompared == {
            "chat": "none of its targets costs anything",
            "dark": "the price of paid/unheard-of is not known",
            "gone": "the lane is not configured any more",
        }


async def test_nothing_saved_is_zero_where_nothing_was_free(world):
    async with world.desk() as desk:
        await book(desk, done("2026-11-21 10:00", PAID, "9"), lane="codegen")
        assert (await desk.stats("day", "lane")).total.saved_nano_usd == 0


async def test_the_share_of_failovers_counts_skips_too(world):
    async with world.desk() as desk:
        assert (await desk.stats("day")).total.failover_share is None
        skip = an_attempt(1, CLOUD, "skipped", at=at("2026-11-21 10:00"), reason="cooling")
        answer = an_attempt(2, LOCAL, "completed", at=at("2026-11-21 10:00"))
        await book(desk, skip, answer)
        stats = await desk.stats("day", "provider")
        assert stats.total.failover_share == 0.5
        assert rows_of(stats, "provider")["cloud"].failover_share == 1.0


async def test_names_that_are_neither_configured_nor_measured_are_refused(world):
    async with world.desk() as desk:
        await book(desk, done("2026-11-21 10:00", ModelRef("old", "gone")), lane="former", agent="left")
        await desk.check_names(Selection())
        await desk.check_names(Selection(provider="old", model="gone", lane="former", agent="left", job="any"))
        await desk.check_names(Selection(provider="paid", lane="codegen", model=CLOUD.model))
        for wrong, known in (
            ("provider", "paid, old"),
            ("lane", "codegen, former"),
            ("agent", "left"),
            ("model", "fast"),
        ):
            with pytest.raises(UsageError, match=f"There is no {wrong} 'cluod'.*{known}"):
                await desk.check_names(Selection(**{wrong: "cluod"}))
