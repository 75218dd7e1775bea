"""A panel whose actions stand below it with the keys they have now, each of them clickable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on

from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.beside import beside
from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.wait_line import Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.widget import Widget

    from llmdesk.core.edits import Edit
    from llmdesk.tui.keymap import Keymap


def offers_of(panel: str, keymap: Keymap) -> tuple[Offer, ...]:
    """The actions of a panel, each with the first of its keys."""
    return tuple(
        Offer(
            label=f"{keymap.keys_of(action).partition(',')[0]} {_begun_small(action.help)}".strip(), action=action.call
        )
        for action in ACTIONS
        if action.scope == panel
    )


def _begun_small(words: str) -> str:
    """Words as they stand behind a key, like those of every other line of offers."""
    return words[:1].lower() + words[1:]


class OfferingPanel(PanelScreen):
    """A full-screen panel with its actions below."""

    DEFAULT_CSS = """
    OfferingPanel > ActionLine { padding: 0 1; background: $surface; }
    """

    def body(self) -> Iterable[Widget]:
        """What the panel shows, and what it can do."""
        yield from self.content()
        yield ActionLine(offers_of(self.panel, self.house.keymap))

    def content(self) -> Iterable[Widget]:
        """What the panel shows."""
        raise NotImplementedError

    @on(ActionLine.Chosen)
    async def _offer_clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)

    def write(self, edits: Sequence[Edit], done: Callable[[], None] = lambda: None) -> None:
        """Let the user approve edits of the configuration; ``done`` is called when they are in the file."""

        async def work() -> None:
            from llmdesk.tui.screens.approving import write_down

            if await write_down(self, edits):
                done()

        beside(self, work, group="write")
