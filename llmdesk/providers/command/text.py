"""What a program prints, as the text it means: bytes decoded, progress lines collapsed, colours taken out (policy T7).

A function of the bytes alone: how they are split over reads changes nothing.
"""

from __future__ import annotations

import codecs
import io
import re

PROGRESS_WIDTH = 80
"""A progress line fits a terminal of this width, characters; a line is held back until it is longer or ends."""

MAX_ESCAPE = 64
"""A colour or erase sequence is shorter than this, characters; what is longer is no such sequence."""

_STYLE = re.compile(r"\x1b\[[0-9;:]*m")
_ERASE = re.compile(r"\x1b\[[012]?K")
_BEGUN = re.compile(r"\x1b(?:\[[0-9;:]*)?")
_BREAK = re.compile(r"((?:\r?\n)+|\r|\x1b\[[012]?K)")


class ProgramText:
    """Reads the output of a program piece by piece.

    A carriage return means that what follows replaces the line, as in a terminal, as long as the line is short enough
    for a progress line; in a longer one it is a line break. Colours (SGR) and the erasing of a line are styling and go;
    every other control sequence stays as it came, so that whoever shows it makes it visible (policy S1). Line feeds at
    the very end are dropped: they end the output, not the answer.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""  # the beginning of a sequence, or a carriage return whose meaning depends on what follows
        self._line = ""  # what is held back of the current line
        self._written = ""  # the line as it was before a carriage return, until something replaces it
        self._free = False  # the current line is too long for a progress line and passes as it comes
        self._feeds = io.StringIO()  # line feeds that may be the last ones; there may be millions

    def feed(self, data: bytes) -> str:
        """Return the text that ``data`` completes."""
        return self._take(self._decoder.decode(data))

    def finish(self) -> str:
        """Return what was held back."""
        text = self._take(self._decoder.decode(b"", final=True))
        rest, self._rest = self._rest, ""
        return text + self._held_back(rest.rstrip("\r"))

    def _take(self, text: str) -> str:
        text = self._rest + text
        self._rest = ""
        cut = _incomplete_at(text)
        text, self._rest = text[:cut], text[cut:]
        out: list[str] = []
        for piece in _BREAK.split(_STYLE.sub("", text)):
            if piece.endswith("\n"):
                out.append(self._held_back())
                self._feeds.write(piece)
                self._free = False
            elif piece == "\r" or _ERASE.fullmatch(piece):
                out.append(self._go_back(erase=piece != "\r"))
            elif piece:
                out.append(self._add(piece))
        return "".join(out)

    def _go_back(self, *, erase: bool) -> str:
        if self._free:
            if not erase:
                self._feeds.write("\n")
                self._free = False
            return ""
        self._written = "" if erase else self._line or self._written
        self._line = ""
        return ""

    def _add(self, piece: str) -> str:
        if self._free:
            return self._feeds_before(piece)
        self._line += piece
        if len(self._line) <= PROGRESS_WIDTH:
            return ""
        text = self._held_back()
        self._free = True
        return text

    def _held_back(self, more: str = "") -> str:
        """The line as it stands, with ``more`` behind it."""
        line = (self._line or self._written) + more
        self._line = self._written = ""
        return self._feeds_before(line)

    def _feeds_before(self, text: str) -> str:
        """Put the line feeds that turned out not to be the last ones before ``text``."""
        if not text:
            return ""
        if self._feeds.tell():
            text = self._feeds.getvalue() + text
            self._feeds = io.StringIO()
        return text


def _incomplete_at(text: str) -> int:
    """Where the unfinished sequence at the end begins; the length of ``text`` = there is none."""
    if text.endswith("\r"):
        return len(text) - 1
    at = text.rfind("\x1b", -MAX_ESCAPE)
    return at if at >= 0 and _BEGUN.fullmatch(text, at) else len(text)
