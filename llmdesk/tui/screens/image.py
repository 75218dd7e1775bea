"""The images of a prompt, as large as the screen allows: one below the other, Esc back to the chat."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from llmdesk.tui.beside import beside
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.screens.base import DeskScreen
from llmdesk.tui.transcript.pictures import INSTALL, Picture, can_decode, decode, rgb, segments
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.wait_line import Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

CANNOT = "It cannot be shown: it is damaged, too large to unfold, or of a kind that is not known here."


class WholePicture(Widget):
    """One image, no larger than the screen."""

    DEFAULT_CSS = "WholePicture { width: 1fr; height: auto; }"

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self.picture = picture
        self.failed = False
        self._strips: list[Strip] = []

    @property
    def drawn(self) -> bool:
        """Whether there is something to see."""
        return bool(self._strips)

    def on_mount(self) -> None:
        """Draw it for the room there is."""
        self.draw_for(self.screen.size.width - 4, self.screen.size.height - 5)

    def draw_for(self, columns: int, rows: int) -> None:
        """Draw it again, for other room."""
        beside(self, partial(self._draw, max(columns, 1), max(rows, 1)), exclusive=True, group="draw")

    async def _draw(self, columns: int, rows: int) -> None:
        paper = rgb(self.screen.rich_style.bgcolor)
        cells = await asyncio.to_thread(decode, self.picture.content, columns, rows, paper)
        self.failed = cells is None
        self._strips = [Strip(row) for row in segments(cells)] if cells else []
        self.refresh(layout=True)

    def get_content_height(self, *_: object) -> int:
        """As many rows as it has; one that says why there are none."""
        return max(len(self._strips), 1)

    def render_line(self, y: int) -> Strip:
        """Paint one row."""
        style = self.rich_style
        if y < len(self._strips):
            return self._strips[y].extend_cell_length(self.size.width, style)
        return Strip([Segment(CANNOT if self.failed and not y else "", style)]).adjust_cell_length(
            self.size.width, style
        )


class ImageScreen(DeskScreen):
    """Shows images whole.

    Args:
        pictures: all images of a prompt.
        first: the number of the one to begin with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("list")]
    DEFAULT_CSS = """
    ImageScreen {
        #image-title { height: 1; padding: 0 1; background: $panel; text-style: bold; }
        #image-keys { background: $panel; color: $muted; padding: 0 1; }
        VerticalScroll { padding: 0 1; }
        .image-name { color: $text-accent; height: 1; }
        WholePicture { margin: 0 0 1 0; }
    }
    """

    def __init__(self, pictures: Sequence[Picture], *, first: int = 0) -> None:
        super().__init__()
        self.pictures = tuple(pictures)
        self._first = first

    def compose(self) -> ComposeResult:
        """Title, images, keys."""
        yield Static(Content("llmdesk ─ " + ("image" if len(self.pictures) == 1 else "images")), id="image-title")
        with VerticalScroll():
            for number, picture in enumerate(self.pictures):
                yield Static(Content(picture.label), classes="image-name", id=f"image-{number}")
                yield WholePicture(picture) if can_decode() else Static(Content(INSTALL))
        yield ActionLine([Offer(label="Esc close", action="close_panel")], id="image-keys")

    def on_mount(self) -> None:
        """Begin at the one that was meant; arrows and pages scroll."""
        scroll = self.query_one(VerticalScroll)
        self.set_focus(scroll)
        if self._first:
            self.call_after_refresh(self.query_one(f"#image-{self._first}").scroll_visible, animate=False, top=True)

    def on_resize(self) -> None:
        """Draw for the new size."""
        for whole in self.query(WholePicture):
            whole.draw_for(self.size.width - 4, self.size.height - 5)

    @on(ActionLine.Chosen)
    async def _offer_clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)

    def action_close_panel(self) -> None:
        """Back to the chat."""
        self.house.close_panel()

    def action_reload(self) -> None:
        """There is nothing to read again."""

    def action_filter(self) -> None:
        """Nor anything to filter."""
