"""Failovers of requests that are still under way: history books a step only when the attempt after it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.views import FailoverRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import FailoverStep
    from llmdesk.desk.job import Job


class Stepping:
    """The steps of what runs here."""

    def __init__(self) -> None:
        self._rows: dict[str, list[FailoverRow]] = {}

    def stepped(self, job: Job, step: FailoverStep) -> None:
        """A request goes on to its next target."""
        self._rows.setdefault(job.id, []).append(
            FailoverRow(
                at=step.at,
                request=job.id,
                lane=job.lane.name,
                agent=job.ask.agent,
                source=step.source,
                target=step.target,
                reason=step.reason,
                message=step.message,
                lost_s=step.lost_s,
            )
        )

    def ended(self, request: str) -> None:
        """Everything of a request is in the history now."""
        self._rows.pop(request, None)

    def rows(
        self,
        stored: Sequence[FailoverRow],
        *,
        since: float | None,
        lane: str | None,
        provider: str | None,
        reason: str | None,
    ) -> list[FailoverRow]:
        """The steps that are not among those in ``stored``, newest first, as far as they are asked for."""
        there = {(row.request, row.source, row.target) for row in stored}
        found = [
            row
            for rows in self._rows.values()
            for row in rows
            if (row.request, row.source, row.target) not in there
            and (since is None or row.at >= since)
            and lane in (None, row.lane)
            and (provider is None or provider in (row.source.provider, row.target.provider if row.target else ""))
            and reason in (None, row.reason)
        ]
        return sorted(found, key=lambda row: -row.at)
