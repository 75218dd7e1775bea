"""Conversations as text that can leave the desk: Markdown to read, JSON to process."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from llmdesk.core.types import Role

if TYPE_CHECKING:
    from llmdesk.core.views import Attachment, Conversation, StoredMessage


def export(conversation: Conversation, form: Literal["md", "json"]) -> str:
    """Write ``conversation`` as Markdown or as one JSON object."""
    return _markdown(conversation) if form == "md" else _json(conversation)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().isoformat(timespec="seconds")


def _markdown(conversation: Conversation) -> str:
    """What stands of it; where nothing stands, the earlier versions, as there is nothing else."""
    parts = [f"# {conversation.title}", f"{_iso(conversation.created_at)} · lane {conversation.lane}"]
    standing = [message for message in conversation.messages if message.superseded_by is None]
    for message in standing or conversation.messages:
        parts.append(_heading(message))
        parts += [f"> {seam}" for seam in message.seams]
        parts.append(message.content.strip() or "*(no text)*")
        parts += [f"*attached: {a.name}*" for a in message.attachments]
    return "\n\n".join(parts) + "\n"


def _heading(message: StoredMessage) -> str:
    if message.role is Role.USER:
        return f"## You · {_iso(message.created_at)}"
    if message.role is Role.SYSTEM:
        return f"## Summary of all above · {_iso(message.created_at)}"
    who = f"{message.target.model} ({message.target.provider})" if message.target else "assistant"
    mark = f" · {message.completeness}" if message.completeness not in (None, "full") else ""
    return f"## {who} · {_iso(message.created_at)}{mark}"


def _json(conversation: Conversation) -> str:
    return json.dumps(
        {
            "id": conversation.id,
            "title": conversation.title,
            "lane": conversation.lane,
            "created_at": _iso(conversation.created_at),
            "updated_at": _iso(conversation.updated_at),
            "pinned": conversation.pinned,
            "archived": conversation.archived,
            "tags": list(conversation.tags),
            "messages": [_message(message) for message in conversation.messages],
        },
        indent=1,
    )


def _message(message: StoredMessage) -> dict[str, object]:
    usage = message.usage
    return {
        "role": message.role.value,
        "content": message.content,
        "thinking": message.thinking or None,
        "created_at": _iso(message.created_at),
        "request": message.request,
        "completeness": message.completeness,
        "provider": message.target.provider if message.target else None,
        "model": message.target.model if message.target else None,
        "latency_s": message.latency_s,
        "first_token_s": message.first_token_s,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "estimated": usage.estimated if usage else None,
        "cost_usd": message.cost_usd,
        "attachments": [a.name for a in message.attachments],
        "files": [_file(a) for a in message.attachments],
        "seams": list(message.seams),
        "superseded_by": message.superseded_by,
        "continues": message.continues,
    }


def _file(attachment: Attachment) -> dict[str, object]:
    image = attachment.image
    return {
        "name": attachment.name,
        "text": attachment.text,
        "image_base64": base64.b64encode(image).decode() if image is not None else None,
    }
