"""Failover history: the steps of requests from one target to the next, read from what is booked of their attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.types import ModelRef
from llmdesk.core.views import FailoverRow
from llmdesk.storage.columns import to_s

if TYPE_CHECKING:
    import sqlite3

_FROM_THE_BEGINNING = -(1 << 62)


def read(connection: sqlite3.Connection, since_ms: int | None, lane: str | None, limit: int) -> tuple[FailoverRow, ...]:
    """Steps from one target to the next, newest first; runs inside its caller's transaction."""
    rows = connection.execute(
        "SELECT * FROM failovers WHERE at >= ? AND (? IS NULL OR lane = ?) ORDER BY id DESC LIMIT ?",
        (_FROM_THE_BEGINNING if since_ms is None else since_ms, lane, lane, limit),
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
