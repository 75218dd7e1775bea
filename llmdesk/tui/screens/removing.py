"""Deleting a turn of the conversation: a second press within seconds does it, for good."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from llmdesk.tui.hints import key_name
from llmdesk.tui.screens.marking import MarkingScreen

if TYPE_CHECKING:
    from llmdesk.tui.screens.talk import Talk

TWICE_S = 3.0
"""Within how many seconds the second press, or click, deletes."""


class RemovingScreen(MarkingScreen):
    """A screen whose turns can be deleted."""

    def __init__(self, *, lane: str) -> None:
        super().__init__(lane=lane)
        self._to_delete: tuple[str, float] | None = None
        """The request whose turn was asked about, and when."""

    def action_delete_turn(self) -> None:
        """Delete the marked turn, its prompt and its answer, if it is the second time that this is asked for."""
        talk = self.talk
        turn = self.turn_acted_on() if talk.pane.transcript.chosen is not None else None
        if turn is None:
            return
        if talk.busy:
            self.say("An answer is coming. Esc stops it first.")
        elif turn.request is None or not turn.kept or talk.conversation is None:
            self.say("That turn is not kept on disk: it is gone when you leave it.")
        elif self._is_second(turn.request):
            self._to_delete = None
            self.follow(partial(self._delete, talk, talk.conversation, turn.request))
        else:
            self._to_delete = turn.request, time.monotonic()
            again = key_name(self.house.keymap, "turn_delete") or "the same click"
            self.say(f"{again} again deletes this prompt and its answer for good.")

    def _is_second(self, request: str) -> bool:
        asked, at = self._to_delete or ("", 0.0)
        return asked == request and time.monotonic() - at < TWICE_S

    async def _delete(self, talk: Talk, conversation: str, request: str) -> None:
        beside = talk.record.turns.beside(request)
        desk = await self.desk()
        await desk.shelf.remove_turn(conversation, request)
        whole = await desk.conversation(conversation)
        if talk.conversation != conversation:
            return
        if talk.busy:
            self.say("It is deleted; it goes from the screen when the conversation is opened again.")
            return
        talk.removed(request, whole)
        if talk is self.talk and self.app.screen is self and self.focused is talk.pane.transcript:
            turn = talk.record.turns.of_request(beside) if beside is not None else None
            if turn is None:
                self.action_leave_turn()
            else:
                self.mark_entry(turn.asked)
        self.say("The prompt and its answer are deleted.")
