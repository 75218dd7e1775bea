"""How a prompt, its attachments and a conversation become the messages that are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.text import storable
from llmdesk.core.types import Message, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.views import Attachment, StoredMessage

TITLE_LIMIT = 60
"""The longest conversation title made from a prompt, characters."""

ANSWERED = ("full", "cut by limit", "no answer text")
"""Completeness marks of answers that may be shown to a model again; partial ones never are (policy R7)."""


def user_message(prompt: str, attachments: Sequence[Attachment] = ()) -> Message:
    """The user's message: the prompt, then each text file under its name; images ride along."""
    parts = [storable(prompt)]
    parts += [
        f'<file name="{storable(a.name)}">\n{storable(a.text)}\n</file>' for a in attachments if a.text is not None
    ]
    return Message(
        role=Role.USER,
        content="\n\n".join(part for part in parts if part),
        images=tuple(a.image for a in attachments if a.image is not None),
    )


def context_messages(stored: Sequence[StoredMessage], *, before_request: str | None = None) -> tuple[Message, ...]:
    """The turns of a conversation that may be sent again: those with a complete answer, each as a whole.

    Question and answer belong together by their request, so that an answer that came late stands behind its question.

    Args:
        stored: the conversation, oldest first.
        before_request: stop at this request's own turn, so that a later retry sees what it saw at first.
    """
    answers = {a.request: a for a in stored if a.role is Role.ASSISTANT and a.completeness in ANSWERED}
    messages: list[Message] = []
    for item in stored:
        if before_request is not None and item.request == before_request:
            break
        if item.role is Role.USER and (answer := answers.get(item.request)) is not None:
            messages.append(user_message(item.content, item.attachments))
            messages.append(Message(role=Role.ASSISTANT, content=answer.content))
    return tuple(messages)


def title_of(prompt: str) -> str:
    """A title for a conversation: the first words of its first prompt."""
    line = next((line.strip() for line in prompt.splitlines() if line.strip()), "untitled")
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1].rstrip() + "…"
