"""How a prompt, its attachments and a conversation become the messages that are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmdesk.core.text import storable
from llmdesk.core.types import Message, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.views import Attachment, Completeness, StoredMessage

ANSWERED = ("full", "cut by limit", "no answer text")
"""Completeness marks of answers that may be shown to a model again; partial ones never are (policy R7)."""

CONTINUE_PROMPT = "Continue exactly where your answer stopped, without repeating any of it."
"""What a model is told to go on with an answer that broke off."""

SUMMARY_HEADING = "Summary of the conversation so far:"
"""What stands above a summary, for the models that read it instead of what it sums up."""

SUMMARISE_PROMPT = (
    "Summarise our conversation so far. Keep what somebody needs to go on with it: the aim, what was decided and why, "
    "names, numbers, code and file names as they were written, and what is still open. Write nothing but the summary."
)
"""What a model is told to make one."""


class Said(NamedTuple):
    """As much of a stored message as decides what a model gets to see of it; ``StoredMessage`` says what is what.

    A tuple, because a long conversation makes thousands of them for every prompt in it.
    """

    id: int
    role: Role
    content: str
    request: str | None
    attachments: tuple[Attachment, ...]
    completeness: Completeness | None
    superseded_by: str | None
    continues: str | None


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


def context_messages(
    stored: Sequence[StoredMessage | Said], *, before_request: str | None = None
) -> tuple[Message, ...]:
    """The turns of a conversation that may be sent again: those with a complete answer, each as a whole.

    Question and answer belong together by their request, so that an answer that came late stands behind its question.
    Earlier versions are left out. An answer that broke off goes along only where a later turn continues it, because its
    user said so. A summary stands in the place of everything before it, but for answers that came after it was made; it
    is a system message, as those go along however little room there is.

    Args:
        stored: the conversation, oldest first.
        before_request: stop at this request's own turn, so that a later retry sees what it saw at first.
    """
    standing = [item for item in _until(stored, before_request) if item.superseded_by is None]
    continued = {item.continues for item in stored if item.continues is not None and item.superseded_by is None}
    answers = {a.request: a for a in standing if _may_go(a, continued)}
    summed_up = max((at for at, item in enumerate(standing) if item.role is Role.SYSTEM), default=None)
    messages: list[Message] = []
    made = 0  # ids grow, so what came after the summary has a higher one
    if summed_up is not None:
        summary = standing[summed_up]
        made = summary.id
        messages.append(Message(role=Role.SYSTEM, content=f"{SUMMARY_HEADING}\n\n{summary.content}"))
    for at, item in enumerate(standing):
        answer = answers.get(item.request) if item.role is Role.USER else None
        if answer is None or (summed_up is not None and at < summed_up and answer.id < made):
            continue
        messages.append(user_message(item.content, item.attachments))
        messages.append(Message(role=Role.ASSISTANT, content=answer.content))
    return tuple(messages)


def _until(stored: Sequence[StoredMessage | Said], request: str | None) -> Sequence[StoredMessage | Said]:
    """What stands before a request's own turn."""
    at = next((at for at, item in enumerate(stored) if request is not None and item.request == request), len(stored))
    return stored[:at]


def _may_go(message: StoredMessage | Said, continued: set[str]) -> bool:
    return message.role is Role.ASSISTANT and (message.completeness in ANSWERED or message.request in continued)
