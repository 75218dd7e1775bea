"""A list of any length to pick one of: by arrow keys that its screen hands on, by wheel, or by click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events


@dataclass(frozen=True, slots=True, kw_only=True)
class PickRow:
    """One row. ``key`` empty = a heading, which cannot be picked; ``note`` stands beside the name, less loudly."""

    key: str = ""
    name: str
    note: str = ""


class PickList(Widget):
    """Rows, one of them marked.

    Attributes:
        marked: index of the row that is taken.
    """

    DEFAULT_CSS = """
    PickList { height: auto; width: 1fr; }
    """

    marked: reactive[int] = reactive(0)

    @dataclass
    class Chosen(Message):
        """A row was clicked."""

        key: str

    def __init__(self, rows: Sequence[PickRow] = (), *, marked: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._rows: tuple[PickRow, ...] = ()
        self.show_rows(rows, marked=marked)

    def show_rows(self, rows: Sequence[PickRow], *, marked: str | None = None) -> None:
        """Show these rows; the row with this key is marked, else the one that was, else the first."""
        wanted = self.key if marked is None else marked
        self._rows = tuple(rows)
        keys = [row.key for row in rows]
        first = next((at for at, key in enumerate(keys) if key), 0)
        self.marked = keys.index(wanted) if wanted and wanted in keys else first
        self._width = max((len(row.name) for row in rows if row.key), default=0)
        self.refresh(layout=True)

    @property
    def key(self) -> str:
        """The key of the marked row; empty = there is none."""
        return self._rows[self.marked].key if self.marked < len(self._rows) else ""

    def step(self, by: int) -> None:
        """Mark another row, over headings and from one end to the other."""
        if not any(row.key for row in self._rows):
            return
        at = (self.marked + by) % len(self._rows)
        while not self._rows[at].key:
            at = (at + by) % len(self._rows)
        self.marked = at

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One row each."""
        return max(len(self._rows), 1)

    @property
    def _first(self) -> int:
        """The row at the top: the marked one is always in sight, and the heading of the first ones."""
        height = max(self.size.height, 1)
        return max(0, min(self.marked - height // 2, len(self._rows) - height))

    def render(self) -> Content:
        """Draw the rows around the marked one."""
        width = max(self.size.width, 1)
        first = self._first
        drawn = []
        for at, row in enumerate(self._rows[first : first + max(self.size.height, 1)], first):
            if not row.key:
                drawn.append(Content.styled(one_line(row.name), "bold $accent").truncate(width, ellipsis=True))
                continue
            marked = "$block-cursor-foreground on $block-cursor-background" if at == self.marked else ""
            # The sign tells the marked row where there are no colours.
            name = f"{'▸' if marked else ' '} {one_line(row.name, 80):<{min(self._width, max(width // 2, 12))}}"
            line = Content.assemble((name, marked), (f"  {one_line(row.note)}" if row.note else "", marked or "$muted"))
            line = line.truncate(width, ellipsis=True)
            drawn.append(line.pad_right(width - line.cell_length).stylize(marked) if marked else line)
        return Content("\n").join(drawn)

    def on_click(self, event: events.Click) -> None:
        """Choose the row under the pointer."""
        at = self._first + event.y
        if 0 <= at < len(self._rows) and self._rows[at].key:
            self.marked = at
            self.post_message(self.Chosen(self._rows[at].key))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go on."""
        event.stop()
        self.step(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go back."""
        event.stop()
        self.step(-1)
