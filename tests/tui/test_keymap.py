from __future__ import annotations

import pytest

from llmdesk.core.views import ScreenSettings
from llmdesk.tui.actions import ACTIONS, BY_ID
from llmdesk.tui.keymap import is_key, read_keymap
from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated


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
        assert {"Lane codegen", "/doctor", "Theme midnight"} <= titles
        await seat.press("f10")
        await seat.type("lane critic")
        await seat.press("enter")
        await seat.see("─ 4 critic ─")
