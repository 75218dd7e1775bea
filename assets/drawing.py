"""Cells to SVG: a screen, or a film of screens, drawn so that it looks the same with any monospaced font.

Text is placed run by run at the column where it begins and told how wide it is; lines and blocks, which fonts draw with
gaps, are drawn as shapes. A film is one strip of pictures that an animation pulls past a window, so that it plays where
no script may run (an ``<img>`` of a README).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.color import ColorType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.segment import Segment
    from rich.style import Style

WIDE, HIGH = 8.4, 18.0
"""One cell, in the picture's units."""

FONT_SIZE = 14
MARGIN = 14
FONTS = "ui-monospace,'SF Mono',SFMono-Regular,'Cascadia Mono','DejaVu Sans Mono',Menlo,Consolas,monospace"

_LOWER = "▁▂▃▄▅▆▇█"
_SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
_LINES = {"─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "udr", "┤": "udl", "┬": "lrd",
          "┴": "lru", "┼": "lrud", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu"}  # fmt: skip
_QUARTERS = {"▘": "1", "▝": "2", "▖": "3", "▗": "4", "▀": "12", "▌": "13", "▐": "24", "▞": "23", "▚": "14",
             "▛": "123", "▜": "124", "▙": "134", "▟": "234"}  # fmt: skip
_SHAPES = re.escape(_LOWER + "".join((*_SHADES, *_LINES, *_QUARTERS)))
_DRAWN = re.compile(rf"(?P<shape>(?P<one>[{_SHAPES}])(?P=one)*)|(?P<words>[^{_SHAPES}]+)")


@dataclass(frozen=True, slots=True)
class Look:
    """How a run of cells looks."""

    ink: str
    paper: str
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    faint: bool = False


Row = tuple[tuple[str, Look], ...]
"""A row of the screen: texts, each with its look."""


def row_of(segments: Iterable[Segment], ink: str, paper: str) -> Row:
    """Join the segments of a row that look alike."""
    runs: list[tuple[str, Look]] = []
    for text, style, control in segments:
        if control or not text:
            continue
        look = _look(style, ink, paper)
        if runs and runs[-1][1] == look:
            runs[-1] = (runs[-1][0] + text, look)
        else:
            runs.append((text, look))
    return tuple(runs)


def _look(style: Style | None, ink: str, paper: str) -> Look:
    if style is None:
        return Look(ink, paper)
    front, back = _hex(style, front=True) or ink, _hex(style, front=False) or paper
    if style.reverse:
        front, back = back, front
    return Look(front, back, bool(style.bold), bool(style.italic), bool(style.underline), bool(style.strike),
                bool(style.dim))  # fmt: skip


def _hex(style: Style, *, front: bool) -> str | None:
    colour = style.color if front else style.bgcolor
    if colour is None or colour.type is ColorType.DEFAULT:
        return None
    return colour.get_truecolor().hex


class Drawing:
    """Collects the looks and the rows that pictures share."""

    def __init__(self, columns: int, rows: int, *, paper: str) -> None:
        self.columns, self.rows, self.paper = columns, rows, paper
        self._classes: dict[str, str] = {}
        self._rows: dict[Row, str] = {}

    # --- whole files ------------------------------------------------------------------------------------------

    def picture(self, screen: Sequence[Row], title: str) -> str:
        """One screen as an SVG file."""
        body = "\n".join(f'<g transform="translate(0 {_number(y * HIGH)})">{self._row(row)}</g>'
                         for y, row in enumerate(screen) if row)  # fmt: skip
        return self._file(f'<g transform="translate({MARGIN} {MARGIN})">\n{body}\n</g>', title)

    def film(self, frames: Sequence[tuple[float, Sequence[Row]]], title: str, *, length_s: float) -> str:
        """Screens, each with the second it comes at, as an SVG file that plays again and again.

        Where motion is not wanted, the screen that stays longest is shown.
        """
        wide = self.columns * WIDE
        shots = []
        for number, (_, screen) in enumerate(frames):
            uses = "".join(f'<use href="#{self._shared(row)}" y="{_number(y * HIGH)}"/>'
                           for y, row in enumerate(screen) if row)  # fmt: skip
            shots.append(f'<g transform="translate({_number(number * wide)} 0)">{uses}</g>')
        steps = "".join(
            f"{at / length_s:.3%}{{transform:translateX({-_number(number * wide)}px)}}"
            for number, (at, _) in enumerate(frames)
        )
        ends = [at for at, _ in frames[1:]] + [length_s]
        still = max(range(len(frames)), key=lambda number: ends[number] - frames[number][0])
        rule = (
            f"@keyframes film{{{steps}}}.film{{animation:film {length_s:.1f}s step-end infinite}}"
            "@media(prefers-reduced-motion:reduce){.film{animation:none;"
            f"transform:translateX({-_number(still * wide)}px)}}}}"
        )
        shared = "".join(f'<g id="{name}">{self._row(row)}</g>\n' for row, name in self._rows.items())
        window = (
            f'<svg x="{MARGIN}" y="{MARGIN}" width="{_number(wide)}" height="{_number(self.rows * HIGH)}">'
            f'<g class="film">\n{chr(10).join(shots)}\n</g></svg>'
        )
        return self._file(f"<defs>\n{shared}</defs>\n{window}", title, rule=rule)

    def _file(self, body: str, title: str, *, rule: str = "") -> str:
        wide, high = self.columns * WIDE + 2 * MARGIN, self.rows * HIGH + 2 * MARGIN
        classes = "".join(f".{name}{{{rules}}}" for rules, name in self._classes.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_number(wide)} {_number(high)}" role="img">\n'
            f"<title>{escape(title)}</title>\n"
            f"<style>text{{font:{FONT_SIZE}px {FONTS};white-space:pre}}rect{{shape-rendering:crispEdges}}"
            f"{classes}{rule}</style>\n"
            f'<rect width="100%" height="100%" rx="8" fill="{self.paper}"/>\n{body}\n</svg>\n'
        )

    # --- rows -------------------------------------------------------------------------------------------------

    def _shared(self, row: Row) -> str:
        return self._rows.setdefault(row, f"r{len(self._rows)}")

    def _row(self, row: Row) -> str:
        papers, inks, column = [], [], 0
        for text, look in row:
            cells = cell_len(text)
            if look.paper != self.paper:
                papers.append(_rect(column, 0, cells, 1, look.paper))
            inks.extend(self._run(text, look, column))
            column += cells
        return "".join((*papers, *inks))

    def _run(self, text: str, look: Look, column: int) -> Iterable[str]:
        """Words as text, blocks and lines as shapes."""
        for part in _DRAWN.finditer(text):
            same, words = part.group("shape"), part.group("words")
            if same:
                yield _shape(same[0], column, len(same), look.ink)
            else:
                yield from self._words(words, look, column)
            column += cell_len(part.group())

    def _words(self, text: str, look: Look, column: int) -> Iterable[str]:
        # Two spaces end a run: what is far apart need not be set as one.
        for part in re.finditer(r"\S+(?: \S+)*", text):
            at = column + cell_len(text[: part.start()])
            words = part.group()
            name = self._class(look)
            yield (
                f'<text class="{name}" x="{_number(at * WIDE)}" y="13.6" '
                f'textLength="{_number(cell_len(words) * WIDE)}">{escape(words)}</text>'
            )

    def _class(self, look: Look) -> str:
        decoration = " ".join(filter(None, ("underline" * look.underline, "line-through" * look.strike)))
        rules = f"fill:{look.ink}"
        rules += ";font-weight:bold" * look.bold + ";font-style:italic" * look.italic + ";opacity:.6" * look.faint
        rules += f";text-decoration:{decoration}" if decoration else ""
        return self._classes.setdefault(rules, f"c{len(self._classes)}")


def _shape(char: str, column: int, count: int, ink: str) -> str:
    """Draw ``count`` of the same block or line, in one where they join."""
    if char in _LOWER:
        share = (_LOWER.index(char) + 1) / 8
        return _rect(column, 1 - share, count, share, ink)
    if char in _SHADES:
        return _rect(column, 0.12, count, 0.76, ink, opacity=_SHADES[char])
    if char in _QUARTERS:
        places = {"1": (0, 0), "2": (0.5, 0), "3": (0, 0.5), "4": (0.5, 0.5)}
        quarters = [places[each] for each in _QUARTERS[char]]
        return "".join(_rect(column + at + x, y, 0.5, 0.5, ink) for at in range(count) for x, y in quarters)
    if char == "─":
        y = _number(HIGH / 2)
        return f'<path d="M{_number(column * WIDE)} {y}h{_number(count * WIDE)}" stroke="{ink}"/>'
    return "".join(_joint(_LINES[char], column + at, ink) for at in range(count))


def _joint(ways: str, column: int, ink: str) -> str:
    x, y = (column + 0.5) * WIDE, HIGH / 2
    ends = {"l": (column * WIDE, y), "r": ((column + 1) * WIDE, y), "u": (x, 0.0), "d": (x, HIGH)}
    path = "".join(f"M{_number(x)} {_number(y)}L{_number(ends[way][0])} {_number(ends[way][1])}" for way in ways)
    return f'<path d="{path}" stroke="{ink}"/>'


def _rect(x: float, y: float, wide: float, high: float, fill: str, *, opacity: float = 1) -> str:
    seen = f' opacity="{opacity}"' if opacity < 1 else ""
    return (
        f'<rect x="{_number(x * WIDE)}" y="{_number(y * HIGH)}" width="{_number(wide * WIDE)}" '
        f'height="{_number(high * HIGH)}" fill="{fill}"{seen}/>'
    )


def _number(value: float) -> float | int:
    """As few digits as a picture needs."""
    value = round(value, 1)
    return int(value) if value == int(value) else value
