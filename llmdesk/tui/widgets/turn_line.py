"""The line above the prompt that says which turn is acted on, and what can be done with it, by key and by mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from llmdesk.core.text import one_line
from llmdesk.tui.widgets.action_line import ActionLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from llmdesk.tui.widgets.wait_line import Offer


class TurnLine(Vertical):
    """One line of words, and the offers below it; hidden while there is nothing to say."""

    DEFAULT_CSS = """
    TurnLine { height: auto; max-height: 40%; width: 1fr; padding: 0 1; background: $surface; }
    TurnLine > Static { height: 1; width: 1fr; }
    .-flat TurnLine { height: 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._words = Static(markup=False)
        self._offers = ActionLine()
        self.display = False

    def compose(self) -> ComposeResult:
        """The words, the offers."""
        yield self._words
        yield self._offers

    def show_turn(self, words: str, offers: Sequence[Offer] = ()) -> None:
        """Say what is acted on; without words the line goes."""
        self.display = bool(words)
        if words:
            self._words.update(Content.styled(one_line(words), "bold $accent"))
            self._offers.show_offers(offers)
