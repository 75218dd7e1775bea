"""What the desk asks again by itself: shown in its talk where that is open, else told when it has ended."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.core.types import Status
from llmdesk.tui.widgets.lanes_bar import Badge

if TYPE_CHECKING:
    from llmdesk.core.types import Outcome
    from llmdesk.core.views import OutboxEntry
    from llmdesk.desk import Run
    from llmdesk.tui.screens.lanes import LanedScreen
    from llmdesk.tui.screens.talk import Talk

TITLE_LENGTH = 40
"""How much of a prompt names it in a message, characters."""


class Resumed:
    """Finds the place of each request on one screen.

    Args:
        screen: the one with the talks.
    """

    def __init__(self, screen: LanedScreen) -> None:
        self._screen = screen
        self._stale: set[str] = set()
        """Open conversations with an answer that is not shown yet, because their talk was busy."""

    def take(self, entry: OutboxEntry, run: Run) -> bool:
        """Show a request where its prompt is the last one of an open talk; else wait for its end behind the screen.

        Returns:
            Whether the talk reads its events.
        """
        talk = self._talk_of(entry)
        if talk is not None and not talk.busy and talk.record.ends_with(entry.id):
            talk.take_up(entry, run)
            return True
        if talk is not None and talk.paused == entry.id:
            talk.paused = None
            talk.tell.wait(None)
        self._screen.follow(partial(self._wait, entry, run))
        return False

    def _talk_of(self, entry: OutboxEntry) -> Talk | None:
        """The talk whose last prompt it is, else one in which its conversation is open."""
        if entry.conversation is None:
            return None
        talks = [talk for talk in self._screen.all_talks() if talk.conversation == entry.conversation]
        return next((talk for talk in talks if talk.record.ends_with(entry.id)), next(iter(talks), None))

    def left_behind(self, outcome: Outcome) -> None:
        """A request has ended that its talk stopped showing: its conversation was left, or opened anew, meanwhile."""
        talks = [talk for talk in self._screen.all_talks() if talk.conversation == outcome.conversation is not None]
        for talk in talks:
            self._stale.add(talk.conversation or "")
            self._screen.follow(partial(self._refresh, talk))
        why = f": {outcome.error.message}" if outcome.error is not None else "."
        match outcome.status:
            case Status.PAUSED:
                self._screen.say(f"A prompt you left waits in the outbox (f7){why}", severity="warning")
            case Status.FAILED | Status.BLOCKED:
                self._screen.say(f"A prompt you left could not be answered{why}", severity="warning")
            case Status.COMPLETED | Status.REFUSED if not talks:
                self._screen.say("A conversation you left has its answer: ctrl+o shows it.")
            case _:
                pass

    async def _wait(self, entry: OutboxEntry, run: Run) -> None:
        outcome = await run.outcome()
        if outcome.status in (Status.PAUSED, Status.CANCELLED):
            return
        name = one_line(entry.prompt, TITLE_LENGTH)
        if outcome.status not in (Status.COMPLETED, Status.REFUSED):
            why = outcome.error.message if outcome.error is not None else "it failed"
            self._screen.say(f"Lane {entry.lane}, “{name}”: {why}", severity="warning")
            return
        talk = self._talk_of(entry)
        if talk is not None and entry.conversation is not None:
            self._stale.add(entry.conversation)
            await self._refresh(talk)
        if talk is not self._screen.talk:
            where = "ctrl+o shows it" if entry.conversation is not None else f"llmdesk outbox show {entry.id[:8]}"
            self._screen.say(f"Lane {entry.lane} has the answer to “{name}”: {where}.")
            self._screen.house.call_user(f"Lane {entry.lane} has its answer.")
            self._mark(entry.lane)

    def _mark(self, lane: str) -> None:
        """Put a badge on a lane that is begun but not shown."""
        talk = self._screen.talks.get(lane)
        if talk is not None and talk is not self._screen.talk and not talk.busy:
            talk.tell.badge = Badge.DONE
            self._screen.show_talk()

    def settled(self, talk: Talk) -> None:
        """A talk has time again: show what came meanwhile."""
        if talk.conversation in self._stale:
            self._screen.follow(partial(self._refresh, talk))

    async def _refresh(self, talk: Talk) -> None:
        desk = await self._screen.desk()
        if talk.busy or talk.conversation is None:
            return
        try:
            conversation = await desk.conversation(talk.conversation)
        except DeskError:
            return  # it was removed meanwhile
        if not talk.busy:
            self._stale.discard(conversation.id)
            talk.refresh(conversation)
