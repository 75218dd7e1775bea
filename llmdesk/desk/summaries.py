"""Summaries: a conversation summed up by a request of its own, which then stands in the place of what it sums up.

Nothing is deleted: models are shown the summary, people everything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.prompting import SUMMARISE_PROMPT, context_messages
from llmdesk.core.types import Message, Role, Status
from llmdesk.core.views import Ask

if TYPE_CHECKING:
    from llmdesk.core.types import Outcome
    from llmdesk.core.views import Conversation
    from llmdesk.desk.job import Job
    from llmdesk.storage.records import StoredAnswer


def summary_ask(conversation: Conversation, *, lane: str | None = None) -> Ask:
    """The request for a summary of what models are shown of a conversation.

    Raises:
        UsageError: there is nothing to sum up, or nothing since the last summary.
    """
    context = context_messages(conversation.messages)
    standing = [message for message in conversation.messages if message.superseded_by is None]
    if not context:
        raise UsageError("There is nothing to sum up yet.")
    if standing[-1].role is Role.SYSTEM:
        raise UsageError("The conversation is summed up already.")
    last = next(message.request for message in reversed(standing) if message.role is Role.USER)
    return Ask(
        messages=(*context, Message(role=Role.USER, content=SUMMARISE_PROMPT)),
        lane=lane or conversation.lane,
        conversation=conversation.id,
        summarises=last,
    )


def summary_of(summarised: str, answer: StoredAnswer | None) -> StoredAnswer | None:
    """What is kept of the answer to such a request; a part of a summary is none."""
    if answer is None or answer.completeness != "full":
        return None
    return replace(answer, behind=summarised)


def told(job: Job, outcome: Outcome) -> Outcome:
    """The outcome of such a request with a line on what became of the conversation."""
    if job.ask.summarises is None or outcome.status in (Status.CANCELLED, Status.FAILED, Status.BLOCKED):
        return outcome
    from llmdesk.desk.ending import completeness

    lines: list[str] = []
    if completeness(outcome) == "full":
        if job.left_out_turns == 1:
            lines.append("The oldest turn did not fit and is not in the summary.")
        elif job.left_out_turns:
            lines.append(f"The {job.left_out_turns} oldest turns did not fit and are not in the summary.")
    elif outcome.status is Status.COMPLETED:
        lines.append("No whole summary came; the conversation stays as it was.")
    return replace(outcome, warnings=(*outcome.warnings, *lines))
