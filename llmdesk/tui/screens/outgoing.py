"""What goes out next in a lane: prompts queued behind the answer that is coming, and files for the next one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmdesk.core.types import ModelRef
    from llmdesk.core.views import Attachment, DraftedPrompt
    from llmdesk.tui.widgets.lane_pane import LanePane


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A prompt that has not been sent yet; ``model`` = who is asked this once, ``None`` = whom the lane asks.

    ``replaces`` and ``continues`` are requests of the open conversation: the one whose turn it takes the place of, and
    the one whose answer it lets go on. ``written`` = somebody wrote it, so it comes back into the editor when it is not
    sent. ``sums_up`` = it is no prompt, but asks for a summary.
    """

    text: str
    attachments: tuple[Attachment, ...] = ()
    model: ModelRef | None = None
    replaces: str | None = None
    continues: str | None = None
    written: bool = True
    sums_up: bool = False


class Outgoing:
    """The queue of a lane, held until the user says go when something went wrong; it keeps the line that shows it.

    Two prompts may have the same words, so a prompt is known by what it is, not by what it says.

    Attributes:
        edited: the queued prompt that is being edited; it and those behind it wait meanwhile.
    """

    def __init__(self, pane: LanePane) -> None:
        self._pane = pane
        self._queue: list[Queued] = []
        self._held = False
        self._attached: list[Attachment] = []
        self._once: ModelRef | None = None
        self.edited: Queued | None = None

    def __bool__(self) -> bool:
        return bool(self._queue)

    @property
    def attached(self) -> tuple[Attachment, ...]:
        """The files that go along with the next prompt."""
        return tuple(self._attached)

    @property
    def queue(self) -> tuple[Queued, ...]:
        """The prompts that wait, the next one first."""
        return tuple(self._queue)

    @property
    def held(self) -> bool:
        """They wait until the user says go."""
        return self._held and bool(self._queue)

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
        """Take the first prompt out; ``None`` when there is none, it is being edited, or they wait for the user."""
        if not self._queue or self._held or self._queue[0] is self.edited:
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

    # --- changing what waits ------------------------------------------------------------------------------------

    def place(self, item: Queued | None) -> int:
        """Where a prompt stands, from 0; -1 = it waits no longer."""
        return next((at for at, each in enumerate(self._queue) if each is item), -1)

    def reword(self, item: Queued, text: str) -> Queued | None:
        """Give a prompt another text; ``None`` = it waits no longer."""
        at = self.place(item)
        if at < 0:
            return None
        self._queue[at] = replace(item, text=text)
        self._show()
        return self._queue[at]

    def move(self, item: Queued, to: int) -> None:
        """Put a prompt at another place, if it still waits."""
        at = self.place(item)
        if at >= 0:
            del self._queue[at]
            self.put(item, to)

    def drop(self, item: Queued) -> int:
        """Take a prompt out; returns where it stood, -1 = it waits no longer."""
        at = self.place(item)
        if at >= 0:
            del self._queue[at]
            self._show()
        return at

    def put(self, item: Queued, at: int) -> None:
        """Put a prompt in, at this place or the nearest there is."""
        self._queue.insert(max(0, at), item)
        self._show()

    def restore(self, prompts: Iterable[DraftedPrompt]) -> None:
        """Put the prompts of an earlier run before the others; all of them wait for the user."""
        self._queue[:0] = [Queued(text=each.text, attachments=each.attachments, model=each.model) for each in prompts]
        self.hold()

    # --- back into the editor -----------------------------------------------------------------------------------

    def take_back(self) -> None:
        """Put the last prompt back into the editor, if that is empty; without a queue, take the last file off."""
        if not self._queue:
            self.take_off(len(self._attached) - 1)
        elif not self._pane.prompt.text.strip():
            item = self._queue.pop()
            self._put_back(item)

    def give_back(self, item: Queued) -> bool:
        """Put a prompt that was sent back into the editor, never over a draft; false = there is one."""
        if self._pane.prompt.text.strip():
            return False
        self._put_back(item)
        return True

    def _put_back(self, item: Queued) -> None:
        self._pane.prompt.put(item.text)
        self._attached = [*item.attachments, *self._attached]
        self._once = item.model or self._once
        self._show()

    def attach(self, attachment: Attachment | None) -> None:
        """Send a file along with the next prompt; ``None`` takes all of them back."""
        if attachment is None:
            self._attached.clear()
        else:
            self._attached.append(attachment)
        self._show()

    def take_off(self, at: int) -> None:
        """Take back one of the files."""
        if 0 <= at < len(self._attached):
            del self._attached[at]
            self._show()

    def _show(self) -> None:
        self._pane.queue_line.show_next(
            queued=[item.text for item in self._queue], held=self.held,
            attached=[(file.name, _bytes(file)) for file in self._attached],
            once=str(self._once) if self._once is not None else "",
        )  # fmt: skip


def _bytes(file: Attachment) -> int:
    return len(file.image) if file.image is not None else len((file.text or "").encode(errors="replace"))
