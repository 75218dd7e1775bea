"""The tour: begun by its user, advanced by what is done, and in nobody's way."""

from __future__ import annotations

from llmdesk.core.views import ScreenSettings
from llmdesk.tui.actions import BY_ID
from llmdesk.tui.keymap import read_keymap
from llmdesk.tui.tour import STEPS, words
from tests.support.fake_desk import FakeDesk, stored_conversation
from tests.support.screen import seated


def test_every_step_names_keys_that_there_are() -> None:
    assert 5 <= len(STEPS) <= 7
    for step in STEPS:
        assert "{" not in words(step, read_keymap({}))
    assert "f12 " in words(STEPS[-1], read_keymap({"help": "f12", "editor": "none"}))
    assert BY_ID["tour"].command == "tour"


async def test_it_begins_on_a_word_only_and_goes_on_by_what_is_done() -> None:
    async with seated(FakeDesk(), size=(100, 34)) as seat:
        await seat.see("/tour shows what there is")
        assert "1/7" not in seat.text
        await seat.ask("/tour")
        await seat.see("1/7 Ask")
        await seat.type("a question")
        assert seat.prompt == "a question"
        await seat.press("enter")
        await seat.see("2/7 Lanes")
        await seat.press("ctrl+pagedown")
        await seat.see("3/7 Waiting")
        await seat.press("alt+right")
        await seat.see("4/7 Acting")
        await seat.press("alt+left")
        await seat.see("3/7 Waiting")
        await seat.press("alt+right", "alt+right")
        await seat.see("5/7 Panels")
        await seat.press("f6")
        await seat.see("─ failovers")
        await seat.press("escape")
        await seat.see("6/7 Everything")
        await seat.ask("/tour")
        await seat.see("7/7 Help")
        await seat.press("alt+right")
        await seat.see_gone("7/7")


async def test_who_has_talked_here_before_is_not_called_new() -> None:
    desk = FakeDesk()
    desk.stored["c1"] = stored_conversation("c1", "An older talk")
    async with seated(desk, size=(100, 34)) as seat:
        await seat.see("What is here")
        assert "New here" not in seat.text


async def test_a_demo_says_what_to_ask() -> None:
    async with seated(FakeDesk(demo=True), size=(80, 24)) as seat:
        await seat.see("Ask anything, twice")
        await seat.see("/tour")


async def test_esc_ends_it_and_clicks_steer_it_with_the_users_own_keys() -> None:
    keys = {"tour_next": "alt+k"}
    async with seated(FakeDesk(screen=ScreenSettings(keys=keys)), size=(80, 24)) as seat:
        await seat.ask("/tour")
        await seat.see(r"\[alt\+k next\]")
        await seat.pilot.click("#tour ActionLine", offset=(2, 0))
        await seat.see("2/7 Lanes")
        await seat.press("escape")
        await seat.see_gone("2/7")
        assert not seat.app.chat.touring
