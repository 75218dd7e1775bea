"""What llmdesk itself has exported as JSON, and plain lists of messages in the form of the OpenAI interface."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast, get_args

from llmdesk.core.money import to_nano_usd
from llmdesk.core.text import one_line
from llmdesk.core.types import ModelRef, Role, Usage
from llmdesk.core.views import Attachment, Completeness, Conversation, StoredMessage
from llmdesk.desk.importing.found import (
    LONGEST_TITLE,
    Found,
    Said,
    conversation_of,
    seconds,
    stable_id,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OWN_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def read_export(whole: Mapping[str, Any], *, lane: str, now: float) -> Found:
    """Read a conversation as ``conversations export --format json`` writes it, earlier versions too."""
    own_id = whole["id"] if _OWN_ID.fullmatch(whole["id"]) else stable_id("llmdesk", whole["id"])
    messages: list[StoredMessage] = []
    left_out = 0
    for each in whole["messages"]:
        message = _message(each, own_id, now) if isinstance(each, dict) else None
        if message is None:
            left_out += 1
        else:
            messages.append(message)
    if not messages:
        return Found(conversations=(), left_out=left_out)
    tags = whole.get("tags")
    conversation = Conversation(
        id=own_id,
        title=one_line(str(whole.get("title") or ""), LONGEST_TITLE) or "untitled",
        lane=str(whole["lane"]) or lane,
        created_at=_at(whole.get("created_at")) or now,
        updated_at=_at(whole.get("updated_at")) or now,
        messages=tuple(messages),
        pinned=whole.get("pinned") is True,
        archived=whole.get("archived") is True,
        tags=tuple(one_line(tag, 40) for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
    )
    return Found(conversations=(conversation,), left_out=left_out)


def _message(each: Mapping[str, Any], own_id: str, now: float) -> StoredMessage | None:
    try:
        role = Role(str(each.get("role")))
    except ValueError:
        return None
    content = each.get("content")
    if role is Role.TOOL or not isinstance(content, str):
        return None

    def request(name: str) -> str | None:
        """Requests get new names, as the old ones may still be known here."""
        return stable_id(own_id, value) if isinstance(value := each.get(name), str) and value else None

    mark = each.get("completeness")
    provider, model = each.get("provider"), each.get("model")
    tokens = {name: n for name in ("input_tokens", "output_tokens") if isinstance(n := each.get(name), int)}
    seams = each.get("seams")
    return StoredMessage(
        id=0,
        role=role,
        content=content,
        created_at=_at(each.get("created_at")) or now,
        request=request("request"),
        thinking=thought if isinstance(thought := each.get("thinking"), str) else "",
        attachments=_files(each.get("files")) if role is Role.USER else (),
        completeness=cast("Completeness", mark) if mark in get_args(Completeness) else None,
        target=ModelRef(provider, model) if isinstance(provider, str) and isinstance(model, str) else None,
        latency_s=_took(each.get("latency_s")),
        first_token_s=_took(each.get("first_token_s")),
        usage=Usage(**tokens, estimated=each.get("estimated") is True) if tokens else None,
        cost_usd=_cost(each.get("cost_usd")),
        seams=tuple(line for line in seams if isinstance(line, str)) if isinstance(seams, list) else (),
        superseded_by=request("superseded_by"),
        continues=request("continues"),
    )


def _cost(value: object) -> str | None:
    try:
        return value if isinstance(value, str) and (to_nano_usd(value) or 0) >= 0 else None
    except (ValueError, ArithmeticError):
        return None


def _took(value: object) -> float | None:
    """A duration in seconds; none at all is one too."""
    return 0.0 if value == 0 and not isinstance(value, bool) else seconds(value)


def _at(value: object) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def _files(listed: object) -> tuple[Attachment, ...]:
    files: list[Attachment] = []
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, dict) or not isinstance(name := each.get("name"), str):
            continue
        text, image = each.get("text"), each.get("image_base64")
        if isinstance(text, str):
            files.append(Attachment(name=name, text=text))
        elif isinstance(image, str):
            try:
                files.append(Attachment(name=name, image=base64.b64decode(image, validate=True)))
            except (ValueError, binascii.Error):
                continue
    return tuple(files)


def read_messages(listed: Sequence[Any], *, title: object, lane: str, now: float) -> Found:
    """Read a list of ``{role, content}`` as one conversation; system and tool messages are left out.

    Source: platform.openai.com, API reference, chat completions, ``messages``: content is a text or a list of parts.
    """
    said: list[Said] = []
    left_out = 0
    for each in listed:
        role = each.get("role") if isinstance(each, dict) else None
        text = _text(each.get("content")) if isinstance(each, dict) else ""
        if role in ("user", "assistant") and text.strip():
            said.append(Said(role=Role(role), text=text))
        else:
            left_out += 1
    source_id = stable_id(json.dumps(list(listed), sort_keys=True, default=str))
    found = conversation_of(said, source="messages", source_id=source_id, title=title, lane=lane, now=now)
    return Found(conversations=() if found is None else (found,), left_out=left_out)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n\n".join(text for text in texts if isinstance(text, str))
