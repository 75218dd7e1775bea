"""Marking a turn of the conversation, by key or by mouse: it has the keys then, and a line says what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events, on

from llmdesk.tui.actions import BY_ID
from llmdesk.tui.screens.lanes import LanedScreen
from llmdesk.tui.transcript.entries import (
    AnswerEntry,
    AnswerState,
    Completeness,
    UserEntry,
    VersionEntry,
)
from llmdesk.tui.transcript.view import TranscriptView
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.prompt import Prompt
from llmdesk.tui.widgets.turn_line import TurnLine
from llmdesk.tui.widgets.wait_line import Offer

if TYPE_CHECKING:
    from llmdesk.tui.screens.talk import Talk
    from llmdesk.tui.screens.turns import Turn
    from llmdesk.tui.transcript.entries import Entry

UNDONE = (Completeness.CUT, Completeness.INTERRUPTED)
"""The marks of answers that can be gone on with."""

_WORDS = {
    "turn_copy": "copy", "turn_block": "code block", "turn_edit": "edit, send again", "turn_again": "ask again",
    "turn_elsewhere": "ask another model", "turn_continue": "go on", "turn_fork": "fork", "turn_open": "open in editor",
    "turn_raw": "raw", "turn_stand": "let it stand again", "turn_delete": "delete", "turn_fold": "unfold",
    "turn_images": "hide it here", "turn_leave": "back",
}  # fmt: skip


class MarkingScreen(LanedScreen):
    """A screen whose turns can be marked."""

    # --- which one ----------------------------------------------------------------------------------------------

    def action_mark_turn(self, by: int) -> None:
        """Mark the next turn, or the one before; from the last one on, down is back to the prompt."""
        transcript = self.talk.pane.transcript
        key = transcript.beside_chosen(by)
        if key is not None:
            self.mark_entry(key)
        elif by > 0:
            self.action_leave_turn()
        elif transcript.chosen is None:
            self.say("There is nothing here to act on yet.")

    def mark_entry(self, key: int) -> None:
        """Give an entry the keys."""
        pane = self.talk.pane
        pane.close_search()
        pane.offer_commands([])
        pane.transcript.choose(key)
        self.set_focus(pane.transcript)
        self.show_turn_line()

    def action_leave_turn(self) -> None:
        """Go back to the prompt."""
        self._unmark()
        self.set_focus(self.talk.pane.typed_into)

    def _unmark(self) -> None:
        if self.talk.pane.transcript.chosen is not None:
            self.talk.pane.transcript.choose(None)
            self.show_turn_line()

    @on(TranscriptView.Pointed)
    def _head_clicked(self, event: TranscriptView.Pointed) -> None:
        if event.key == self.talk.pane.transcript.chosen:
            self.action_leave_turn()
        else:
            self.mark_entry(event.key)

    @on(events.DescendantFocus)
    def _focus_moved(self, event: events.DescendantFocus) -> None:
        """Whoever writes has left the turn; whoever tabs into the conversation is at one."""
        pane = self.talk.pane
        if isinstance(event.widget, Prompt):
            self._unmark()
        elif event.widget is pane.transcript and pane.transcript.chosen is None:
            key = pane.transcript.beside_chosen(-1)
            if key is not None:
                self.mark_entry(key)

    # --- the keys -----------------------------------------------------------------------------------------------

    async def on_key(self, event: events.Key) -> None:
        """A letter that does nothing here is the beginning of a prompt."""
        pane = self.talk.pane
        late = self.focused is pane.prompt  # it came together with the letter that led back to the prompt
        if not (late or self.focused is pane.transcript) or not event.is_printable or event.character is None:
            return
        if late or event.key not in self.active_bindings:
            event.stop()
            self.action_leave_turn()
            pane.prompt.insert(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """So is a text that is pasted."""
        if self.focused is self.talk.pane.transcript:
            event.stop()
            self.action_leave_turn()
            self.talk.pane.prompt.post_message(events.Paste(event.text))

    def _cancel(self) -> None:
        """Go back to the prompt first; then leave an edited prompt as it was; then stop what runs."""
        talk = self.talk
        if talk.pane.transcript.chosen is not None:
            self.action_leave_turn()
        elif talk.pane.search is None and not talk.pane.prompt.completing and talk.editing.stop():
            self.show_turn_line()
        else:
            super()._cancel()

    # --- what is acted on ---------------------------------------------------------------------------------------

    def acted_on(self) -> tuple[int, Entry] | None:
        """The entry that is marked, else the last answer, else the last prompt; ``None`` = there is none."""
        talk = self.talk
        view, turns = talk.pane.transcript, talk.record.turns
        key = view.chosen
        if key is None and turns.last is not None:
            answered = turns.last_answered
            key = answered.answer if answered is not None else turns.last.asked
        return (key, view.entry(key)) if key is not None else None

    def turn_acted_on(self) -> Turn | None:
        """The turn of the marked entry, else the last one; ``None`` = there is none, or it does not stand any more."""
        talk = self.talk
        key = talk.pane.transcript.chosen
        if key is None:
            if talk.record.turns.last is None:
                self.say("Nothing was asked here yet.")
            return talk.record.turns.last
        turn = talk.record.turns.of_entry(key)
        if turn is None:
            self.say("That does not stand any more, or is no turn: it can be read, copied and opened.")
        return turn

    @on(TranscriptView.PictureOpened)
    def _picture_clicked(self, event: TranscriptView.PictureOpened) -> None:
        self._show_images(self.talk.pane.transcript.entry(event.key), event.number)

    def _show_images(self, entry: Entry, first: int = 0) -> None:
        from llmdesk.tui.screens.image import ImageScreen

        if isinstance(entry, UserEntry) and entry.images:
            self.app.push_screen(ImageScreen(entry.images, first=first))

    def action_fold_turn(self) -> None:
        """Fold or unfold what can be; of a prompt, show its images whole."""
        found = self.acted_on()
        if found is not None and isinstance(found[1], UserEntry) and found[1].images:
            self._show_images(found[1])
        elif found is not None and folds(found[1]):
            view = self.talk.pane.transcript
            view.toggle(found[0])
            view.choose(view.chosen)  # what was unfolded is brought into view
            self.show_turn_line()
        else:
            self.say("There is nothing to unfold here.")

    def action_fold_images(self) -> None:
        """Hide the images of a prompt in the conversation, or show them again."""
        found = self.acted_on()
        if found is None or not isinstance(found[1], UserEntry) or not found[1].images:
            self.say("There is no image here.")
            return
        view = self.talk.pane.transcript
        view.toggle(found[0])
        view.choose(view.chosen)
        self.show_turn_line()

    # --- the line -----------------------------------------------------------------------------------------------

    def talk_changed(self, talk: Talk) -> None:
        """An answer that grows or ends can be acted on otherwise."""
        super().talk_changed(talk)
        if self.is_mounted and talk is self.talk:
            self.show_turn_line()

    def show_turn_line(self) -> None:
        """Say what is marked, or that an earlier prompt is being edited."""
        pane, words, offers = self.talk.pane, "", []
        view = pane.transcript
        if view.chosen is not None:
            words, offers = self._marked_words(view.entry(view.chosen)), self._offers(view.chosen)
        elif self.talk.editing.active:
            words = "editing an earlier prompt"
            offers = [Offer(label="Esc keep it as it was", action="keep_turn")]
        lines = pane.query(TurnLine)
        if words and not lines:
            line = TurnLine()
            pane.mount(line, before=pane.prompt)
            line.show_turn(words, offers)
        for line in lines:
            line.show_turn(words, offers)

    def action_keep_turn(self) -> None:
        """Leave the prompt that is being edited as it was."""
        if self.talk.editing.stop():
            self.show_turn_line()
            self.set_focus(self.talk.pane.prompt)

    @on(ActionLine.Chosen)
    async def _offer_of_turn_clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)

    def _marked_words(self, entry: Entry) -> str:
        match entry:
            case UserEntry():
                return f"prompt of {entry.at}" if entry.at else "prompt"
            case AnswerEntry():
                what = "discarded text" if entry.state is AnswerState.DISCARDED else "answer"
                return f"{what} of {entry.head}" if entry.head and entry.head != what else what
            case VersionEntry():
                return "earlier version"
            case _:
                return "summary"

    def _offers(self, key: int) -> list[Offer]:
        """What can be done with the marked entry, each with its key."""
        talk, entry = self.talk, self.talk.pane.transcript.entry(key)
        turn = talk.record.turns.of_entry(key)
        ids = ["turn_copy"]
        if "```" in entry.text or "~~~" in entry.text or "\n    " in entry.text:
            ids.append("turn_block")
        if turn is not None:
            if not talk.busy:
                ids += ["turn_edit", "turn_again", "turn_elsewhere"]
                if isinstance(entry, AnswerEntry) and entry.completeness in UNDONE:
                    ids.append("turn_continue")
            else:
                ids.append("turn_edit")
            ids.append("turn_fork")
        ids.append("turn_open")
        if turn is not None and turn.request is not None:
            ids += ["turn_raw"] if talk.busy or not turn.kept else ["turn_raw", "turn_delete"]
        if not talk.busy and talk.record.version(key) is not None:
            ids.append("turn_stand")
        if folds(entry):
            ids.append("turn_fold")
        if isinstance(entry, UserEntry) and entry.images and talk.pane.transcript.gallery().shows:
            ids.append("turn_images")
        folding = "fold" if talk.pane.transcript.is_unfolded(key) else "unfold"
        words = {**_WORDS, "turn_fold": "see the image" if isinstance(entry, UserEntry) else folding}
        if not talk.pane.transcript.is_unfolded(key):
            words["turn_images"] = "show it here"
        return [*(_offer(each, words[each]) for each in ids), Offer(label="Esc back", action="leave_turn")]


def _offer(action_id: str, words: str) -> Offer:
    return Offer(label=words, action=BY_ID[action_id].call.removeprefix("screen."), does=action_id)


def folds(entry: Entry) -> bool:
    """Whether an entry has something to unfold."""
    match entry:
        case AnswerEntry():
            return bool(entry.reasoning) or entry.state is AnswerState.DISCARDED
        case UserEntry():
            return bool(entry.images)
        case _:
            return True
