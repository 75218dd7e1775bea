"""The actions as data agree with the code behind them, and none depends on a key that a terminal may keep."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.tui import commands
from llmdesk.tui.actions import ACTIONS, PANEL_SCOPES, Action
from llmdesk.tui.app import DeskApp
from llmdesk.tui.commands import COMMANDS, Command
from llmdesk.tui.screens.chat import ChatScreen
from llmdesk.tui.screens.compare import CompareScreen
from llmdesk.tui.screens.image import ImageScreen
from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.screens.panels import SCREENS, panel_class
from llmdesk.tui.screens.queue import QueueScreen
from llmdesk.tui.screens.raw import RawScreen
from llmdesk.tui.screens.slash import COMMAND_ACTIONS, DO
from llmdesk.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from llmdesk.tui.actions import Scope


def names_of(action: Action) -> str:
    return action.call.removeprefix("screen.").partition("(")[0]


OWNERS: dict[str, type] = {
    "desk": DeskApp, "chat": ChatScreen, "turn": ChatScreen, "prompt": Prompt, "list": PanelScreen,
    "queue": QueueScreen, "raw": RawScreen, "compare": CompareScreen, "image": ImageScreen,
}  # fmt: skip
"""Who does the actions of a scope that is no panel of its own name."""


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_there(action: Action) -> None:
    owner = OWNERS.get(action.scope) or panel_class(action.scope)
    assert callable(getattr(owner, f"action_{names_of(action)}", None))


@pytest.mark.parametrize("panel", SCREENS)
def test_every_panel_goes_by_one_name_and_an_action_opens_it(panel: str) -> None:
    assert panel_class(panel).panel == panel
    assert f"open_panel('{panel}')" in {action.call for action in ACTIONS}


def test_every_panel_that_an_action_opens_is_there() -> None:
    opened = {action.call.removeprefix("open_panel('").removesuffix("')") for action in ACTIONS
              if action.call.startswith("open_panel(")}  # fmt: skip
    assert opened == set(SCREENS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_does_something(command: object) -> None:
    name = command.name  # type: ignore[attr-defined]
    assert name in DO or name in COMMAND_ACTIONS


def test_an_action_that_names_a_new_command_brings_it_behind_those_of_the_panels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = Action(id="new_here", keys="", help="Who is new", call="new_here", scope="desk", command="newhere")
    second = replace(first, id="new_too", help="Once more")
    monkeypatch.setattr(commands, "ACTIONS", (*ACTIONS, first, second))
    found = list(commands.all_commands())
    made = Command(name="newhere", help="Who is new")
    assert found[found.index(made) + 1].name == "sidebar"
    found.remove(made)
    assert tuple(found) == COMMANDS


def test_every_action_has_a_scope_that_is_known() -> None:
    known: tuple[Scope, ...] = ("desk", "chat", "prompt", "turn", "list", *PANEL_SCOPES)
    assert {action.scope for action in ACTIONS} <= set(known), "add it to `PanelScope` in llmdesk/tui/actions.py"


@pytest.mark.parametrize(
    "action", [each for each in ACTIONS if each.scope in {*SCREENS, "raw"}], ids=lambda each: each.id
)
def test_a_panel_binds_the_actions_of_its_name(action: Action) -> None:
    panel = RawScreen if action.scope == "raw" else panel_class(action.scope)
    bound = {binding.id for bindings in panel._merged_bindings.key_to_bindings.values() for binding in bindings}
    assert action.id in bound, f"{panel.__name__}: its `panel` is to be {action.scope!r}"
