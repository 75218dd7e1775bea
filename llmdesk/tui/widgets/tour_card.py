"""A small card that names one thing of the tour; it takes no key from the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from llmdesk.tui.widgets.action_line import ActionLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from llmdesk.tui.widgets.wait_line import Offer


class TourCard(Vertical):
    """Title, words, and what can be done."""

    DEFAULT_CSS = """
    TourCard { height: auto; width: 1fr; padding: 0 1; background: $panel; border-top: solid $accent; }
    TourCard Static { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__(id="tour")
        self._words = Static()
        self._offers = ActionLine()

    def compose(self) -> ComposeResult:
        """Words above offers."""
        yield self._words
        yield self._offers

    @on(ActionLine.Chosen)
    async def _clicked(self, event: ActionLine.Chosen) -> None:
        event.stop()
        await self.screen.run_action(event.action)

    def show_step(self, title: str, words: str, offers: Sequence[Offer]) -> None:
        """Show one step."""
        self._words.update(Content.assemble((f"{title}  ", "bold $accent"), words))
        self._offers.show_offers(offers)
