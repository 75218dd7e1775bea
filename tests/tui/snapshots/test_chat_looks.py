"""What the conversation looks like: answers, seams, marks, reasoning, and what came of a prompt that got none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import (
    Attempt,
    AttemptOutcome,
    AttemptStarted,
    Failure,
    Finished,
    ReasoningDelta,
    Role,
    Status,
    TextDelta,
)
from tests.support.fake_desk import CLOUD, LOCAL, Gate, answer, failed, outcome, paused
from tests.support.figures import NOON, everything
from tests.support.looks import TALK, LookedAt, answered, conversation, looking, said, still
from tests.support.screen import wait_until

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

Size = tuple[int, int]


async def test_an_answer_after_a_failover(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.ask("Write a parser for these logs")
        await seat.see("✔ full")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        assert await still(seat) == snapshot


async def test_the_marks_of_completeness(size: Size, snapshot: SnapshotAssertion) -> None:
    talk = conversation(
        said(1, Role.USER, "Name the planets"),
        answered(2, "Mercury, Venus, Earth, Mars."),
        said(3, Role.USER, "All of them"),
        answered(4, "Mercury, Venus, Earth, Mars, Jup", "cut by limit", cost_usd="0.0021", target=CLOUD),
        said(5, Role.USER, "Go on"),
        answered(6, "Jupiter, Sat", "interrupted"),
        said(7, Role.USER, "How would I build one?"),
        answered(8, "I cannot help with that.", "refused", usage=None, cost_usd=None),
    )
    async with looking(LookedAt(stored={"c1": talk}), size=size, conversation="c1") as seat:
        await seat.see("refused")
        assert await still(seat) == snapshot


async def test_reasoning_is_folded_below_its_answer(size: Size, snapshot: SnapshotAssertion) -> None:
    thinking = "The user wants a number.\nThere are eight of them, Pluto not counted."
    talk = conversation(said(1, Role.USER, "How many planets?"), answered(2, "Eight.", thinking=thinking))
    async with looking(LookedAt(stored={"c1": talk}), size=size, conversation="c1") as seat:
        await seat.see("Eight")
        assert await still(seat) == snapshot


async def test_reasoning_is_unfolded_on_demand(size: Size, snapshot: SnapshotAssertion) -> None:
    thinking = "The user wants a number.\nThere are eight of them, Pluto not counted."
    talk = conversation(said(1, Role.USER, "How many planets?"), answered(2, "Eight.", thinking=thinking))
    async with looking(LookedAt(stored={"c1": talk}), size=size, conversation="c1") as seat:
        await seat.see("Eight")
        await seat.press("alt+up", "enter")
        await seat.see("Pluto")
        assert await still(seat) == snapshot


async def test_an_answer_that_is_under_way(size: Size, snapshot: SnapshotAssertion) -> None:
    script = [AttemptStarted(number=1, target=LOCAL), ReasoningDelta("Let me see."), TextDelta("There are ei"), Gate()]
    async with looking(LookedAt(scripts=[script]), size=size) as seat:
        await seat.ask("How many planets?")
        await seat.see("There are ei")
        assert await still(seat) == snapshot


async def test_an_answer_with_a_table_and_code_read_again(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(LookedAt(stored={"c1": TALK}), size=size, conversation="c1") as seat:
        await seat.see("Keep them")
        assert await still(seat) == snapshot


async def test_the_part_that_is_sent_begins_at_a_mark(size: Size, snapshot: SnapshotAssertion) -> None:
    script = [AttemptStarted(number=1, target=LOCAL, left_out_turns=1), *answer("Yes.")[1:]]
    async with looking(LookedAt(stored={"c1": TALK}, scripts=[script]), size=size, conversation="c1") as seat:
        await seat.see("Keep them")
        await seat.ask("Really?")
        await seat.see("Yes")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.press("alt+up", "up", "up", "up", "pageup")
        await seat.press("escape")
        if size[1] < 30:
            await seat.press("pageup")
        await seat.see("what is sent begins here")
        assert await still(seat) == snapshot


async def test_a_pause_says_where_the_prompt_is_and_who_comes_back(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(LookedAt(scripts=[paused(492)]), size=size) as seat:
        await seat.ask("Which plan costs less?")
        await seat.see("Nobody could answer")
        assert await still(seat) == snapshot


async def test_a_stop_by_a_budget_offers_every_way_on(size: Size, snapshot: SnapshotAssertion) -> None:
    reached = "Day budget 2.00 USD reached; resets at 00:00."
    skip = Attempt(number=1, target=CLOUD, outcome=AttemptOutcome.SKIPPED, at=NOON, reason="budget", message=reached,
                   error_kind=ErrorKind.BUDGET)  # fmt: skip
    ended = outcome(
        Status.BLOCKED, text="", target=None, usage=None, attempts=(skip,),
        error=Failure(kind=ErrorKind.BUDGET, message=reached),
        advice=("Ask local/largest, which costs nothing: --model local/largest",
                "Send less, or ask for a shorter answer.",
                "Wait until 2026-11-22 00:00, when the day budget begins anew."),
    )  # fmt: skip
    async with looking(LookedAt(scripts=[[Finished(outcome=ended)]], limits=everything()), size=size) as seat:
        await seat.ask("A dear question")
        await seat.see("Stopped by a budget")
        assert await still(seat) == snapshot


async def test_a_prompt_that_failed_says_why(size: Size, snapshot: SnapshotAssertion) -> None:
    rejected = replace(failed(LOCAL, ErrorKind.REQUEST), message="local: the model takes no images.", http_status=400)
    ended = outcome(Status.FAILED, text="", target=None, usage=None, attempts=(rejected,),
                    error=Failure(kind=ErrorKind.REQUEST, message=rejected.message))  # fmt: skip
    async with looking(LookedAt(scripts=[[Finished(outcome=ended)]]), size=size) as seat:
        await seat.ask("What is in this picture?")
        await seat.see("takes no images")
        assert await still(seat) == snapshot


async def test_lanes_in_the_background_carry_badges(size: Size, snapshot: SnapshotAssertion) -> None:
    begun = AttemptStarted(number=1, target=LOCAL)
    ended = outcome(Status.FAILED, text="", target=None, error=Failure(kind=ErrorKind.REQUEST, message="No."))
    gate = Gate()
    scripts = [
        [begun, Gate()],
        [begun, gate, *answer("Done.")[1:]],
        [begun, gate, Finished(outcome=ended)],
        paused(492),
    ]
    async with looking(LookedAt(scripts=scripts), size=size) as seat:
        for number in range(1, 5):
            await seat.press(f"alt+{number}")
            await seat.ask("Which?")
        await seat.see("Nobody could answer")
        await seat.press("alt+5")
        gate.set()
        await seat.see("2.*✓")
        await seat.see("3.*✗")
        if size[0] > 100:
            await seat.see(r"metrics \(planner")
        await seat.see("codegen has its answer")
        await seat.see("repair could not be answered")
        seat.app.clear_notifications()
        await seat.see_gone("could not be answered")
        assert await still(seat) == snapshot


async def test_leaving_in_mid_answer_asks_once(size: Size, snapshot: SnapshotAssertion) -> None:
    script = [AttemptStarted(number=1, target=LOCAL), TextDelta("There are ei"), Gate()]
    async with looking(LookedAt(scripts=[script]), size=size) as seat:
        await seat.ask("How many planets?")
        await seat.see("There are ei")
        await seat.press("ctrl+q")
        await seat.see("Quit again to leave")
        assert await still(seat) == snapshot
