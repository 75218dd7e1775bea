"""A line of the log, taken apart to be read by people; a line that is none of ours stays as it is."""

from __future__ import annotations

import json

from llmdesk.core.values import dataclass

_OWN = ("at", "level", "event", "pid", "exception")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One event. ``at`` is ISO 8601 as it was written; ``level`` empty = the line could not be read.

    ``event`` is then the whole line. ``fields`` are the rest, in the order they were written; ``exception`` is a
    traceback of several lines, empty = none.
    """

    at: str = ""
    level: str = ""
    event: str
    fields: tuple[tuple[str, str], ...] = ()
    exception: str = ""


def parse_log_line(line: str) -> LogLine:
    """Read one line."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return LogLine(event=line)
    if (
        not isinstance(found, dict)
        or not isinstance(found.get("event"), str)
        or not isinstance(found.get("level"), str)
    ):
        return LogLine(event=line)
    return LogLine(
        at=_shown(found.get("at", "")),
        level=found["level"],
        event=found["event"],
        fields=tuple((str(name), _shown(value)) for name, value in found.items() if name not in _OWN),
        exception=_shown(found.get("exception", "")),
    )


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "…"
