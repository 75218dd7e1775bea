"""What requests have cost so far, as its budgets see it: warnings after an answer, and how each budget stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.budget import Account, warning
from llmdesk.core.errors import StorageError

if TYPE_CHECKING:
    from llmdesk.core.types import Outcome
    from llmdesk.desk.job import Job
    from llmdesk.desk.parts import Parts


def account_of(job: Job) -> Account:
    """To whom the attempts of a request are booked."""
    return Account(
        request=job.id, lane=job.lane.name, agent=job.ask.agent, job=job.ask.job, conversation=job.conversation
    )


async def budget_warnings(parts: Parts, job: Job, outcome: Outcome) -> tuple[str, ...]:
    """A line for each budget that this request has brought to its warning mark, or found beyond it."""
    account = account_of(job)
    asked = dict.fromkeys(a.target.provider for a in outcome.attempts if a.usage is not None)
    lines: dict[str, None] = {}
    for provider in asked:
        try:
            standings = await parts.spend.standings(account, provider)
        except StorageError:
            return ()
        lines.update(dict.fromkeys(line for each in standings if (line := warning(each))))
    return tuple(lines)
