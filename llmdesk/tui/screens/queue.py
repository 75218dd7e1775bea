"""The queue of a lane over the chat: prompts that wait are edited, moved, dropped and sent, while an answer comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget

from llmdesk.core.text import one_line
from llmdesk.tui.history import PromptHistory
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.prompt import Prompt
from llmdesk.tui.widgets.queue_line import CROSS
from llmdesk.tui.widgets.wait_line import Offer
from llmdesk.tui.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from llmdesk.tui.house import House
    from llmdesk.tui.screens.outgoing import Outgoing, Queued
    from llmdesk.tui.screens.talk import Talk

OFFERS = tuple(
    Offer(label=label, action=action, does=does)
    for label, action, does in (
        ("edit", "queue_edit", "queue_edit"),
        ("earlier", "queue_move(-1)", "queue_earlier"),
        ("later", "queue_move(1)", "queue_later"),
        ("drop", "queue_drop", "queue_drop"),
        ("undo", "queue_undo", "queue_undo"),
        ("send next", "queue_send", "queue_send"),
        ("Esc close", "leave_queue", ""),
    )
)
OFFERS_EDITING = (Offer(label="enter keeps it", action="keep_edit"), Offer(label="Esc as it was", action="leave_queue"))


class QueueList(Widget):
    """The prompts that wait, a row each, with a cross at the end.

    Attributes:
        marked: index of the one the keys are for.
    """

    DEFAULT_CSS = """
    QueueList { height: auto; max-height: 12; width: 1fr; }
    """

    can_focus = True

    @dataclass
    class Clicked(Message):
        """A row was clicked; ``crossed`` = on its cross."""

        at: int
        crossed: bool

    def __init__(self) -> None:
        super().__init__()
        self._items: Sequence[Queued] = ()
        self.marked = 0

    def show_items(self, items: Sequence[Queued], marked: int) -> None:
        """Show these, and mark one."""
        self._items, self.marked = items, marked
        self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One row each."""
        return max(1, len(self._items))

    @property
    def _first(self) -> int:
        return max(0, self.marked - max(self.size.height, 1) + 1)

    def render(self) -> Content:
        """Draw as many as there is room for, the marked one among them."""
        width = max(self.size.width, 4)
        shown = list(enumerate(self._items))[self._first : self._first + max(self.size.height, 1)]
        rows = [self._row(at, item, width) for at, item in shown]
        return Content("\n").join(rows or [Content.styled(" nothing waits any more", "$muted")])

    def _row(self, at: int, item: Queued, width: int) -> Content:
        look = "$block-cursor-foreground on $block-cursor-background" if at == self.marked else ""
        lines = item.text.count("\n") + 1
        extra = f"  {lines} lines" if lines > 1 else ""
        extra += f"  {counted(len(item.attachments), 'file')}" if item.attachments else ""
        extra += f"  {item.model}" if item.model is not None else ""
        extra = one_line(extra, max(8, width // 3)) if extra else ""
        extra = f"  {extra}" if extra else ""
        text = Content(f" {at + 1} {one_line(item.text, 500)}").truncate(width - 3 - cell_len(extra), ellipsis=True)
        row = text.pad_right(width - 3 - cell_len(extra) - text.cell_length)
        row = Content.assemble(row, (extra, "" if look else "$muted"), (f" {CROSS} ", "" if look else "bold $accent"))
        return row.stylize(look) if look else row

    def on_click(self, event: events.Click) -> None:
        """Say what is under the pointer."""
        at = self._first + event.y
        if 0 <= at < len(self._items):
            self.post_message(self.Clicked(at, event.x >= self.size.width - 3))


class QueueScreen(ModalScreen[None]):
    """Shows the queue of one talk for as long as it is open.

    What is edited is not sent meanwhile: it, and what stands behind it, waits for the end of the edit.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for("queue"),
        Binding("escape", "leave_queue", "Back", show=False),
    ]

    DEFAULT_CSS = """
    QueueScreen { align: center bottom; }
    QueueScreen > Vertical { width: 100%; max-width: 100; height: auto; max-height: 100%; padding: 0 1;
                             border: round $primary; background: $surface; margin: 0 1 1 1; }
    QueueScreen Prompt { max-height: 8; border: none; border-top: solid $primary; }
    QueueScreen Prompt:focus { border: none; border-top: solid $primary; }
    """

    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self._talk = talk
        self._marked: Queued | None = None
        self._dropped: list[tuple[int, Queued]] = []
        self._list = QueueList()
        self._editor = Prompt(PromptHistory())

    @property
    def outgoing(self) -> Outgoing:
        """What is shown and changed."""
        return self._talk.outgoing

    @property
    def _house(self) -> House:
        return cast("House", self.app)

    def compose(self) -> ComposeResult:
        """The list, the editor of one prompt, the keys."""
        with Vertical() as box:
            box.border_title = f"queue of {one_line(self._talk.lane, 40)}"
            yield self._list
            yield self._editor
            yield ActionLine(OFFERS)

    def on_mount(self) -> None:
        """The list has the keys."""
        self.styles.background = "transparent"  # the answer that comes is seen behind it
        self._editor.display = False
        self.queue_changed()
        self.set_focus(self._list)

    def on_unmount(self) -> None:
        """Nothing is edited any more, so nothing waits for it."""
        self._end_edit()

    # --- what is shown ------------------------------------------------------------------------------------------

    def queue_changed(self) -> None:
        """A prompt has gone out or come in: the others stay as they are, and so does what is being edited."""
        queue = self.outgoing.queue
        if self.outgoing.place(self._marked) < 0:
            at = min(self._list.marked, len(queue) - 1)
            self._marked = queue[at] if queue else None
        self._list.show_items(queue, max(0, self.outgoing.place(self._marked)))

    def _mark(self, item: Queued | None) -> None:
        self._marked = item
        self.queue_changed()

    @property
    def _editing(self) -> bool:
        return self.outgoing.edited is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a prompt is edited, letters are text."""
        if not self._editing:
            return True
        return action not in _ACTIONS

    # --- what the keys do ---------------------------------------------------------------------------------------

    def action_queue_step(self, by: int) -> None:
        """Mark another one."""
        queue = self.outgoing.queue
        if queue:
            self._mark(queue[(max(0, self.outgoing.place(self._marked)) + by) % len(queue)])

    def action_queue_move(self, by: int) -> None:
        """Let it go out earlier or later."""
        at = self.outgoing.place(self._marked)
        if self._marked is not None and 0 <= at + by < len(self.outgoing.queue):
            self.outgoing.move(self._marked, at + by)
            self.queue_changed()

    def action_queue_drop(self) -> None:
        """Take it out; undo puts it back."""
        if self._marked is not None and (at := self.outgoing.drop(self._marked)) >= 0:
            self._dropped.append((at, self._marked))
            self._list.marked = at
            self.queue_changed()

    def action_queue_undo(self) -> None:
        """Put the one dropped last back where it stood."""
        if self._dropped:
            at, item = self._dropped.pop()
            self.outgoing.put(item, min(at, len(self.outgoing.queue)))
            self._mark(item)
            self._talk.go_on()

    def action_queue_send(self) -> None:
        """Let it go out next: at once, if no answer is under way."""
        if self._marked is not None:
            self.outgoing.move(self._marked, 0)
            self._talk.go()
            self.queue_changed()

    def action_queue_edit(self) -> None:
        """Edit it where it stands."""
        item = self._marked
        if item is None or self.outgoing.place(item) < 0:
            return
        self.outgoing.edited = item
        self._editor.load_text(item.text)
        self._editor.move_cursor(self._editor.document.end)
        self._editor.display = True
        self.query_one(ActionLine).show_offers(OFFERS_EDITING)
        self.set_focus(self._editor)

    def action_keep_edit(self) -> None:
        """Take what is written in place of the old text."""
        if self._editing and self._editor.text.strip():
            self._end_edit(self._editor.text)

    def action_leave_queue(self) -> None:
        """Leave the edit, or the queue."""
        if self._editing:
            self._end_edit()
        else:
            self.dismiss()

    def _end_edit(self, text: str | None = None) -> None:
        """Go back to the list; a text takes the place of the old one."""
        item, self.outgoing.edited = self.outgoing.edited, None
        if item is not None:
            if text is not None:
                self._marked = self.outgoing.reword(item, text)
                if self._marked is None:
                    self._talk.pane.prompt.remember(text)
                    self._house.say("It waits no longer. Its new text is in the history: up brings it.")
            self._talk.go_on()
        if self.is_attached and item is not None:
            self._editor.display = False
            self.query_one(ActionLine).show_offers(OFFERS)
            self.set_focus(self._list)
            self.queue_changed()

    # --- what the widgets tell ----------------------------------------------------------------------------------

    @on(QueueList.Clicked)
    def _row_clicked(self, event: QueueList.Clicked) -> None:
        queue = self.outgoing.queue
        if self._editing or event.at >= len(queue):
            return
        item = queue[event.at]
        again = item is self._marked
        self._mark(item)
        if event.crossed:
            self.action_queue_drop()
        elif again:
            self.action_queue_edit()

    @on(ActionLine.Chosen)
    async def _offer_clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)

    @on(Prompt.Sent)
    def _edited(self, event: Prompt.Sent) -> None:
        event.stop()
        event.prompt.let_stand()
        self._end_edit(event.text)

    @on(Prompt.LargePaste)
    def _too_large(self, event: Prompt.LargePaste) -> None:
        event.stop()
        self._house.say("That is too much to edit here. Paste it into the prompt: it goes along as a file.",
                        severity="warning")  # fmt: skip

    @on(Prompt.EditorAsked)
    def _editor_asked(self, event: Prompt.EditorAsked) -> None:
        from llmdesk.tui.editor import edit_text

        event.stop()
        text, problem = edit_text(self.app, self._editor.text)
        if problem:
            self._house.say(problem, severity="warning")
        else:
            self._editor.put(text)

    @on(Prompt.HelpAsked)
    @on(Prompt.Edited)
    @on(Prompt.Moved)
    @on(Prompt.Pasted)
    @on(Prompt.Completing)
    def _not_here(self, event: Message) -> None:
        """What belongs to the prompt of the chat alone."""
        event.stop()


_ACTIONS = frozenset({"queue_step", "queue_move", "queue_drop", "queue_undo", "queue_send", "queue_edit"})
