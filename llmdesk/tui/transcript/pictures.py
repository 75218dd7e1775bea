"""Pictures in cells: two pixels to a cell, one above the other, decoded beside the event loop and kept while needed.

Whatever is wrong with a file (cut, hostile, too large) only means that it is told by name.
"""

from __future__ import annotations

import asyncio
from dataclasses import field
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from llmdesk.core.image_size import image_facts
from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from PIL.Image import Image
    from rich.color import Color

    from llmdesk.core.views import Attachment

MOST_ROWS, MOST_COLUMNS = 12, 60
"""The largest picture in a conversation, cells: it is a reminder of what was sent; the full view shows the rest."""

MOST_PIXELS = 50_000_000
"""An image that unfolds to more is not decoded (200 MB in memory)."""

KEPT = 24
"""How many decoded pictures are kept, the last ones used."""

INSTALL = 'pip install "llmdesk[images]" shows it'

UPPER_HALF = "▀"
TIMES = "\N{MULTIPLICATION SIGN}"

Rgb = tuple[int, int, int]
Cells = tuple[tuple[tuple[Rgb, Rgb], ...], ...]
"""Rows of cells; each is the colour of its upper and of its lower half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image that was sent: its name as it may be shown, and the file."""

    name: str
    content: bytes = field(repr=False)

    @property
    def label(self) -> str:
        """``@cat.png (PNG, …, 41 kB)``, with width and height in pixels where the file tells them."""
        form, size = image_facts(self.content)
        facts = [form, *([f"{size[0]}{TIMES}{size[1]}"] if size else []), _weight(len(self.content))]
        return f"@{self.name} ({', '.join(facts)})"


def _weight(size: int) -> str:
    for unit, step in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= step:
            return f"{size / step:.1f} {unit}" if size < 10 * step else f"{size // step} {unit}"
    return f"{size} B"


def shown_files(files: Sequence[Attachment]) -> tuple[tuple[str, ...], tuple[Picture, ...]]:
    """What goes with a prompt, as it is shown: the names of texts, and the images."""
    return (
        tuple(one_line(file.name) for file in files if file.image is None),
        tuple(Picture(name=one_line(file.name), content=file.image) for file in files if file.image is not None),
    )


@cache
def can_decode() -> bool:
    """Whether the extra is installed; looked up, not imported."""
    return find_spec("PIL") is not None


def fitted(size: tuple[int, int], columns: int, rows: int) -> tuple[int, int]:
    """How many pixels wide and high an image becomes, in cells of one by two pixels, no larger than it is."""
    width, height = size
    scale = min(columns / width, 2 * rows / height, 1.0)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def unfolded(content: bytes, room: tuple[int, int]) -> Image | None:
    """Decode the first frame of an image, upright, with what can be seen through; ``None`` = it cannot be decoded.

    Args:
        content: the file.
        room: no more pixels than these are needed, width and height; a JPEG then decodes at a fraction of its size.
    """
    import io
    import warnings

    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "GIF", "WEBP", "BMP")) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    return None
                opened.draft("RGB", room)
                return ImageOps.exif_transpose(opened).convert("RGBA")
    except Exception:  # noqa: BLE001 - decoders raise anything for hostile bytes; the file is then told by name
        return None


def on_paper(image: Image, size: tuple[int, int], background: Rgb) -> Image:
    """Lay an image on a sheet of a size, so that nothing is seen through it."""
    from PIL import Image

    paper = Image.new("RGBA", size, (*background, 255))
    paper.alpha_composite(image)
    return paper.convert("RGB")


def decode(content: bytes, columns: int, rows: int, background: Rgb) -> Cells | None:
    """Decode the first frame of an image into cells; ``None`` = it cannot be decoded."""
    whole = unfolded(content, (columns * 4, rows * 8))
    if whole is None:
        return None
    from PIL.Image import Resampling

    small = whole.resize(fitted(whole.size, columns, rows), Resampling.BOX, reducing_gap=2)
    paper = on_paper(small, (small.width, small.height + small.height % 2), background)
    pixels = paper.tobytes()
    wide = paper.width
    at = [[tuple(pixels[(y * wide + x) * 3 :][:3]) for x in range(wide)] for y in range(paper.height)]
    return tuple(tuple(zip(at[y], at[y + 1], strict=True)) for y in range(0, paper.height, 2))  # type: ignore[arg-type]


def segments(cells: Cells) -> Iterator[tuple[Segment, ...]]:
    """Turn cells into rows of segments, neighbours that look alike in one."""
    for row in cells:
        runs: list[tuple[tuple[Rgb, Rgb], int]] = []
        for cell in row:
            if runs and runs[-1][0] == cell:
                runs[-1] = (cell, runs[-1][1] + 1)
            else:
                runs.append((cell, 1))
        yield tuple(Segment(UPPER_HALF * count, _style(*cell)) for cell, count in runs)


@lru_cache(maxsize=4096)
def _style(upper: Rgb, lower: Rgb) -> Style:
    from rich.color import Color

    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))


class Gallery:
    """The pictures of one conversation, decoded when they are first looked at.

    Args:
        wanted: whether pictures are to be shown, and can be, on this screen now.
        arrived: called in the event loop when a picture that was asked for is there.
    """

    def __init__(self, wanted: Callable[[], bool], arrived: Callable[[Picture], None]) -> None:
        self._wanted = wanted
        self._arrived = arrived
        self._cells: dict[tuple[bytes, int, Rgb], Cells | None] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._asked: set[tuple[bytes, int, Rgb]] = set()

    @property
    def shows(self) -> bool:
        """Whether there is more to an image than its name."""
        return self._wanted() and can_decode()

    @property
    def hint(self) -> str:
        """What stands behind the name where only a package is missing."""
        return f" · {INSTALL}" if self._wanted() and not can_decode() else ""

    def rows(self, picture: Picture, width: int, background: Color | None) -> list[tuple[Segment, ...]]:
        """The rows of a picture at a width; none while it is being decoded, and if it cannot be."""
        paper = rgb(background)
        columns = min(width, MOST_COLUMNS)
        key = (picture.content, columns, paper)
        if key in self._cells:
            cells = self._cells[key] = self._cells.pop(key)  # the last ones used stay
            return list(segments(cells)) if cells else []
        if key not in self._asked and columns > 0:
            self._asked.add(key)
            task = asyncio.get_running_loop().create_task(self._decode(picture, key))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return []

    async def _decode(self, picture: Picture, key: tuple[bytes, int, Rgb]) -> None:
        content, columns, paper = key
        try:
            self._cells[key] = await asyncio.to_thread(decode, content, columns, MOST_ROWS, paper)
        finally:
            self._asked.discard(key)
        while len(self._cells) > KEPT:
            del self._cells[next(iter(self._cells))]
        self._arrived(picture)


def rgb(colour: Color | None) -> Rgb:
    """A style's colour in parts; black where the terminal's own is used."""
    if colour is None or colour.is_default:
        return (0, 0, 0)
    return tuple(colour.get_truecolor())  # type: ignore[return-value]
