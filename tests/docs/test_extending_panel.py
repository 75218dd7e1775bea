"""The test of a panel that the page on adding shows passes with the panel beside it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, cast

from llmdesk.tui import commands
from llmdesk.tui.actions import Action
from llmdesk.tui.screens import slash
from llmdesk.tui.screens.panels import SCREENS
from tests.support.pages import DOCS, blocks

if TYPE_CHECKING:
    import pytest

SHOWN = list(blocks(DOCS / "extending.md", "python"))
NAME = "llmdesk.tui.screens.agents"


def made(begin: str, name: str) -> ModuleType:
    (block,) = [block for block in SHOWN if block.text.startswith(begin)]
    module = ModuleType(name)
    exec(compile(block.text, block.name, "exec"), module.__dict__)
    return module


async def test_the_panel_is_opened_by_its_command_and_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = [block for block in SHOWN if block.text.startswith("Action(")]
    action: Action = eval(shown.text, {"Action": Action})
    told = commands.Command(name=action.command, help=action.help)
    monkeypatch.setitem(sys.modules, NAME, made('"""The agents', NAME))
    monkeypatch.setitem(cast("dict[str, str]", SCREENS), "agents", "agents:AgentsScreen")
    monkeypatch.setitem(commands.BY_NAME, action.command, told)
    monkeypatch.setitem(cast("dict[str, Action]", slash.COMMAND_ACTIONS), action.command, action)
    await made('"""Who has asked', "test_agents").test_agents_are_shown_as_they_ask()
