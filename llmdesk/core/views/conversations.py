"""Conversations as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types import ModelRef, Role, Usage
    from llmdesk.core.views.asking import Attachment

Completeness = Literal["full", "cut by limit", "interrupted", "refused", "no answer text"]
"""The mark every stored answer carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message of a conversation as stored. ``completeness`` is set for answers only.

    ``superseded_by`` is the request whose turn took the place of this one; ``None`` = it stands. ``continues`` is the
    request whose answer this prompt asks to go on with. Role ``system`` = a summary that stands, for models, in the
    place of all before it.
    """

    id: int
    role: Role
    content: str
    created_at: float
    request: str | None = None
    thinking: str = ""
    attachments: tuple[Attachment, ...] = ()
    completeness: Completeness | None = None
    target: ModelRef | None = None
    latency_s: float | None = None
    first_token_s: float | None = None
    usage: Usage | None = None
    cost_usd: str | None = None
    seams: tuple[str, ...] = ()
    superseded_by: str | None = None
    continues: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """A conversation in a list; ``messages`` counts them. ``snippet`` and ``message`` are set by a search.

    ``matches`` are the characters of ``snippet`` that were searched for, as (start, end). ``earlier``: the hit is in an
    earlier version, which does not stand any more. Only what stands is counted.
    """

    id: str
    title: str
    lane: str
    created_at: float
    updated_at: float
    messages: int
    snippet: str = ""
    message: int | None = None
    matches: tuple[tuple[int, int], ...] = ()
    earlier: bool = False
    pinned: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation with its messages, oldest first."""

    id: str
    title: str
    lane: str
    created_at: float
    updated_at: float
    messages: tuple[StoredMessage, ...]
    pinned: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()
