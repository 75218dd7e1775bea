from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.budget import Budget
from llmdesk.core.views import Topic
from llmdesk.tui.house import Talked
from llmdesk.tui.screens.budgets_text import budgets_text
from tests.support.fake_desk import FakeDesk, stored_conversation
from tests.support.figures import NOON, USD, day_budget, everything, plenty, standing
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from llmdesk.core.views import BudgetView

ESC = "\x1b"


@pytest.fixture(autouse=True)
def _at_noon_in_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: NOON)
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("size", [(80, 48), (120, 40)])
async def test_every_budget_with_its_bar_its_forecast_and_its_reset(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with seated(FakeDesk(limits=everything(), measured=plenty), size=size) as seat:
        await seat.press("f4")
        await seat.see("Prices nobody knows")
        assert seat.text == snapshot


async def test_without_budgets_it_says_what_to_write(snapshot: SnapshotAssertion) -> None:
    async with seated(FakeDesk(), size=(80, 24)) as seat:
        await seat.press("f4")
        await seat.see("No budget is set")
        assert seat.text == snapshot


@pytest.mark.parametrize(("query", "kept", "gone"), [
    ("lane:codegen", "day budget of lane codegen", "month budget"),
    ("agent:backend", "agent backend-dev", "job budget"),
    ("provider:cloud", "of provider cloud", "of lane codegen"),
    ("job:nightly-5", "nightly-5", "nightly-1"),
    ("soft", "month budget", "day budget"),
    ("nothing such", "No budget fits", "month budget"),
])  # fmt: skip
async def test_budgets_are_filtered(query: str, kept: str, gone: str) -> None:
    async with seated(FakeDesk(limits=everything(), measured=plenty), size=(100, 50)) as seat:
        await seat.press("f4")
        await seat.see("nightly-5")
        await seat.press("slash")
        await seat.type(query)
        await seat.see(kept)
        await seat.see_gone(gone)
        await seat.press("enter", "escape")
        await seat.see("day budget")
        await seat.see(gone)
        await seat.press("escape")
        await seat.see("─ 1 chat ─")


async def test_it_follows_what_is_spent_and_paints_nothing_where_nothing_changed() -> None:
    desk = FakeDesk(limits=(standing(day_budget(), USD),))
    async with seated(desk, size=(80, 24)) as seat:
        await seat.press("f4")
        await seat.see("1.00 USD of 2.00 USD")
        text = seat.app.screen.query_one("#budgets")
        drawn: list[object] = []
        text.update = drawn.append  # type: ignore[attr-defined]
        reads = len(desk.reads)
        desk.changes.put_nowait(frozenset({Topic.REQUESTS}))
        await wait_until(lambda: len(desk.reads) >= reads + 2)  # the panel beside the chat, and this screen
        await seat.pilot.pause()
        assert drawn == []
        desk.limits = (standing(day_budget(), 1_500_000_000),)
        desk.changes.put_nowait(frozenset({Topic.REQUESTS}))
        await wait_until(lambda: len(drawn) == 1)


@pytest.mark.parametrize("way", ["/budget", "f4"])
async def test_it_opens_by_key_and_by_command_and_closes_again(way: str) -> None:
    async with seated(FakeDesk(), size=(80, 24)) as seat:
        if way == "f4":
            await seat.press(way)
        else:
            await seat.ask(way)
        await seat.see("No budget is set")
        await seat.press("f4")
        await seat.see("─ 1 chat ─")


def test_the_times_left_go_down_with_the_clock_alone() -> None:
    view = standing(day_budget(), USD)
    told = [budgets_text([view], {}, width=80, now=at).plain for at in (NOON, NOON + 59, NOON + 61)]
    assert [next(part for part in ("in 12 h", "in 11 h 59 min") if part in text) for text in told] == [
        "in 12 h",
        "in 12 h",
        "in 11 h 59 min",
    ]


def test_many_jobs_are_cut_and_the_most_used_come_first() -> None:
    job = replace(everything()[4])
    views = [replace(job, period=f"job-{at:03}", spent=at) for at in range(150)]
    lines = budgets_text(views, {}, width=80, now=NOON).plain.split("\n")
    assert "job-149" in lines[1]
    assert "and 50 more jobs; / finds one" in lines[101]
    assert "job-003" in budgets_text(views, {}, width=80, now=NOON, query="job:job-003").plain


def test_a_forecast_beyond_the_limit_is_a_warning_and_none_says_that_it_is_early() -> None:
    view = standing(day_budget(), USD)
    assert "too early to say" in budgets_text([view], {}, width=80, now=NOON).plain
    calm = budgets_text([replace(view, forecast=USD)], {}, width=80, now=NOON).plain
    assert "forecast 1.00 USD by 00:00" in calm
    assert "!" not in calm
    assert "! at this pace" in budgets_text([replace(view, forecast=3 * USD)], {}, width=80, now=NOON).plain


def talks(*spent: int) -> tuple[BudgetView, ...]:
    """A budget of conversations, with as many of them as there are amounts."""
    budget = Budget(scope="conversation", limit=9_000, unit="tokens")
    return (standing(budget), *(standing(budget, at, period=f"talk-{n}") for n, at in enumerate(spent, 1)))


def test_a_budget_of_conversations_shows_the_open_one_by_its_title() -> None:
    views = talks(900, 8_100)
    new = budgets_text(views, {}, width=80, now=NOON).plain
    assert "9 000 tokens for each conversation" in new
    assert "this one" not in new
    elsewhere = budgets_text(views, {}, width=80, now=NOON, talk=Talked(id="talk-9", title="Older")).plain
    assert elsewhere == new
    text = budgets_text(views, {}, width=80, now=NOON, talk=Talked(id="talk-2", title=f"Parse [/x]{ESC}")).plain
    assert "this one: Parse [/x]␛\n" in text
    assert " 90 %  8 100 tokens of 9 000 tokens !" in text
    assert "left 900 tokens" in text
    assert "10 %" not in text


async def test_the_conversation_below_the_budgets_is_the_open_one() -> None:
    stored = stored_conversation("talk-1", "Parse the log file")
    desk = FakeDesk(limits=talks(450), stored={"talk-1": stored})
    async with seated(desk, conversation="talk-1", size=(80, 24)) as seat:
        await seat.see("Parse the log file")
        await seat.press("f4")
        await seat.see("this one: Parse the log file")
        await seat.see(" 5 %  450 tokens of 9 000 tokens")
        await seat.press("escape", "ctrl+n", "f4")
        await seat.see("for each conversation")
        assert "this one" not in seat.text


@pytest.mark.parametrize("width", [26, 40, 60, 80, 120])
def test_no_bar_is_wider_than_its_screen(width: int) -> None:
    lines = budgets_text(everything(), {}, width=width, now=NOON).plain.split("\n")
    ends = [found.end() for line in lines for found in re.finditer(r"[▓▒░]+", line)]
    assert len(ends) >= 4
    assert max(ends) <= width  # figures and words behind a bar wrap by themselves
    assert width < 80 or max(map(len, lines)) <= width
