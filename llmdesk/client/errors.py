"""What a program is told when nobody could answer."""

from __future__ import annotations

from llmdesk.core.errors import DeskError


class LLMUnavailableError(DeskError):
    """Nobody could answer, or a hard budget forbids to ask.

    Args:
        message: one line: what happened to the last one asked, and when it may be better.
        request_id: the request in the outbox, for ``llmdesk outbox``; ``None`` = it does not wait there.
    """

    def __init__(self, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.request_id = request_id
