"""Making a full-screen panel by its name; only the one that is asked for is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.tui.house import Panel
    from llmdesk.tui.screens.panel import PanelScreen


def make_panel(name: Panel, *, below: str) -> PanelScreen:
    """Make a panel by its name; its module is imported now."""
    match name:
        case "help":
            from llmdesk.tui.screens.help import HelpScreen

            return HelpScreen(below=below)
        case "providers":
            from llmdesk.tui.screens.providers import ProvidersScreen

            return ProvidersScreen(below=name)
        case "failovers":
            from llmdesk.tui.screens.failovers import FailoversScreen

            return FailoversScreen(below=name)
        case "outbox":
            from llmdesk.tui.screens.outbox import OutboxScreen

            return OutboxScreen(below=name)
        case "models":
            from llmdesk.tui.screens.models import ModelsScreen

            return ModelsScreen(below=name)
        case "conversations":
            from llmdesk.tui.screens.conversations import ConversationsScreen

            return ConversationsScreen(below=name)
