"""ctrl+f in the open conversation, ctrl+r in the prompts sent before, and up and down across sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import Role
from llmdesk.core.views import StoredMessage
from llmdesk.tui.history import LIMIT, PromptHistory
from tests.support.fake_desk import FakeDesk, stored_conversation
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from llmdesk.core.views import Conversation
    from tests.support.screen import Seat

RECENT = ("newest prompt", "two\nlines", "a parser for logs", "/tmp is full, why?", "oldest parser")


def long_conversation() -> Conversation:
    messages = [
        StoredMessage(
            id=at, role=Role.ASSISTANT if at % 2 else Role.USER, content=f"message {at}, needle {at % 7}\n" * 3,
            created_at=1.0, request=f"r{at // 2}", completeness="full" if at % 2 else None,
        )
        for at in range(60)
    ]  # fmt: skip
    return replace(stored_conversation(), messages=tuple(messages))


def marked_text(seat: Seat) -> str:
    view = seat.app.chat.talk.pane.transcript
    lines = [(row, view.found_in(row.key, row.number)) for y in range(view.size.height) if (row := view.row_at(y))]
    return " ".join(row.line.text[span[0] : span[1]] for row, span in lines if span is not None)


async def test_find_goes_from_hit_to_hit_and_marks_each() -> None:
    desk = FakeDesk(stored={"conversation-1": long_conversation()})
    async with seated(desk, conversation="conversation-1", size=(100, 24)) as seat:
        await seat.see("message 59")
        await seat.type("draft")
        await seat.press("ctrl+f")
        await seat.type("message 5,")
        await seat.see("3 of 3|1 of 3")
        await wait_until(lambda: marked_text(seat) == "message 5,")
        first = seat.text
        await seat.press("enter")
        await wait_until(lambda: seat.text != first and marked_text(seat) == "message 5,")
        await seat.press("up", "shift+enter", "up")
        await seat.see(r"\d of 3")
        await seat.press("escape")
        await seat.see_gone("find ▸")
        await wait_until(lambda: marked_text(seat) == "")
        assert seat.prompt == "draft"
        await seat.press("ctrl+f")
        await seat.see("find ▸ +message 5, .* of 3")


async def test_every_hit_in_view_is_marked_and_the_one_gone_to_stands_out() -> None:
    desk = FakeDesk(stored={"conversation-1": long_conversation()})
    async with seated(desk, conversation="conversation-1", size=(100, 40)) as seat:
        await seat.see("message 59")
        await seat.press("ctrl+f")
        await seat.type("needle")
        await seat.see("of 180")
        view = seat.app.chat.talk.pane.transcript
        palette = view.current_palette()
        rows = [(y, row) for y in range(view.size.height) if (row := view.row_at(y)) and "needle" in row.line.text]
        assert len(rows) > 3
        for y, row in rows:
            own = view.found_in(row.key, row.number)
            looks = [each.style for each in view.render_line(y) if each.text == "needle" and each.style is not None]
            assert len(looks) == row.line.text.count("needle")
            strong = [look for look in looks if look.bgcolor == palette["found"].bgcolor]
            assert len(strong) == (own is not None)
            assert all(look.bgcolor == palette["found-too"].bgcolor for look in looks if look not in strong)
            assert all(look.underline for look in looks if look not in strong)
        await seat.press("escape")
        await seat.see_gone("find ▸")
        assert not any(view.also_found_in(row.key, row.number) for _, row in rows)


async def test_find_says_that_there_is_nothing() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.press("ctrl+f")
        await seat.type("nowhere")
        await seat.see("nothing found")
        await seat.press("enter", "up", "escape")
        await seat.see_gone("find ▸")


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (20, 5), (4, 3)])
async def test_searches_open_and_close_at_any_size(size: tuple[int, int]) -> None:
    async with seated(FakeDesk(recent=RECENT), size=size) as seat:
        await seat.press("ctrl+f", "x", "enter", "ctrl+r", "p", "down", "ctrl+f", "escape", "ctrl+r", "enter")
        await wait_until(lambda: seat.prompt == "newest prompt")


async def test_recall_narrows_the_prompts_of_all_sessions_while_words_are_typed() -> None:
    async with seated(FakeDesk(recent=RECENT)) as seat:
        await seat.ask("sent just now")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.type("draft")
        await seat.press("ctrl+r")
        await seat.see(r"sent just now *│?.*\n *newest prompt.*\n *two lines")
        await seat.type("PARSER")
        await seat.see_gone("newest prompt")
        assert "a parser for logs" in seat.text
        await seat.press("ctrl+r", "enter")
        await wait_until(lambda: seat.prompt == "oldest parser")
        await seat.see_gone("a parser for logs")


async def test_escape_leaves_the_draft_as_it_was() -> None:
    async with seated(FakeDesk(recent=RECENT)) as seat:
        await seat.type("my\ndraft")
        await seat.press("ctrl+r")
        await seat.type("full")
        await seat.press("escape")
        await wait_until(lambda: seat.app.chat.talk.pane.search is None)
        await seat.type("!")
        assert seat.prompt == "my\ndraft!"


async def test_a_prompt_that_is_not_there_leaves_the_search_open() -> None:
    async with seated(FakeDesk(recent=RECENT)) as seat:
        await seat.press("ctrl+r")
        await seat.type("zebra")
        await seat.see("no prompt holds these words")
        await seat.press("enter")
        assert seat.app.chat.talk.pane.search is not None


async def test_up_goes_on_into_earlier_sessions_and_a_recalled_command_opens_no_list() -> None:
    async with seated(FakeDesk(recent=("newest prompt", "/doctor", "oldest"))) as seat:
        for text in ("newest prompt", "/doctor", "oldest", "oldest"):
            await seat.press("up")
            assert seat.prompt == text
        await seat.press("down", "down", "down")
        assert seat.prompt == ""


async def test_lanes_share_the_history_and_each_walks_it_alone() -> None:
    async with seated(FakeDesk(recent=RECENT)) as seat:
        await seat.press("up", "up", "alt+2", "up")
        assert seat.prompt == "newest prompt"
        await seat.press("alt+1", "up", "up")  # the first of them moves inside the text
        assert seat.prompt == "a parser for logs"


def test_a_history_holds_each_prompt_once_and_the_latest_use_counts() -> None:
    history = PromptHistory()
    for text in ("one", "two", "one", "  "):
        history.remember(text)
    history.put_before(("two", "older", "oldest"))
    assert history.all() == ("oldest", "older", "two", "one")
    assert history.search("OLD") == ["older", "oldest"]
    for number in range(LIMIT + 5):
        history.remember(str(number))
    assert len(history) == LIMIT
