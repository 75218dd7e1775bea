"""Help: the keys of the screen below, as they are bound now, and the slash commands."""

from __future__ import annotations

from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from llmdesk.tui.actions import ACTIONS, PANEL_SCOPES, Scope
from llmdesk.tui.commands import COMMANDS
from llmdesk.tui.keymap import APART
from llmdesk.tui.screens.panel import PanelScreen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from llmdesk.tui.keymap import Keymap

KEYS_WIDTH = 26
"""Columns of the keys."""

SECTIONS: dict[Scope, str] = {
    "desk": "Everywhere",
    "chat": "Chat",
    "prompt": "Prompt",
    "list": "Panels",
    "failovers": "Failovers",
    "outbox": "Outbox",
    "providers": "Providers",
    "models": "Models",
    "metrics": "Metrics",
    "turn": "A marked turn",
    "conversations": "Conversations",
    "log": "Log",
    "queue": "Queue",
    "keys": "Keys",
    "themes": "Themes",
    "lanes": "Lanes",
    "raw": "Sent and received",
    "compare": "Compare",
}


def scopes_of(screen: str) -> tuple[Scope, ...]:
    """The scopes whose keys work on a screen, its own first."""
    if screen == "chat":
        return ("prompt", "chat", "turn", "desk")
    own = [scope for scope in PANEL_SCOPES if scope == screen]
    return (*own, "desk") if APART & set(own) else (*own, "list", "desk")


def help_text(screen: str, keymap: Keymap, width: int) -> Content:
    """Every listed key of a screen, for the chat the slash commands too, in lines of ``width`` columns."""
    lines: list[Content] = []
    for scope in scopes_of(screen):
        lines.append(Content.styled(SECTIONS[scope], "bold $accent"))
        for action in ACTIONS:
            if action.scope == scope and action.listed:
                keys = "alt+1 … alt+9" if action.id == "lane_1" else keymap.keys_of(action).replace(",", "  ")
                words = "Go to a lane by its number" if action.id == "lane_1" else action.help
                lines += _lines(keys or "not bound", words, action.id.removesuffix("_1"), width)
        lines.append(Content(""))
    if screen == "chat":
        lines.append(Content.styled("Commands", "bold $accent"))
        for command in COMMANDS:
            lines += _lines(f"/{command.name} {command.argument}", command.help, "", width)
        lines.append(Content(""))
    closing = "Keys can be changed in the configuration: ui: keys: {name: key}, none unbinds."
    lines += [Content.styled(row, "$muted") for row in wrap(closing, max(width, 20))]
    return Content("\n").join(lines)


def _lines(keys: str, words: str, name: str, width: int) -> list[Content]:
    """Keys and words side by side, each wrapped in its own column, and the name by which the keys are changed."""
    room = max(width - KEYS_WIDTH - 3, 16)
    left = wrap(keys, KEYS_WIDTH)
    right = [Content(row) for row in wrap(words, room)]
    label = Content.styled(name, "$muted")
    if name and len(right[-1]) + 2 + len(name) <= room:
        right[-1] = Content.assemble(right[-1], "  ", label)
    elif name:
        right.append(label)
    rows = zip_longest(left, right, fillvalue=None)
    return [Content.assemble(f"  {key or '':<{KEYS_WIDTH}} ", text or "") for key, text in rows]


class HelpScreen(PanelScreen):
    """Keys of the screen it was opened from."""

    panel: ClassVar = "help"
    heading: ClassVar[str] = "keys and commands"
    DEFAULT_CSS = "#help-text { padding: 0 1; }"

    def body(self) -> Iterable[Widget]:
        """One long text."""
        yield VerticalScroll(Static(id="help-text"))

    def on_resize(self) -> None:
        """Wrap anew."""
        self.query_one("#help-text", Static).update(help_text(self.below, self.house.keymap, self.size.width - 4))
