from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.money import shown_usd
from llmdesk.core.types import ModelRef, Usage
from llmdesk.core.views import Quota
from llmdesk.tui.budget_words import (
    Mark,
    full_name,
    gravest,
    has_banner,
    kind_words,
    label,
    mark,
    pair,
    percent,
    percent_words,
    resets,
)
from llmdesk.tui.screens.budgets_text import budgets_text
from llmdesk.tui.spans import coarse, moment
from llmdesk.tui.widgets.provider_panel import quota_words
from llmdesk.tui.words import answer_feet, cost, latency
from tests.support.figures import DAY_END, MONTH_END, NOON, USD, day_budget, everything, standing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _in_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("limit", "unit", "spent", "told"), [
    (2 * USD, "usd", 1_420_000_000, "1.42/2.00"),
    (30 * USD, "usd", 9_100_000_000, "9.10/30"),
    (2_500_000_000, "usd", 0, "0.00/2.50"),
    (USD // 20, "usd", 4_000_000, "0.004/0.05"),
    (USD // 20, "usd", 584_000, "0.000584/0.05"),
    (20_000 * USD, "usd", 1_234_567_000_000, "1234.57/20000"),
    (USD, "usd", 58, "0.000000058/1"),
    (USD // 1_000_000, "usd", 584, "58 %"),
    (USD // 1000, "usd", 300_000, "0.0003/0.001"),
    (500_000, "tokens", 312_999, "312k/500k"),
    (9_000, "tokens", 12, "12/9000"),
    (2_500_000, "tokens", 1_250_000, "1.2M/2.5M"),
])  # fmt: skip
def test_spent_and_limit_are_told_in_a_few_letters(limit: int, unit: str, spent: int, told: str) -> None:
    assert pair(standing(day_budget(limit, unit=unit), spent), 14) == told


@pytest.mark.parametrize("spent", [0, 584_000, 1_710_000_000, 12_345_678_901])
def test_an_amount_has_the_same_digits_wherever_it_is_shown(spent: int) -> None:
    view = standing(day_budget(), spent)
    told = f"{shown_usd(spent)} USD of 2.00 USD"
    assert told in budgets_text([view], {}, width=80, now=NOON).plain
    assert f"{pair(view, 20)}" == f"{shown_usd(spent)}/2.00"


@pytest.mark.parametrize(("spent", "expected", "share"), [
    (0, Mark.CALM, 0), (159, Mark.CALM, 79), (160, Mark.NEAR, 80), (199, Mark.NEAR, 99), (200, Mark.OVER, 100),
    (300, Mark.OVER, 150),
])  # fmt: skip
def test_a_budget_is_marked_from_its_warning_mark_on(spent: int, expected: Mark, share: int) -> None:
    view = standing(day_budget(200), spent)
    assert (mark(view), percent(view)) == (expected, share)


def test_a_little_is_not_nothing() -> None:
    told = [percent_words(standing(day_budget(200), spent)) for spent in (0, 1, 2, 199)]
    assert told == ["0", "<1", "1", "99"]


def test_a_budget_of_nothing_that_was_not_touched_is_used_up() -> None:
    view = standing(day_budget(0), 0)
    assert (mark(view), percent(view)) == (Mark.OVER, 100)


def test_names_say_whose_budget_it_is() -> None:
    assert label(day_budget()) == "day"
    assert label(day_budget(lane="codegen", agent="bee")) == "day codegen bee"
    assert full_name(everything()[4]) == "job budget nightly-1"
    assert kind_words(day_budget(hard=False, warn_at=0.75)) == "soft, warns at 75 %"
    assert kind_words(day_budget(free_when_exhausted=True)) == "hard, then only what is free"


@pytest.mark.parametrize(("at", "told"), [
    (DAY_END, "resets 00:00, in 12 h"),
    (MONTH_END, "resets 1 Dec, in 9 d 12 h"),
    (NOON + 7_260, "resets 14:01, in 2 h 1 min"),
    (NOON + 30, "resets 12:00, in a minute"),
    (NOON + 86_400, "resets 22 Nov 12:00, in 1 d"),
    (None, ""),
])  # fmt: skip
def test_when_it_begins_anew_is_a_moment_and_a_time_left(at: float | None, told: str) -> None:
    assert resets(replace(standing(day_budget()), resets_at=at), NOON) == told


def test_a_begun_minute_counts_and_nothing_is_below_zero() -> None:
    assert [coarse(left) for left in (-5, 0, 61, 3600, 86_400 + 61)] == ["a minute", "a minute", "2 min", "1 h", "1 d"]
    assert moment(NOON, NOON) == "12:00"


def test_the_gravest_warning_comes_first_and_only_days_and_months_have_a_banner() -> None:
    views = everything()
    assert [label(view.budget) for view in gravest(views)] == ["day codegen", "day"]
    assert has_banner("Day budget: 1.71 USD of 2.00 USD spent (85 %).", views)
    assert not has_banner("Job budget: 450 000 tokens of 500 000 tokens spent (90 %).", views)
    assert not has_banner("The day budget leaves room for 300 tokens of answer.", views)
    assert not has_banner("Day budget: x", ())


@pytest.mark.parametrize(("usd", "estimated", "told"), [
    ("0", False, "free"), ("0", True, "free"), (None, False, "price unknown"), ("0.0012", False, "0.0012 USD"),
    ("0.0012345", True, "~0.00123 USD"), ("12.5", False, "12.50 USD"), ("nonsense", False, "price unknown"),
])  # fmt: skip
def test_the_cost_of_an_answer(usd: str | None, estimated: bool, told: str) -> None:
    assert cost(usd, estimated=estimated) == told


def test_an_estimate_is_marked_in_speed_tokens_and_cost() -> None:
    target, usage = ModelRef("cloud", "x"), Usage(output_tokens=300, estimated=True)
    feet = answer_feet(target=target, latency_s=3.4, first_token_s=0.4, usage=usage, cost_usd="0.5")
    assert feet[0] == "cloud · x · 3.4 s · ~100 tok/s · ~300 tok · ~0.50 USD"


def test_time_lost_on_other_targets_makes_no_model_slower() -> None:
    usage = Usage(output_tokens=300)
    feet = answer_feet(
        target=ModelRef("local", "x"), latency_s=63.4, first_token_s=0.4, usage=usage, cost_usd="0", took_s=3.4
    )
    assert feet[0] == "local · x · 63 s · 100 tok/s · 300 tok · free"


def test_short_times_are_told_in_milliseconds() -> None:
    assert [latency(value) for value in (0.041, 0.41, 1.0, 2.13)] == ["41 ms", "410 ms", "1.0 s", "2.1 s"]


def test_a_plan_is_a_gauge_with_its_reset() -> None:
    quota = Quota(name="monthly [/x]\x1b", used=0.42, resets_at=None)
    assert quota_words(quota) == "monthly [/x]␛ ▓▓░░ 42 %"
    assert quota_words(replace(quota, name="", used=1.2)) == " ▓▓▓▓ 120 %"
    assert quota_words(replace(quota, name="session", resets_at=time.time() + 40 * 86_400)).startswith(
        "session ▓▓░░ 42 %, resets "
    )
