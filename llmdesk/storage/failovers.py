"""Failover history: the steps of requests from one target to the next, read from what is booked of their attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.types import ModelRef
from llmdesk.core.views import FailoverRow
from llmdesk.storage.columns import to_s

if TYPE_CHECKING:
    import sqlite3

_FROM_THE_BEGINNING = -(1 << 62)


def read(
    connection: sqlite3.Connection,
    since_ms: int | None,
    lane: str | None,
    limit: int,
    *,
    provider: str | None = None,
    reason: str | None = None,
) -> tuple[FailoverRow, ...]:
    """Steps from one target to the next, newest first; runs inside its caller's transaction.

    ``provider`` may be the one that was left or the one that was gone to.
    """
    rows = connection.execute(
        """SELECT * FROM failovers WHERE at >= :since AND (:lane IS NULL OR lane = :lane)
               AND (:provider IS NULL OR :provider IN (from_provider, to_provider))
               AND (:reason IS NULL OR reason = :reason)
           ORDER BY id DESC LIMIT :limit""",
        {
            "since": _FROM_THE_BEGINNING if since_ms is None else since_ms,
            "lane": lane,
            "provider": provider,
            "reason": reason,
            "limit": limit,
        },
    )
    return tuple(
        FailoverRow(
            at=to_s(row["at"]),
            request=row["request"],
            lane=row["lane"],
            agent=row["agent"],
            source=ModelRef(row["from_provider"], row["from_model"]),
            target=ModelRef(row["to_provider"], row["to_model"]),
            reason=row["reason"],
            message=row["message"],
            lost_s=to_s(row["lost_ms"]),
        )
        for row in rows
    )
