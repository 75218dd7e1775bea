"""The actions as data agree with the code behind them, and none depends on a key that a terminal may keep."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.app import DeskApp
from llmdesk.tui.commands import COMMANDS
from llmdesk.tui.screens.chat import ChatScreen
from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.screens.panels import SCREENS
from llmdesk.tui.screens.slash import COMMAND_ACTIONS, DO
from llmdesk.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from llmdesk.tui.actions import Action


def names_of(action: Action) -> str:
    return action.call.removeprefix("screen.").partition("(")[0]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_there(action: Action) -> None:
    owners: dict[str, type] = {"desk": DeskApp, "chat": ChatScreen, "turn": ChatScreen, "prompt": Prompt,
                               "list": PanelScreen}  # fmt: skip
    owner = owners.get(action.scope)
    if owner is not None:
        assert hasattr(owner, f"action_{names_of(action)}")


@pytest.mark.parametrize("panel", SCREENS)
def test_every_panel_is_there_with_its_own_actions(panel: str) -> None:
    module, _, name = SCREENS[panel].partition(":")  # type: ignore[index]
    screen = getattr(import_module(f"llmdesk.tui.screens.{module}"), name)
    assert issubclass(screen, PanelScreen)
    for action in ACTIONS:
        if action.scope == panel:
            assert hasattr(screen, f"action_{names_of(action)}"), action.id


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_does_something(command: object) -> None:
    name = command.name  # type: ignore[attr-defined]
    assert name in DO or name in COMMAND_ACTIONS
