"""No key of ours is lost to a terminal without another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.commands import BY_NAME
from llmdesk.tui.keymap import is_key
from llmdesk.tui.swallowed import KEEPERS, MOUSE, keepers_here, keepers_of, second_ways

if TYPE_CHECKING:
    from llmdesk.tui.actions import Action
    from llmdesk.tui.swallowed import Keeper


@pytest.mark.parametrize("keeper", KEEPERS, ids=lambda keeper: keeper.name)
def test_what_is_kept_are_keys_as_they_arrive_here(keeper: Keeper) -> None:
    assert [key for key in keeper.keys if not is_key(key)] == []
    assert keeper.signs
    assert keeper.way_round


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.keys], ids=lambda action: action.id)
def test_no_default_key_is_swallowed_without_a_second_way(action: Action) -> None:
    kept = {key: [keeper.name for keeper in keepers_of(key)] for key in action.keys.split(",")}
    assert second_ways(action.id, action.keys, action.command), kept


def test_a_second_way_is_a_real_one() -> None:
    assert {action.command for action in ACTIONS if action.command} <= BY_NAME.keys()
    assert MOUSE.keys() <= {action.id for action in ACTIONS}


@pytest.mark.parametrize(("environment", "names"), [
    ({}, []), ({"TMUX": "/tmp/x,1,0"}, ["tmux"]), ({"STY": "1.x", "TERM_PROGRAM": "vscode"}, ["GNU Screen", "VS Code"]),
    ({"ZELLIJ": "0", "SSH_TTY": "/dev/pts/1"}, ["Zellij", "ssh"]), ({"TERM_PROGRAM": "other"}, []),
    ({"TERM": "foot-extra"}, ["foot"]),
])  # fmt: skip
def test_who_is_here_is_told_by_the_environment(environment: dict[str, str], names: list[str]) -> None:
    assert [keeper.name for keeper in keepers_here(environment)] == names
