"""What the desk hands to storage: a request with everything needed to ask again, and an answer with its mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types import ModelRef, Usage
    from llmdesk.core.views import Attachment, Completeness


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """A request with everything needed to ask again.

    ``payload`` is the desk's own text and opaque here. With a ``conversation`` the prompt is also its next message; a
    conversation that does not exist is begun, with ``title`` and ``lane``. ``record_text`` false = the request keeps
    its text only until it has ended, and its attempts keep none (the conversation keeps its messages). ``run`` counts
    from 1 how often the request was begun: it grows each time it is claimed from the outbox. ``resumed`` counts how
    often that happened without its user, since the user last asked for it. ``created_at`` is UTC epoch seconds.
    ``replaces`` and ``continues`` are requests of the same conversation: the one whose turn, and all after it, becomes
    an earlier version; and the one whose answer is to go on. ``summarises`` is the request of the last turn that is to
    be summed up: the prompt is no message then, and the answer becomes a summary behind that turn.
    """

    id: str
    lane: str
    agent: str | None = None
    job: str | None = None
    conversation: str | None = None
    title: str = ""
    prompt: str
    attachments: tuple[Attachment, ...] = ()
    payload: str
    created_at: float
    record_text: bool = True
    run: int = 1
    resumed: int = 0
    replaces: str | None = None
    continues: str | None = None
    summarises: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """The text of exactly one attempt, and who gave it; a partial one is ``interrupted``.

    ``seams`` are the lines shown above it. ``cost_usd`` is a decimal string, ``None`` = unknown price; ``created_at``
    UTC epoch seconds. ``behind``: it is a summary of all up to the turn of this request, and stands behind it.
    """

    content: str
    completeness: Completeness
    thinking: str = ""
    target: ModelRef | None = None
    served_model: str = ""
    latency_s: float | None = None
    first_token_s: float | None = None
    usage: Usage | None = None
    cost_usd: str | None = None
    seams: tuple[str, ...] = ()
    created_at: float
    behind: str | None = None
