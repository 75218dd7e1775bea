"""Two searches that go on while they are typed: in the open conversation, and in the prompts sent before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on

from llmdesk.tui.screens.writing import WritingScreen
from llmdesk.tui.widgets.find_line import FindLine
from llmdesk.tui.widgets.recall import Recall

if TYPE_CHECKING:
    from llmdesk.tui.transcript.finding import Hit


class SearchingScreen(WritingScreen):
    """A screen on which ctrl+f and ctrl+r search."""

    def __init__(self, *, lane: str) -> None:
        super().__init__(lane=lane)
        self._found_words = ""
        self._hit: Hit | None = None

    # --- the open conversation ----------------------------------------------------------------------------------

    async def action_find(self) -> None:
        """Find words in the open conversation; again: the next hit."""
        pane = self.talk.pane
        if isinstance(pane.search, FindLine):
            self._step(1)
            return
        line = FindLine()
        line.input.value = self._found_words
        self._hit = None
        await pane.open_search(line)

    @on(FindLine.Changed)
    def _words_changed(self, event: FindLine.Changed) -> None:
        """Go to the first hit that is in view or below it, else to the last one above."""
        self._found_words = event.words
        transcript = self.talk.pane.transcript
        found = transcript.find(event.words)
        top = self._hit.key if self._hit is not None else transcript.top_key
        at = next((at for at, hit in enumerate(found) if hit.key >= top), len(found) - 1)
        self._go_to(found, at)

    @on(FindLine.Stepped)
    def _find_stepped(self, event: FindLine.Stepped) -> None:
        self._step(event.by)

    def _step(self, by: int) -> None:
        """Go to another hit; what has come meanwhile counts too."""
        found = self.talk.pane.transcript.find(self._found_words)
        at = found.index(self._hit) if self._hit in found else -1
        self._go_to(found, (at + by) % len(found) if found else -1)

    def _go_to(self, found: list[Hit], at: int) -> None:
        pane = self.talk.pane
        self._hit = found[at] if found else None
        pane.transcript.mark(self._hit, self._found_words)
        if isinstance(pane.search, FindLine):
            pane.search.show_count(at + 1, len(found))

    # --- the prompts sent before --------------------------------------------------------------------------------

    async def action_recall(self) -> None:
        """Search the prompts sent before; again: an older one."""
        pane = self.talk.pane
        if isinstance(pane.search, Recall):
            pane.search.step(1)
            return
        recall = Recall(self.history)
        recall.search("")
        await pane.open_search(recall)

    @on(Recall.Taken)
    def _prompt_taken(self, event: Recall.Taken) -> None:
        pane = self.talk.pane
        pane.close_search()
        pane.prompt.recall(event.text)
