"""The values that travel through the house: messages, requests, events, attempts, outcomes.

Frozen and without behaviour beyond parsing and printing themselves. ``None`` always means *unknown*, never zero.
Durations are seconds (``_s``), sizes are bytes, times are UTC seconds since the epoch unless a name says otherwise.

One topic a module; a name loads only its own, because making a value class takes time that a start does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.late import late

if TYPE_CHECKING:
    from llmdesk.core.types.answers import Completed, FinishReason, ProviderEvent, ReasoningDelta, TextDelta, Usage
    from llmdesk.core.types.events import (
        RATE_LIMIT,
        Accepted,
        AttemptFailed,
        AttemptStarted,
        ConsentNeeded,
        DeskEvent,
        FailedOver,
        Finished,
        Waiting,
    )
    from llmdesk.core.types.messages import PARAM_NAMES, Message, Params, Role, ToolCall
    from llmdesk.core.types.models import ModelInfo
    from llmdesk.core.types.names import Endpoint, Failover, Json, ModelRef, Reasoning, Resume
    from llmdesk.core.types.outcomes import Attempt, FailoverStep, Failure, Outcome
    from llmdesk.core.types.requests import ChatRequest
    from llmdesk.core.types.statuses import AttemptOutcome, Status

__all__ = [
    "PARAM_NAMES",
    "RATE_LIMIT",
    "Accepted",
    "Attempt",
    "AttemptFailed",
    "AttemptOutcome",
    "AttemptStarted",
    "ChatRequest",
    "Completed",
    "ConsentNeeded",
    "DeskEvent",
    "Endpoint",
    "FailedOver",
    "Failover",
    "FailoverStep",
    "Failure",
    "FinishReason",
    "Finished",
    "Json",
    "Message",
    "ModelInfo",
    "ModelRef",
    "Outcome",
    "Params",
    "ProviderEvent",
    "Reasoning",
    "ReasoningDelta",
    "Resume",
    "Role",
    "Status",
    "TextDelta",
    "ToolCall",
    "Usage",
    "Waiting",
]  # fmt: skip

__getattr__ = late(__name__, {
    "names": "Json Reasoning Failover Resume Endpoint ModelRef",
    "messages": "Role ToolCall Message Params PARAM_NAMES",
    "requests": "ChatRequest",
    "answers": "Usage FinishReason TextDelta ReasoningDelta Completed ProviderEvent",
    "models": "ModelInfo",
    "statuses": "Status AttemptOutcome",
    "outcomes": "Attempt FailoverStep Failure Outcome",
    "events": "Accepted AttemptStarted RATE_LIMIT Waiting AttemptFailed FailedOver ConsentNeeded Finished DeskEvent",
})  # fmt: skip
