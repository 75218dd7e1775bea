"""A YAML file as plain values, with the place of every key and value; every structural fault is collected.

Works on the parser's events, so that nothing is built of an anchor, an alias or a tag, and depth is known before it
hurts (policy F1, F5, F6, F7, F9).
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from llmdesk.config.scalars import plain_scalar
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

Path = tuple[str | int, ...]
Value = Any
"""What YAML can hold: dict, list, str, int, float, bool, None."""

MAX_DEPTH = 50
MAX_NODES = 20_000
"""Keys and values in one file; far above any real configuration, far below what hurts."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong, and where."""

    place: Place
    message: str


START = Place(1, 1)


@dataclass(slots=True)
class Tree:
    """A file's content. ``values`` and ``keys`` say where the value, and the key, of each path stands."""

    root: Value = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def place(self, path: Path, *, key: bool = False) -> Place | None:
        """Where ``path`` stands (its key, if asked), or the nearest thing around it; ``None`` = not in the file."""
        if key and path in self.keys:
            return self.keys[path]
        while path:
            if path in self.values:
                return self.values[path]
            path = path[:-1]
            if path in self.keys:
                return self.keys[path]
        return None


_NOWHERE = "\0"
"""Stands in the path of what is read only to find its faults."""


class _TooMuchError(Exception):
    """Reading stops here; the fault is noted already."""


def read_tree(text: str) -> Tree:
    """Read ``text``; what is wrong with its structure is in ``faults``, and reading goes on as far as it can."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    tree = Tree()
    try:
        builder = _Builder(tree, iter(YAML(typ="safe", pure=True).parse(text)).__next__)
        builder.read_stream()
    except _TooMuchError:
        pass
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else START
        tree.faults.append(Fault(place, _syntax_message(error, text.splitlines(), place)))
    except ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        tree.faults.append(Fault(place, "a control character; it cannot be part of a YAML file"))
    except RecursionError:
        tree.faults.append(Fault(START, f"too deeply nested (at most {MAX_DEPTH} levels)"))
    return tree


def _syntax_message(error: Any, lines: list[str], place: Place) -> str:
    """Say what is wrong in the reader's terms where the parser's own are of no help."""
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    problem = " ".join(str(error.problem or "not valid YAML").split())
    if line[place.column - 2 : place.column] == "${":
        return 'inside { } or [ ] a ${...} must be in quotes: "${NAME}"'
    if "'\\t'" in problem:
        return "a tab; YAML is indented with spaces"
    if problem.startswith("mapping values are not allowed"):
        return "a ': ' where no key can stand; put the value in quotes if it contains one"
    if "cannot start any token" in problem:
        return f"{problem.removeprefix('found ')}; put the value in quotes"
    return problem


class _Builder:
    """Turns events into values, one call a node."""

    def __init__(self, tree: Tree, next_event: Callable[[], Any]) -> None:
        self._tree = tree
        self._next = next_event
        self._nodes = 0

    def read_stream(self) -> None:
        self._next()
        event = self._next()
        if _kind(event) == "StreamEnd":
            return
        self._tree.root = self._node(self._next(), ())
        self._next()
        event = self._next()
        if _kind(event) == "DocumentStart":
            self._fault(event, "a second document begins; a configuration is one document")

    def _fault(self, event: Any, message: str) -> None:
        self._tree.faults.append(Fault(_place(event), message))

    def _node(self, event: Any, path: Path) -> Value:
        self._nodes += 1
        if len(path) > MAX_DEPTH or self._nodes > MAX_NODES:
            limit = f"too deeply nested (at most {MAX_DEPTH} levels)"
            self._fault(event, limit if len(path) > MAX_DEPTH else f"more than {MAX_NODES} entries")
            raise _TooMuchError
        self._tree.values[path] = _place(event)
        kind = _kind(event)
        if kind == "Alias":
            self._fault(event, f"*{event.anchor} is an alias; write the value out")
            return None
        if event.anchor is not None:
            self._fault(event, f"&{event.anchor} is an anchor; write the value out where it is needed")
        if event.tag is not None:
            self._fault(event, "a tag ('!…'); plain values only. Put the text in quotes if it begins with '!'")
        if kind == "MappingStart":
            return self._mapping(path)
        if kind == "SequenceStart":
            return self._sequence(path)
        quoted = event.style is not None or not event.implicit[0]
        return event.value if quoted else plain_scalar(event.value)

    def _sequence(self, path: Path) -> list[Value]:
        items: list[Value] = []
        while _kind(event := self._next()) != "SequenceEnd":
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Value]:
        entries: dict[str, Value] = {}
        while _kind(event := self._next()) != "MappingEnd":
            name = self._key(event, path)
            if name is not None and name not in entries:
                self._tree.keys[*path, name] = _place(event)
                entries[name] = self._node(self._next(), (*path, name))
                continue
            if name is not None:
                first = self._tree.keys[*path, name].line
                self._fault(event, f"duplicate key '{name}' (first in line {first})")
            self._node(self._next(), (*path, _NOWHERE))
        return entries

    def _key(self, event: Any, path: Path) -> str | None:
        """Read a key; ``None`` for what cannot be one."""
        if _kind(event) == "Scalar":
            if event.anchor is not None or event.tag is not None:
                self._fault(event, "a key with an anchor or a tag; plain keys only")
            return str(event.value)
        if _kind(event) != "Alias":
            self._fault(event, "a key must be a word")
        self._node(event, (*path, _NOWHERE))
        return None


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)
