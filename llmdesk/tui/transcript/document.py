"""A growing Markdown text: finished units are rendered once, only the last one is looked at again.

Decided on complete lines only: what follows may still change how the last unit reads (a lone ``*`` is a list, ``*so``
is emphasis), but never a unit that another has followed.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from llmdesk.tui.transcript.code import OpenFence
from llmdesk.tui.transcript.lines import BLANK, plain_lines
from llmdesk.tui.transcript.markdown import MAX_CHARS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.tui.transcript.lines import Line
    from llmdesk.tui.transcript.markdown import Renderer, Unit

BULK_CHARS = 6_000
"""An open unit longer than this (a table, one endless paragraph) is shown as it comes, and rendered when it is over."""

REPARSE_GROWTH = 1.1
"""How much a long open unit must have grown before it is parsed again, as a factor: keeps the whole linear."""

FILL_LINES = 300
"""How many lines that were put off are rendered at once, about 20 ms of work."""

_OPENING = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<info>.*)")


class _Fence:
    """The state of a fence that has been opened at the start of the tail."""

    def __init__(self, opening: re.Match[str], shown: OpenFence, scanned: int) -> None:
        self._indent = opening.start("fence")
        marker = opening["fence"]
        self._closing = re.compile(rf" {{0,3}}{re.escape(marker[0])}{{{len(marker)},}}[ \t]*")
        self._marker = marker[0]
        self.shown = shown
        self.scanned = scanned

    def closes(self, line: str) -> bool:
        return self._closing.fullmatch(line) is not None

    def may_close(self, partial: str) -> bool:
        return not partial.strip(" " + self._marker)

    def code(self, line: str) -> str:
        """Return a line without the indentation that belongs to the fence."""
        spaces = len(line) - len(line.lstrip(" "))
        return line[min(spaces, self._indent) :]


class _Later(NamedTuple):
    """A finished unit that is rendered when there is time, and about how many lines it will take."""

    unit: Unit
    guess: int


class Document:
    """Text that arrives in pieces, as lines.

    ``done`` only ever grows; ``tail`` is replaced on each ``advance``. The text must be harmless already. Of a text
    that comes faster than it can be rendered, the end is rendered first (``advance`` with ``rows``), and what is before
    it afterwards; ``parts`` has blank lines in its place until then.
    """

    def __init__(self, renderer: Renderer, width: int) -> None:
        self.done: list[Line] = []
        self.tail: list[Line] = []
        self._renderer = renderer
        self._width = width
        self._parts: list[str] = []
        self._pending: list[str] = []
        self._tail = ""
        self._complete = 0  # characters of the tail that are complete lines
        self._parsed = 0  # characters of the tail that the last split has seen
        self._number: int | None = None
        self._fence: _Fence | None = None
        self._bulk: list[Line] = []
        self._bulk_upto = 0
        self._env: dict[str, Any] = {}  # markdown-it's notes: the link targets it has seen
        self._later: deque[_Later | list[Line]] = deque()  # between ``done`` and ``tail``; begins with a unit put off
        self._putting_off = False

    def feed(self, text: str) -> None:
        """Take more text; nothing is rendered before ``advance``."""
        self._parts.append(text)
        self._pending.append(text)

    @property
    def text(self) -> str:
        """Everything that has been fed."""
        return "".join(self._parts)

    @property
    def pending(self) -> bool:
        """Whether text has come that no line shows yet."""
        return self.waiting or self.gaps

    @property
    def waiting(self) -> bool:
        """Whether text has come that ``advance`` has not looked at yet."""
        return bool(self._pending)

    @property
    def gaps(self) -> bool:
        """Whether something before the end is put off."""
        return bool(self._later)

    @property
    def parts(self) -> list[list[Line]]:
        """All lines, those that are put off as blank ones."""
        between = [[BLANK] * part.guess if isinstance(part, _Later) else part for part in self._later]
        return [self.done, *between, self.tail]

    def advance(self, limit: int | None = None, rows: int | None = None) -> None:
        """Bring the lines up to date with the text, or with the next ``limit`` characters of it.

        With ``rows``, only so many lines at the end are sure to be rendered; call it again while something is
        ``pending``.
        """
        if not self._pending:
            self._fill(FILL_LINES if rows is not None or limit is not None else None)
            return
        if limit is None:
            self._fill(None)
        self._putting_off = rows is not None or bool(self._later)
        text = "".join(self._pending)
        self._pending.clear()
        if limit is not None and len(text) > limit:
            text, rest = text[:limit], text[limit:]
            self._pending.append(rest)
        self._tail += text
        self._complete = self._tail.rfind("\n") + 1
        while self._seal():
            pass
        if self._putting_off:
            self._render_end(rows or 0)
        self.tail = self._open_lines()

    def _render_end(self, rows: int) -> None:
        """Render what has been put off, from the end, until so many lines are there."""
        found = 0
        for index in range(len(self._later) - 1, -1, -1):
            if found >= rows:
                break
            part = self._later[index]
            if isinstance(part, _Later):
                part = self._later[index] = self._rendered([part.unit], first=False)
            found += len(part)
        self._join()

    def _fill(self, lines: int | None) -> None:
        """Render what has been put off, from the start, until it is ``lines`` lines; ``None`` = all of it."""
        until = len(self.done) + (lines or 0)
        while self._later and (lines is None or len(self.done) < until):
            part = self._later.popleft()
            assert isinstance(part, _Later)
            self.done.extend(self._rendered([part.unit], first=not self.done))
            self._join()

    def _join(self) -> None:
        """Move what is rendered and follows ``done`` there."""
        while self._later and isinstance(self._later[0], list):
            lines = self._later.popleft()
            assert isinstance(lines, list)
            if not self.done and lines and lines[0] is BLANK:
                lines = lines[1:]  # what was to stand before it has no lines
            self.done.extend(lines)

    def _rendered(self, units: Sequence[Unit], *, first: bool) -> list[Line]:
        self._renderer.complete(units)
        return self._renderer.render(units, self._width, first=first)

    def close(self) -> None:
        """Say that no more text comes: every unit is finished, and link targets are known."""
        self.advance()
        self._putting_off = False
        self._renderer.outline(self._tail, None, self._env)
        text = self.text
        if self._env.get("references") and len(text) <= MAX_CHARS:
            self.done = self._renderer.document(text, self._width)
        elif self._tail:
            self._finish(self._renderer.outline(self._tail, self._number), len(self._tail))
        self._tail = ""
        self.tail = []

    def _seal(self) -> bool:
        """Move what is finished from the tail to ``done``; say whether the rest wants another look."""
        if self._fence is not None:
            return self._scan_fence(self._fence)
        if self._complete <= self._parsed or (
            self._parsed > BULK_CHARS and self._complete < self._parsed * REPARSE_GROWTH
        ):
            return False
        self._parsed = self._complete
        text = self._tail[: self._complete]
        units = self._renderer.outline(text, self._number, self._env)
        if not units:
            return False
        last = units[-1]
        if last.start:
            offset = _offset(text, last.start)
            number = last.number if last.joined else None
            self._finish(units[:-1], offset)
            self._number = number
        if last.tokens[0].type == "fence":
            return self._open_fence()
        return False

    def _finish(self, units: Sequence[Unit], offset: int) -> None:
        """Render finished units, the first ``offset`` characters of the tail, or put them off."""
        if self._putting_off:
            self._later.extend(_Later(unit, _height(unit, self._width)) for unit in units)
        else:
            self.done.extend(self._rendered(units, first=not self.done))
        self._tail = self._tail[offset:]
        self._complete -= offset
        self._parsed = self._complete
        self._number = None
        self._fence = None
        self._bulk = []
        self._bulk_upto = 0

    def _open_fence(self) -> bool:
        opening = _OPENING.match(self._tail)
        if opening is None:
            return False
        language = opening["info"].strip().partition(" ")[0]
        shown = OpenFence(language, self._renderer.palette, self._width)
        self._fence = _Fence(opening, shown, self._tail.index("\n") + 1)
        return True

    def _scan_fence(self, fence: _Fence) -> bool:
        while fence.scanned < self._complete:
            end = self._tail.index("\n", fence.scanned)
            line = self._tail[fence.scanned : end]
            fence.scanned = end + 1
            if fence.closes(line):
                offset = fence.scanned
                self._finish(self._renderer.outline(self._tail[:offset]), offset)
                self._parsed = 0
                return True
            fence.shown.add(fence.code(line))
        return False

    @property
    def _first(self) -> bool:
        """Whether no line stands before the tail."""
        return not (self.done or self._later)

    def _open_lines(self) -> list[Line]:
        if self._fence is not None:
            partial = self._tail[self._complete :]
            shown = None if not partial or self._fence.may_close(partial) else self._fence.code(partial)
            lines = self._fence.shown.lines(shown)
            return [BLANK, *lines] if lines and not self._first else lines
        if len(self._tail) > BULK_CHARS:
            return self._bulk_lines()
        return self._render_tail(self._tail)

    def _render_tail(self, text: str) -> list[Line]:
        return self._renderer.render(self._renderer.units(text, self._number), self._width, first=self._first)

    def _bulk_lines(self) -> list[Line]:
        if not self._bulk_upto:
            upto = self._tail.rfind("\n", 0, BULK_CHARS) + 1
            self._bulk = self._render_tail(self._tail[:upto])
            self._bulk_upto = upto
        if self._complete > self._bulk_upto:
            text = self._tail[self._bulk_upto : self._complete].removesuffix("\n")
            self._bulk.extend(self._plain(text))
            self._bulk_upto = self._complete
        partial = self._tail[self._bulk_upto :]
        return [*self._bulk, *self._plain(partial)] if partial else list(self._bulk)

    def _plain(self, text: str) -> list[Line]:
        return plain_lines(text, self._renderer.palette.base, self._renderer.console, self._width)


def _height(unit: Unit, width: int) -> int:
    """Guess how many lines a unit takes, with the one before it."""
    chars = sum(len(token.content) for token in unit.tokens if token.map)
    begin, end = unit.tokens[0].map or (0, 1)
    return max(end - begin, chars // max(width, 1)) + (not unit.joined)


def _offset(text: str, line: int) -> int:
    """Return where line number ``line`` begins."""
    offset = 0
    for _ in range(line):
        offset = text.index("\n", offset) + 1
    return offset
