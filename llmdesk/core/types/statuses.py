"""How a request stands, and how an attempt ended."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The state of a request; the last six are outcomes, of which it ends in exactly one."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    REFUSED = "refused"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


class AttemptOutcome(StrEnum):
    """How one attempt, or the decision not to make one, ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    REFUSED = "refused"
