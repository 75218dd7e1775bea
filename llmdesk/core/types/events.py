"""What happens to a request, as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.types.answers import Completed, ReasoningDelta, TextDelta
from llmdesk.core.types.messages import ToolCall
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types.names import ModelRef
    from llmdesk.core.types.outcomes import Attempt, FailoverStep, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The request is on disk; from here on the prompt cannot be lost.

    ``kept`` false = it is not; ``in_memory`` = but its turn is in the conversation for as long as the desk is open.
    """

    request_id: str
    conversation: str | None
    kept: bool = True
    in_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """A target is being asked. ``loading`` = its model is not in memory yet; ``None`` = unknown.

    ``left_out_turns`` is how many of the oldest turns did not fit; ``try_number`` counts tries of this target from 1.
    ``size_bytes`` is the model's size on disk, ``input_tokens`` about how long what is sent is; ``None`` = unknown.
    """

    number: int
    target: ModelRef
    try_number: int = 1
    loading: bool | None = None
    left_out_turns: int = 0
    size_bytes: int | None = None
    input_tokens: int | None = None


RATE_LIMIT = "rate limit"
"""The ``reason`` of a wait for the user's own limit; the others are the values of ``ErrorKind``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nothing is being asked until ``until`` (UTC epoch seconds), or until a control is used.

    ``until`` ``None`` = until another request to the same provider has ended, and nobody knows when that is. ``ahead``
    is how many requests stand before it in the line for the user's own limit; ``None`` = there is no line.
    """

    until: float | None
    reason: str
    target: ModelRef
    ahead: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt ended without an answer, or a target was skipped; whatever text it gave is void."""

    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedOver:
    """The next target is about to be asked: the seam."""

    step: FailoverStep


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentNeeded:
    """``failover: ask``: nothing is sent to ``target`` until the user says so."""

    target: ModelRef
    failed: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last event of every request."""

    outcome: Outcome


DeskEvent = (
    Accepted
    | AttemptStarted
    | Waiting
    | AttemptFailed
    | FailedOver
    | ConsentNeeded
    | TextDelta
    | ReasoningDelta
    | ToolCall
    | Completed
    | Finished
)
