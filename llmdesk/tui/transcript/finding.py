"""Finding words in a conversation: hits are counted in what was written, and located in the lines it is shown as.

Both sides are compared without letter case, Markdown's signs of emphasis and the amount of white space, so that a
phrase is found wherever it wraps and however it is set.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from llmdesk.core.text import sanitise
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, SummaryEntry, VersionEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmdesk.tui.transcript.entries import Entry
    from llmdesk.tui.transcript.lines import Line

_SIGNS = frozenset("*`~")
_NO_SIGNS = dict.fromkeys(map(ord, _SIGNS))
_SPACE = re.compile(r"\s+")

Span = tuple[int, int]
"""Characters of a line, from and to."""


class Hit(NamedTuple):
    """One place where the words stand: the entry, and which of its hits this is, from 0."""

    key: int
    nth: int


def needle_of(words: str) -> str:
    """Return what is compared; empty when there is nothing to look for."""
    return _Comparable((words,)).text.strip()


def hits(key: int, entry: Entry, needle: str) -> list[Hit]:
    """Return every hit in an entry; what is folded away (discarded, summed up, an earlier version) holds none."""
    if isinstance(entry, SummaryEntry | VersionEntry) or (
        isinstance(entry, AnswerEntry) and entry.state is AnswerState.DISCARDED
    ):
        return []
    text = sanitise(entry.text)
    lowered = text.lower().translate(_NO_SIGNS)
    if len(text.lower()) != len(text):
        lowered = _Comparable((text,)).text
    return [Hit(key, nth) for nth in range(_SPACE.sub(" ", lowered).count(needle))]


def spans(lines: Sequence[Line], needle: str, nth: int) -> Mapping[int, Span]:
    """Return where a hit is shown, by line; of one that is not shown as it was written, nothing."""
    shown = _Comparable(line.text[line.skip :].rstrip() for line in lines)
    at = -1
    for _ in range(nth + 1):
        at = shown.text.find(needle, at + 1 if at < 0 else at + len(needle))
        if at < 0:
            return {}
    found: dict[int, Span] = {}
    for number, column in shown.places[at : at + len(needle)]:
        start = column + lines[number].skip
        found[number] = (found.get(number, (start, start))[0], start + 1)
    return found


def all_spans(lines: Sequence[Line], needle: str) -> Mapping[int, tuple[Span, ...]]:
    """Return where every hit is shown, by line."""
    shown = _Comparable(line.text[line.skip :].rstrip() for line in lines)
    found: dict[int, dict[int, Span]] = {}
    at = shown.text.find(needle)
    while at >= 0:
        for number, column in shown.places[at : at + len(needle)]:
            start = column + lines[number].skip
            line = found.setdefault(number, {})
            line[at] = (line.get(at, (start, start))[0], start + 1)
        at = shown.text.find(needle, at + len(needle))
    return {number: tuple(line.values()) for number, line in found.items()}


class _Comparable:
    """Lines as one text that can be searched, and where each of its characters comes from."""

    def __init__(self, lines: Iterable[str]) -> None:
        chars: list[str] = []
        self.places: list[tuple[int, int]] = []
        for number, line in enumerate(lines):
            for column, char in enumerate(f"{line}\n"):
                if char in _SIGNS or (char.isspace() and (not chars or chars[-1] == " ")):
                    continue
                # One character for one: some letters become two in lower case.
                chars.append(" " if char.isspace() else char.lower()[0])
                self.places.append((number, column))
        self.text = "".join(chars)
