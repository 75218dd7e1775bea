"""The JSON objects of the command line, field by field; scripts depend on every name here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmdesk.cli.times import iso
from llmdesk.core.types import ModelRef

if TYPE_CHECKING:
    from llmdesk.core.types import Attempt, Failure, Outcome, Usage
    from llmdesk.core.views import (
        Conversation,
        ConversationView,
        FailoverRow,
        Finding,
        LaneView,
        ModelRow,
        OutboxEntry,
        ProviderStatus,
        RequestView,
        StoredMessage,
        TargetStatus,
    )

Report = Mapping[str, object]


def outcome_report(outcome: Outcome) -> Report:
    """What ``exec --json`` prints, whatever the outcome."""
    return {
        "id": outcome.request_id,
        "status": outcome.status.value,
        "text": outcome.text,
        "data": outcome.data,
        "lane": outcome.lane,
        "agent": outcome.agent,
        "job": outcome.job,
        "provider": outcome.target.provider if outcome.target else None,
        "model": outcome.target.model if outcome.target else None,
        "finish_reason": outcome.finish_reason.value if outcome.finish_reason else None,
        "usage": _usage(outcome.usage),
        "cost_usd": outcome.cost_usd,
        "latency_s": round(outcome.latency_s, 3),
        "first_token_s": _rounded(outcome.first_token_s),
        "attempts": [attempt_report(attempt) for attempt in outcome.attempts],
        "failovers": [
            {"from": str(step.source), "to": str(step.target), "reason": step.reason} for step in outcome.failovers
        ],
        "warnings": list(outcome.warnings),
        "error": _failure(outcome.error),
    }


def _failure(error: Failure | None) -> Report | None:
    """Why there is no answer; ``violations`` where an answer missed its schema."""
    if error is None:
        return None
    missed = {"violations": list(error.violations)} if error.violations else {}
    return {"kind": error.kind.value, "message": error.message, **missed}


def attempt_report(attempt: Attempt) -> Report:
    """One attempt, or one skipped target."""
    return {
        "number": attempt.number,
        "provider": attempt.target.provider,
        "model": attempt.target.model,
        "outcome": attempt.outcome.value,
        "error_kind": attempt.error_kind.value if attempt.error_kind else None,
        "http_status": attempt.http_status,
        "message": attempt.message,
        "elapsed_s": round(attempt.elapsed_s, 3),
        "usage": _usage(attempt.usage),
        "cost_usd": attempt.cost_usd,
    }


def outbox_report(entry: OutboxEntry) -> Report:
    """One line of ``outbox list --json``."""
    return {
        "id": entry.id,
        "created_at": iso(entry.created_at),
        "lane": entry.lane,
        "prompt": entry.prompt,
        "attachments": list(entry.attachments),
        "reason": entry.reason,
        "error_kind": entry.error_kind.value if entry.error_kind else None,
        "next_try_at": iso(entry.next_try_at),
        "attempts": entry.attempts,
    }


def request_report(view: RequestView) -> Report:
    """``outbox show --json``: one request with everything that happened to it."""
    return {
        "id": view.id,
        "status": view.status.value,
        "created_at": iso(view.created_at),
        "finished_at": iso(view.finished_at),
        "lane": view.lane,
        "agent": view.agent,
        "job": view.job,
        "conversation": view.conversation,
        "prompt": view.prompt,
        "answer": view.answer,
        "reason": view.reason,
        "error_kind": view.error_kind.value if view.error_kind else None,
        "next_try_at": iso(view.next_try_at),
        "advice": list(view.advice),
        "attempts": [attempt_report(attempt) for attempt in view.attempts],
    }


FAILOVER_COLUMNS = ("at", "request", "lane", "agent", "from", "to", "reason", "message", "lost_s")


def failover_report(row: FailoverRow) -> Report:
    """One line of ``failovers --json``."""
    return {
        "at": iso(row.at),
        "request": row.request,
        "lane": row.lane,
        "agent": row.agent,
        "from": str(row.source),
        "to": str(row.target) if row.target else None,
        "reason": row.reason,
        "message": row.message,
        "lost_s": round(row.lost_s, 3),
    }


def provider_report(status: ProviderStatus) -> Report:
    """One line of ``providers --json``."""
    return {
        "provider": status.provider,
        "kind": status.kind,
        "status": status.state.value,
        "latency_ms": status.latency_ms,
        "models": status.models,
        "message": status.message,
        "cooldown_until": iso(status.cooldown_until),
    }


def target_report(status: TargetStatus) -> Report:
    """A lane's target as it stands now."""
    return {
        **_ref(status.target),
        "skip": status.skip or None,
        "message": status.message,
        "cooldown_until": iso(status.cooldown_until),
    }


def lane_report(lane: LaneView) -> Report:
    """One line of ``lanes --json``."""
    return {
        "lane": lane.name,
        "default": lane.default,
        "failover": lane.failover,
        "resume": lane.resume,
        "system": lane.has_system,
        "schema": lane.has_schema,
        "targets": [target_report(target) for target in lane.targets],
    }


def model_report(row: ModelRow) -> Report:
    """One line of ``models list --json``."""
    model = row.model
    return {
        **_ref(ModelRef(row.provider, model.name)),
        "size_bytes": model.size_bytes,
        "parameters": model.parameters,
        "quantization": model.quantization or None,
        "context_tokens": model.context_tokens,
        "capabilities": sorted(model.capabilities),
        "remote": model.remote,
        "modified_at": model.modified_at or None,
    }


def conversation_line_report(view: ConversationView) -> Report:
    """One line of ``conversations list --json`` and of a search, which adds the hit."""
    hit: dict[str, object] = {}
    if view.message is not None:
        matches = [list(span) for span in view.matches]
        hit = {"snippet": view.snippet, "matches": matches, "message": view.message, "earlier": view.earlier}
    return {
        "id": view.id,
        "title": view.title,
        "lane": view.lane,
        "created_at": iso(view.created_at),
        "updated_at": iso(view.updated_at),
        "messages": view.messages,
        "pinned": view.pinned,
        "archived": view.archived,
        "tags": list(view.tags),
        **hit,
    }


def shelf_report(conversation: Conversation) -> Report:
    """What ``conversations rename``, ``pin``, ``tag`` and ``archive`` leave behind."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "pinned": conversation.pinned,
        "archived": conversation.archived,
        "tags": list(conversation.tags),
    }


def conversation_report(conversation: Conversation) -> Report:
    """``conversations show --json``: a conversation with its messages."""
    return {
        **shelf_report(conversation),
        "lane": conversation.lane,
        "created_at": iso(conversation.created_at),
        "updated_at": iso(conversation.updated_at),
        "messages": [_message(message) for message in conversation.messages],
    }


def finding_report(finding: Finding) -> Report:
    """One line of ``doctor --json``."""
    return {"topic": finding.topic, "level": finding.level.value, "text": finding.text, "hint": finding.hint or None}


def _message(message: StoredMessage) -> Report:
    return {
        "id": message.id,
        "role": message.role.value,
        "content": message.content,
        "created_at": iso(message.created_at),
        "request": message.request,
        "attachments": [attachment.name for attachment in message.attachments],
        "completeness": message.completeness,
        "provider": message.target.provider if message.target else None,
        "model": message.target.model if message.target else None,
        "latency_s": _rounded(message.latency_s),
        "usage": _usage(message.usage),
        "cost_usd": message.cost_usd,
        "superseded_by": message.superseded_by,
        "continues": message.continues,
    }


def _ref(ref: ModelRef) -> Report:
    return {"ref": str(ref), "provider": ref.provider, "model": ref.model}


def _usage(usage: Usage | None) -> Report | None:
    if usage is None:
        return None
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "estimated": usage.estimated}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
