"""The queue of a lane: looked at, edited, moved and dropped while an answer comes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmdesk.core.types import AttemptStarted
from llmdesk.tui.widgets.queue_line import CROSS
from tests.support.fake_desk import LOCAL, FakeDesk, Gate, answer
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.screen import Seat


@asynccontextmanager
async def queued(*texts: str) -> AsyncIterator[tuple[Seat, FakeDesk, Gate]]:
    """An answer under way that ends when the gate opens, and prompts behind it."""
    gate, later = Gate(), Gate()
    begin = AttemptStarted(number=1, target=LOCAL)
    desk = FakeDesk(scripts=[[begin, gate, *answer("first")[1:]], [begin, later, *answer("next")[1:]]])
    async with seated(desk) as seat:
        await seat.ask("under way")
        for text in texts:
            await seat.ask(text)
        await seat.see(f"queued {len(texts)} {texts[-1]}")
        await seat.press("alt+q")
        await seat.see("queue of chat")
        yield seat, desk, gate


def texts(seat: Seat) -> list[str]:
    return [item.text for item in seat.app.chat.talk.outgoing.queue]


async def test_a_prompt_is_moved_dropped_and_put_back() -> None:
    async with queued("one", "two", "three") as (seat, _, _gate):
        await seat.press("J")
        assert texts(seat) == ["two", "one", "three"]
        await seat.press("shift+down", "shift+up", "K")
        assert texts(seat) == ["one", "two", "three"]
        await seat.press("down", "x")
        assert texts(seat) == ["one", "three"]
        await seat.press("x", "u", "u")
        assert texts(seat) == ["one", "two", "three"]
        await seat.press("escape")
        await seat.see_gone("queue of chat")


async def test_a_prompt_is_edited_where_it_stands() -> None:
    async with queued("one", "two") as (seat, _, _gate):
        await seat.press("down", "enter")
        await seat.type(" and more\nxJ")
        await seat.press("enter")
        assert texts(seat) == ["one", "two and more\nxJ"]
        await seat.press("enter")
        await seat.type("nonsense")
        await seat.press("escape")
        assert texts(seat) == ["one", "two and more\nxJ"]
        await seat.see("2 lines")


async def test_another_prompt_that_goes_out_leaves_the_edit_alone() -> None:
    async with queued("one", "two") as (seat, desk, gate):
        await seat.press("down", "enter")
        await seat.type(" or")
        gate.set()
        await wait_until(lambda: len(desk.asks) == 2)
        await seat.type(" not")
        await seat.press("enter")
        assert texts(seat) == ["two or not"]
        assert desk.asks[1].prompt == "one"


async def test_what_is_being_edited_goes_out_only_when_it_is_ready() -> None:
    async with queued("one") as (seat, desk, gate):
        await seat.press("enter")
        gate.set()
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.type(" ready")
        assert len(desk.asks) == 1
        await seat.press("enter")
        await wait_until(lambda: len(desk.asks) == 2)
        assert desk.asks[1].prompt == "one ready"


async def test_a_prompt_is_sent_next_and_a_click_on_its_cross_drops_it() -> None:
    async with queued("one", "two", "three") as (seat, _desk, _gate):
        await seat.press("down", "down", "g")
        assert texts(seat) == ["three", "one", "two"]
        lines = seat.text.splitlines()
        row = next(at for at, line in enumerate(lines) if "2 one" in line)
        await seat.pilot.click(offset=(lines[row].index(CROSS), row))
        await wait_until(lambda: texts(seat) == ["three", "two"], "the drop")


async def test_the_queue_is_opened_by_a_click_and_says_when_it_is_empty() -> None:
    async with queued("one") as (seat, _desk, _gate):
        await seat.press("escape")
        await seat.see_gone("queue of chat")
        row = next(at for at, line in enumerate(seat.text.splitlines()) if "queued 1 one" in line)
        await seat.pilot.click(offset=(5, row))
        await seat.see("queue of chat")
        await seat.press("x")
        await seat.see("nothing waits any more")
        await seat.press("escape", "alt+q")
        await seat.see("No prompt waits")
