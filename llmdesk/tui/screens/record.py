"""The bridge from what happened to what the transcript shows: outcomes and stored messages become entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from llmdesk.core.prompting import ANSWERED
from llmdesk.core.text import sanitise
from llmdesk.core.types import FinishReason, ModelRef, Outcome, Role, Status
from llmdesk.tui.transcript.entries import (
    AnswerEntry,
    Completeness,
    Entry,
    Level,
    NoteEntry,
    SeamEntry,
    UserEntry,
)
from llmdesk.tui.words import answer_feet, answered_in_s, clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.views import Completeness as Stored
    from llmdesk.core.views import StoredMessage
    from llmdesk.tui.transcript.view import TranscriptView

SENT_FROM_HERE = "▼ what is sent begins here · you"
"""Stands in place of ``you`` above the first prompt that still goes along."""


class Record:
    """What is written into one transcript."""

    def __init__(self, view: TranscriptView) -> None:
        self._view = view
        self._open: int | None = None
        self._answer: int | None = None
        self._turns: list[int] = []
        self._asked: int | None = None
        self._answered: set[int] = set()
        self._requests: dict[str, int] = {}
        self._marked: int | None = None
        self._messages: dict[int, int] = {}
        self.target: ModelRef | None = None
        self.has_answer = False

    @property
    def answering(self) -> bool:
        """An answer is growing."""
        return self._open is not None

    @property
    def empty(self) -> bool:
        """Nobody has said anything."""
        return not self._turns

    @property
    def last_answer(self) -> str:
        """The last answer as received; empty when there is none."""
        return self._view.text_of(self._answer) if self._answer is not None else ""

    @property
    def last_code(self) -> str:
        """The last code block of the last answer; empty when there is none."""
        blocks = self._view.code_blocks(self._answer) if self._answer is not None else ()
        return blocks[-1].text if blocks else ""

    def clear(self) -> None:
        """Begin anew."""
        self._view.clear()
        self._forget()

    def _forget(self) -> None:
        self._open, self._answer, self._marked, self.has_answer = None, None, None, False
        self._turns, self._messages = [], {}
        self._asked, self._answered, self._requests = None, set(), {}

    def user(self, text: str, *, at: float, attachments: Sequence[str] = ()) -> None:
        """A prompt; ``at`` in UTC epoch seconds."""
        entry = UserEntry(text=text, at=clock(at), attachments=tuple(sanitise(name) for name in attachments))
        self._asked = self._view.append(entry)
        self._turns.append(self._asked)
        self.has_answer = False
        self._view.scroll_end()

    def note(self, text: str, level: Level) -> None:
        """A line or a card of the program's own."""
        self._view.append(NoteEntry(text=text, level=level))

    def seam(self, text: str) -> None:
        """The step from one target to the next."""
        self._view.append(SeamEntry(text=text))

    def accepted(self, request_id: str) -> None:
        """A request is under way: a new one belongs to the last prompt, one asked again to its own."""
        if request_id in self._requests:
            self._asked = self._requests[request_id]
        elif self._asked is not None:
            self._requests[request_id] = self._asked

    def ends_with(self, request_id: str) -> bool:
        """Whether the last prompt is that of this request, so that its answer belongs at the end."""
        return bool(self._turns) and self._requests.get(request_id) == self._turns[-1]

    def mark_sent_part(self, left_out_turns: int) -> None:
        """Show where the part of the conversation begins that still goes along; nothing when all of it does.

        Only turns with an answer were there to be sent, so only they are counted, and the one that is asked now.
        """
        if self._marked is not None:
            self._say_who(self._marked, "you")
            self._marked = None
        if left_out_turns and self._asked is not None:
            asked = self._asked
            sent = [turn for turn in self._turns if turn < asked and turn in self._answered]
            self._marked = [*sent, asked][min(left_out_turns, len(sent))]
            self._say_who(self._marked, SENT_FROM_HERE)

    def _say_who(self, key: int, who: str) -> None:
        entry = self._view.entry(key)
        if isinstance(entry, UserEntry):
            self._view.replace(key, UserEntry(text=entry.text, at=entry.at, attachments=entry.attachments, who=who))

    # --- an answer that grows -----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open an answer of the target that is asked."""
        self._open = self._view.begin_answer(AnswerEntry(head=_who(self.target)))
        self._answer = self._open
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
        self._close(feet=(_who(self.target),), completeness=Completeness.INTERRUPTED)

    def discard(self, why: str) -> None:
        """Its text is void: a failed attempt."""
        if self._open is not None:
            self._view.discard(self._open)
            self._open, self._answer, self.has_answer = None, None, False
        self.note(why, Level.WARNING)

    def _close(self, *, feet: tuple[str, ...], completeness: Completeness | None) -> None:
        if self._open is None:
            return
        so_far = self._view.entry(self._open)
        assert isinstance(so_far, AnswerEntry)
        closed = AnswerEntry(
            head=so_far.head, text=so_far.text, reasoning=so_far.reasoning, foot=feet[0], shorter_feet=feet[1:],
            completeness=completeness,
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
            self._answered.add(self._asked)
        empty = self._open is not None and not self._view.text_of(self._open).strip()
        self._close(feet=feet, completeness=_mark(outcome))
        if outcome.status is Status.COMPLETED and empty and not outcome.tool_calls:
            self.note("The model ended without any answer text.", Level.WARNING)

    # --- a stored conversation ----------------------------------------------------------------------------------

    def load(self, messages: Sequence[StoredMessage]) -> None:
        """Show a stored conversation in place of what is there."""
        self._forget()
        entries: list[Entry] = []
        places: dict[int, int] = {}
        for message in messages:
            entries += [SeamEntry(text=seam) for seam in message.seams]
            entry = _stored(message)
            if entry is not None:
                places[message.id] = len(entries)
                entries.append(entry)
        keys = self._view.load(entries)
        for key, entry in zip(keys, entries, strict=True):
            match entry:
                case UserEntry():
                    self._turns.append(key)
                case AnswerEntry():
                    self._answer = key
                case _:
                    pass
        self._messages = {message: keys[at] for message, at in places.items()}
        asked = [message for message in messages if message.role is Role.USER]
        self._requests = {message.request: self._messages[message.id] for message in asked if message.request}
        answered = {message.request for message in messages if message.completeness in ANSWERED}
        self._answered = {self._messages[message.id] for message in asked if message.request in answered}

    def jump_to(self, message: int) -> None:
        """Bring a stored message to the top of the view."""
        key = self._messages.get(message)
        if key is not None:
            self._view.show_top(key)


def _who(target: ModelRef | None) -> str:
    return f"{target.provider} · {target.model}" if target is not None else ""


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


_STORED: dict[Stored, Completeness] = {
    "full": Completeness.FULL,
    "cut by limit": Completeness.CUT,
    "interrupted": Completeness.INTERRUPTED,
    "refused": Completeness.REFUSED,
}


def _stored(message: StoredMessage) -> Entry | None:
    match message.role:
        case Role.USER:
            files = tuple(sanitise(file.name) for file in message.attachments)
            return UserEntry(text=message.content, at=clock(message.created_at), attachments=files)
        case Role.ASSISTANT:
            feet = answer_feet(
                target=message.target, latency_s=message.latency_s, first_token_s=message.first_token_s,
                usage=message.usage, cost_usd=message.cost_usd,
            )  # fmt: skip
            mark = _STORED.get(message.completeness) if message.completeness is not None else None
            return AnswerEntry(
                head=_who(message.target),
                text=message.content,
                reasoning=message.thinking,
                foot=feet[0],
                shorter_feet=feet[1:],
                completeness=mark,
            )
        case Role.SYSTEM | Role.TOOL:
            return None
