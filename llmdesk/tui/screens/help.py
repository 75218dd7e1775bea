"""Help: the keys of the screen below, as they are bound now, and the slash commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from llmdesk.tui.commands import COMMANDS
from llmdesk.tui.keymap import ACTIONS, Keymap, Scope
from llmdesk.tui.screens.panel import PanelScreen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

_SECTIONS: dict[Scope, str] = {
    "desk": "Everywhere",
    "chat": "Chat",
    "prompt": "Prompt",
    "list": "Panels",
    "failovers": "Failovers",
    "outbox": "Outbox",
    "providers": "Providers",
    "models": "Models",
}


def scopes_of(screen: str) -> tuple[Scope, ...]:
    """The scopes whose keys work on a screen, its own first."""
    match screen:
        case "failovers" | "outbox" | "providers" | "models":
            return (screen, "list", "desk")
        case "chat":
            return ("prompt", "chat", "desk")
        case _:
            return ("list", "desk")


def help_text(screen: str, keymap: Keymap) -> Content:
    """Every listed key of a screen; for the chat the slash commands too."""
    lines: list[Content] = []
    for scope in scopes_of(screen):
        lines.append(Content.styled(_SECTIONS[scope], "bold $accent"))
        for action in ACTIONS:
            if action.scope == scope and action.listed:
                keys = "alt+1 … alt+9" if action.id == "lane_1" else keymap.keys_of(action).replace(",", "  ")
                words = "Go to a lane by its number" if action.id == "lane_1" else action.help
                lines.append(_line(keys or "not bound", words, action.id.removesuffix("_1")))
        lines.append(Content(""))
    if screen == "chat":
        lines.append(Content.styled("Commands", "bold $accent"))
        lines += [_line(f"/{command.name} {command.argument}", command.help, "") for command in COMMANDS]
    lines.append(
        Content.styled("Keys can be changed in the configuration: ui: keys: {name: key}, none unbinds.", "$muted")
    )
    return Content("\n").join(lines)


def _line(keys: str, words: str, name: str) -> Content:
    return Content.assemble(f"  {keys:<26} ", words, (f"  {name}", "$muted"))


class HelpScreen(PanelScreen):
    """Keys of the screen it was opened from."""

    panel: ClassVar = "help"
    heading: ClassVar[str] = "keys and commands"

    def body(self) -> Iterable[Widget]:
        """One long text."""
        yield VerticalScroll(Static(help_text(self.below, self.house.keymap)))
