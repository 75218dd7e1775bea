"""Pictures in pixels, for terminals that draw them: kitty's graphics protocol, or Sixel.

Each row of cells gets a string of its own, which draws that row's part of the picture at the place of the cursor, and
leaves the cursor there. So a picture scrolls, is covered and is drawn again as text is, and is gone once other text
stands in its place.

kitty ("Terminal graphics protocol", Unicode placeholders, kitty 0.28) holds the picture, and cells of the character
U+10EEEE show it: their colour is its number, and a combining character above the first of them says which row it is.
Sixel is that of the VT330/VT340 Programmer Reference Manual, chapter 14: bands of six rows of pixels, colour by colour.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Literal

from llmdesk.core.values import dataclass
from llmdesk.tui.transcript.pictures import on_paper, unfolded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from llmdesk.tui.answers import Answers
    from llmdesk.tui.transcript.pictures import Rgb

Way = Literal["kitty", "sixel"]

KITTY_NAMES = ("kitty", "ghostty")
"""How terminals call themselves that know placeholders."""

PLACEHOLDER = "\U0010eeee"
PIECE = 4096
"""The longest piece of a picture in one sequence, base64 bytes; from kitty's description."""

COLOURS = 128
BAND = 6

ROW_MARKS = bytes.fromhex(
    "0305 030D 030E 0310 0312 033D 033E 033F 0346 034A 034B 034C 0350 0351 0352 0357 035B 0363 0364 0365 0366 "
    "0367 0368 0369 036A 036B 036C 036D 036E 036F 0483 0484 0485 0486 0487 0592 0593 0594 0595 0597 0598 0599 "
    "059C 059D 059E 059F 05A0 05A1 05A8 05A9 05AB 05AC 05AF 05C4 0610 0611 0612 0613 0614 0615 0616 0617 0657 "
    "0658 0659 065A 065B 065D 065E 06D6 06D7 06D8 06D9 06DA 06DB 06DC 06DF 06E0 06E1 06E2 06E4 06E7 06E8 06EB "
    "06EC 0730 0732 0733 0735 0736 073A 073D 073F 0740 0741 0743 0745 0747 0749 074A "
).decode("utf-16-be")
"""The combining characters that say which row a placeholder is of, from kitty's ``rowcolumn-diacritics.txt``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture as bytes for the terminal: ``rows`` of ``columns`` cells, what is sent before and after all."""

    rows: tuple[str, ...]
    columns: int
    before: str = ""
    after: str = ""


def way_of(answers: Answers) -> Way | None:
    """How a terminal that says this of itself draws pictures; ``None`` = not at all."""
    if answers.cell is None:
        return None
    if answers.name.lower().startswith(KITTY_NAMES):
        return "kitty"
    return "sixel" if answers.sixel else None


def draw(
    content: bytes, way: Way, *, number: int, columns: int, rows: int, cell: tuple[int, int], paper: Rgb
) -> Drawing | None:
    """Draw the first frame of an image, no larger than it is; ``None`` = it cannot be decoded.

    Args:
        content: the file.
        way: how.
        number: what the terminal knows it by, 1 to 255.
        columns: the room there is.
        rows: the room there is.
        cell: width and height of a cell, pixels.
        paper: what is seen through it.
    """
    rows = min(rows, len(ROW_MARKS))
    image = _decoded(content, (columns * cell[0], rows * cell[1]), paper)
    if image is None:
        return None
    wide, high = -(-image.width // cell[0]), -(-image.height // cell[1])
    if way == "kitty":
        return _kitty(image, number, wide, high)
    return Drawing(rows=tuple(_sixels(image, cell[1])), columns=wide)


def _decoded(content: bytes, room: tuple[int, int], paper: Rgb) -> Image | None:
    turned = unfolded(content, room)
    if turned is None:
        return None
    turned.thumbnail(room)
    return on_paper(turned, turned.size, paper)


def _kitty(image: Image, number: int, columns: int, rows: int) -> Drawing:
    import io

    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    data = base64.b64encode(out.getvalue()).decode()
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    heads = [f"a=T,U=1,f=100,i={number},c={columns},r={rows},q=2,", *[""] * (len(pieces) - 1)]
    before = "".join(
        f"\x1b_G{head}m={int(at < len(pieces) - 1)};{piece}\x1b\\"
        for at, (head, piece) in enumerate(zip(heads, pieces, strict=True))
    )
    lines = tuple(
        f"\x1b[38;5;{number}m{PLACEHOLDER}{mark}{PLACEHOLDER * (columns - 1)}\x1b[39m" for mark in ROW_MARKS[:rows]
    )
    return Drawing(rows=lines, columns=columns, before=before, after=f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\")


_SAME = re.compile(r"(.)\1{3,}", re.DOTALL)


def _sixels(image: Image, cell_height: int) -> Iterator[str]:
    """One Sixel picture for each row of cells, so that nothing reaches below it."""
    from PIL.Image import Dither

    drawn = image.quantize(COLOURS, dither=Dither.FLOYDSTEINBERG)
    palette = drawn.getpalette() or []
    pixels, wide = drawn.tobytes(), drawn.width
    masks = [
        [bytes(1 << row if colour == at else 0 for at in range(256)) for row in range(BAND)] for colour in range(256)
    ]
    for top in range(0, drawn.height, cell_height):
        lines = [pixels[y * wide : (y + 1) * wide] for y in range(top, min(top + cell_height, drawn.height))]
        used = sorted(set().union(*lines))
        parts = [
            "#{};2;{};{};{}".format(colour, *(round(each / 2.55) for each in palette[3 * colour :][:3]))
            for colour in used
        ]
        bands = [_band(lines[at : at + BAND], wide, masks) for at in range(0, len(lines), BAND)]
        yield f'\x1bP0;1q"1;1;{wide};{len(lines)}{"".join(parts)}{"-".join(bands)}\x1b\\'


def _band(lines: list[bytes], wide: int, masks: list[list[bytes]]) -> str:
    """Six rows of pixels, or fewer, colour after colour."""
    found: list[str] = []
    for colour in sorted(set().union(*lines)):
        bits = 0
        for row, line in enumerate(lines):
            bits |= int.from_bytes(line.translate(masks[colour][row]), "big")
        text = bits.to_bytes(wide, "big").translate(_SIXEL).decode("ascii").rstrip("?")
        found.append(f"#{colour}" + _SAME.sub(lambda same: f"!{len(same[0])}{same[1]}", text))
    return "$".join(found)


_SIXEL = bytes((63 + value) % 256 for value in range(256))
