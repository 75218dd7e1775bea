"""What could be written where the cursor stands: a slash command, what may follow it, or an ``@path``.

Only the word before the cursor is looked at, so that a long text types like a short one.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass
from llmdesk.tui.commands import BY_NAME, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOOK_BACK = 512
"""Characters before the cursor that are looked at; no path is longer than a few hundred."""

SHOWN_AT_MOST = 60
"""Choices that are offered at a time; more letters leave fewer."""


class Kind(Enum):
    """What is being written."""

    COMMAND = "command"
    VALUE = "value"
    PATH = "path"
    MENTION = "mention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A word that may be completed: ``word`` stands from ``start`` up to the cursor, at ``end``, in its line.

    ``command`` is the slash command it belongs to, empty for a mention. The ``@`` and an opening quote are part of what
    stands there, but not of ``word``; ``quoted`` = there is such a quote.
    """

    kind: Kind
    word: str
    start: int
    end: int
    command: str = ""
    quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something that could stand there. ``goes_on`` = there is more to write behind it, so it is not run at once.

    ``begins`` = it begins with what was typed, so Enter means it; other choices are only near.
    """

    name: str
    help: str = ""
    goes_on: bool = False
    begins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What may follow a command: names from ``source``, or the path of a file.

    ``closed`` = nothing else can follow, so a beginning of a name is not a value of its own; ``several`` = more than
    one may follow; ``goes_on`` = something is written behind the name.
    """

    source: str
    closed: bool = False
    several: bool = False
    goes_on: bool = False
    more: tuple[tuple[str, str], ...] = ()


ARGUMENTS = {
    "lane": Values(source="lanes", closed=True),
    "compare": Values(source="lanes", closed=True, several=True),
    "model": Values(source="models", more=(("default", "the lane's own targets again"),)),
    "retry": Values(source="models"),
    "theme": Values(source="themes", closed=True),
    "reasoning": Values(source="reasoning", closed=True),
    "params": Values(source="params", several=True, goes_on=True, more=(("default", "as the lane says"),)),
    "export": Values(source="forms", closed=True),
    "copy": Values(source="blocks", closed=True),
    "prompt": Values(source="prompts", closed=True, more=(("save", "keep the last prompt sent: save NAME"),)),
    "attach": Values(source="files", more=(("clipboard", "the image or text in it"), ("none", "take all of them off"))),
    "import": Values(source="files"),
}
"""The commands whose arguments are known."""

_MENTION = re.compile(r'(?<!\S)@(?:"(?P<quoted>[^"\n]*)|(?P<plain>[^\s"@]*))$')


def spot_at(line: str, column: int, *, alone: bool) -> Spot | None:
    """Find the word before the cursor, if it is one that can be completed.

    Args:
        line: the line the cursor is in.
        column: where in it.
        alone: it is the only line; commands are of one line.
    """
    if alone and line.startswith("/") and column == len(line) <= LOOK_BACK:
        return _in_command(line)
    first = max(0, column - LOOK_BACK)
    before = line[first:column]
    if "@" not in before:
        return None
    found = _MENTION.search(before)
    if found is None or (first and found.start() == 0):
        return None
    quoted = found["quoted"] is not None
    word = found["quoted"] if quoted else found["plain"]
    return Spot(kind=Kind.MENTION, word=word, start=first + found.start(), end=column, quoted=quoted)


def _in_command(line: str) -> Spot | None:
    name, space, argument = line[1:].partition(" ")
    if not space:
        return Spot(kind=Kind.COMMAND, word=line, start=0, end=len(line)) if matching(line) else None
    command = BY_NAME.get(name.lower())
    values = ARGUMENTS.get(command.name) if command is not None else None
    if command is None or values is None:
        return None
    word = argument.rpartition(" ")[2] if values.several else argument.lstrip()
    kind = Kind.PATH if values.source == "files" else Kind.VALUE
    return Spot(kind=kind, word=word, start=len(line) - len(word), end=len(line), command=command.name)


def commands_for(word: str) -> list[Choice]:
    """The commands that begin so, each with what may follow it and its help."""
    return [
        Choice(
            name=f"/{command.name}",
            help=f"{command.argument}  {command.help}" if command.argument else command.help,
            goes_on=command.needs_argument,
            begins=True,
        )
        for command in matching(word)
    ]


def values_for(spot: Spot, names: Iterable[tuple[str, str]]) -> list[Choice]:
    """The names that fit what is typed; none once one of them is typed whole and nothing longer begins so."""
    values = ARGUMENTS[spot.command]
    offered = dict((*names, *values.more))
    found = [
        Choice(
            name=name,
            help=offered[name],
            goes_on=(values.goes_on and name not in dict(values.more)) or name == "save",
            begins=bool(spot.word) and values.closed and name.lower().startswith(spot.word.lower()),
        )
        for name in ranked(spot.word, offered)
    ]
    return [] if [choice.name for choice in found] == [spot.word] else found


def paths_for(spot: Spot, entries: Iterable[tuple[str, bool, int]]) -> list[Choice]:
    """The entries of a folder (name, whether it is a folder, bytes) that fit the last part of what is typed."""
    from llmdesk.tui.words import size

    folder, last = split_path(spot.word)
    listed = {name: (is_folder, count) for name, is_folder, count in entries}
    shown = [name for name in listed if last.startswith(".") or not name.startswith(".")]
    found = [
        Choice(
            name=f"{folder}{name}{'/' if listed[name][0] else ''}",
            help="folder" if listed[name][0] else size(listed[name][1]),
            goes_on=listed[name][0],
            begins=bool(last) and name.lower().startswith(last.lower()),
        )
        for name in ranked(last, shown)
    ]
    if spot.kind is Kind.PATH and not folder:
        extra = ARGUMENTS[spot.command].more
        found += [Choice(name=name, help=text) for name, text in extra if name.startswith(spot.word)]
    whole = [choice for choice in found if choice.name == spot.word]
    # A file that is named whole needs nothing: Enter is for sending again, even where a longer name begins so.
    return [] if whole else found


def split_path(word: str) -> tuple[str, str]:
    """Split into the folder as it was typed, with its slash, and the last part."""
    folder, slash, last = word.rpartition("/")
    return folder + slash, last


def ranked(word: str, names: Iterable[str]) -> list[str]:
    """The names that hold the letters in this order, whatever their case; those that begin so first, then the rest."""
    wanted = word.lower()
    grades: tuple[list[str], list[str], list[str]] = ([], [], [])
    for name in names:
        grade = _grade(wanted, name.lower())
        if grade is not None:
            grades[grade].append(name)
    return [name for grade in grades for name in grade][:SHOWN_AT_MOST]


def _grade(wanted: str, name: str) -> int | None:
    """0 = begins so, 1 = holds it, 2 = holds its letters in order; ``None`` = it does not fit."""
    if name.startswith(wanted):
        return 0
    if wanted in name:
        return 1
    letters = iter(name)
    return 2 if len(wanted) > 1 and all(letter in letters for letter in wanted) else None


def marked_first(choices: Sequence[Choice]) -> int:
    """Which choice Enter takes before the user has moved in the list: the first if it begins so; -1 = none."""
    return 0 if choices and choices[0].begins else -1


def taken(line: str, spot: Spot, choice: Choice) -> tuple[str, int]:
    """Return what stands instead of the word, and how many characters of the line behind the cursor it replaces."""
    behind = line[spot.end :]
    space = "" if behind[:1].isspace() else " "
    if spot.kind is Kind.COMMAND:
        return f"{choice.name} ", 0
    if spot.kind is not Kind.MENTION:
        several = ARGUMENTS[spot.command].several and not choice.goes_on
        return choice.name + (" " if several or choice.name == "save" else ""), 0
    if not spot.quoted and not _needs_quotes(choice.name):
        return f"@{choice.name}" + ("" if choice.goes_on else space), 0
    if choice.goes_on:
        return f'@"{choice.name}', 0
    closing = 1 if behind.startswith('"') else 0
    space = "" if behind[closing : closing + 1].isspace() else " "
    return f'@"{choice.name}"{space}', closing


_ENDS = ".,;:!?)"


def _needs_quotes(path: str) -> bool:
    """A mention ends at a space, and what ends a sentence is not taken for a part of it."""
    return any(char.isspace() or char == "@" for char in path) or path[-1:] in _ENDS
