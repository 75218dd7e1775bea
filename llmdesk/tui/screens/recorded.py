"""A stored conversation as entries of a transcript: earlier versions folded together, each message with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from llmdesk.core.prompting import CONTINUE_PROMPT
from llmdesk.core.types import Role
from llmdesk.tui.transcript.entries import (
    AnswerEntry,
    Completeness,
    SeamEntry,
    SummaryEntry,
    UserEntry,
    VersionEntry,
)
from llmdesk.tui.words import answer_feet, clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import ModelRef, Usage
    from llmdesk.core.views import Attachment, StoredMessage
    from llmdesk.core.views import Completeness as Stored
    from llmdesk.tui.transcript.entries import (
        Entry,
    )
    from llmdesk.tui.transcript.pictures import Picture

TO_GO_ON = "you, to go on with it"
"""Who asks, above a prompt that was not written by hand: that an answer which was cut goes on."""

_COMPLETENESS: dict[Stored, Completeness] = {
    "full": Completeness.FULL,
    "cut by limit": Completeness.CUT,
    "interrupted": Completeness.INTERRUPTED,
    "refused": Completeness.REFUSED,
}


@dataclass(slots=True, eq=False, repr=False)
class Recorded:
    """What is shown: ``entries``, and at which of them each message is (by its id); ``standing`` are those in force.

    ``versions`` are the requests with which earlier versions begin, by their places.
    """

    entries: list[Entry] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    standing: list[StoredMessage] = field(default_factory=list)
    versions: dict[int, str] = field(default_factory=dict)


def recorded(messages: Sequence[StoredMessage]) -> Recorded:
    """Turn the messages of a conversation, oldest first, into entries."""
    shown = Recorded()
    for by, group in groupby(messages, key=lambda message: message.superseded_by):
        together = list(group)
        if by is None:
            shown.standing += together
            for message in together:
                entries = entries_of(message)
                if entries:
                    shown.entries += entries
                    shown.places[message.id] = len(shown.entries) - 1
        else:
            entries = [entry for message in together for entry in entries_of(message)]
            turns = sum(message.role is Role.USER for message in together)
            shown.places |= {message.id: len(shown.entries) for message in together}
            begun = next((message.request for message in together if message.request is not None), None)
            if begun is not None:
                shown.versions[len(shown.entries)] = begun
            shown.entries.append(VersionEntry(entries=tuple(entries), turns=turns))
    return shown


def entries_of(message: StoredMessage) -> list[Entry]:
    """What one message is shown as: its seams, and itself last; nothing for what people are not shown."""
    match message.role:
        case Role.USER:
            names, images = files_of(message.attachments)
            who = TO_GO_ON if message.continues is not None and message.content == CONTINUE_PROMPT else "you"
            return [
                UserEntry(text=message.content, at=clock(message.created_at), attachments=names, images=images, who=who)
            ]
        case Role.ASSISTANT:
            feet = _feet(message)
            mark = _COMPLETENESS.get(message.completeness) if message.completeness is not None else None
            answer = AnswerEntry(
                head=who_answers(message.target) or "answer", text=message.content, reasoning=message.thinking,
                foot=feet[0], shorter_feet=feet[1:], completeness=mark, reasoning_tokens=reasoned(message.usage),
            )  # fmt: skip
            return [*(SeamEntry(text=seam) for seam in message.seams), answer]
        case Role.SYSTEM:
            return [SummaryEntry(text=message.content, foot=_feet(message)[0])]
        case Role.TOOL:
            return []


def _feet(message: StoredMessage) -> tuple[str, ...]:
    return answer_feet(
        target=message.target, latency_s=message.latency_s, first_token_s=message.first_token_s,
        usage=message.usage, cost_usd=message.cost_usd,
    )  # fmt: skip


def files_of(files: Sequence[Attachment]) -> tuple[tuple[str, ...], tuple[Picture, ...]]:
    """The names of the texts that go with a prompt, and its images; what draws them is loaded for the first file."""
    if not files:
        return (), ()
    from llmdesk.tui.transcript.pictures import shown_files

    return shown_files(files)


def reasoned(usage: Usage | None) -> int | None:
    """Tokens of reasoning; ``None`` = nobody counted them."""
    return usage.reasoning_tokens if usage is not None else None


def who_answers(target: ModelRef | None) -> str:
    """The line above an answer; empty while nobody was asked."""
    return f"{target.provider} · {target.model}" if target is not None else ""
