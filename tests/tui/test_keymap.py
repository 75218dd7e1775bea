from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.views import ScreenSettings
from llmdesk.tui.actions import ACTIONS, BY_ID, PANEL_SCOPES
from llmdesk.tui.hints import hints
from llmdesk.tui.keymap import is_key, read_keymap
from llmdesk.tui.screens.help import help_text
from tests.support.fake_desk import FakeDesk, answer, stored_conversation
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from llmdesk.tui.hints import State
    from llmdesk.tui.keymap import Keymap


def test_ids_are_unique_and_no_default_key_is_taken_twice() -> None:
    assert len(BY_ID) == len(ACTIONS)
    assert read_keymap({}).notes == ()
    # Saying every default aloud brings every clash among them to light.
    assert read_keymap({action.id: action.keys for action in ACTIONS if action.keys}).notes == ()


def test_a_key_can_be_changed_and_taken_away() -> None:
    keymap = read_keymap({"lane_next": "f10", "help": "none"})
    assert keymap.notes == ()
    assert keymap.keys_of(BY_ID["lane_next"]) == "f10"
    assert keymap.keys_of(BY_ID["help"]) == ""


@pytest.mark.parametrize(("user", "note"), [
    ({"lane_nxt": "f9"}, "ui.keys: there is no action 'lane_nxt'. Did you mean lane_next?"),
    ({"help": "not a key!!"}, "ui.keys.help: 'not a key!!' is not a key; kept f1."),
    ({"help": "hyper"}, "ui.keys.help: 'hyper' is not a key; kept f1."),
    ({"help": ""}, "ui.keys.help: '' is not a key; kept f1."),
    ({"help": "f6"}, "ui.keys.help: f6 already belongs to failovers; kept f1."),
    ({"send": "ctrl+j"}, "ui.keys.send: ctrl+j already belongs to newline; kept enter."),
])  # fmt: skip
def test_a_wrong_entry_is_told_and_leaves_the_default(user: dict[str, str], note: str) -> None:
    keymap = read_keymap(user)
    assert keymap.notes == (note,)
    assert keymap.overrides == {}


def test_two_actions_may_change_places() -> None:
    keymap = read_keymap({"failovers": "f7", "outbox": "f6"})
    assert keymap.notes == ()


def test_keys_of_screens_that_are_never_open_together_do_not_clash() -> None:
    assert read_keymap({"outbox_drop": "y"}).notes == ()


@pytest.mark.parametrize(
    "key", ["f1", "ctrl+x", "alt+1", "shift+enter", "pageup", "slash", "question_mark", "a", "?", "ctrl+pagedown"]
)
def test_real_keys_are_known(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize("key", ["foo", "ctrl+", "ctl+x", "ctrl+ctrl+x", "f99", "page up", ""])
def test_nonsense_is_not_a_key(key: str) -> None:
    assert not is_key(key)


async def test_the_users_keys_work_on_the_screen() -> None:
    keys = {"failovers": "f7", "outbox": "f6", "lane_next": "f10", "help": "none", "nonsense": "f5"}
    async with seated(FakeDesk(screen=ScreenSettings(keys=keys))) as seat:
        await seat.see("no action 'nonsense'")
        await seat.press("f1")
        await seat.press("f10")
        await seat.see("─ 2 codegen ─")
        await seat.press("f6")
        await seat.see("─ outbox")
        await seat.press("f7")
        await seat.see("─ failovers")


async def test_every_action_of_the_palette_can_be_found_in_it() -> None:
    async with seated(FakeDesk(screen=ScreenSettings(keys={"palette": "f10"}))) as seat:
        titles = {command.title for command in seat.app.get_system_commands(seat.app.screen)}
        assert {action.help for action in ACTIONS if action.palette} <= titles
        assert {"Lane codegen", "/doctor", "/lane", "Theme midnight"} <= titles
        await seat.press("f10")
        await seat.type("lane critic")
        await seat.press("enter")
        await seat.see("─ 4 critic ─")


async def test_the_palette_has_every_action_of_the_panel_that_is_on_top() -> None:
    async with seated(FakeDesk()) as seat:
        for panel in ("failovers", "models", "keys"):
            seat.app.action_open_panel(panel)
            await seat.see(f"─ {panel}")
            titles = {command.title for command in seat.app.get_system_commands(seat.app.screen)}
            assert {action.help for action in ACTIONS if action.scope == panel} <= titles
            assert {action.help for action in ACTIONS if action.scope == "desk" and action.palette} <= titles
            await seat.press("escape")
            await seat.see("─ 1 chat")


async def test_the_palette_has_recent_conversations() -> None:
    desk = FakeDesk(stored={"conversation-1": stored_conversation()})
    async with seated(desk) as seat:
        await wait_until(lambda: len(seat.app.chat.recent) == 1)
        titles = {command.title for command in seat.app.get_system_commands(seat.app.screen)}
        assert "Conversation Parse the log file" in titles


async def test_help_is_searched_and_tells_what_this_terminal_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZELLIJ", "0")
    async with seated(FakeDesk(), size=(110, 60)) as seat:
        await seat.press("f1")
        await seat.see("keys and commands")
        await seat.press("slash")
        await seat.type("new conversation")
        await seat.see("ctrl\\+n may not arrive: Zellij")
        await seat.see("Instead: /new")
        assert "Failover history" not in seat.text
        await seat.press("escape")
        await seat.see("While waiting: retry now")
        await seat.press("escape")
        await seat.see("─ 1 chat")


@pytest.mark.parametrize("screen", ["chat", *PANEL_SCOPES])
def test_help_knows_every_key_of_every_screen(screen: str) -> None:
    shown = " ".join(help_text(screen, read_keymap({}), 200).plain.split())
    scopes = {"desk", screen, *(("prompt", "turn") if screen == "chat" else ())}
    own = [action for action in ACTIONS if action.scope in scopes and action.listed]
    assert {action.scope for action in own} == scopes
    for action in own:
        assert f"{action.help} {action.id.removesuffix('_1')}" in shown or action.id == "lane_1"


def lines(state: State, keymap: Keymap) -> list[str]:
    return ["  ".join(hint.text for hint in line) for line in hints(state, keymap)]


def test_hints_are_the_users_own_keys_and_fit_the_moment() -> None:
    keymap = read_keymap({"help": "f10", "palette": "none"})
    assert lines("idle", keymap)[0] == "alt+1…9 lane  f6 failovers  f10 help"
    assert lines("busy", keymap)[-2:] == ["Esc cancel", "Esc"]
    assert "alt+r now" in lines("waiting", keymap)[0]
    assert lines("held", keymap)[-2:] == ["alt+g send the queue", "alt+g"]
    assert "i back" in lines("marked", keymap)[0]


def test_no_hint_is_shown_of_a_key_that_would_do_nothing_then() -> None:
    keymap = read_keymap({})
    assert lines("asked", keymap)[1] == "alt+y ask the next  alt+p pause it  Esc cancel"
    for line in lines("paused", keymap):
        assert "alt+n" not in line
        assert "Esc" not in line
    assert "alt+r now" in lines("paused", keymap)[0]


async def test_hints_change_with_what_goes_on() -> None:
    gate = asyncio.Event()
    async with seated(FakeDesk(scripts=[[gate, *answer("done")]]), size=(160, 30)) as seat:
        await seat.see("f6 failovers")
        await seat.ask("Hello")
        await seat.see("Esc cancel")
        gate.set()
        await seat.see("✔ full")
        await seat.see("f6 failovers")


async def test_the_palette_begins_with_what_is_used_most_and_tells_each_thing_once() -> None:
    async with seated(FakeDesk(), size=(100, 40)) as seat:
        offered = [each for each in seat.app.get_system_commands(seat.app.screen) if each.discover]
        titles = [each.title for each in offered]
        assert titles[:2] == ["New conversation", "Conversations: list and search"]
        assert titles.index("Lane codegen") < titles.index("/doctor") < titles.index("Theme midnight")
        assert not {"/new", "/models", "/lane"} & set(titles)
        assert offered[0].help == "ctrl+n · /new"
        await seat.press("ctrl+p")
        await seat.see("New conversation")
        shown = seat.text
        assert shown.index("New conversation") < shown.index("Ask another model")
        await seat.type("/new")
        await seat.see("Begin a new conversation in this lane")
