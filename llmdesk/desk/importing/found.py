"""What a file of conversations holds, and the ids it gets here."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from llmdesk.core.text import one_line
from llmdesk.core.titles import title_of
from llmdesk.core.types import ModelRef, Role
from llmdesk.core.values import dataclass
from llmdesk.core.views import Conversation, StoredMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.views import Attachment

LONGEST_TITLE = 200

LATEST_S = 253_402_300_799.0
"""The last second of the year 9999, the latest that a date can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The conversations of a file; ``left_out`` counts its entries that are no message, empty conversations too."""

    conversations: tuple[Conversation, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message of another program. ``at`` is UTC epoch seconds, ``None`` = not told; ``model`` empty = not told."""

    role: Role
    text: str
    at: float | None = None
    model: str = ""
    thinking: str = ""
    attachments: tuple[Attachment, ...] = ()


def stable_id(*parts: str) -> str:
    """The same id each time for the same things, in the form of our own."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def conversation_of(
    said: Sequence[Said],
    *,
    source: str,
    source_id: str,
    lane: str,
    now: float,
    title: object = "",
    created_at: object = None,
    updated_at: object = None,
    archived: bool = False,
) -> Conversation | None:
    """A conversation in turns: each prompt with what answers it; ``None`` = nothing was said.

    Args:
        said: the messages in order; several prompts, or several answers, in a row are one each.
        source: the program that kept it; it stands as the provider of the answers.
        source_id: what the conversation is called there.
        lane: the lane it belongs to here.
        now: UTC epoch seconds, for what has no time.
        title: empty = the first prompt gives it.
        created_at: UTC epoch seconds; ``None`` = that of its first message.
        updated_at: as ``created_at``, of its last one.
        archived: whether it was put away.
    """
    own_id = stable_id(source, source_id)
    turns = _turns(said)
    if not turns:
        return None
    began = seconds(created_at) or next((s.at for s in said if s.at is not None), None) or now
    ended = seconds(updated_at) or next((s.at for s in reversed(said) if s.at is not None), None) or began
    messages: list[StoredMessage] = []
    for number, (asked, answered) in enumerate(turns):
        request = stable_id(own_id, str(number))
        at = asked[0].at or (answered[0].at if answered else None) or began
        messages.append(
            StoredMessage(
                id=0,
                role=Role.USER,
                content="\n\n".join(each.text for each in asked if each.text),
                created_at=at,
                request=request,
                attachments=tuple(file for each in asked for file in each.attachments),
            )
        )
        if answered:
            model = next((each.model for each in answered if each.model), "")
            messages.append(
                StoredMessage(
                    id=0,
                    role=Role.ASSISTANT,
                    content="\n\n".join(each.text for each in answered if each.text),
                    thinking="\n\n".join(each.thinking for each in answered if each.thinking),
                    created_at=answered[-1].at or at,
                    request=request,
                    completeness="full",
                    target=ModelRef(source, model) if model else None,
                )
            )
    first = next((m.content for m in messages if m.content.strip()), "")
    told = one_line(title, LONGEST_TITLE).strip() if isinstance(title, str) else ""
    return Conversation(
        id=own_id,
        title=told or title_of(first),
        lane=lane,
        created_at=began,
        updated_at=ended,
        messages=tuple(messages),
        archived=archived,
    )


def _turns(said: Sequence[Said]) -> list[tuple[list[Said], list[Said]]]:
    """Prompts with their answers; an answer that nobody asked for stands behind an empty prompt."""
    turns: list[tuple[list[Said], list[Said]]] = []
    for each in said:
        if each.role is Role.USER:
            if not turns or turns[-1][1]:
                turns.append(([], []))
            turns[-1][0].append(each)
        else:
            if not turns:
                turns.append(([Said(role=Role.USER, text="", at=each.at)], []))
            turns[-1][1].append(each)
    return turns


def seconds(value: Any) -> float | None:
    """A time as UTC epoch seconds; ``None`` = it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 < value <= LATEST_S else None
