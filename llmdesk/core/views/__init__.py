"""What the desk shows its faces: rows of the outbox, of failover history, of providers, lanes and conversations.

Times are UTC seconds since the epoch; the faces turn them into local time or ISO 8601.

One topic a module; a name loads only its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.late import late

if TYPE_CHECKING:
    from llmdesk.core.views.asking import Ask, Attachment
    from llmdesk.core.views.budgets import BudgetView
    from llmdesk.core.views.conversations import Completeness, Conversation, ConversationView, StoredMessage
    from llmdesk.core.views.drafts import Draft, DraftedPrompt
    from llmdesk.core.views.findings import Discovery, Finding, Level, ModelRow
    from llmdesk.core.views.requests import FailoverRow, OutboxEntry, RequestView, Verdict
    from llmdesk.core.views.screen import ScreenSettings, Topic
    from llmdesk.core.views.states import ProviderState
    from llmdesk.core.views.targets import (
        Consent,
        LaneView,
        Plan,
        ProviderStatus,
        Quota,
        SchemaWay,
        TargetStatus,
    )

__all__ = [
    "Ask", "Attachment", "BudgetView", "Completeness", "Consent", "Conversation", "ConversationView",
    "Discovery", "Draft", "DraftedPrompt", "FailoverRow", "Finding", "LaneView", "Level", "ModelRow",
    "OutboxEntry", "Plan", "ProviderState", "ProviderStatus", "Quota", "RequestView", "SchemaWay",
    "ScreenSettings", "StoredMessage", "TargetStatus", "Topic", "Verdict",
]  # fmt: skip

__getattr__ = late(__name__, {
    "asking": "Attachment Ask",
    "states": "ProviderState",
    "targets": "ProviderStatus Quota SchemaWay Consent TargetStatus LaneView Plan",
    "budgets": "BudgetView",
    "requests": "OutboxEntry RequestView FailoverRow Verdict",
    "conversations": "Completeness StoredMessage ConversationView Conversation",
    "drafts": "DraftedPrompt Draft",
    "findings": "ModelRow Level Finding Discovery",
    "screen": "ScreenSettings Topic",
})  # fmt: skip
