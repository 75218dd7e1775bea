"""Budgets and measures beside the chat, the warning above it, and what a stop looks like in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.budget import Budget
from llmdesk.core.errors import ErrorKind, StorageError
from llmdesk.core.types import Attempt, AttemptOutcome, FailedOver, FailoverStep, Failure, Finished, Status, Usage
from llmdesk.core.views import ProviderState, ProviderStatus, Quota, TargetStatus, Topic
from llmdesk.tui.widgets.budget_line import BudgetLine
from llmdesk.tui.widgets.budget_panel import BudgetPanel
from llmdesk.tui.widgets.metrics_panel import MetricsPanel
from llmdesk.tui.widgets.outbox_panel import OutboxPanel
from llmdesk.tui.widgets.sidebar import SidePanel
from tests.support.fake_desk import CLOUD, LOCAL, FakeDesk, answer, outcome, stored_conversation
from tests.support.figures import USD, day_budget, everything, plenty, standing
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from textual.widget import Widget

    from llmdesk.core.types import Outcome
    from llmdesk.core.views import Ask, BudgetView, Plan
    from tests.support.fake_desk import Step
    from tests.support.screen import Seat

HOSTILE = "\x1b]0;x\x07 [/red] [b +]("
REQUESTS = frozenset({Topic.REQUESTS})
SOON = "Day budget: 1.71 USD of 2.00 USD spent"
GONE = "Day budget: 2.10 USD spent, the limit is 2.00 USD."


def near(spent: int = 1_710_000_000) -> FakeDesk:
    return FakeDesk(limits=(standing(day_budget(), spent),))


# --- the sidebar --------------------------------------------------------------------------------------------------


async def test_the_sidebar_shows_a_bar_for_each_day_and_month_and_counts_the_others() -> None:
    async with seated(FakeDesk(limits=everything()), size=(120, 40)) as seat:
        await seat.see(r"budgets ─+\n")
        await seat.see(r"day +▓▓▓▓[▒░] 1\.71/2\.00 !\n")
        await seat.see(r"month +▓▓░░░ +9\.10/30 *\n")
        await seat.see(r"day code… ▓▓▓▓▓ 512k/500k ✗\n")
        await seat.see(r"day back… ░░░░░ +0\.00/1\.00 *\n")
        await seat.see(r"\+3 more \(f4\)")
        await seat.see(r"3 of unknown price \(f4\)")


async def test_without_budgets_there_is_no_panel_and_no_warning() -> None:
    async with seated(FakeDesk(measured=plenty), size=(120, 40)) as seat:
        await seat.see(r"metrics \(chat, 1 h\) ─")
        assert "budgets" not in seat.text
        assert "alt+w" not in seat.text


async def test_the_sidebar_tells_how_the_lane_on_the_screen_does() -> None:
    async with seated(FakeDesk(measured=plenty), size=(120, 40)) as seat:
        await seat.see(r"tok/s [▁▂▃▄▅▆▇█]+ 152  p95 2\.1 s")
        await seat.see(r"ok 99 %  failovers 3")
        await seat.press("alt+2")
        await seat.see(r"metrics \(codegen, 1 h\)")
        await seat.see(r"tok/s [▁▂▃▄▅▆▇█]+ 152")


async def test_changes_of_other_instances_are_shown_without_a_key() -> None:
    desk = near()
    async with seated(desk, size=(120, 40)) as seat:
        await seat.see("1.71/2.00")
        desk.limits = (standing(day_budget(), 1_990_000_000),)
        desk.changes.put_nowait(REQUESTS)
        await seat.see("1.99/2.00")


async def test_a_plan_has_a_gauge_below_its_provider() -> None:
    status = ProviderStatus(
        provider="cloud", kind="ollama", state=ProviderState.OK, latency_ms=312,
        quotas=(Quota(name="monthly", used=0.42), Quota(name=HOSTILE, used=1.3)),
    )  # fmt: skip
    async with seated(FakeDesk(statuses=(status,)), size=(120, 40)) as seat:
        await seat.see(r"monthly ▓▓▓░░░░░ 42 %")
        await seat.see(r"▓▓▓▓ 130 %")
        await seat.press("f3")
        await seat.see(r"monthly ▓▓░░ 42 %")


@pytest.mark.usefixtures("without_net")
async def test_names_of_others_are_neither_markup_nor_commands_to_the_terminal() -> None:
    budget = day_budget(agent=HOSTILE, lane=HOSTILE)
    view = standing(budget, 3 * USD)
    desk = FakeDesk(limits=(view, replace(view, budget=replace(budget, scope="job"), period=HOSTILE)))
    async with seated(desk, size=(120, 40)) as seat:
        await seat.see("3.00/2.00 ✗")
        await seat.see("✗ Day budget of lane ")
        await seat.press("f4")
        await seat.see(r"\[/red\]")
        assert "\x1b" not in seat.text


# --- what it costs to show it -------------------------------------------------------------------------------------


def counting(seat: Seat) -> list[Widget]:
    """Which of the panels are painted from now on."""
    painted: list[Widget] = []
    for kind in (BudgetPanel, MetricsPanel, BudgetLine, OutboxPanel):
        widget = seat.app.chat.query_one(kind)
        if isinstance(widget, SidePanel):
            assert widget.rows  # measured at its width: that draws it too, and is no painting
        render = widget.render

        def noted(widget: Widget = widget, render: object = render) -> object:
            painted.append(widget)
            return render()  # type: ignore[operator]

        widget.render = noted  # type: ignore[assignment]
    return painted


async def test_nothing_is_painted_where_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # five minutes that begin in between would be told
    desk = FakeDesk(limits=everything(), measured=plenty)
    async with seated(desk, size=(120, 40)) as seat:
        await seat.see("1.71/2.00")
        await seat.see("tok/s")
        await seat.see("empty")
        painted, reads = counting(seat), len(desk.reads)
        for _ in range(5):
            desk.changes.put_nowait(REQUESTS)
            await wait_until(desk.changes.empty)
            await seat.pilot.pause()
        await wait_until(lambda: len(desk.reads) > reads)
        assert painted == []
        first, *others = everything()
        desk.limits = (replace(first, spent=1_730_000_000), *others)  # of the same size, so that nothing else moves
        desk.changes.put_nowait(REQUESTS)
        await seat.see("1.73/2.00")
        assert BudgetPanel in {type(widget) for widget in painted}
        assert not {MetricsPanel, OutboxPanel} & {type(widget) for widget in painted}


async def test_what_changes_while_it_is_read_is_read_once_more_and_no_oftener() -> None:
    gate = asyncio.Event()

    class Slow(FakeDesk):
        async def budgets(self) -> tuple[object, ...]:  # type: ignore[override]
            found = await super().budgets()
            await gate.wait()
            return found

    desk = Slow(limits=everything())
    async with seated(desk, size=(120, 40)) as seat:
        await wait_until(lambda: desk.reads.count("budgets") == 1)
        for _ in range(20):
            desk.changes.put_nowait(REQUESTS)
        await wait_until(desk.changes.empty)
        await seat.pilot.pause()
        assert desk.reads.count("budgets") == 1
        gate.set()
        await seat.see("1.71/2.00")
        await wait_until(lambda: desk.reads.count("budgets") == 2)
        await seat.pilot.pause()
        assert desk.reads.count("budgets") == 2


async def test_idle_nothing_is_read_and_no_timer_ticks() -> None:
    desk = FakeDesk(limits=everything(), measured=plenty)
    async with seated(desk, size=(120, 40)) as seat:
        await seat.see("tok/s")
        reads = len(desk.reads)
        widgets = [*seat.app.chat.query("#sidebar > *, BudgetLine")]
        assert len(widgets) == 5
        assert not [widget for widget in widgets if widget._timers]
        for _ in range(3):
            await seat.pilot.pause(0.05)
        assert len(desk.reads) == reads


async def test_measures_that_nobody_sees_are_not_read() -> None:
    desk = FakeDesk(limits=everything(), measured=plenty)
    async with seated(desk, size=(80, 24)) as seat:
        await seat.see("512 345 tokens spent")
        assert "measures" not in desk.reads
        await seat.pilot.resize_terminal(120, 40)
        await seat.see("tok/s")


async def test_showing_new_figures_takes_less_than_10_ms() -> None:
    desk = FakeDesk(limits=everything(), measured=plenty)
    async with seated(desk, size=(120, 40)) as seat:
        await seat.see("tok/s")
        panel = seat.app.chat.query_one(BudgetPanel)
        took = []
        for spent in range(20):
            views = tuple(replace(view, spent=spent * USD // 10) for view in everything() * 10)
            began = time.perf_counter()
            panel.show_budgets(views)
            panel.render()
            took.append(time.perf_counter() - began)
        assert sorted(took)[10] < 0.010


async def test_a_budget_that_begins_anew_is_read_again_at_that_moment() -> None:
    class Late(FakeDesk):
        async def budgets(self) -> tuple[BudgetView, ...]:
            found = await super().budgets()
            await wait_until(lambda: all((view.resets_at or 0) < time.time() or not view.spent for view in found))
            return found

    async with seated(desk := Late(), size=(120, 40)) as seat:
        await wait_until(lambda: "budgets" in desk.reads)
        view = standing(day_budget(), 2 * USD)
        desk.limits = (replace(view, resets_at=time.time() + 0.1),)  # which is over when the answer is there
        desk.changes.put_nowait(REQUESTS)
        await seat.see("2.00/2.00 ✗")
        desk.limits = (standing(day_budget()),)
        await seat.see("0.00/2.00")


async def test_a_database_that_cannot_be_read_is_told_once() -> None:
    class Broken(FakeDesk):
        async def budgets(self) -> tuple[object, ...]:  # type: ignore[override]
            self.reads.append("budgets")
            raise StorageError("The database cannot be read.")

    desk = Broken()
    async with seated(desk, size=(120, 40)) as seat:
        await seat.see("database cannot be read")
        for count in (2, 3):
            desk.changes.put_nowait(REQUESTS)
            await wait_until(lambda count=count: len(desk.reads) == count)  # type: ignore[misc]
        assert len(seat.app._notifications) == 1
        await seat.ask("x")
        await seat.see("Hello there")


NEVER_BEFORE = ("figures", "budget", "metrics", "plots", "measured", "measures", "stopped")


def test_nothing_of_it_is_there_before_the_first_paint() -> None:
    code = "import sys, llmdesk.tui.app; print(*sorted(n for n in sys.modules if n.startswith('llmdesk.')))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "llmdesk.tui.screens.chat" in names
    assert [name for name in names if any(word in name.rpartition(".")[2] for word in NEVER_BEFORE)] == []


# --- the warning --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
async def test_a_warning_is_there_from_the_start_and_takes_no_key(size: tuple[int, int]) -> None:
    async with seated(near(), size=size) as seat:
        await seat.see(r"\n ! Day budget: 1\.71 USD of")
        assert "[alt+w" in seat.text
        await seat.type("typed")
        assert seat.prompt == "typed"


async def test_a_warning_comes_after_the_answer_that_brings_it_and_not_into_the_transcript() -> None:
    said: list[Step] = [*answer("so")[:-1], Finished(outcome=outcome(text="so", warnings=(SOON, "Something else.")))]
    desk = FakeDesk(limits=(standing(day_budget(), 1),), scripts=[said])
    async with seated(desk, size=(120, 40)) as seat:
        await seat.see("/2.00")
        desk.limits = near().limits
        await seat.ask("x")
        await seat.see(SOON)
        await seat.see("! Something else.")
        assert seat.text.count(SOON) == 1


async def test_a_warning_that_was_put_away_comes_back_at_the_limit_and_in_the_next_period() -> None:
    desk = near()
    async with seated(desk, size=(120, 40)) as seat:

        async def change(spent: int, period: str) -> None:
            before = len(desk.reads)
            desk.limits = (replace(standing(day_budget(), spent), period=period),)
            desk.changes.put_nowait(REQUESTS)
            await wait_until(lambda: len(desk.reads) > before)
            await seat.pilot.pause()

        await seat.see(SOON)
        await seat.press("alt+w")
        await seat.see_gone(SOON)
        await change(1_800_000_000, "2026-11-21")
        assert "Day budget" not in seat.text
        await change(2_100_000_000, "2026-11-21")
        await seat.see(f"✗ {GONE}")
        await seat.press("alt+w")
        await seat.see_gone(GONE)
        await change(2_100_000_000, "2026-11-22")
        await seat.see(GONE)


async def test_without_a_warning_its_key_goes_to_whoever_else_wants_it() -> None:
    async with seated(FakeDesk()) as seat:
        assert seat.app.chat.check_action("hide_warning", ()) is False
        titles = {command.title for command in seat.app.get_system_commands(seat.app.screen)}
        assert "Put the warning of a budget away until its next period" in titles


async def test_a_click_on_the_warning_shows_the_budgets() -> None:
    async with seated(near(), size=(120, 40)) as seat:
        await seat.see(SOON)
        await seat.pilot.click(BudgetLine)
        await seat.see("─ budgets")


# --- the stop -----------------------------------------------------------------------------------------------------

REACHED = "Day budget 2.00 USD reached; resets at 00:00."
ADVICE = (
    "Ask local/largest, which costs nothing: --model local/largest",
    "Ask in lane codegen, which does not count to the day budget: --lane codegen",
    "Send less, or ask for a shorter answer: --max-tokens.",
    "Raise limit_usd of the day budget in the file that this names: llmdesk config path",
    "Wait until 2026-11-22 00:00, when the day budget begins anew.",
)


def blocked(**changes: object) -> Outcome:
    skip = Attempt(
        number=1, target=CLOUD, outcome=AttemptOutcome.SKIPPED, at=1.0, reason="budget", message=REACHED,
        error_kind=ErrorKind.BUDGET,
    )  # fmt: skip
    values: dict[str, object] = {
        "text": "", "target": None, "usage": None, "attempts": (skip,), "advice": ADVICE,
        "error": Failure(kind=ErrorKind.BUDGET, message=REACHED),
    }  # fmt: skip
    return outcome(Status.BLOCKED, **{**values, **changes})


def stopping(*steps: Step, **changes: object) -> FakeDesk:
    view = replace(standing(day_budget(), 1_980_000_000, reserved=10_000_000), resets_at=time.time() + 3600 * 5)
    return FakeDesk(limits=(view,), scripts=[[*steps, Finished(outcome=blocked(**changes))], answer("later")])


async def test_a_stop_that_no_waiting_helps_advises_none() -> None:
    async with seated(stopping(advice=ADVICE[:-1]), size=(120, 40)) as seat:
        await seat.ask("a prompt dearer than the whole limit")
        await seat.see("Raise limit_usd")
        await seat.see(r"stopped by the day budget  \[f2 other lane\]")
        assert "Wait until" not in seat.text
        assert "resets" not in seat.text.replace(REACHED, "")


async def test_a_stop_by_a_budget_of_conversations_tells_how_this_one_stands() -> None:
    budget = Budget(scope="conversation", limit=9_000, unit="tokens")
    views = (standing(budget), *(standing(budget, at, period=f"talk-{at}") for at in (4_000, 8_900)))
    error = Failure(kind=ErrorKind.BUDGET, message="Conversation budget 9 000 tokens: too little left.")
    ended = blocked(error=error, conversation="talk-8900", advice=ADVICE[3:4])
    desk = FakeDesk(limits=views, scripts=[[Finished(outcome=ended)]])
    stored = {"talk-8900": stored_conversation("talk-8900")}
    desk.stored.update(stored)
    async with seated(desk, conversation="talk-8900", size=(120, 40)) as seat:
        await seat.see("for each|\\+1|without a period")
        await seat.ask("x")
        await seat.see("8 900 tokens of 9 000 tokens spent, 100 tokens left")
        await seat.see(r"stopped by the conversation budget  \[f2")


async def test_a_stop_says_which_budget_how_much_until_when_and_every_way_on() -> None:
    async with seated(stopping(), size=(120, 40)) as seat:
        await seat.see("1.98/2.00")
        await seat.ask("a dear question")
        await seat.see("✖ Stopped by a budget: nothing was sent.")
        for words in (
            REACHED,
            "1.98 USD of 2.00 USD spent, 0.01 USD set aside for answers under way, 0.01 USD left,",
            "/model local/largest ask local/largest, which costs nothing",
            "/lane codegen +ask in lane codegen, which does not count",
            "f2 +ask in another lane",
            "f4 +see every budget",
            r"Send less, or ask for a shorter answer\. +│",
            "Raise limit_usd",
            "Wait until .*, in 5 h, then /retry",
            "Your prompt is back in the editor",
            r"stopped by the day budget until .* \[f2 other lane\]  \[f4 budgets\]",
        ):
            await seat.see(words)
        assert "--" not in seat.text.replace("─", "")
        assert seat.prompt == "a dear question"
        await seat.press("enter")
        await seat.see("later")
        await seat.see_gone("f2 other lane")


async def test_a_stop_leaves_a_draft_alone() -> None:
    gate = asyncio.Event()
    async with seated(stopping(gate), size=(100, 40)) as seat:
        await seat.ask("a dear question")
        await seat.type("draft")
        gate.set()
        await seat.see("Your draft was left alone: ↑ recalls the prompt")
        assert seat.prompt == "draft"
        await seat.press("up")
        assert seat.prompt == "a dear question"


async def test_a_stop_after_something_was_sent_does_not_claim_otherwise() -> None:
    tried = replace(blocked().attempts[0], outcome=AttemptOutcome.FAILED, reason="rate", error_kind=ErrorKind.RATE)
    async with seated(stopping(attempts=(tried, *blocked().attempts), advice=()), size=(80, 24)) as seat:
        await seat.ask("x")
        await seat.see(r"✖ Stopped by a budget\.")


async def test_a_stop_by_a_budget_that_is_not_known_here_still_says_what_the_desk_says() -> None:
    desk = FakeDesk(scripts=[[Finished(outcome=blocked(advice=(HOSTILE,)))]])
    async with seated(desk, size=(80, 24)) as seat:
        await seat.ask("x")
        await seat.see(REACHED)
        await seat.see(r"\[/red\]")
        await seat.see(r"stopped by a budget  \[f2 other lane\]")
        await seat.press("f4")
        await seat.see("No budget is set")


async def test_a_step_to_what_is_free_says_that_the_budget_caused_it() -> None:
    step = FailoverStep(source=CLOUD, target=LOCAL, reason="budget", message=REACHED, at=1.0)
    async with seated(FakeDesk(scripts=[[FailedOver(step=step), *answer("for nothing")]]), size=(150, 40)) as seat:
        await seat.ask("x")
        await seat.see(r"⤷ Day budget 2\.00 USD reached; resets at 00:00 → answering free of charge with gemma3:27b")


async def test_an_answer_whose_cut_attempt_was_only_estimated_says_so_in_its_cost() -> None:
    cut = replace(blocked().attempts[0], outcome=AttemptOutcome.FAILED, usage=Usage(output_tokens=9, estimated=True))
    ended = outcome(text="so", attempts=(cut,), cost_usd="0.0012")
    async with seated(FakeDesk(scripts=[[*answer("so")[:-1], Finished(outcome=ended)]]), size=(100, 24)) as seat:
        await seat.ask("x")
        await seat.see(r" 312 tok · ~0\.0012 USD")


@pytest.mark.parametrize(("bound", "told"), [
    ("0", "local/gemma3:27b would answer for free."),
    ("0.01652", "would answer for 0.0165 USD at most."),
    (None, "prompt."),
])  # fmt: skip
async def test_the_next_prompt_is_told_in_tokens_and_at_most_in_money(bound: str | None, told: str) -> None:
    class Planning(FakeDesk):
        async def plan(self, ask: Ask) -> Plan:
            targets = (TargetStatus(target=CLOUD, skip="cooling"), TargetStatus(target=LOCAL, cost_bound_usd=bound))
            return replace(await super().plan(ask), targets=targets)

    async with seated(Planning(), size=(180, 24)) as seat:
        await seat.ask("/tokens")
        await seat.see(f"would go out with the next .*{told}")
        assert ("would answer" in seat.text) == (bound is not None)


async def test_a_lane_key_right_after_escape_goes_to_the_prompt_of_that_lane() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.press("alt+2")
        await seat.see("─ 2 codegen ─")
        await asyncio.gather(seat.press("escape"), seat.press("alt+1"))
        await seat.see("─ 1 chat ─")
        await seat.pilot.pause()
        await seat.type("here")
        assert seat.prompt == "here"
