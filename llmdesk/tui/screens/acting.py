"""Acting on a turn: ask it again, otherwise or of another model, let it go on, fork from it, open it, sum all up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from llmdesk.core.errors import DeskError
from llmdesk.core.prompting import CONTINUE_PROMPT
from llmdesk.core.text import one_line
from llmdesk.core.types import ModelRef, Status
from llmdesk.tui.screens.copying import CopyingScreen, write_file
from llmdesk.tui.screens.marking import UNDONE
from llmdesk.tui.screens.outgoing import Queued
from llmdesk.tui.screens.retarget import RetargetScreen
from llmdesk.tui.transcript.entries import AnswerEntry, Completeness

if TYPE_CHECKING:
    from llmdesk.core.types import Outcome
    from llmdesk.tui.screens.lanes import LanedScreen
    from llmdesk.tui.screens.talk import Talk
    from llmdesk.tui.screens.turns import Turn

BUSY = "An answer is coming. Esc stops it first."


class ActingScreen(CopyingScreen, RetargetScreen):
    """A screen whose turns can be acted on: the marked one, else the last."""

    # --- asking once more ---------------------------------------------------------------------------------------

    def action_edit_turn(self) -> None:
        """Put a prompt that was sent into the editor; sending it takes the place of its turn."""
        turn = self.turn_acted_on()
        if turn is not None:
            self.talk.editing.begin(turn)
            self.action_leave_turn()
            self.show_turn_line()

    def action_again_turn(self) -> None:
        """Ask the same prompt with its files again."""
        turn = self.turn_acted_on()
        if turn is not None:
            self._ask_again(turn, None)

    def action_regenerate(self) -> None:
        """Ask the last prompt again; one that waits is asked now."""
        if self.talk.paused is not None and not self.talk.busy:
            self.talk.retry_now()
        else:
            self.action_again_turn()

    def action_again_elsewhere(self) -> None:
        """Ask the same prompt of another model."""
        turn = self.turn_acted_on()
        if turn is None:
            return
        if self.talk.busy:
            self.say(BUSY)
            return
        self.pick_model(lambda picked: self._ask_again(turn, picked.model), once_only=True)

    def _ask_again(self, turn: Turn, model: ModelRef | None) -> None:
        talk = self.talk
        if talk.busy:
            self.say(BUSY)
            return
        self.action_leave_turn()
        replaces = turn.request if turn.kept else None
        talk.send(Queued(text=turn.text, attachments=turn.files, model=model, replaces=replaces,
                         continues=turn.continues, written=turn.text != CONTINUE_PROMPT))  # fmt: skip

    def ask_again_of(self, model: ModelRef) -> None:
        """Ask the prompt of the marked turn, or the last one, of a model."""
        turn = self.turn_acted_on()
        if turn is not None:
            self._ask_again(turn, model)

    def look_back(self, talk: Talk, outcome: Outcome) -> None:
        """A request has ended: what it was to replace may stand again."""
        turn = talk.record.turns.of_request(outcome.request_id) or talk.record.turns.last
        if turn is not None and turn.request not in (None, outcome.request_id):
            return
        if turn is not None and turn.version is not None and outcome.status in _NOTHING_CAME:
            self.follow(partial(self._bring_back, talk, turn, outcome))

    async def _bring_back(self, talk: Talk, turn: Turn, outcome: Outcome) -> None:
        """Show again what was to be replaced, if the desk lets it stand: nothing came in its place."""
        desk = await self.desk()
        try:
            whole = await desk.conversation(talk.conversation or "")
        except DeskError:
            stands = not outcome.text
        else:
            stands = all(message.superseded_by != outcome.request_id for message in whole.messages)
        if stands and turn is talk.record.turns.last:
            talk.record.bring_back(turn)

    def action_stand_turn(self) -> None:
        """Let the earlier version that is marked stand again, in place of what took its place."""
        talk = self.talk
        key = talk.pane.transcript.chosen
        request = talk.record.version(key) if key is not None else None
        if request is None or talk.conversation is None:
            self.say("That is no earlier version that is kept on disk.")
        elif talk.busy:
            self.say(BUSY)
        else:
            self.follow(partial(self._stand, talk, talk.conversation, request))

    async def _stand(self, talk: Talk, conversation: str, request: str) -> None:
        desk = await self.desk()
        await desk.shelf.stand(conversation, request)
        whole = await desk.conversation(conversation)
        if talk.conversation != conversation or talk.busy:
            return
        talk.load(whole)
        turn = talk.record.turns.of_request(request)
        if turn is not None and talk is self.talk and self.app.screen is self:
            self.mark_entry(turn.asked)
        self.say("It stands again; what stood in its place is an earlier version now.")

    # --- going on -----------------------------------------------------------------------------------------------

    def action_continue_turn(self) -> None:
        """Let an answer that was cut go on."""
        turn, talk = self.turn_acted_on(), self.talk
        if turn is None:
            return
        answer = talk.pane.transcript.entry(turn.answer) if turn.answer is not None else None
        if not isinstance(answer, AnswerEntry) or not answer.text.strip():
            self.say("There is no answer that could go on.")
        elif talk.busy:
            self.say(BUSY)
        elif answer.completeness not in UNDONE:
            refused = answer.completeness is Completeness.REFUSED
            self.say("The model refused; there is nothing to go on with." if refused else "That answer is complete.")
        elif not turn.kept or turn.request is None:
            self.say("That answer is not kept on disk, so no model can be shown it again.")
        else:
            self.action_leave_turn()
            talk.send(Queued(text=CONTINUE_PROMPT, continues=turn.request, written=False))

    def action_fork_turn(self) -> None:
        """Go on from a turn in a conversation of its own."""
        turn, talk = self.turn_acted_on(), self.talk
        if turn is None:
            return
        if turn.request is None or not turn.kept or talk.conversation is None:
            self.say("That turn is not kept on disk, so there is nothing to go on from.")
            return
        self.action_leave_turn()
        self.follow(partial(self._fork, talk.conversation, turn.request))

    async def _fork(self, conversation: str, request: str) -> None:
        desk = await self.desk()
        fork = await desk.fork(conversation, request)
        before = self.talk.title
        self.talk.load(fork)
        self.say(f"Forked from “{one_line(before, 60)}”; that one is as it was (ctrl+o).")

    # --- looking at it elsewhere --------------------------------------------------------------------------------

    def action_open_turn(self) -> None:
        """Open the marked entry, or the last answer, in the user's editor; it stays what it is."""
        from llmdesk.tui.editor import edit_text

        found = self.acted_on()
        if found is None:
            self.say("There is nothing to open yet.")
            return
        text = found[1].text
        edited, problem = edit_text(self.app, text)
        if problem:
            self.say(problem, severity="warning")
        elif edited.rstrip("\n") != text.rstrip("\n"):
            self.say("What was changed in the editor changes nothing here.")

    def action_raw_turn(self) -> None:
        """Show what was sent and received."""
        turn = self.turn_acted_on()
        if turn is None:
            return
        if turn.request is None:
            self.say("Nothing was sent for it.")
        else:
            self.house.show_raw(turn.request)

    def sum_up(self) -> None:
        """Let the model sum the conversation up; the summary goes along in place of it from then on."""
        talk = self.talk
        if talk.conversation is None or not talk.record.turns:
            self.say("There is nothing to sum up yet.")
        elif talk.busy:
            self.say(BUSY)
        else:
            talk.send(Queued(text="", written=False, sums_up=True))


_NOTHING_CAME = (Status.FAILED, Status.CANCELLED, Status.BLOCKED)


# --- slash commands ---------------------------------------------------------------------------------------------


def retry(chat: LanedScreen, argument: str) -> None:
    """``/retry``: the same prompt again, of the model that is named or of whom the lane asks."""
    assert isinstance(chat, ActingScreen)
    if argument:
        chat.ask_again_of(ModelRef.parse(argument))
    else:
        chat.action_regenerate()


def compact(chat: LanedScreen, _argument: str) -> None:
    """``/compact``: sum the conversation up."""
    assert isinstance(chat, ActingScreen)
    chat.sum_up()


async def export(chat: LanedScreen, argument: str) -> None:
    """``/export``: the conversation as Markdown or JSON, into this folder or a file that is named."""
    conversation = chat.talk.conversation
    if conversation is None:
        chat.say("There is nothing to export yet.", severity="warning")
        return
    word, _, rest = argument.partition(" ")
    path = rest.strip() if word in ("md", "json") else argument.strip()
    form: Literal["md", "json"] = "json" if word == "json" or path.endswith(".json") else "md"
    desk = await chat.desk()
    text = await desk.export_conversation(conversation, form)
    await write_file(chat, text, path, stem=f"llmdesk-{conversation[:8]}", form=form)
