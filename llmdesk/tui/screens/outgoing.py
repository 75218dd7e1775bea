"""What goes out next in a lane: prompts queued behind the answer that is coming, and files for the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.core.types import ModelRef
    from llmdesk.core.views import Attachment
    from llmdesk.tui.widgets.lane_pane import LanePane


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A prompt that has not been sent yet; ``model`` = who is asked this once, ``None`` = whom the lane asks."""

    text: str
    attachments: tuple[Attachment, ...] = ()
    model: ModelRef | None = None


class Outgoing:
    """The queue of a lane, held until the user says go when something went wrong; it keeps the line that shows it."""

    def __init__(self, pane: LanePane) -> None:
        self._pane = pane
        self._queue: list[Queued] = []
        self._held = False
        self._attached: list[Attachment] = []
        self._once: ModelRef | None = None

    def __bool__(self) -> bool:
        return bool(self._queue)

    @property
    def attached(self) -> tuple[Attachment, ...]:
        """The files that go along with the next prompt."""
        return tuple(self._attached)

    @property
    def once(self) -> ModelRef | None:
        """Who is asked the next prompt only; ``None`` = whom the lane asks."""
        return self._once

    @once.setter
    def once(self, model: ModelRef | None) -> None:
        self._once = model
        self._show()

    def take(self, text: str) -> Queued:
        """Make a prompt of a text, the files that were attached, and the model that was picked for this once."""
        item = Queued(text=text, attachments=self.attached, model=self._once)
        self._attached.clear()
        self._once = None
        self._show()
        return item

    def add(self, item: Queued) -> None:
        """Put a prompt behind the others."""
        self._queue.append(item)
        self._show()

    def next(self) -> Queued | None:
        """Take the first prompt out; ``None`` when there is none, or they wait for the user."""
        if not self._queue or self._held:
            return None
        item = self._queue.pop(0)
        self._show()
        return item

    def empty(self) -> list[Queued]:
        """Take all prompts out, held or not."""
        items, self._queue = self._queue, []
        self._show()
        return items

    def hold(self) -> None:
        """Send nothing of the queue until the user says go."""
        self._held = bool(self._queue)
        self._show()

    def release(self) -> None:
        """The user said go."""
        self._held = False
        self._show()

    def take_back(self) -> None:
        """Put the last prompt back into the editor, if that is empty."""
        if self._queue and not self._pane.prompt.text.strip():
            item = self._queue.pop()
            self._attached = [*item.attachments, *self._attached]
            self._once = item.model or self._once
            self._pane.prompt.put(item.text)
            self._show()

    def give_back(self, item: Queued) -> bool:
        """Put a prompt that was sent back into the editor, never over a draft; false = there is one."""
        if self._pane.prompt.text.strip():
            return False
        self._pane.prompt.put(item.text)
        self._attached = [*item.attachments, *self._attached]
        self._once = item.model or self._once
        self._show()
        return True

    def attach(self, attachment: Attachment | None) -> None:
        """Send a file along with the next prompt; ``None`` takes all of them back."""
        if attachment is None:
            self._attached.clear()
        else:
            self._attached.append(attachment)
        self._show()

    def _show(self) -> None:
        self._pane.queue_line.show_next(
            queued=[item.text for item in self._queue], held=self._held and bool(self._queue),
            attached=[file.name for file in self._attached], once=str(self._once) if self._once is not None else "",
        )  # fmt: skip
