"""How each kind of entry looks: entries to lines, at one width, in one palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment

from llmdesk.core.text import sanitise
from llmdesk.tui.transcript.entries import (
    AnswerEntry,
    AnswerState,
    Completeness,
    Level,
    NoteEntry,
    SeamEntry,
    SummaryEntry,
    UserEntry,
    VersionEntry,
)
from llmdesk.tui.transcript.lines import BLANK, Line, Target, plain_lines, rule_line
from llmdesk.tui.words import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.style import Style

    from llmdesk.tui.transcript.entries import (
        Entry,
    )
    from llmdesk.tui.transcript.markdown import Renderer
    from llmdesk.tui.transcript.pictures import Gallery, Picture

IMAGE = "image:"
"""How the name of the target begins that shows an image whole; its number follows."""

FOLD = "fold"
"""The name of the target that unfolds reasoning, a summary, an earlier version or a discarded text."""

BAR = "┆ "
"""Stands before every line of an earlier version, so that it is told from what stands without colours too."""

_CHARS_PER_TOKEN = 4
_MARKS = {
    Completeness.FULL: "✔ full",
    Completeness.CUT: "… cut by limit",
    Completeness.INTERRUPTED: "■ interrupted",
    Completeness.REFUSED: "✖ refused",
}
_NOTE_SIGNS = {Level.INFO: "• ", Level.WARNING: "! ", Level.ERROR: "✖ "}
_NOTE_PARTS = {
    Level.INFO: "note",
    Level.WARNING: "note-warning",
    Level.ERROR: "note-error",
}


def guess(entry: Entry, width: int) -> int:
    """Guess how many lines an entry takes, without laying it out."""
    if isinstance(entry, SummaryEntry | VersionEntry):
        return 2
    text = entry.text
    lines = text.count("\n") + len(text) // max(width, 1) + 2
    if isinstance(entry, AnswerEntry):
        if entry.state is AnswerState.DISCARDED:
            return 1
        lines += bool(entry.head) + bool(entry.foot or entry.completeness) + bool(entry.reasoning)
    return lines + isinstance(entry, UserEntry)


class Layout:
    """Lays entries out at one width."""

    def __init__(self, renderer: Renderer, width: int, gallery: Callable[[], Gallery] | None = None) -> None:
        self.renderer = renderer
        self.width = width
        self._gallery = gallery

    def lines(self, entry: Entry, *, unfolded: bool) -> list[Line]:
        """Return all lines of an entry that is complete in itself."""
        match entry:
            case UserEntry():
                return self._user(entry, unfolded=unfolded)
            case AnswerEntry(state=AnswerState.DISCARDED):
                return self._discarded(entry, unfolded=unfolded)
            case AnswerEntry():
                return [line for part in self.answer(entry, unfolded=unfolded) for line in part]
            case SummaryEntry() | VersionEntry():
                return self._folded(entry, unfolded=unfolded)
            case SeamEntry():
                return self.plain(sanitise(entry.text).removeprefix("⤷").lstrip(), "seam", sign="⤷ ")
            case NoteEntry():
                return self._note(entry)

    def parts(self, entry: Entry, *, unfolded: bool) -> list[Sequence[Line]]:
        """Return all lines of an entry; those above, of and below its text apart where it is an answer."""
        if isinstance(entry, AnswerEntry) and entry.state is not AnswerState.DISCARDED:
            return self.answer(entry, unfolded=unfolded)
        return [self.lines(entry, unfolded=unfolded)]

    def answer(self, entry: AnswerEntry, *, unfolded: bool) -> list[Sequence[Line]]:
        """Return the lines above, of and below the text of an answer."""
        body = self._body(entry.text)
        return [self.above(entry, entry.reasoning, unfolded=unfolded), body, self.below(entry, bool(body))]

    def above(self, entry: AnswerEntry, reasoning: str, *, unfolded: bool) -> list[Line]:
        """Return what stands above an answer's text: who, and the reasoning."""
        lines = [rule_line(entry.head, self._style("head"), self.width)] if entry.head else []
        if reasoning:
            lines.append(self._fold(f"reasoning ({_tokens(entry, reasoning)})", unfolded=unfolded))
            if unfolded:
                lines += self.plain(sanitise(reasoning).strip("\n"), "reasoning", sign="  ")
        return lines

    def below(self, entry: AnswerEntry, has_body: bool) -> list[Line]:
        """Return what stands below an answer's text: how it went, and a gap."""
        lines: list[Line] = []
        if entry.foot or entry.completeness is not None:
            mark = "" if entry.completeness is None else _MARKS[entry.completeness]
            part = "mark-full" if entry.completeness is Completeness.FULL else "mark-partial"
            if has_body:
                lines.append(BLANK)
            room = self.width - cell_len(mark) - 2 if mark else self.width
            feet = (entry.foot, *entry.shorter_feet)
            foot = next((foot for foot in feet if cell_len(foot) <= room), feet[-1])
            lines.append(rule_line(foot, self._style("foot"), self.width, right=mark, right_style=self._style(part)))
        return [*lines, BLANK]

    def plain(self, text: str, part: str, *, sign: str = "") -> list[Line]:
        """Lay out harmless text as it is, the first line after a sign, the others below its text."""
        lines = plain_lines(text, self._style(part), self.renderer.console, self.width, indent=" " * len(sign))
        if sign and lines:
            first = lines[0]
            lines[0] = first._replace(segments=(Segment(sign, self._style(part)), *first.segments[1:]))
        return lines

    def _user(self, entry: UserEntry, *, unfolded: bool) -> list[Line]:
        head = " · ".join(part for part in (entry.who, entry.at) if part)
        lines = [rule_line(head, self._style("who"), self.width), *self.plain(sanitise(entry.text), "user")]
        style = self._style("attachment")
        lines.extend(rule_line(f"@{name}", style, self.width) for name in entry.attachments)
        for number, picture in enumerate(entry.images):
            lines += self._picture(picture, f"{IMAGE}{number}", unfolded=unfolded)
        return [*lines, BLANK]

    def _picture(self, picture: Picture, target: str, *, unfolded: bool) -> list[Line]:
        """Lay out an image: its name, and itself where the terminal can show it."""
        style, gallery = self._style("attachment"), self._gallery() if self._gallery is not None else None
        if gallery is None or not gallery.shows:
            hint = gallery.hint if gallery is not None else ""
            return [rule_line(picture.label + hint, style, self.width)]
        name = rule_line(f"{'▾' if unfolded else '▸'} {picture.label}", style, self.width)
        lines = [name._replace(skip=2, targets=(Target(0, len(name.text), FOLD),))]
        if unfolded:
            for row in gallery.rows(picture, self.width, self.renderer.palette.base.bgcolor):
                cells = sum(len(segment.text) for segment in row)
                lines.append(Line(row, skip=cells, targets=(Target(0, cells, target),)))
        return lines

    def _discarded(self, entry: AnswerEntry, *, unfolded: bool) -> list[Line]:
        source = f" of {' '.join(sanitise(entry.head).split())}" if entry.head else ""
        lines = [self._fold(f"discarded text{source} ({len(entry.text):,} characters)", unfolded=unfolded)]
        if unfolded:
            lines += self.plain(sanitise(entry.text).strip("\n"), "discarded", sign="  ")
        return lines

    def _folded(self, entry: SummaryEntry | VersionEntry, *, unfolded: bool) -> list[Line]:
        if isinstance(entry, VersionEntry):
            label = f"earlier version ({counted(entry.turns, 'turn')})"
        else:
            who = f" · {' '.join(sanitise(entry.foot).split())}" if entry.foot else ""
            label = f"summary, sent in place of what is above{who}"
        lines = [self._fold(label, unfolded=unfolded)]
        if unfolded:
            lines += self._earlier(entry) if isinstance(entry, VersionEntry) else self._body(entry.text)
        return [*lines, BLANK]

    def _earlier(self, entry: VersionEntry) -> list[Line]:
        """Lay out the entries of an earlier version, everything that is folded in it too."""
        inner, bar = Layout(self.renderer, max(self.width - len(BAR), 1)), Segment(BAR, self._style("fold"))
        lines = [
            line
            for each in entry.entries
            for line in inner.lines(each, unfolded=isinstance(each, SummaryEntry | VersionEntry))
        ]
        return [
            line._replace(
                segments=(bar, *line.segments), skip=line.skip + len(BAR), targets=(),
                end=None if line.end is None else line.end + len(BAR),
                tabs=tuple((start + len(BAR), end + len(BAR), what) for start, end, what in line.tabs),
            )
            for line in lines
        ]  # fmt: skip

    def _body(self, text: str) -> list[Line]:
        return self.renderer.document(sanitise(text), self.width)

    def _note(self, entry: NoteEntry) -> list[Line]:
        part = _NOTE_PARTS[entry.level]
        head, _, rest = sanitise(entry.text).partition("\n")
        lines = self.plain(head, part, sign=_NOTE_SIGNS[entry.level])
        if rest:
            # A warning's details are what to do about it: they are no small print.
            part = "note" if entry.level is Level.INFO else "user"
            console, style = self.renderer.console, self._style(part)
            lines += plain_lines(rest, style, console, self.width, indent="  ", hang=True)
        return [*lines, BLANK]

    def _fold(self, label: str, *, unfolded: bool) -> Line:
        text = f"{'▾' if unfolded else '▸'} {label}"
        shown = shortened(text, self.width)
        return Line((Segment(shown, self._style("fold")),), skip=2, targets=(Target(0, len(shown), FOLD),))

    def _style(self, part: str) -> Style:
        return self.renderer.palette[part]


def _tokens(entry: AnswerEntry, reasoning: str) -> str:
    if entry.reasoning_tokens is not None:
        return f"{entry.reasoning_tokens:,} tokens"
    return f"about {max(len(reasoning) // _CHARS_PER_TOKEN, 1):,} tokens"
