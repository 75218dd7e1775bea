"""The only writer to stdout and stderr: data to the one, narration to the other, both harmless on a terminal."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TextIO

from llmdesk.cli.sink import Sink, SinkClosed
from llmdesk.cli.table import render_table
from llmdesk.core.text import one_line, redact, sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.cli.table import Row

Paint = Literal["bold", "dim", "red", "green", "yellow"]

_PIECE = 1 << 20

_CODES: Mapping[Paint, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


class Output:
    """Where a command's words go.

    Data that others wrote (answers, prompts, messages) is sanitised on a terminal and passed on as received into a pipe
    or a file; ``raw`` passes it on everywhere. JSON is as received and pure ASCII. Narration is always sanitised.
    """

    def __init__(
        self,
        *,
        stdout: TextIO | None,
        stderr: TextIO | None,
        quiet: bool = False,
        verbose: bool = False,
        color: bool = True,
        plain_terminal: bool = False,
    ) -> None:
        self.stdout = Sink(stdout)
        self.stderr = Sink(stderr)
        self.quiet = quiet
        self.verbose = verbose
        self.raw = False
        self._color = color and not plain_terminal
        self.moves_cursor = self.stderr.is_terminal and not plain_terminal
        self._status = ""

    # --- data ---------------------------------------------------------------------------------------------------

    def safe(self, text: str) -> str:
        """Return foreign ``text`` as stdout may show it."""
        return sanitise(text) if self.stdout.is_terminal and not self.raw else text

    def text(self, text: str) -> None:
        """Write foreign text as data, adding nothing."""
        self.stdout.write(self.safe(text))

    def line(self, text: str = "") -> None:
        """Write one line of data."""
        self.stdout.write(self.safe(text) + "\n")

    def document(self, text: str) -> None:
        """Write a whole text; a terminal gets the final newline that it lacks."""
        self.text(text)
        if self.stdout.is_terminal and text and not text.endswith("\n"):
            self.stdout.write("\n")

    def record(self, value: object) -> None:
        """Write one JSON value on one line, ASCII only; a long one in pieces, not to have it in memory three times."""
        text = as_json(value)
        last = len(text) - len(text) % _PIECE
        for at in range(0, last, _PIECE):
            self.stdout.write(text[at : at + _PIECE])
        self.stdout.write(text[last:] + "\n")

    def table(self, headers: Sequence[str], rows: Sequence[Row], *, paint: Mapping[str, Paint] | None = None) -> None:
        """Write rows aligned by display width; ``paint`` colours the cells whose whole text is one of its keys."""
        width = shutil.get_terminal_size().columns if self.stdout.is_terminal else None
        for number, cells in enumerate(render_table(headers, rows, width=width)):
            if number == 0:
                shown = [self.paint(cell, "bold") for cell in cells]
            else:
                shown = [self.paint(c, paint[k]) if paint and (k := c.strip()) in paint else c for c in cells]
            self.stdout.write("  ".join(shown).rstrip() + "\n")

    def paint(self, text: str, how: Paint) -> str:
        """Colour ``text`` for stdout where colours are wanted; call it on what is already harmless."""
        if not (self._color and self.stdout.is_terminal) or not text.strip():
            return text
        return f"\x1b[{_CODES[how]}m{text}\x1b[0m"

    # --- narration ----------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Tell what is going on; silent with ``--quiet``."""
        if not self.quiet:
            self._narrate(text)

    def detail(self, text: str) -> None:
        """Tell what only ``--verbose`` wants to know."""
        if self.verbose and not self.quiet:
            self._narrate(text)

    def complain(self, text: str) -> None:
        """Tell what went wrong; ``--quiet`` does not silence it. Several lines stay several lines."""
        for line in text.splitlines() or [""]:
            self._narrate(line)

    def prompt(self, text: str) -> None:
        """Put a question or an input mark on stderr, without a newline."""
        self._to_stderr(text)

    def status(self, text: str) -> None:
        """Show a line that the next one replaces; only for terminals that move their cursor."""
        width = max(shutil.get_terminal_size().columns - 1, 10)
        self._to_stderr("\r\x1b[K" + one_line(text, width))
        self._status = text

    def end_status(self) -> None:
        """Leave the last status line standing and go on below it."""
        if self._status:
            self._status = ""
            self._to_stderr("\n")

    def _narrate(self, text: str) -> None:
        self.end_status()
        self._to_stderr(one_line(redact(text), 2_000) + "\n")

    def _to_stderr(self, text: str) -> None:
        try:
            self.stderr.write(text)
        except SinkClosed:
            return  # nobody listens; what is done does not depend on it


def as_json(value: object) -> str:
    """Return ``value`` as one line of ASCII JSON; numbers that JSON does not have become null."""
    try:
        return json.dumps(value, ensure_ascii=True, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=True, allow_nan=False, default=str)


def _finite(value: object) -> object:
    match value:
        case float() if not math.isfinite(value):
            return None
        case Mapping():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value
