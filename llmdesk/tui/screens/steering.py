"""Steering what is under way: cancel, retry, next target, consent, the queue; copying and scrolling the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import on

from llmdesk.tui.screens.base import DeskScreen
from llmdesk.tui.widgets.wait_line import WaitLine

if TYPE_CHECKING:
    from llmdesk.core.views import LaneView
    from llmdesk.tui.screens.talk import Talk

TWICE_S = 3.0
"""Within how many seconds a second ctrl+c quits."""


class SteeredScreen(DeskScreen):
    """A screen with talks, one of them shown.

    Attributes:
        talk: the one that is shown.
        talks: all that were begun, by lane.
        lanes: what the desk says of its lanes; empty until it is open.
    """

    talk: Talk
    talks: dict[str, Talk]
    lanes: tuple[LaneView, ...]

    @property
    def warned(self) -> bool:
        """A warning that can be put away is on the screen."""
        return False

    def __init__(self) -> None:
        super().__init__()
        self._interrupted_at = -TWICE_S

    def forget_interrupt(self) -> None:
        """The user goes on writing: the next ctrl+c is the first one again."""
        self._interrupted_at = -TWICE_S

    @on(WaitLine.Chosen)
    async def _offer_clicked(self, event: WaitLine.Chosen) -> None:
        await self.run_action(event.action)

    @on(WaitLine.Elapsed)
    def _wait_elapsed(self) -> None:
        resume = {lane.name: lane.resume for lane in self.lanes}
        for talk in self.talks.values():
            if talk.pane.wait_line.elapsed:
                talk.wait_elapsed(resume.get(talk.lane, "ask"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that mean nothing now go on to whoever else wants them."""
        match action:
            case "consent":
                return self.talk.asks_consent
            case "retry_now" | "next_target":
                return self.talk.can_steer
            case "hide_warning":
                return self.warned
            case "go" | "unqueue":
                return bool(self.talk.outgoing)
            case _:
                return True

    def action_cancel(self) -> None:
        """Close the search or the list of commands, else stop the answer; after the letters typed before it."""
        (self.focused or self.talk.pane.prompt).call_later(self._cancel)

    def _cancel(self) -> None:
        pane = self.talk.pane
        if pane.search is not None:
            pane.close_search()
        elif pane.prompt.completing:
            pane.offer_commands([])
        elif not self.talk.cancel():
            self.set_focus(self.talk.pane.prompt)  # at once: ``focus`` would come after a lane key that follows

    def action_interrupt(self) -> None:
        """Copy what is selected, else clear the text, else stop the answer, else (twice) quit."""
        self.talk.pane.prompt.call_later(self._interrupt)

    def _interrupt(self) -> None:
        prompt = self.talk.pane.prompt
        selected = self.get_selected_text() or prompt.selected_text
        if selected:
            self.app.copy_to_clipboard(selected)
        elif prompt.text:
            prompt.remember(prompt.text)
            prompt.put("")
        elif self.talk.busy:
            self.talk.cancel()
        elif time.monotonic() - self._interrupted_at < TWICE_S:
            self.house.leave(asked=not self.running())
        else:
            self._interrupted_at = time.monotonic()
            self.say("ctrl+c again quits.")

    def running(self) -> int:
        """How many answers are under way in all lanes."""
        return sum(talk.busy for talk in self.all_talks())

    def keep_all(self) -> None:
        """Pause every request under way."""
        for talk in self.all_talks():
            talk.keep()

    def all_talks(self) -> list[Talk]:
        """Every talk, whatever screen shows it."""
        return list(self.talks.values()) or [self.talk]

    def action_retry_now(self) -> None:
        """Cut the wait short."""
        self.talk.retry_now()

    def action_next_target(self) -> None:
        """Go to the next target."""
        self.talk.next_target()

    def action_consent(self, go: bool) -> None:
        """Say yes or no to the next target."""
        self.talk.consent(go=go)

    def action_go(self) -> None:
        """Send the queued prompts."""
        self.talk.go()

    def action_unqueue(self) -> None:
        """Take the last queued prompt back."""
        self.talk.unqueue()

    def action_new_conversation(self) -> None:
        """Begin a new conversation in this lane."""
        self.talk.clear()

    def action_scroll_transcript(self, by: int) -> None:
        """Scroll by a page, or to an end."""
        transcript = self.talk.pane.transcript
        match by:
            case -1:
                transcript.scroll_page_up(animate=False)
            case 1:
                transcript.scroll_page_down(animate=False)
            case _:
                (transcript.scroll_home if by < 0 else transcript.scroll_end)(animate=False)
