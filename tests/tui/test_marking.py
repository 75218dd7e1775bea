"""Marking a turn by key and by mouse, what the letters do then, and how one gets back to the prompt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from textual import events

from llmdesk.core.types import AttemptStarted, ReasoningDelta, TextDelta
from llmdesk.tui.transcript.entries import UserEntry
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.turn_line import TurnLine
from tests.support.fake_desk import LOCAL, FakeDesk, answer, stored_conversation
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from llmdesk.tui.transcript.view import TranscriptView
    from tests.support.fake_desk import Step
    from tests.support.screen import Seat


def view_of(seat: Seat) -> TranscriptView:
    return seat.app.chat.talk.pane.transcript


def marked(seat: Seat) -> str:
    key = view_of(seat).chosen
    return "" if key is None else view_of(seat).text_of(key)


async def answered(seat: Seat, *prompts: str) -> None:
    for number, prompt in enumerate(prompts, 1):
        await seat.ask(prompt)
        await wait_until(lambda count=number: seat.text.count("✔ full") >= count, "the answer")  # type: ignore[misc]
        await seat.pilot.pause()


@pytest.mark.parametrize("keys", [("alt+up", "alt+down"), ("ctrl+up", "ctrl+down")])
async def test_the_keys_go_from_turn_to_turn_and_below_the_last_one_back_to_the_prompt(keys: tuple[str, str]) -> None:
    up, down = keys
    async with seated(FakeDesk(scripts=[answer("first answer"), answer("second answer")])) as seat:
        await answered(seat, "one", "two")
        found = []
        for key in (up, up, "k", "up", up, "j", "down", down):
            await seat.press(key)
            found.append(marked(seat))
        assert found == ["second answer", "two", "first answer", "one", "one", "first answer", "two", "second answer"]
        await seat.press(down)
        assert marked(seat) == ""
        assert seat.app.focused is seat.app.chat.talk.pane.prompt
        await seat.see_gone("copy")


@pytest.mark.parametrize("back", ["escape", "i"])
async def test_a_draft_stays_while_a_turn_is_marked(back: str) -> None:
    async with seated(FakeDesk(scripts=[answer("the answer")])) as seat:
        await answered(seat, "one")
        await seat.type("draft")
        await seat.press("alt+up", back)
        assert marked(seat) == ""
        await seat.type(" on")
        assert seat.prompt == "draft on"


async def test_any_other_letter_is_the_beginning_of_a_prompt_and_so_is_a_paste() -> None:
    async with seated(FakeDesk(scripts=[answer("the answer")])) as seat:
        await answered(seat, "one")
        await seat.press("alt+up", "w", "h", "y")
        assert seat.prompt == "why"
        await seat.press("alt+up")
        view_of(seat).post_message(events.Paste(" pasted\ntext"))
        await wait_until(lambda: seat.prompt == "why pasted\ntext", "the paste")
        assert marked(seat) == ""


async def test_letters_that_come_together_all_reach_the_prompt() -> None:
    async with seated(FakeDesk(scripts=[answer("the answer")])) as seat:
        await answered(seat, "one")
        await seat.press("alt+up")
        for letter in "why cet":
            seat.app.post_message(events.Key("space" if letter == " " else letter, letter))
        await wait_until(lambda: seat.prompt == "why cet", "all of them, in order")


async def test_the_line_says_what_is_marked_and_what_can_be_done_with_it() -> None:
    script = answer("See:\n\n```py\nx = 1\n```\n")
    async with seated(FakeDesk(scripts=[script]), size=(80, 24)) as seat:
        await answered(seat, "one")
        await seat.press("alt+up")
        text = await seat.see("answer of local · gemma3:27b")
        for offer in ("c copy", "b code block", "e edit", "r ask again", "t ask another", "f fork", "o open", "v raw"):
            assert f"[{offer}" in text
        assert "go on" not in text
        await seat.press("up")
        text = await seat.see(r"prompt of \d\d:\d\d")
        assert "code block" not in text


async def test_the_head_of_an_entry_marks_it_by_mouse_and_an_offer_is_clicked() -> None:
    async with seated(FakeDesk(scripts=[answer("the answer")])) as seat:
        await answered(seat, "one")
        row = next(y for y, line in enumerate(seat.text.splitlines()) if "local · gemma3:27b" in line)
        await seat.pilot.click(offset=(4, row))
        assert marked(seat) == "the answer"
        await seat.see(r"\[c copy\]")
        await seat.pilot.click(seat.app.chat.query_one(TurnLine).query_one(ActionLine), offset=(2, 0))
        await seat.see("Answer: sent to the terminal")
        assert seat.app.clipboard == "the answer"
        await seat.pilot.click(offset=(4, row))
        assert marked(seat) == ""
        await seat.pilot.click(offset=(4, row))
        await seat.pilot.click(seat.app.chat.talk.pane.prompt)
        assert marked(seat) == ""


async def test_tab_into_the_conversation_marks_its_last_turn() -> None:
    async with seated(FakeDesk(scripts=[answer("the answer")])) as seat:
        await answered(seat, "one")
        view_of(seat).focus()
        await wait_until(lambda: marked(seat) == "the answer", "the mark")


async def test_a_growing_answer_is_marked_copied_and_its_reasoning_folded_by_key() -> None:
    gate, end = asyncio.Event(), asyncio.Event()
    script: list[Step] = [
        AttemptStarted(number=1, target=LOCAL), ReasoningDelta("deep thought"), TextDelta("begun"), gate,
        ReasoningDelta(" and more"), TextDelta(" going on"), end, *answer("x")[-1:],
    ]  # fmt: skip
    async with seated(FakeDesk(scripts=[script])) as seat:
        await seat.ask("one")
        await seat.see("begun")
        await seat.press("alt+up", "enter")
        await seat.see("deep thought")
        gate.set()
        await seat.see("deep thought and more")
        await seat.see("begun going on")
        await seat.press("c")
        await seat.see("Answer so far: ")
        assert seat.app.clipboard == "begun going on"
        await seat.press("space")
        await seat.see_gone("deep thought")
        assert marked(seat) == "begun going on"
        await seat.press("r")
        await seat.see("An answer is coming")
        end.set()
        await seat.see("✔ full")


async def test_a_turn_out_of_sight_is_brought_into_view() -> None:
    long = "\n\n".join(f"paragraph {number}" for number in range(40))
    async with seated(FakeDesk(scripts=[answer(long)])) as seat:
        await answered(seat, "one")
        assert "you · " not in seat.text
        await seat.press("alt+up", "alt+up")
        await seat.see("you · .*◂")
        await seat.press("down")
        await seat.see("gemma3:27b .*◂")


async def test_without_anything_said_nothing_is_marked() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.press("alt+up")
        await seat.see("There is nothing here to act on yet")
        for command in ("/retry", "/edit", "/continue", "/fork", "/open", "/raw", "/copy", "/compact"):
            await seat.ask(command)
        assert seat.prompt == ""


async def test_the_slash_command_marks_too_and_a_key_of_the_users_own_is_shown() -> None:
    from llmdesk.core.views import ScreenSettings

    desk = FakeDesk(scripts=[answer("the answer")], screen=ScreenSettings(keys={"turn_copy": "y"}))
    async with seated(desk) as seat:
        await answered(seat, "one")
        await seat.ask("/turn")
        await seat.see(r"\[y copy\]")
        await seat.press("y")
        await seat.see("Answer: ")


@pytest.mark.parametrize("theme", ["midnight", "daylight", "contrast", "ansi16"])
@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 60)])
async def test_the_mark_is_seen_in_every_theme_and_size(theme: str, size: tuple[int, int]) -> None:
    async with seated(FakeDesk(stored={"c1": stored_conversation("c1")}), size=size, theme=theme, conversation="c1",
                      lane="codegen") as seat:  # fmt: skip
        await seat.see("Here is a parser")
        await seat.press("alt+up")
        assert marked(seat) == "Here is a parser."
        head = next(line for line in (await seat.see("◂")).splitlines() if "◂" in line)
        assert "local" in head
        assert "Here is a parser." in seat.text


async def test_only_what_was_said_is_marked() -> None:
    async with seated(FakeDesk(stored={"c1": stored_conversation("c1")}), conversation="c1") as seat:
        await seat.see("Here is a parser")
        seat.app.chat.talk.record.seam("a seam")
        await seat.press("alt+up", "alt+up")
        assert isinstance(view_of(seat).entry(view_of(seat).chosen or 0), UserEntry)
