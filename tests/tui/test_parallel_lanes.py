"""Lanes as parallel desks: streams side by side, drafts of their own, badges and tabs that stay in sight."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import AttemptStarted, ConsentNeeded, Finished, TextDelta
from llmdesk.core.views import LaneView, TargetStatus
from llmdesk.tui.widgets.lanes_bar import Badge
from tests.support.fake_desk import LOCAL, FakeDesk, answer, failed, outcome, paused
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from tests.support.fake_desk import Step
    from tests.support.screen import Seat

NAMES = tuple(f"lane-{number}" for number in range(1, 11))
PIECES = 100


@dataclass
class TenLanes(FakeDesk):
    """A desk with ten lanes."""

    default_lane: str = NAMES[0]

    def lanes(self) -> tuple[LaneView, ...]:
        targets = (TargetStatus(target=LOCAL),)
        return tuple(LaneView(name=name, targets=targets, default=name == NAMES[0]) for name in NAMES)


def bar(seat: Seat) -> str:
    return seat.text.split("\n")[-1]


async def test_ten_lanes_stream_at_once_and_every_letter_is_typed_at_once() -> None:
    gate = asyncio.Event()
    pieces: list[Step] = []
    for number in range(PIECES):
        pieces += [TextDelta(f"word{number} "), 0.01]
    said = "".join(f"word{number} " for number in range(PIECES))
    script: list[Step] = [AttemptStarted(number=1, target=LOCAL), gate, *pieces, Finished(outcome=outcome(text=said))]
    desk = TenLanes(scripts=[script])
    async with seated(desk, size=(80, 24)) as seat:
        for name in NAMES:
            await seat.app.chat.go_to_lane(name)
            await seat.ask(f"to {name}")
        await wait_until(lambda: len(desk.asks) == len(NAMES))
        assert seat.app.chat.running() == len(NAMES)
        await seat.press("alt+1")
        gate.set()
        slowest = 0.0
        loop = asyncio.get_running_loop()
        for number in range(20):
            began = loop.time()
            await seat.press("abcdefghij"[number % 10])
            slowest = max(slowest, loop.time() - began)
        assert seat.prompt == "abcdefghij" * 2
        assert slowest < 3.0
        await wait_until(lambda: seat.app.chat.running() == 0, "all answers", seconds=60)
        assert [ask.lane for ask in desk.asks] == list(NAMES)
        for name in NAMES:
            talk = seat.app.chat.talks[name]
            assert talk.record.last_answer == said
        badges = [seat.app.chat.talks[name].badge for name in NAMES[1:]]
        assert badges == [Badge.DONE] * len(badges)


async def test_each_lane_keeps_its_draft_and_its_conversation() -> None:
    async with seated(FakeDesk(scripts=[answer("one"), answer("two")])) as seat:
        await seat.ask("first")
        await seat.see("one")
        await seat.type("draft a")
        await seat.press("alt+2")
        await seat.see("new conversation")
        await seat.type("draft b")
        await seat.press("alt+1")
        await seat.see("one")
        assert seat.prompt == "draft a"
        await seat.press("ctrl+pagedown")
        assert seat.prompt == "draft b"


async def test_badges_are_signs_of_their_own_for_every_state() -> None:
    gate, moved = asyncio.Event(), asyncio.Event()
    started = AttemptStarted(number=1, target=LOCAL)
    scripts: list[list[Step]] = [
        [started, TextDelta("grows"), gate],
        [ConsentNeeded(target=LOCAL, failed=failed()), "control"],
        [started, moved, *answer("done")],
        [started, moved, *paused()],
        ["control"],
    ]
    async with seated(FakeDesk(scripts=scripts), size=(120, 24)) as seat:
        for number in range(1, 5):
            await seat.press(f"alt+{number}")
            await seat.ask("x")
        await seat.press("alt+7")
        await seat.see("7 reviewer ─")
        moved.set()
        for number, sign in enumerate("…◔✓✗", 1):
            shows = partial(re.search, rf" {number} \w+{sign} ")
            await wait_until(lambda shows=shows: shows(bar(seat)) is not None, sign)
        await seat.press("f2")
        for words in ("answering", "waiting", "has its answer", "was not answered"):
            await seat.see(words)


@pytest.mark.parametrize("width", [80, 60, 40])
async def test_the_lane_on_the_screen_is_in_the_bar_and_others_are_a_click_away(width: int) -> None:
    async with seated(TenLanes(), size=(width, 24)) as seat:
        for name in NAMES:
            await seat.app.chat.go_to_lane(name)
            await wait_until(lambda name=name: name in bar(seat), name)
        first = bar(seat).index("5" if "5" in bar(seat) else "9")
        wanted = bar(seat)[first]
        await seat.pilot.click(offset=(first, 23))
        await seat.see(f"{wanted} lane-{wanted}")


async def test_a_click_in_the_picker_goes_to_the_lane() -> None:
    async with seated(TenLanes()) as seat:
        await seat.type("draft")
        await seat.press("f2")
        text = await seat.see("lane-7")
        at = next(y for y, line in enumerate(text.split("\n")) if "7 lane-7 " in line)
        await seat.pilot.click(offset=(text.split("\n")[at].index("lane-7") + 1, at))
        await seat.see("7 lane-7 ─")
        await seat.press("f2", "up", "enter")
        await seat.see("6 lane-6 ─")
