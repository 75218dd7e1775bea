"""ChatGPT's export: a list of conversations, each a tree of messages whose newest leaf is ``current_node``.

Source: help.openai.com, "How do I export my ChatGPT history and data?"; the fields are those of ``conversations.json``
as exports of 2023 to 2026 hold them: ``mapping`` (id to ``{id, parent, children, message}``), ``message.author.role``,
``message.content.parts``, ``message.metadata.model_slug``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmdesk.core.types import Role
from llmdesk.desk.importing.found import Found, Said, conversation_of, seconds, stable_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.core.views import Conversation

SOURCE = "chatgpt"

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}
_SILENT = ("thoughts", "reasoning_recap", "code", "execution_output", "user_editable_context", "model_editable_context")
"""Kinds of content that nobody was meant to read: the tools' own, and what was thought."""


def read_export(conversations: Sequence[Any], *, lane: str, now: float) -> Found:
    """Read every conversation: the branch that was shown last; others that were left are not taken in."""
    read: list[Conversation] = []
    left_out = 0
    for each in conversations:
        found = _conversation(each, lane=lane, now=now) if isinstance(each, dict) else None
        if found is None:
            left_out += 1
        else:
            read.append(found)
    return Found(conversations=tuple({each.id: each for each in read}.values()), left_out=left_out)


def _conversation(whole: Mapping[str, Any], *, lane: str, now: float) -> Conversation | None:
    nodes = whole.get("mapping")
    if not isinstance(nodes, dict):
        return None
    branch = _branch(nodes, whole.get("current_node"))
    said = [message for node in branch if (message := _said(node)) is not None]
    name = next((n for key in ("conversation_id", "id") if isinstance(n := whole.get(key), str) and n), None)
    found = conversation_of(
        said,
        source=SOURCE,
        source_id=name or stable_id(str(whole.get("title")), str(whole.get("create_time")), str(sorted(nodes)[:5])),
        title=whole.get("title"),
        lane=lane,
        now=now,
        created_at=whole.get("create_time"),
        updated_at=whole.get("update_time"),
        archived=whole.get("is_archived") is True,
    )
    return replace(found, pinned=whole.get("is_starred") is True) if found is not None else None


def _branch(nodes: Mapping[str, Any], leaf: object) -> list[Mapping[str, Any]]:
    """The nodes from the root to the leaf that was shown last; without one, to the leaf that was written last."""
    if not isinstance(leaf, str) or leaf not in nodes:
        leaves = [name for name, node in nodes.items() if isinstance(node, dict) and not node.get("children")]
        leaf = max(leaves, key=lambda name: _written(nodes[name]), default=None)
    branch: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    while isinstance(leaf, str) and leaf not in seen and isinstance(node := nodes.get(leaf), dict):
        seen.add(leaf)
        branch.append(node)
        leaf = node.get("parent")
    return branch[::-1]


def _written(node: Mapping[str, Any]) -> float:
    message = node.get("message")
    return (seconds(message.get("create_time")) if isinstance(message, dict) else None) or 0.0


def _said(node: Mapping[str, Any]) -> Said | None:
    message = node.get("message")
    if not isinstance(message, dict):
        return None
    author, content = message.get("author"), message.get("content")
    metadata = found if isinstance(found := message.get("metadata"), dict) else {}
    role = _ROLES.get(str(author.get("role"))) if isinstance(author, dict) else None
    if role is None or not isinstance(content, dict) or metadata.get("is_visually_hidden_from_conversation"):
        return None
    to = message.get("recipient")
    if content.get("content_type") in _SILENT or to not in (None, "all"):
        return None
    text = _text(content)
    if not text.strip():
        return None
    model = metadata.get("model_slug")
    return Said(
        role=role,
        text=text,
        at=seconds(message.get("create_time")),
        model=model if isinstance(model, str) else "",
    )


def _text(content: Mapping[str, Any]) -> str:
    """The text of a message; a picture or a recording among its parts is named, as the export does not hold it here."""
    parts = content.get("parts")
    if not isinstance(parts, list):
        text = content.get("text")
        return text if isinstance(text, str) else ""
    told: list[str] = []
    for part in parts:
        if isinstance(part, str):
            told.append(part)
        elif isinstance(part, dict):
            kind = str(part.get("content_type", "file")).removesuffix("_asset_pointer").replace("_", " ")
            told.append(part["text"] if isinstance(part.get("text"), str) else f"[{kind}]")
    return "\n\n".join(text for text in told if text)
