"""What a program prints, read as an answer: plain text, one JSON document, or one JSON document a line."""

from __future__ import annotations

import json
import re
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.errors import AnswerCut
from llmdesk.core.json_path import parse_path
from llmdesk.core.types import ReasoningDelta, TextDelta, Usage
from llmdesk.core.values import dataclass
from llmdesk.providers.command.text import ProgramText
from llmdesk.providers.ndjson import FrameBroken, LineSplitter, document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmdesk.core.json_path import JsonPath
    from llmdesk.providers.base import Caps

TOKEN_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")

Delta = TextDelta | ReasoningDelta

_JSON_LINE = re.compile(rb"^[ \t\r]{0,63}[{\[]", re.MULTILINE)
"""Where a line begins like a JSON document; one search, because there may be millions of lines before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRules:
    """Where things stand in the JSON a program prints; no ``answer`` = it prints plain text.

    Of several paths of ``answer``, ``reasoning``, ``error`` the first that finds something counts; those of a token
    count are added up. ``failed`` is a path whose value tells whether the run failed: then ``error`` is its text;
    without it, any ``error`` is a failure.
    """

    lines: bool = False
    keep_last: bool = False
    answer: tuple[JsonPath, ...] = ()
    reasoning: tuple[JsonPath, ...] = ()
    error: tuple[JsonPath, ...] = ()
    failed: tuple[JsonPath, ...] = ()
    model: tuple[JsonPath, ...] = ()
    usage: Mapping[str, tuple[JsonPath, ...]] = field(default_factory=dict)


def output_rules(told: Mapping[str, object]) -> OutputRules:
    """Read the option ``output`` of an endpoint: names to paths, as texts.

    Raises:
        PathError: a text is no path.
    """

    def paths(value: object) -> tuple[JsonPath, ...]:
        texts = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
        return tuple(parse_path(str(text)) for text in texts)

    usage = told.get("usage")
    return OutputRules(
        lines=bool(told.get("jsonl")),
        keep_last=told.get("keep") == "last",
        answer=paths(told.get("jsonl") or told.get("json")),
        reasoning=paths(told.get("reasoning")),
        error=paths(told.get("error")),
        failed=paths(told.get("failed")),
        model=paths(told.get("model")),
        usage={name: paths(value) for name, value in usage.items()} if isinstance(usage, dict) else {},
    )


class OutputReader(Protocol):
    """Reads one run's stdout."""

    facts: Facts

    def feed(self, data: bytes) -> Iterator[Delta]:
        """Yield what ``data`` completes."""
        ...

    def finish(self) -> Iterator[Delta]:
        """Yield the rest.

        Raises:
            AnswerCut: what came is damaged.
        """
        ...


def reader_for(name: str, rules: OutputRules, caps: Caps) -> OutputReader:
    """The reader for what a provider's program prints."""
    if not rules.answer:
        return _Text()
    return _Lines(name, rules, caps) if rules.lines else _Document(name, rules)


@dataclass(slots=True)
class Facts:
    """What a program told besides its answer. ``error`` empty = it reported none.

    ``lack`` says what its output is instead of an answer; empty = there is an answer, or no output at all.
    """

    model: str = ""
    error: str = ""
    lack: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def usage(self) -> Usage:
        """The tokens it reported; ``None`` where it did not."""
        return Usage(**{name: self.counts.get(name) for name in TOKEN_COUNTS})  # type: ignore[arg-type]

    def used(self) -> Usage | None:
        """The tokens it reported before it failed; ``None`` = none."""
        return self.usage if self.counts else None

    def read(self, rules: OutputRules, value: object) -> None:
        """Take what stands in one JSON document; a later one replaces an earlier one's word."""
        self.model = _first(rules.model, value) or self.model
        failed = any(bool(found) for path in rules.failed for found in path.find(value))
        if error := _first(rules.error, value) if failed or not rules.failed else "":
            self.error = error
        elif failed:
            self.error = self.error or "it reported a failure"
        for name, paths in rules.usage.items():
            numbers = [n for path in paths for n in path.find(value) if isinstance(n, int) and not isinstance(n, bool)]
            if numbers and all(number >= 0 for number in numbers):
                self.counts[name] = sum(numbers)


class _Text:
    """Everything is the answer."""

    def __init__(self) -> None:
        self.facts = Facts()
        self._text = ProgramText()

    def feed(self, data: bytes) -> Iterator[Delta]:
        return _deltas(self._text.feed(data))

    def finish(self) -> Iterator[Delta]:
        return _deltas(self._text.finish())


class _Document:
    """One JSON document; what some programs print before it is skipped."""

    def __init__(self, name: str, rules: OutputRules) -> None:
        self.facts = Facts()
        self._name = name
        self._rules = rules
        self._whole = bytearray()

    def feed(self, data: bytes) -> Iterator[Delta]:
        self._whole += data
        return iter(())

    def finish(self) -> Iterator[Delta]:
        data = _from_json(bytes(self._whole))
        if not data:
            self.facts.lack = "printed no JSON" if self._whole.strip() else ""
            return
        try:
            value = document(data)
        except FrameBroken:
            raise AnswerCut(f"{self._name}: what the program printed is no JSON.") from None
        self.facts.read(self._rules, value)
        self.facts.lack = _lack(self._rules, found=_finds(self._rules, value))
        if not self.facts.error:
            if reasoning := _first(self._rules.reasoning, value):
                yield ReasoningDelta(reasoning)
            yield from _deltas(_first(self._rules.answer, value))


class _Lines:
    """One JSON document a line, each with a piece of the answer or none; lines that are no JSON are skipped.

    With ``keep_last`` the last piece is the answer, and those before it are remarks on the way: reasoning.
    """

    def __init__(self, name: str, rules: OutputRules, caps: Caps) -> None:
        self.facts = Facts()
        self._name = name
        self._rules = rules
        self._lines = LineSplitter(caps.line)
        self._last = ""
        self._damaged = False
        self._printed = False
        self._documents = False
        self._found = False

    def feed(self, data: bytes) -> Iterator[Delta]:
        try:
            yield from self._read(self._lines.feed(data))
        except FrameBroken as problem:
            raise AnswerCut(f"{self._name}: the program's output is damaged ({problem}).") from None

    def finish(self) -> Iterator[Delta]:
        yield from self._read(self._lines.finish())
        if self._damaged:
            raise AnswerCut(f"{self._name}: a line of the program's output is damaged JSON.")
        if self._documents:
            self.facts.lack = _lack(self._rules, found=self._found)
        else:
            self.facts.lack = "printed no JSON" if self._printed else ""
        yield from _deltas(self._last)

    def _read(self, lines: Iterable[bytes]) -> Iterator[Delta]:
        for line in lines:
            self._printed = self._printed or bool(line)
            if not line.startswith((b"{", b"[")):
                continue
            try:
                value = document(line)
            except FrameBroken:
                self._damaged = True  # said at the end: a program that fails may print anything
                continue
            self.facts.read(self._rules, value)
            self._documents = True
            self._found = self._found or _finds(self._rules, value)
            if reasoning := _first(self._rules.reasoning, value):
                yield ReasoningDelta(reasoning)
            yield from self._piece(_first(self._rules.answer, value))

    def _piece(self, piece: str) -> Iterator[Delta]:
        if not piece or not self._rules.keep_last:
            yield from _deltas(piece)
            return
        if self._last:
            yield ReasoningDelta(self._last + "\n\n")
        self._last = piece


def _deltas(text: str) -> Iterator[Delta]:
    if text:
        yield TextDelta(text)


def _first(paths: Sequence[JsonPath], value: object) -> str:
    """The text at the first path that finds any."""
    for path in paths:
        if text := "".join(_as_text(found) for found in path.find(value)):
            return text
    return ""


def _finds(rules: OutputRules, value: object) -> bool:
    """Whether anything stands where the answer is looked for."""
    return any(path.find(value) for path in rules.answer)


def _lack(rules: OutputRules, *, found: bool) -> str:
    return "" if found else f"printed JSON with nothing at {' or '.join(path.text for path in rules.answer)}"


def _as_text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _from_json(data: bytes) -> bytes:
    """Leave out the lines before the first one that begins like a JSON document."""
    found = _JSON_LINE.search(data)
    return data[found.start() :].strip() if found else b""
