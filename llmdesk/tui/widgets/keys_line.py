"""The line of keys at the bottom of a panel: as many as there is room for, and always the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from llmdesk.tui.actions import BY_ID
from llmdesk.tui.hints import key_name, keymap_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from llmdesk.tui.keymap import Keymap

ToldKey = str | tuple[str, str]
"""What the line tells: the id of an action with short words for it, as ``("outbox_retry", "again")``; several ids that
belong together stand in one text. A key that is no action of ours (``"↑ ↓ scroll"``) is told as it is written."""

LEAVE, HELP = ("close", "close"), ("help", "keys")
"""How to leave, where a screen says nothing else of it, and where all keys are told."""

_ARROWS = {"left": "←", "right": "→"}


def told(keymap: Keymap, each: ToldKey) -> str:
    """The key as it is bound now, and the words; the words alone where there is none."""
    if isinstance(each, str):
        return each
    ids, words = each
    keys = [_ARROWS.get(key, key) for key in (key_name(keymap, action_id) for action_id in ids.split()) if key]
    return f"{'/'.join(keys)} {words}".strip()


class KeysLine(Widget):
    """Keys and what they do, the most useful first."""

    DEFAULT_CSS = """
    KeysLine { height: 1; width: 1fr; padding: 0 1; background: $panel; color: $muted; }
    """

    def __init__(self, keys: Sequence[ToldKey], *, leave: ToldKey = LEAVE) -> None:
        super().__init__()
        self._keys = tuple(keys)
        self._always = (leave, HELP)
        self._drawn = ""

    def on_mount(self) -> None:
        """Follow the keys of the user."""
        self.screen.bindings_updated_signal.subscribe(self, self._bound_anew)

    def _bound_anew(self, _screen: object) -> None:
        if self._line() != self._drawn:
            self.refresh()

    def show_keys(self, keys: Sequence[ToldKey], *, leave: ToldKey = LEAVE) -> None:
        """Show these from now on; ``leave`` = what Esc does."""
        if (tuple(keys), (leave, HELP)) != (self._keys, self._always):
            self._keys, self._always = tuple(keys), (leave, HELP)
            self.refresh()

    def render(self) -> Content:
        """Leave the last ones out until the line fits."""
        self._drawn = self._line()
        return Content(self._drawn).truncate(max(self.size.width, 1), ellipsis=True)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the pointer does."""
        at = self.gutter.left
        for each, text in self._shown():
            end = at + cell_len(text)
            if at <= event.x < end:
                event.stop()
                await self._do(each)
                return
            at = end + 2

    async def _do(self, told_key: ToldKey) -> None:
        """Do it; of several that belong together, the last one."""
        bindings = self.screen.active_bindings
        if isinstance(told_key, str):
            bound = bindings.get(told_key.partition(" ")[0])
            action, node = ("", None) if bound is None else (bound.binding.action, bound.node)
        else:
            meant = BY_ID[told_key[0].split()[-1]]
            usual = self.app if meant.scope == "desk" else self.screen
            live = (bound.node for bound in bindings.values() if bound.binding.id == meant.id)
            action, node = meant.call, next(live, usual)
        if action:
            await self.app.run_action(action, node)

    def _line(self) -> str:
        return "  ".join(text for _, text in self._shown())

    def _shown(self) -> list[tuple[ToldKey, str]]:
        keymap = keymap_of(self.app)
        shown = [(each, told(keymap, each)) for each in (*self._keys, *self._always)]
        while len(shown) > len(self._always) and cell_len("  ".join(text for _, text in shown)) > self.size.width:
            del shown[-len(self._always) - 1]
        return shown
