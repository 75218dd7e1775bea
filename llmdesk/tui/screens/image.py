"""The images of a prompt, as large as the screen allows: one below the other, Esc back to the chat."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, ClassVar

from rich.segment import ControlType, Segment
from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from llmdesk.core.values import dataclass
from llmdesk.paths import process_environment
from llmdesk.tui.answers import ask
from llmdesk.tui.beside import beside
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.pixels import draw, way_of
from llmdesk.tui.screens.base import DeskScreen
from llmdesk.tui.transcript.pictures import INSTALL, can_decode, decode, rgb, segments
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.wait_line import Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from llmdesk.tui.pixels import Drawing, Way
    from llmdesk.tui.transcript.pictures import Picture, Rgb

CANNOT = "It cannot be shown: it is damaged, too large to unfold, or of a kind that is not known here."


_NUMBERS = cycle(range(60, 250))
"""What the terminal knows pictures by; those of other programs mostly begin at 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """How the terminal draws pictures, and the size of its cells in pixels."""

    way: Way
    cell: tuple[int, int]


class WholePicture(Widget):
    """One image, no larger than the screen: in pixels where the terminal draws them, else two to a cell."""

    DEFAULT_CSS = "WholePicture { width: 1fr; height: auto; }"

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self.picture = picture
        self.failed = False
        self._strips: list[Strip] = []
        self._drawing: Drawing | None = None
        self._number = next(_NUMBERS)

    @property
    def drawn(self) -> bool:
        """Whether there is something to see."""
        return bool(self._strips) or self._drawing is not None

    def on_mount(self) -> None:
        """Draw it for the room there is."""
        self.draw_for(self.screen.size.width - 4, self.screen.size.height - 5)

    def draw_for(self, columns: int, rows: int) -> None:
        """Draw it again, for other room."""
        beside(self, partial(self._draw, max(columns, 1), max(rows, 1)), exclusive=True, group="draw")

    def on_unmount(self) -> None:
        """Let the terminal forget it."""
        if self._drawing is not None:
            self._send(self._drawing.after)

    def _send(self, data: str) -> None:
        assert isinstance(self.screen, ImageScreen)
        if data and (write := self.screen.house.to_terminal) is not None:
            write(data)

    async def _draw(self, columns: int, rows: int) -> None:
        paper = rgb(self.screen.rich_style.bgcolor)
        assert isinstance(self.screen, ImageScreen)
        pixels = await self.screen.pixels()
        if pixels is not None:
            await self._draw_pixels(pixels, columns, rows, paper)
            return
        cells = await asyncio.to_thread(decode, self.picture.content, columns, rows, paper)
        self.failed = cells is None
        self._strips = [Strip(row) for row in segments(cells)] if cells else []
        self.refresh(layout=True)

    async def _draw_pixels(self, pixels: Pixels, columns: int, rows: int, paper: Rgb) -> None:
        drawing = await asyncio.to_thread(
            draw, self.picture.content, pixels.way, number=self._number, columns=columns, rows=rows, cell=pixels.cell,
            paper=paper,
        )  # fmt: skip
        self.failed = drawing is None
        self._drawing = drawing
        self._strips = []
        if drawing is not None:
            self._send(drawing.before)
        self.refresh(layout=True)

    def get_content_height(self, *_: object) -> int:
        """As many rows as it has; one that says why there are none."""
        return max(len(self._drawing.rows if self._drawing is not None else self._strips), 1)

    def render_line(self, y: int) -> Strip:
        """Paint one row."""
        style, width = self.rich_style, self.size.width
        if self._drawing is not None and y < len(self._drawing.rows):
            return _painted(self._drawing, y, width, style)
        if y < len(self._strips):
            return self._strips[y].extend_cell_length(width, style)
        return Strip([Segment(CANNOT if self.failed and not y else "", style)]).adjust_cell_length(width, style)


def _painted(drawing: Drawing, y: int, width: int, style: Style) -> Strip:
    """A row that the terminal draws over blanks just written, from where they begin; the cursor goes back behind them.

    The bytes have no width, and come before the last blanks, so that no part of a row is cut off with them.
    """
    wide = min(drawing.columns, width)
    drawn = Segment(f"\x1b7\x1b[{wide}D{drawing.rows[y]}\x1b8", None, [(ControlType.BELL,)])
    return Strip([Segment(" " * wide, style), drawn, Segment(" " * (width - wide), style)], width)


class ImageScreen(DeskScreen):
    """Shows images whole.

    Args:
        pictures: all images of a prompt.
        first: the number of the one to begin with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("image")]
    scope: ClassVar[str] = "image"
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
        self._asked: asyncio.Task[Pixels | None] | None = None

    async def pixels(self) -> Pixels | None:
        """How the terminal draws pictures; ``None`` = it does not, or nobody knows. It is asked once."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asked)

    async def _ask(self) -> Pixels | None:
        write = self.house.to_terminal
        if write is None or self.app.no_color:
            return None
        answers = await ask(write, process_environment())
        way = way_of(answers)
        return Pixels(way=way, cell=answers.cell) if way is not None and answers.cell is not None else None

    def compose(self) -> ComposeResult:
        """Title, images, keys."""
        yield Static(Content("llmdesk ─ " + ("image" if len(self.pictures) == 1 else "images")), id="image-title")
        with VerticalScroll():
            for number, picture in enumerate(self.pictures):
                yield Static(Content(picture.label), classes="image-name", id=f"image-{number}")
                yield WholePicture(picture) if can_decode() else Static(Content(INSTALL))
        yield ActionLine([Offer(label="close", action="close_panel", does="image_leave")], id="image-keys")

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
