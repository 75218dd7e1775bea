"""The bridge from what happened to what the transcript shows: outcomes and stored messages become entries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from llmdesk.core.prompting import ANSWERED
from llmdesk.core.text import sanitise
from llmdesk.core.types import FinishReason, Role, Status
from llmdesk.tui.screens.recorded import TO_GO_ON, files_of, reasoned, recorded, who_answers
from llmdesk.tui.screens.turns import Turn, Turns
from llmdesk.tui.transcript.entries import (
    AnswerEntry,
    Completeness,
    Level,
    NoteEntry,
    SeamEntry,
    SummaryEntry,
    UserEntry,
)
from llmdesk.tui.words import answer_feet, answered_in_s, clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import ModelRef, Outcome
    from llmdesk.core.views import Attachment, StoredMessage
    from llmdesk.tui.transcript.view import TranscriptView

SENT_FROM_HERE = "▼ what is sent begins here · you"
"""Stands in place of ``you`` above the first prompt that still goes along."""


class Record:
    """What is written into one transcript.

    Attributes:
        turns: whose entries are whose.
    """

    def __init__(self, view: TranscriptView) -> None:
        self._view = view
        self.turns = Turns()
        self._open: int | None = None
        self._asked: Turn | None = None
        self._marked: int | None = None
        self._messages: dict[int, int] = {}
        self._versions: dict[int, str] = {}
        self.target: ModelRef | None = None
        self.has_answer = False

    @property
    def answering(self) -> bool:
        """An answer is growing."""
        return self._open is not None

    @property
    def empty(self) -> bool:
        """Nobody has said anything."""
        return not self.turns

    @property
    def answering_key(self) -> int | None:
        """The entry of the answer that grows."""
        return self._open

    @property
    def last_answer(self) -> str:
        """The last answer as received; empty when there is none."""
        turn = self.turns.last_answered
        return self._view.text_of(turn.answer) if turn is not None and turn.answer is not None else ""

    def clear(self) -> None:
        """Begin anew."""
        self._view.clear()
        self._forget()

    def _forget(self) -> None:
        self._open, self._marked, self.has_answer = None, None, False
        self.turns, self._messages, self._versions, self._asked = Turns(), {}, {}, None

    def user(
        self, text: str, *, at: float, files: Sequence[Attachment] = (), attachments: Sequence[str] = (),
        continues: str | None = None, written: bool = True,
    ) -> Turn:  # fmt: skip
        """A prompt.

        Args:
            text: what is asked.
            at: when, UTC epoch seconds.
            files: what goes along.
            attachments: what goes along, where only names are known.
            continues: the request whose answer it lets go on.
            written: somebody wrote it.
        """
        names, images = files_of(files)
        shown = (*names, *(sanitise(name) for name in attachments))
        who = "you" if written else TO_GO_ON
        key = self._view.append(UserEntry(text=text, at=clock(at), attachments=shown, images=images, who=who))
        self._asked = Turn(asked=key, text=text, files=tuple(files), continues=continues)
        self.turns.add(self._asked)
        if continues is not None and (before := self.turns.of_request(continues)) is not None:
            before.answered = True  # what came of it goes along, by the user's order
        self.has_answer = False
        self._view.scroll_end()
        return self._asked

    def summary(self, outcome: Outcome) -> None:
        """What a model made of everything above: it goes along in its place from now on."""
        foot = answer_feet(
            target=outcome.target, served_model=outcome.served_model, latency_s=outcome.latency_s,
            first_token_s=outcome.first_token_s, usage=outcome.usage, cost_usd=outcome.cost_usd,
        )[0]  # fmt: skip
        self.turns.summaries.append(self._view.append(SummaryEntry(text=outcome.text, foot=foot)))

    # --- earlier versions ---------------------------------------------------------------------------------------

    def fold_away(self, request: str) -> int | None:
        """Fold the turn of a request and all after it into one line; returns its key, ``None`` = it is not here.

        Where another turn has taken its place meanwhile, that one is folded away.
        """
        turn = self.turns.in_place_of(request)
        if turn is None:
            return None
        self._open = None
        version = self._view.fold_away(turn.asked)
        self.turns.fold_away(turn, version)
        if self._marked is not None and self._marked >= version:
            self._marked = None
        return version

    def bring_back(self, turn: Turn) -> None:
        """What a turn has replaced stands again: nothing came of it."""
        if turn.version is not None:
            self._view.bring_back(turn.version)
            self.turns.bring_back(turn.version)
            turn.version = None

    def version(self, key: int) -> str | None:
        """The request with which the earlier version of a line begins; ``None`` = it is none, or not on disk."""
        return self._versions.get(key) or self.turns.folded_into(key)

    def take_back(self) -> None:
        """The last prompt was not taken: what it was to replace stands again."""
        if self._asked is not None:
            self.bring_back(self._asked)

    def note(self, text: str, level: Level) -> None:
        """A line or a card of the program's own."""
        self._view.append(NoteEntry(text=text, level=level))

    def seam(self, text: str) -> None:
        """The step from one target to the next."""
        self._view.append(SeamEntry(text=text))

    def accepted(self, request_id: str, *, kept: bool) -> None:
        """A request is under way: a new one belongs to the last prompt, one asked again to its own."""
        if (turn := self.turns.of_request(request_id)) is not None:
            self._asked = turn
        elif self._asked is not None:
            self._asked.request, self._asked.kept = request_id, kept

    def ends_with(self, request_id: str) -> bool:
        """Whether the last prompt is that of this request, so that its answer belongs at the end."""
        return self.turns.last is not None and self.turns.last.request == request_id

    def mark_sent_part(self, left_out_turns: int) -> None:
        """Show where the part of the conversation begins that still goes along; nothing when all of it does.

        Only turns with an answer were there to be sent, so only they are counted, and the one that is asked now.
        """
        if self._marked is not None:
            self._say_who(self._marked, "you")
            self._marked = None
        if left_out_turns and self._asked is not None:
            sent = self.turns.sent_before(self._asked)
            self._marked = [*sent, self._asked.asked][min(left_out_turns, len(sent))]
            self._say_who(self._marked, SENT_FROM_HERE)

    def _say_who(self, key: int, who: str) -> None:
        entry = self._view.entry(key)
        if isinstance(entry, UserEntry):
            self._view.replace(key, replace(entry, who=who))

    # --- an answer that grows -----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open an answer of the target that is asked."""
        self._open = self._view.begin_answer(AnswerEntry(head=who_answers(self.target)))
        if self._asked is not None:
            self._asked.answer = self._open
            self._asked.late = any(key > self._asked.asked for key in self.turns.summaries)
        self.has_answer = True

    def feed(self, text: str) -> None:
        """More of its text."""
        if self._open is not None:
            self._view.feed(self._open, text)

    def feed_reasoning(self, text: str) -> None:
        """More of its reasoning."""
        if self._open is not None:
            self._view.feed_reasoning(self._open, text)

    def interrupt(self) -> None:
        """Close it where it stands."""
        self._close(feet=(who_answers(self.target),), completeness=Completeness.INTERRUPTED)

    def discard(self, why: str) -> None:
        """Its text is void: a failed attempt."""
        if self._open is not None:
            self._view.discard(self._open)
            if self._asked is not None:
                self._asked.answer = None
            self._open, self.has_answer = None, False
        self.note(why, Level.WARNING)

    def _close(
        self, *, feet: tuple[str, ...], completeness: Completeness | None, reasoning_tokens: int | None = None
    ) -> None:
        if self._open is None:
            return
        so_far = self._view.entry(self._open)
        assert isinstance(so_far, AnswerEntry)
        closed = AnswerEntry(
            head=so_far.head, text=so_far.text, reasoning=so_far.reasoning, foot=feet[0], shorter_feet=feet[1:],
            completeness=completeness, reasoning_tokens=reasoning_tokens,
        )  # fmt: skip
        self._view.finish(self._open, closed)
        self._open = None

    def outcome(self, outcome: Outcome) -> None:
        """Close the answer with everything known about it; an answer that never streamed is shown whole."""
        if outcome.status in (Status.COMPLETED, Status.REFUSED) and not self.has_answer:
            self.target = outcome.target
            self.begin()
            self.feed_reasoning(outcome.reasoning)
            self.feed(outcome.text)
        feet = answer_feet(
            target=outcome.target, served_model=outcome.served_model, latency_s=outcome.latency_s,
            first_token_s=outcome.first_token_s, usage=outcome.usage, cost_usd=outcome.cost_usd,
            estimated_cost=any(each.usage is not None and each.usage.estimated for each in outcome.attempts),
            took_s=answered_in_s(outcome),
        )  # fmt: skip
        if outcome.status is Status.COMPLETED and self._asked is not None:
            self._asked.answered = True
        empty = self._open is not None and not self._view.text_of(self._open).strip()
        self._close(feet=feet, completeness=_mark(outcome), reasoning_tokens=reasoned(outcome.usage))
        if outcome.status is Status.COMPLETED and empty and not outcome.tool_calls:
            self.note("The model ended without any answer text.", Level.WARNING)

    # --- a stored conversation ----------------------------------------------------------------------------------

    def load(self, messages: Sequence[StoredMessage]) -> None:
        """Show a stored conversation in place of what is there."""
        self._forget()
        shown = recorded(messages)
        keys = self._view.load(shown.entries)
        self._messages = {message: keys[at] for message, at in shown.places.items()}
        self._versions = {keys[at]: request for at, request in shown.versions.items()}
        summed_up = max((message.id for message in shown.standing if message.role is Role.SYSTEM), default=None)
        for message in shown.standing:
            self._stands(message, summed_up)
        for message in shown.standing:
            before = self.turns.of_request(message.continues) if message.continues is not None else None
            if before is not None:
                before.answered = True

    def _stands(self, message: StoredMessage, summed_up: int | None) -> None:
        """Note whose the entry of a stored message is; what came after the last summary has a higher id."""
        key = self._messages.get(message.id)
        if key is None:
            return
        if message.role is Role.USER:
            self.turns.add(Turn(asked=key, text=message.content, files=message.attachments, request=message.request,
                                kept=message.request is not None, continues=message.continues))  # fmt: skip
        elif message.role is Role.SYSTEM:
            self.turns.summaries.append(key)
        elif (turn := self._turn_of(message)) is not None:
            turn.answer, turn.answered = key, message.completeness in ANSWERED
            turn.late = summed_up is not None and message.id > summed_up

    def _turn_of(self, answer: StoredMessage) -> Turn | None:
        return self.turns.last if answer.request is None else self.turns.of_request(answer.request)

    def jump_to(self, message: int) -> None:
        """Bring a stored message to the top of the view."""
        key = self._messages.get(message)
        if key is not None:
            if not isinstance(self._view.entry(key), UserEntry | AnswerEntry):
                self._view.toggle(key, unfolded=True)
            self._view.show_top(key)


def _mark(outcome: Outcome) -> Completeness | None:
    match outcome.status:
        case Status.COMPLETED:
            return Completeness.CUT if outcome.finish_reason is FinishReason.LENGTH else Completeness.FULL
        case Status.REFUSED:
            return Completeness.REFUSED
        case Status.PAUSED | Status.CANCELLED | Status.FAILED | Status.BLOCKED:
            return Completeness.INTERRUPTED
        case Status.ACCEPTED | Status.RUNNING:
            return None
        case _:
            assert_never(outcome.status)
