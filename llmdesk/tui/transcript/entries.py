"""What a transcript is made of: values without a screen, in the order in which they are shown.

Every text is kept as received; it is made harmless (``core.text``) only on its way to the screen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.tui.transcript.pictures import Picture


class Completeness(StrEnum):
    """Whether an answer is all that the model had to say."""

    FULL = "full"
    CUT = "cut by limit"
    INTERRUPTED = "interrupted"
    REFUSED = "refused"


class AnswerState(StrEnum):
    """Where an answer is in its life: still growing, finished, or void (the text of a failed attempt)."""

    OPEN = "open"
    CLOSED = "closed"
    DISCARDED = "discarded"


class Level(StrEnum):
    """How much a note asks for attention."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEntry:
    """A prompt.

    ``at`` is the time as it is to be shown (``14:20``), ``attachments`` are file names; ``images`` are not among them.
    """

    text: str
    at: str = ""
    attachments: tuple[str, ...] = ()
    images: tuple[Picture, ...] = ()
    who: str = "you"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEntry:
    """An answer, or what came of it.

    ``head`` stands above the text (who answers), ``foot`` below it (how long, how fast, how much); empty = no such
    line. ``shorter_feet`` say less and less of it, for narrow screens. ``completeness`` is ``None`` while nobody knows.
    ``reasoning_tokens`` is ``None`` when the provider does not count them; an estimate is shown instead, and marked as
    one.
    """

    head: str = ""
    text: str = ""
    reasoning: str = ""
    foot: str = ""
    shorter_feet: tuple[str, ...] = ()
    completeness: Completeness | None = None
    state: AnswerState = AnswerState.CLOSED
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeamEntry:
    """The line between two targets of one request: what failed, and who is asked next."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEntry:
    """A card, a warning, or a line about the conversation. The first line of ``text`` is emphasised if more follow."""

    text: str
    level: Level = Level.INFO


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryEntry:
    """What a model made of everything above; folded to a line. ``foot`` says who did it."""

    text: str
    foot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEntry:
    """Entries of an earlier version of the conversation, folded to a line; ``turns`` counts the prompts in them."""

    entries: tuple[Entry, ...]
    turns: int

    @property
    def text(self) -> str:
        """What was said in it, one after the other."""
        return "\n\n".join(entry.text.strip("\n") for entry in self.entries)


Entry = UserEntry | AnswerEntry | SeamEntry | NoteEntry | SummaryEntry | VersionEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePiece:
    """A code block of an answer, exactly as received; ``language`` is empty when none was named."""

    language: str
    text: str
