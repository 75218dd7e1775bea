"""Ways out of a budget that blocks: who can still be asked, what to write, how long to wait; one line each."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.budget import binds, covers
from llmdesk.core.text import one_line
from llmdesk.desk.spending import account_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.budget import Budget, Refusal
    from llmdesk.desk.job import Job
    from llmdesk.desk.parts import Parts


def ways_out(parts: Parts, job: Job, refusal: Refusal) -> tuple[str, ...]:
    """What helps a request that a budget blocks, the quickest first; each line at most 200 characters.

    Args:
        parts: the desk's.
        job: the request.
        refusal: what the budget said.
    """
    budget = refusal.standing.budget
    lines = [_other_target(parts, job, budget)]
    if refusal.cause == "unknown price":
        lines.append(
            "Or write its price: {input_usd_per_mtok: ..., output_usd_per_mtok: ...}; 0 where it costs nothing."
        )
        return _told(lines)  # neither a higher limit nor another day makes it known
    if refusal.cause == "too little left":
        lines.append("Send less, or ask for a shorter answer: --max-tokens.")
    if budget.scope in ("conversation", "job"):
        lines.append(f"Begin another {budget.scope}: each has this budget for itself.")
    limit = "limit_usd" if budget.unit == "usd" else "limit_tokens"
    lines.append(f"Raise {limit} of the {budget.name} in the file that this names: {parts.program} config path")
    if refusal.resets_at is not None and refusal.needed <= budget.limit:  # else the next period is too small as well
        lines.append(f"Wait until {_moment(refusal.resets_at)}, when the {budget.name} begins anew.")
    return _told(lines)


def _told(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(one_line(line) for line in lines if line)


def _other_target(parts: Parts, job: Job, budget: Budget) -> str:
    """The first target, in this lane or another, that can be asked now and uses nothing of the budget."""
    lanes = (job.lane, *(lane for lane in parts.lanes.values() if lane.name != job.lane.name))
    account = account_of(job)
    for lane in lanes:
        askable = [ref for ref in lane.targets if not parts.router.targets.skip_reason(ref)[0]]
        for ref in askable:
            if not binds(budget, parts.prices.price(ref)):
                return f"Ask {ref}, which costs nothing: --model {ref}"
            if not covers(budget, account, ref.provider):
                return f"Ask {ref}, which does not count to the {budget.name}: --model {ref}"
        if askable and not covers(budget, replace(account, lane=lane.name), askable[0].provider):
            return f"Ask in lane {lane.name}, which does not count to the {budget.name}: --lane {lane.name}"
    return ""


def _moment(at: float) -> str:
    """Local date and time of UTC epoch seconds."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
