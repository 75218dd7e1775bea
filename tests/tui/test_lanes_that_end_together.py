"""Lanes that end while another one is shown are told in one message, which covers neither the prompt nor the lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets._toast import Toast

from llmdesk.core.types import AttemptStarted
from llmdesk.tui.screens.elsewhere import SHOWN_S, Elsewhere, words
from llmdesk.tui.widgets.lanes_bar import LanesBar
from tests.support.fake_desk import LOCAL, FakeDesk, Gate, answer
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_desk import Step


def test_the_words_count_the_lanes() -> None:
    assert words(["chat"], failed=False) == "Lane chat has its answer."
    assert words(["chat"], failed=True) == "Lane chat could not be answered."
    assert words(["chat", "repair"], failed=False) == "2 lanes have their answers: chat, repair."
    assert words(["chat", "repair"], failed=True) == "2 lanes could not be answered: chat, repair."


def test_a_lane_joins_those_whose_message_is_still_there() -> None:
    now, said = [0.0], []

    def say(text: str, *, severity: str = "information", instead_of: str = "") -> None:
        said.append((text, severity, instead_of))

    due: list[Callable[[], None]] = []
    elsewhere = Elsewhere(say, due.append, clock=lambda: now[0])

    def told(lane: str, *, failed: bool) -> None:
        elsewhere.ended(lane, failed=failed)
        due.pop()()

    told("chat", failed=False)
    told("repair", failed=True)
    now[0] += SHOWN_S / 2
    told("codegen", failed=False)
    now[0] += SHOWN_S
    told("chat", failed=False)
    one, two = "Lane chat has its answer.", "2 lanes have their answers: chat, codegen."
    assert said == [
        (one, "information", ""),
        ("Lane repair could not be answered.", "warning", ""),
        (two, "information", one),
        (one, "information", ""),
    ]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_lanes_that_end_at_once_share_one_message_away_from_the_prompt(size: tuple[int, int]) -> None:
    gate = Gate()
    steps: list[list[Step]] = [[AttemptStarted(number=1, target=LOCAL), gate, *answer("Done.")[1:]] for _ in range(5)]
    desk = FakeDesk(scripts=steps)
    async with seated(desk, size=size) as seat:
        for number in range(1, 6):
            await seat.press(f"alt+{number}")
            await seat.ask("one")
        await wait_until(lambda: len(desk.asks) == 5, "all prompts")
        await seat.press("alt+6")
        gate.set()
        await seat.see("5 lanes have their answers")
        await wait_until(lambda: len(seat.app.screen.query(Toast)) == 1, "one message")
        toast = seat.app.screen.query_one(Toast)
        prompt, bar = seat.app.chat.talk.pane.prompt.region, seat.app.chat.query_one(LanesBar).region
        assert not toast.region.overlaps(prompt)
        assert not toast.region.overlaps(bar)
