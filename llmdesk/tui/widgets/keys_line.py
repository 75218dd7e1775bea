"""The line of keys at the bottom of a panel: as many as there is room for, and always the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

LEAVE, HELP = "Esc close", "f1 keys"
"""How to leave, where a screen says nothing else of it, and where all keys are told."""

_NAMES = {"Esc": "escape", "/": "slash"}


class KeysLine(Widget):
    """Keys and what they do, the most useful first."""

    DEFAULT_CSS = """
    KeysLine { height: 1; width: 1fr; padding: 0 1; background: $panel; color: $muted; }
    """

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__()
        self._keys = tuple(keys)
        self._always = (LEAVE, HELP)

    def show_keys(self, keys: Sequence[str], *, leave: str = LEAVE) -> None:
        """Show these from now on; ``leave`` = what Esc does."""
        if (tuple(keys), (leave, HELP)) != (self._keys, self._always):
            self._keys, self._always = tuple(keys), (leave, HELP)
            self.refresh()

    def render(self) -> Content:
        """Leave the last ones out until the line fits."""
        return Content("  ".join(self._shown())).truncate(max(self.size.width, 1), ellipsis=True)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the pointer does."""
        at = self.gutter.left
        for text in self._shown():
            end = at + cell_len(text)
            if at <= event.x < end:
                key = text.partition(" ")[0]
                bound = self.screen.active_bindings.get(_NAMES.get(key, key))
                if bound is not None:
                    event.stop()
                    await self.app.run_action(bound.binding.action, bound.node)
                return
            at = end + 2

    def _shown(self) -> tuple[str, ...]:
        shown = self._keys
        while shown and cell_len("  ".join((*shown, *self._always))) > self.size.width:
            shown = shown[:-1]
        return (*shown, *self._always)
