"""How values become columns and come back: instants and durations in milliseconds, money in nano-dollars."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, overload

from llmdesk.core.errors import ErrorKind
from llmdesk.core.money import to_nano_usd, to_usd
from llmdesk.core.prompting import Said
from llmdesk.core.text import redact, storable
from llmdesk.core.types import Attempt, AttemptOutcome, ModelRef, Role, Usage
from llmdesk.core.views import ConversationView, StoredMessage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from llmdesk.core.budget import Account
    from llmdesk.core.views import Attachment


@overload
def to_ms(seconds: float) -> int: ...
@overload
def to_ms(seconds: float | None) -> int | None: ...
def to_ms(seconds: float | None) -> int | None:
    """Seconds as whole milliseconds."""
    return None if seconds is None else round(seconds * 1000)


@overload
def to_s(milliseconds: int) -> float: ...
@overload
def to_s(milliseconds: int | None) -> float | None: ...
def to_s(milliseconds: int | None) -> float | None:
    """Milliseconds as seconds."""
    return None if milliseconds is None else milliseconds / 1000


def to_ref(provider: str | None, model: str | None) -> ModelRef | None:
    """A model ref, where both columns are set."""
    return None if provider is None or model is None else ModelRef(provider, model)


def attempt_row(
    attempt: Attempt, account: Account, *, day: str, run: int, record_text: bool, record_words: bool = True
) -> dict[str, object]:
    """An attempt as the row that ``attempts`` holds.

    Args:
        attempt: the attempt or skip.
        account: to whom it is booked.
        day: the local date it is booked to.
        run: which run of its request made it.
        record_text: keep what was said; else numbers and one-line messages.
        record_words: keep the messages too; else numbers and names only.
    """
    usage = attempt.usage or Usage()
    return {
        "request": account.request,
        "day": day,
        "lane": account.lane,
        "agent": account.agent,
        "job": account.job,
        "conversation": account.conversation,
        "number": attempt.number,
        "run": run,
        "provider": attempt.target.provider,
        "model": attempt.target.model,
        "outcome": attempt.outcome.value,
        "at": to_ms(attempt.at),
        "error_kind": None if attempt.error_kind is None else attempt.error_kind.value,
        "reason": attempt.reason,
        "http_status": attempt.http_status,
        "message": redact(storable(attempt.message)) if record_words else "",
        "details": redact(storable(attempt.details)) if record_text else "",
        "first_token_ms": to_ms(attempt.first_token_s),
        "elapsed_ms": to_ms(attempt.elapsed_s),
        "has_usage": attempt.usage is not None,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "estimated": usage.estimated,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "image_tokens": usage.image_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cooldown_ms": to_ms(attempt.cooldown_s),
        "cost_nano_usd": to_nano_usd(attempt.cost_usd),
        "served_model": storable(attempt.served_model) if record_words else "",
        "discarded_text": storable(attempt.discarded_text) if record_text else "",
        "probe": attempt.probe,
    }


def to_attempt(row: sqlite3.Row) -> Attempt:
    """A row of ``attempts`` as an attempt."""
    usage = None
    if row["has_usage"]:
        usage = Usage(
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            estimated=bool(row["estimated"]),
            cached_input_tokens=row["cached_input_tokens"],
            reasoning_tokens=row["reasoning_tokens"],
            cache_write_tokens=row["cache_write_tokens"],
            image_tokens=row["image_tokens"],
        )
    return Attempt(
        number=row["number"],
        target=ModelRef(row["provider"], row["model"]),
        outcome=AttemptOutcome(row["outcome"]),
        at=to_s(row["at"]),
        error_kind=to_error_kind(row["error_kind"]),
        reason=row["reason"],
        http_status=row["http_status"],
        message=row["message"],
        details=row["details"],
        first_token_s=to_s(row["first_token_ms"]),
        elapsed_s=to_s(row["elapsed_ms"]),
        usage=usage,
        cost_usd=to_usd(row["cost_nano_usd"]),
        served_model=row["served_model"],
        discarded_text=row["discarded_text"],
        probe=bool(row["probe"]),
        cooldown_s=to_s(row["cooldown_ms"]),
    )


def to_error_kind(value: str | None) -> ErrorKind | None:
    """The class of a failure, where the column is set."""
    return None if value is None else ErrorKind(value)


_ROLES = {role.value: role for role in Role}


TOLD = (
    "id, role, content, request, thinking, completeness, created_at, provider, model, latency_ms, first_token_ms, "
    "input_tokens, output_tokens, estimated, cost_nano_usd, seams, superseded_by, continues"
)
"""The columns of ``messages`` that ``to_message`` reads, in its order."""


def to_message(row: sqlite3.Row, attachments: Iterable[Attachment]) -> StoredMessage:
    """A row of ``messages`` as a message."""
    (
        number, role, content, request, thinking, completeness, created_ms, provider, model, latency_ms, first_token_ms,
        sent, received, estimated, cost_nano_usd, seams, superseded_by, continues,
    ) = row  # fmt: skip
    usage = None
    if sent is not None or received is not None:
        usage = Usage(input_tokens=sent, output_tokens=received, estimated=bool(estimated))
    return StoredMessage(
        id=number,
        role=_ROLES[role],
        content=content,
        created_at=created_ms / 1000,
        request=request,
        thinking=thinking,
        attachments=tuple(attachments),
        completeness=completeness,
        target=to_ref(provider, model),
        latency_s=to_s(latency_ms),
        first_token_s=to_s(first_token_ms),
        usage=usage,
        cost_usd=to_usd(cost_nano_usd),
        seams=() if seams == "[]" else tuple(json.loads(seams)),
        superseded_by=superseded_by,
        continues=continues,
    )


SENT = "id, role, content, request, completeness, superseded_by, continues"
"""The columns of ``messages`` that ``to_said`` reads, in its order: for every prompt all those of its conversation."""


def to_said(row: sqlite3.Row, attachments: Iterable[Attachment]) -> Said:
    """As much of a row of ``messages`` as decides what a model gets to see of it."""
    number, role, content, request, completeness, superseded_by, continues = row
    return Said(number, _ROLES[role], content, request, tuple(attachments), completeness, superseded_by, continues)


def begins_with(column: str) -> str:
    """A condition with two parameters (both the prefix) that an index on ``column`` answers."""
    return f"{column} >= ? AND {column} < ? || char(1114111)"


CONVERSATION_COLUMNS = """
    c.id AS id, c.title AS title, c.lane AS lane, c.created_at AS created_at, c.updated_at AS updated_at,
    c.pinned AS pinned, c.archived_at AS archived_at,
    (SELECT count(*) FROM messages n WHERE n.conversation = c.id AND n.superseded_by IS NULL) AS messages,
    (SELECT json_group_array(t.tag) FROM tags t WHERE t.conversation = c.id) AS tags
"""
"""What a list shows of a conversation ``c``."""


def to_conversation_view(row: sqlite3.Row) -> ConversationView:
    """A row with ``CONVERSATION_COLUMNS`` as a line of a list."""
    return ConversationView(
        id=row["id"],
        title=row["title"],
        lane=row["lane"],
        created_at=to_s(row["created_at"]),
        updated_at=to_s(row["updated_at"]),
        messages=row["messages"],
        pinned=bool(row["pinned"]),
        archived=row["archived_at"] is not None,
        tags=tuple(json.loads(row["tags"])),
    )


def tags_of(connection: sqlite3.Connection, conversation: str) -> tuple[str, ...]:
    """The tags of a conversation, in order."""
    rows = connection.execute("SELECT tag FROM tags WHERE conversation = ? ORDER BY tag", (conversation,))
    return tuple(tag for (tag,) in rows)
