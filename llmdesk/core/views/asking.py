"""What is asked."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from llmdesk.core.types import Params
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types import Endpoint, Failover, Json, Message, ModelRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a prompt: either ``text`` or ``image`` (raw bytes) is set."""

    name: str
    text: str | None = None
    image: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request as a face or a program states it.

    Either ``prompt`` (with the history of ``conversation``, or a new conversation) or ``messages`` (complete, nothing
    is added but the lane's system prompt if there is none) is given. ``model`` replaces the lane's targets by this one.
    ``failover`` goes before the lane's own rule. ``timeout_s`` bounds the whole request and ends in paused. ``consent``
    answers every ``failover: ask`` with yes. ``probe`` ignores cooldowns, on the user's explicit order only. ``keep``
    false = no row, no outbox (embeddings); ``unkept_ok`` = send it even if the disk refuses the row. ``keep_wire`` lets
    events carry their wire objects.
    ``replaces`` is the request whose turn this one takes the place of, and of all that follow it: they stay, as an
    earlier version that is not sent any more. ``continues`` is the request whose answer broke off and is to go on: what
    came of it is sent along. ``summarises`` is the request of the last turn of ``conversation`` that ``messages`` hold
    and ask to sum up: the answer becomes a summary behind that turn, and no turn of its own.
    """

    prompt: str = ""
    messages: tuple[Message, ...] | None = None
    attachments: tuple[Attachment, ...] = ()
    lane: str | None = None
    agent: str | None = None
    job: str | None = None
    model: ModelRef | None = None
    targets: tuple[ModelRef, ...] | None = None
    system: str | None = None
    params: Params = field(default_factory=Params)
    schema: Json | None = None
    schema_name: str = ""
    format: str | Json | None = None
    tools: tuple[Json, ...] = ()
    extra: Json = field(default_factory=dict)
    endpoint: Endpoint = "chat"
    conversation: str | None = None
    timeout_s: float | None = None
    failover: Failover | None = None
    consent: bool = False
    probe: bool = False
    keep: bool = True
    unkept_ok: bool = False
    keep_wire: bool = False
    replaces: str | None = None
    continues: str | None = None
    summarises: str | None = None
