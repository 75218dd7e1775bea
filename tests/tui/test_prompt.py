from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tests.support.fake_desk import FakeDesk, answer, stored_conversation
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from pathlib import Path


async def test_up_and_down_walk_the_history_and_keep_the_draft() -> None:
    async with seated(FakeDesk()) as seat:
        for text in ("first", "second"):
            await seat.ask(text)
            await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.type("draft")
        await seat.press("up")
        assert seat.prompt == "second"
        await seat.press("up")
        assert seat.prompt == "first"
        await seat.press("up")
        assert seat.prompt == "first"
        await seat.press("down", "down")
        assert seat.prompt == "draft"


async def test_up_moves_inside_a_text_of_several_lines_first() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.ask("sent before")
        await seat.type("a\nb")
        await seat.press("up")
        assert seat.prompt == "a\nb"
        await seat.press("up")
        assert seat.prompt == "sent before"


async def test_a_question_mark_opens_help_only_on_an_empty_prompt() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.type("why?")
        assert seat.prompt == "why?"


async def test_slash_offers_commands_with_help_and_enter_runs_the_marked_one() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.type("/fa")
        await seat.see("/failovers +Failover history")
        await seat.press("enter")
        await seat.see("─ failovers")
        await seat.press("escape")
        assert seat.prompt == ""


async def test_tab_completes_a_command_and_down_marks_the_next() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.type("/l")
        await seat.press("tab")
        assert seat.prompt == "/lane "
        await seat.type("rep")
        await seat.press("enter")
        await seat.see("─ 3 repair ─")
        await seat.type("/e")
        await seat.see("/export")
        await seat.press("down", "tab")
        assert seat.prompt == "/edit "


async def test_escape_closes_the_list_of_commands_and_a_path_is_a_prompt() -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.type("/h")
        await seat.see("/help +Keys")
        await seat.press("escape")
        await seat.see_gone("/help +Keys")
        await seat.press("backspace", "backspace")
        await seat.ask("/etc/hosts is what")
        await wait_until(lambda: bool(desk.asks))
        assert desk.asks[0].prompt == "/etc/hosts is what"


async def test_a_file_is_attached_and_goes_with_the_next_prompt_only(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("content")
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.ask(f"/attach {path}")
        await seat.see("attached notes.txt")
        for text in ("one", "two"):
            await seat.ask(text)
            await wait_until(lambda: not seat.app.chat.talk.busy)
        assert [[file.name for file in ask.attachments] for ask in desk.asks] == [["notes.txt"], []]
        await seat.ask("/attach /no/such/file")
        await seat.see("cannot be read")


async def test_a_file_named_with_an_at_sign_goes_along_and_other_words_do_not(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("content")
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.ask(f"read @{path}, me@example.org and @nobody")
        await wait_until(lambda: bool(desk.asks))
        assert [file.name for file in desk.asks[0].attachments] == ["notes.txt"]


async def test_model_and_reasoning_hold_for_the_lane(tmp_path: Path) -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.ask("/model local/tiny")
        await seat.ask("/reasoning high")
        await seat.ask("x")
        await wait_until(lambda: bool(desk.asks))
        assert str(desk.asks[0].model) == "local/tiny"
        assert desk.asks[0].params.reasoning == "high"
        await seat.ask("/model nonsense")
        await seat.see("is not a model ref")


async def test_copy_takes_the_answer_as_received_and_code_takes_the_last_block() -> None:
    async with seated(FakeDesk(scripts=[answer("See **this**:\n\n```py\nx = 1\n```\n")])) as seat:
        await seat.ask("x")
        await seat.see("✔ full")
        await seat.ask("/copy")
        assert seat.app.clipboard == "See **this**:\n\n```py\nx = 1\n```\n"
        await seat.ask("/copy code")
        assert seat.app.clipboard.strip() == "x = 1"


async def test_export_writes_a_new_file_each_time(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        async with seated(FakeDesk(stored={"c1": stored_conversation("c1")}), conversation="c1") as seat:
            await seat.see("Here is a parser")
            await seat.ask("/export")
            await wait_until((tmp_path / "llmdesk-c1.md").exists)
            await seat.ask("/export")
            await wait_until((tmp_path / "llmdesk-c1-2.md").exists)


async def test_ctrl_c_clears_the_text_and_keeps_it_in_the_history() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.type("thought")
        await seat.press("ctrl+c")
        assert seat.prompt == ""
        await seat.press("up")
        assert seat.prompt == "thought"


async def test_the_last_queued_prompt_can_be_taken_back() -> None:
    from llmdesk.core.types import AttemptStarted
    from tests.support.fake_desk import LOCAL

    desk = FakeDesk(scripts=[[AttemptStarted(number=1, target=LOCAL), "control"]])
    async with seated(desk) as seat:
        await seat.ask("one")
        await seat.ask("two")
        await seat.see("queued 1 two")
        await seat.press("alt+u")
        assert seat.prompt == "two"
        assert "queued" not in seat.text


async def test_each_enter_of_a_burst_sends_what_was_typed_before_it() -> None:
    desk = FakeDesk(scripts=[answer("one"), answer("two"), answer("three")])
    async with seated(desk) as seat:
        prompt = seat.app.chat.talk.pane.prompt
        for text in ("a", "b", "a"):
            prompt.insert(text)
            prompt._send()  # as in its own queue, before the screen hears of the first one
            prompt._send()
        await wait_until(lambda: len(desk.asks) == 3)
        assert [ask.prompt for ask in desk.asks] == ["a", "b", "a"]
        assert seat.prompt == ""


async def test_what_was_held_back_is_sent_whole_by_the_next_enter() -> None:
    desk = FakeDesk(scripts=[answer("so")])
    async with seated(desk) as seat:
        await seat.ask("/hlep")
        await seat.see("Did you mean /help")
        await seat.press("escape", "enter")
        await wait_until(lambda: len(desk.asks) == 1)
        assert desk.asks[0].prompt == "/hlep"
