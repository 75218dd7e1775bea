"""Making a full-screen panel by its name; only the one that is asked for is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.tui.house import Panel
    from llmdesk.tui.screens.panel import PanelScreen


def make_panel(name: Panel, *, below: str) -> PanelScreen:
    """Make a panel by its name; its module is imported now."""
    screen: type[PanelScreen]
    match name:
        case "help":
            from llmdesk.tui.screens.help import HelpScreen

            screen = HelpScreen
        case "providers":
            from llmdesk.tui.screens.providers import ProvidersScreen

            screen = ProvidersScreen
        case "budgets":
            from llmdesk.tui.screens.budgets import BudgetsScreen

            screen = BudgetsScreen
        case "metrics":
            from llmdesk.tui.screens.metrics import MetricsScreen

            screen = MetricsScreen
        case "failovers":
            from llmdesk.tui.screens.failovers import FailoversScreen

            screen = FailoversScreen
        case "outbox":
            from llmdesk.tui.screens.outbox import OutboxScreen

            screen = OutboxScreen
        case "models":
            from llmdesk.tui.screens.models import ModelsScreen

            screen = ModelsScreen
        case "conversations":
            from llmdesk.tui.screens.conversations import ConversationsScreen

            screen = ConversationsScreen
    return screen(below=below if name == "help" else name)
