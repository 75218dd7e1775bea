"""Turns of a conversation taken up once more: asked again, gone on with, or carried into another conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.prompting import CONTINUE_PROMPT
from llmdesk.core.titles import TITLE_LIMIT
from llmdesk.core.types import Params, Role
from llmdesk.core.versions import line_up_to
from llmdesk.core.views import Ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.types import ModelRef
    from llmdesk.core.views import Conversation, StoredMessage

GOES_ON = ("interrupted", "cut by limit")
"""The marks of answers that can be gone on with."""

FORKED = " (fork)"


def ask_again(
    conversation: Conversation,
    request: str,
    *,
    prompt: str | None = None,
    lane: str | None = None,
    model: ModelRef | None = None,
    params: Params | None = None,
) -> Ask:
    """A turn as it is asked once more, with its files, in place of itself and all after it.

    Raises:
        UsageError: there is no such turn.
    """
    asked = _message(conversation, request, Role.USER)
    if asked is None:
        raise UsageError("That prompt is not in the conversation any more.")
    return Ask(
        prompt=asked.content if prompt is None else prompt,
        attachments=asked.attachments,
        lane=lane or conversation.lane,
        model=model,
        params=params or Params(),
        conversation=conversation.id,
        replaces=request,
        continues=asked.continues,
    )


def ask_to_go_on(
    conversation: Conversation,
    request: str,
    *,
    lane: str | None = None,
    model: ModelRef | None = None,
    params: Params | None = None,
) -> Ask:
    """The request that an answer which was cut goes on; what came of it is sent along, by its user's order (policy R7).

    Raises:
        UsageError: there is no such answer, it was not cut, or it is an earlier version.
    """
    answer = _message(conversation, request, Role.ASSISTANT)
    if answer is None:
        raise UsageError("There is no answer to that prompt that could go on.")
    if answer.superseded_by is not None:
        raise UsageError("That answer is an earlier version; go on with the one that stands.")
    if answer.completeness not in GOES_ON:
        raise UsageError("That answer was not cut; there is nothing to go on with.")
    return Ask(
        prompt=CONTINUE_PROMPT,
        lane=lane or conversation.lane,
        model=model,
        params=params or Params(),
        conversation=conversation.id,
        continues=request,
    )


def forked(conversation: Conversation, request: str | None, *, new_id: Callable[[], str], at: float) -> Conversation:
    """A conversation of its own with everything up to and with a turn; its requests are new ones that never ran.

    Args:
        conversation: the one that goes two ways.
        request: the last turn that goes along, of an earlier version too; ``None`` = all that stands.
        new_id: gives ids.
        at: now, UTC epoch seconds.

    Raises:
        UsageError: there is no such turn, or none at all.
    """
    messages = line_up_to(conversation.messages, request)
    if not messages:
        raise UsageError("There is nothing to carry over." if request is None else
                         "That prompt is not in the conversation any more.")  # fmt: skip
    names: dict[str, str] = {}
    for message in messages:
        if message.request is not None and message.request not in names:
            names[message.request] = new_id()
    title = conversation.title.removesuffix(FORKED)[: TITLE_LIMIT - len(FORKED)].rstrip() + FORKED
    return replace(
        conversation,
        id=new_id(),
        title=title,
        created_at=at,
        updated_at=at,
        pinned=False,
        archived=False,
        messages=tuple(
            replace(
                message,
                request=names.get(message.request or ""),
                continues=names.get(message.continues or ""),
                superseded_by=None,
            )
            for message in messages
        ),
    )


def _message(conversation: Conversation, request: str, role: Role) -> StoredMessage | None:
    return next((m for m in conversation.messages if m.request == request and m.role is role), None)
