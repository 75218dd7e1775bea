"""Making a full-screen panel by its name; only the one that is asked for is imported."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.tui.screens.panel import PanelScreen

SCREENS: Mapping[str, str] = {
    "help": "help:HelpScreen",
    "providers": "providers:ProvidersScreen",
    "budgets": "budgets:BudgetsScreen",
    "metrics": "metrics:MetricsScreen",
    "failovers": "failovers:FailoversScreen",
    "outbox": "outbox:OutboxScreen",
    "models": "models:ModelsScreen",
    "conversations": "conversations:ConversationsScreen",
    "log": "log:LogScreen",
    "keys": "keys:KeysScreen",
    "themes": "themes:ThemesScreen",
    "lanes": "lane_editor:LaneEditorScreen",
}
"""The panels by their names: the module in this folder, and the class."""


def panel_class(name: str) -> type[PanelScreen]:
    """The class of a panel; its module is imported now."""
    module, _, screen = SCREENS[name].partition(":")
    found: type[PanelScreen] = getattr(import_module(f"llmdesk.tui.screens.{module}"), screen)
    return found


def make_panel(name: str, *, below: str) -> PanelScreen:
    """Make a panel by its name. ``below`` = the screen whose keys help explains."""
    kind = panel_class(name)
    return kind(below=below) if name == "help" else kind()  # type: ignore[call-arg] # help alone takes it
