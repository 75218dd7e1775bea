"""An earlier prompt in the editor, to be sent again in place of its turn; what was being written waits meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.core.views import Attachment
    from llmdesk.tui.screens.outgoing import Outgoing, Queued
    from llmdesk.tui.screens.turns import Turn
    from llmdesk.tui.widgets.lane_pane import LanePane


class Editing:
    """What a lane's editor holds in place of its draft."""

    def __init__(self, pane: LanePane, outgoing: Outgoing) -> None:
        self._pane = pane
        self._outgoing = outgoing
        self._turn: Turn | None = None
        self._draft = ""
        self._files: tuple[Attachment, ...] = ()

    @property
    def active(self) -> bool:
        """An earlier prompt is in the editor."""
        return self._turn is not None

    @property
    def draft(self) -> str:
        """The text that had to make room."""
        return self._draft if self._turn is not None else ""

    @property
    def files(self) -> tuple[Attachment, ...]:
        """The files that had to make room with it."""
        return self._files if self._turn is not None else ()

    def begin(self, turn: Turn) -> None:
        """Put the prompt of a turn into the editor, with its files."""
        if self._turn is None:
            self._draft, self._files = self._pane.prompt.text, self._outgoing.attached
        self._turn = turn
        self._fill(turn.text, turn.files)

    def stop(self) -> bool:
        """Leave the turn as it was, and have the draft back; false = nothing was being edited."""
        if self._turn is None:
            return False
        self._turn = None
        self._fill(self._draft, self._files)
        return True

    def stop_if(self, request: str) -> None:
        """Have the draft back if it is the turn of this request that is edited: it is gone."""
        if self._turn is not None and self._turn.request == request:
            self.stop()

    def taken(self, item: Queued) -> Queued:
        """Let a prompt that is sent take the place of the turn, if one is being edited, and have the draft back."""
        turn = self._turn
        if turn is None:
            return item
        self.stop()
        return replace(item, replaces=turn.request if turn.kept else None, continues=turn.continues)

    def _fill(self, text: str, files: tuple[Attachment, ...]) -> None:
        self._outgoing.attach(None)
        for file in files:
            self._outgoing.attach(file)
        self._pane.prompt.put(text)
