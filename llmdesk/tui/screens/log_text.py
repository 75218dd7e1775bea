"""Log lines as text: time, level, event and fields; and which of them a filter lets through."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Self

from llmdesk.core.text import one_line, sanitise
from llmdesk.core.values import dataclass
from llmdesk.tui.widgets.text_lines import TextLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmdesk.core.log_lines import LogLine
    from llmdesk.tui.widgets.text_lines import Kind

VALUE_LIMIT = 400
LINE_LIMIT = 2_000
"""Characters that are shown of one field, and of one line."""

_KINDS: dict[str, Kind] = {"error": "error", "critical": "error", "warning": "warning"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Words that a line must have, and ``name:value`` that a field of that name must have."""

    words: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, query: str) -> Self:
        """Read what was typed."""
        words, fields = [], []
        for word in query.lower().split():
            name, colon, value = word.partition(":")
            if colon and name:
                fields.append((name, value))
            else:
                words.append(word)
        return cls(words=tuple(words), fields=tuple(fields))

    def fits(self, line: LogLine) -> bool:
        """Whether the line is shown."""
        told = {"level": line.level, "event": line.event, "at": line.at, **dict(line.fields)}
        whole = " ".join((*told.values(), line.exception)).lower()
        if not all(word in whole for word in self.words):
            return False
        return all(
            value in told[name].lower() if name in told else f"{name}:{value}" in whole for name, value in self.fields
        )


def log_text(lines: Sequence[LogLine], wanted: LogFilter) -> list[TextLine]:
    """The lines that fit, with their tracebacks below them."""
    return [shown for line in lines if wanted.fits(line) for shown in _shown(line)]


def _shown(line: LogLine) -> Iterator[TextLine]:
    if not line.level:
        yield TextLine(text=one_line(line.event, LINE_LIMIT), kind="note")
        return
    fields = " ".join(f"{name}={one_line(value, VALUE_LIMIT)}" for name, value in line.fields if value != "null")
    text = one_line(f"{one_line(line.event, VALUE_LIMIT)} · {fields}" if fields else line.event, LINE_LIMIT)
    side = f"{_time(line.at)}{one_line(line.level, 8):<8}"
    yield TextLine(text=text, kind=_KINDS.get(line.level, "text"), side=side, words=True)
    for row in sanitise(line.exception).split("\n") if line.exception else ():
        yield TextLine(text=f"  {row}".replace("\t", "    "), kind="note")


def _time(at: str) -> str:
    """The local time of an event; with its date when that is not today."""
    try:
        then = datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError, OSError):
        return one_line(at, 20) + " "
    today = then.date().isoformat() == time.strftime("%Y-%m-%d", time.localtime(time.time()))
    return then.strftime("%H:%M:%S " if today else "%m-%d %H:%M:%S ")
