"""What is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types import ModelRef
    from llmdesk.core.views.asking import Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftedPrompt:
    """A prompt that waits to be sent, with its files; ``model`` = who is asked this once, ``None`` = the lane."""

    text: str
    attachments: tuple[Attachment, ...] = ()
    model: ModelRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a lane's user was writing, and where.

    ``text`` is in the editor, with ``attachments``; ``queue`` waits behind an answer. ``aside`` are texts that had to
    make room in the editor.
    """

    lane: str
    text: str = ""
    queue: tuple[DraftedPrompt, ...] = ()
    conversation: str | None = None
    saved_at: float = 0.0
    attachments: tuple[Attachment, ...] = ()
    aside: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.text or self.queue or self.attachments or self.aside)
