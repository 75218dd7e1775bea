"""Help: the keys of the screen below, as they are bound now, and the slash commands."""

from __future__ import annotations

from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from llmdesk.paths import process_environment
from llmdesk.tui.actions import ACTIONS, PANEL_SCOPES
from llmdesk.tui.commands import COMMANDS
from llmdesk.tui.hints import called
from llmdesk.tui.keymap import APART
from llmdesk.tui.screens.filtering import FilteredPanel
from llmdesk.tui.swallowed import keepers_here, second_ways
from llmdesk.tui.widgets.filter_line import FilterLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from llmdesk.tui.actions import Action, Scope
    from llmdesk.tui.keymap import Keymap
    from llmdesk.tui.swallowed import Keeper

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
    "image": "Image",
}
SECTIONS |= {scope: scope.capitalize() for scope in PANEL_SCOPES if scope not in SECTIONS}
"""The headings above the keys of each scope; a panel that has none here goes by its name."""


def scopes_of(screen: str) -> tuple[Scope, ...]:
    """The scopes whose keys work on a screen, its own first."""
    if screen == "chat":
        return ("prompt", "chat", "turn", "desk")
    own = [scope for scope in PANEL_SCOPES if scope == screen]
    return (*own, "desk") if APART & set(own) else (*own, "list", "desk")


def help_text(screen: str, keymap: Keymap, width: int, *, words: str = "", here: Sequence[Keeper] = ()) -> Content:
    """Every listed key of a screen, for the chat the slash commands too, in lines of ``width`` columns.

    Args:
        screen: the name of the screen.
        keymap: the keys as they are bound now.
        width: columns.
        words: only what has all of these.
        here: who keeps keys for itself in this terminal.
    """
    wanted = words.lower().split()
    lines: list[Content] = []
    for scope in scopes_of(screen):
        own: list[Content] = []
        for action in ACTIONS:
            if action.scope == scope and action.listed:
                bound = keymap.keys_of(action)
                keys = "alt+1 … alt+9" if action.id == "lane_1" else "  ".join(map(called, bound.split(",")))
                text = "Go to a lane by its number" if action.id == "lane_1" else action.help
                command = f"/{action.command}" if action.command else ""
                if _fits(wanted, keys, bound, text, action.id, command):
                    own += _lines(keys or command or "not bound", text, action.id.removesuffix("_1"), width)
                    own += _kept(bound, action, here, width)
        lines += _section(SECTIONS[scope], own)
    if screen == "chat":
        own = []
        for command_ in COMMANDS:
            name = f"/{command_.name} {command_.argument}"
            if _fits(wanted, name, command_.help):
                own += _lines(name, command_.help, "", width)
        lines += _section("Commands", own)
    if not lines:
        lines.append(Content.styled("Nothing here is called so.", "$warning"))
    closing = "/keys changes keys and tells which of them arrive. / searches this page."
    lines += [Content.styled(row, "$muted") for row in wrap(closing, max(width, 20))]
    return Content("\n").join(lines)


def _section(title: str, lines: list[Content]) -> list[Content]:
    return [Content.styled(title, "bold $accent"), *lines, Content("")] if lines else []


def _fits(wanted: Sequence[str], *texts: str) -> bool:
    whole = " ".join(texts).lower()
    return all(word in whole for word in wanted)


def _kept(bound: str, action: Action, here: Sequence[Keeper], width: int) -> list[Content]:
    """Say of the keys that this terminal keeps how the action can be had all the same."""
    rows: list[Content] = []
    ways = ", ".join(second_ways(action.id, bound, action.command)) or "the palette"
    for key in filter(None, bound.split(",")):
        for keeper in here:
            if key in keeper.keys:
                text = f"{key} may not arrive: {keeper.name} ({keeper.keys[key]}). Instead: {ways}"
                rows += [Content.styled(f"    {row}", "$warning") for row in wrap(text, max(width - 4, 20))]
    return rows


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


class HelpScreen(FilteredPanel):
    """Keys of the screen it was opened from.

    Args:
        below: the scope of that screen.
    """

    panel: ClassVar = "help"
    heading: ClassVar[str] = "keys and commands"
    keys: ClassVar = (("filter", "search"), "↑ ↓ scroll")
    DEFAULT_CSS = """
    #help-text { padding: 0 1; }
    """

    def __init__(self, *, below: str) -> None:
        super().__init__()
        self._below = below
        self._here = keepers_here(process_environment())

    def body(self) -> Iterable[Widget]:
        """One long text, and what is searched in it."""
        yield FilterLine("search")
        yield VerticalScroll(Static(id="help-text"))

    @property
    def reader(self) -> Widget:
        """The text, for scrolling."""
        return self.query_one(VerticalScroll)

    async def narrow(self) -> None:
        """Show the keys that have the words."""
        self._draw()

    def on_resize(self) -> None:
        """Wrap anew."""
        self._draw()

    def _draw(self) -> None:
        width, words = self.size.width - 4, self.filtered_by
        text = help_text(self._below, self.house.keymap, width, words=words, here=self._here)
        self.query_one("#help-text", Static).update(text)
