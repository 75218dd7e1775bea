"""What happened to requests: one of them, found by the beginning of its id, and the failovers of all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.types import Status
from llmdesk.desk.advice import advise

if TYPE_CHECKING:
    from llmdesk.core.views import FailoverRow, RequestView
    from llmdesk.desk.parts import Parts
    from llmdesk.desk.stepping import Stepping


async def request_id_of(parts: Parts, beginning: str) -> str:
    """The id of the one request that begins so.

    Raises:
        UsageError: none does, or several.
    """
    found = await parts.requests.resolve(beginning) if beginning else ()
    if len(found) == 1:
        return found[0]
    raise UsageError(f"{len(found)} requests begin with {beginning}: write more of it." if found else
                     f"No request {beginning}. List the paused ones with: llmdesk outbox list")  # fmt: skip


async def request_view(parts: Parts, beginning: str) -> RequestView:
    """One request with every attempt and skip, and with advice while it is paused.

    Raises:
        UsageError: as for ``request_id_of``.
    """
    request_id = await request_id_of(parts, beginning)
    view = await parts.requests.view(request_id)
    if view is None:
        raise UsageError(f"No request {request_id}.")
    if view.status is not Status.PAUSED:
        return view
    return replace(view, advice=advise(view.attempts, program=parts.program))


async def failovers(
    parts: Parts,
    stepping: Stepping,
    *,
    since: float | None,
    lane: str | None,
    provider: str | None,
    reason: str | None,
    limit: int,
) -> tuple[FailoverRow, ...]:
    """The newest failovers, those of requests under way first; see ``Desk.failovers``."""
    stored = await parts.ledger.failovers(since=since, lane=lane, provider=provider, reason=reason, limit=limit)
    fresh = stepping.rows(stored, since=since, lane=lane, provider=provider, reason=reason)
    return (*fresh, *stored)[:limit]
