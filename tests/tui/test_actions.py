"""The actions as data agree with the code behind them, and none depends on a key that a terminal may keep."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.app import DeskApp
from llmdesk.tui.commands import COMMANDS
from llmdesk.tui.screens.chat import ChatScreen
from llmdesk.tui.screens.compare import CompareScreen
from llmdesk.tui.screens.image import ImageScreen
from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.screens.panels import SCREENS
from llmdesk.tui.screens.queue import QueueScreen
from llmdesk.tui.screens.raw import RawScreen
from llmdesk.tui.screens.slash import COMMAND_ACTIONS, DO
from llmdesk.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from llmdesk.tui.actions import Action


def names_of(action: Action) -> str:
    return action.call.removeprefix("screen.").partition("(")[0]


def screen_of(panel: str) -> type[PanelScreen]:
    module, _, name = SCREENS[panel].partition(":")
    screen: type[PanelScreen] = getattr(import_module(f"llmdesk.tui.screens.{module}"), name)
    return screen


OWNERS: dict[str, type] = {
    "desk": DeskApp, "chat": ChatScreen, "turn": ChatScreen, "prompt": Prompt, "list": PanelScreen,
    "queue": QueueScreen, "raw": RawScreen, "compare": CompareScreen, "image": ImageScreen,
}  # fmt: skip
"""Who does the actions of a scope that is no panel of its own name."""


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_there(action: Action) -> None:
    owner = OWNERS.get(action.scope) or screen_of(action.scope)
    assert callable(getattr(owner, f"action_{names_of(action)}", None))


@pytest.mark.parametrize("panel", SCREENS)
def test_every_panel_goes_by_one_name_and_an_action_opens_it(panel: str) -> None:
    assert screen_of(panel).panel == panel
    assert f"open_panel('{panel}')" in {action.call for action in ACTIONS}


def test_every_panel_that_an_action_opens_is_there() -> None:
    opened = {action.call.removeprefix("open_panel('").removesuffix("')") for action in ACTIONS
              if action.call.startswith("open_panel(")}  # fmt: skip
    assert opened == set(SCREENS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_does_something(command: object) -> None:
    name = command.name  # type: ignore[attr-defined]
    assert name in DO or name in COMMAND_ACTIONS
