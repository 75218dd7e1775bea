"""An event as a line of JSON: ids and numbers, what was said left out, what is secret masked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Literal

from llmdesk.core.errors import DeskError
from llmdesk.core.text import MASK, redact, storable

Level = Literal["debug", "info", "warning", "error"]

VALUE_LIMIT = 2_000
TRACEBACK_LIMIT = 8_000
"""So much of a text is written, characters."""

_SECRET = re.compile(
    r"(?i)(?:^|[^a-z])(?:api_?keys?|keys?|tokens?|secrets?|passw(?:or)?ds?|passphrase|authorization|cookies?|credentials?"
    r"|signatures?)(?:$|[^a-z])"
)
_TEXT = frozenset({
    "answer", "body", "content", "discarded_text", "messages", "payload", "prompt", "reasoning", "system", "text",
    "thinking", "title",
})  # fmt: skip


def log_line(level: Level, event: str, fields: Mapping[str, object]) -> str:
    """One event as a line of JSON; secrets are taken out last, so that nothing is added after it."""
    told = {**fields, "event": event, "level": level}
    error = told.pop("exc_info", None)
    if isinstance(error, BaseException):
        told["exception"] = _traced(error)
    return json.dumps({name: _clean(name, value) for name, value in told.items()}) + "\n"


_MOST_CAUSES = 5
"""So many exceptions that led to one are told."""

_TELLING = (OSError, ImportError, NameError, AttributeError, TypeError, DeskError)
"""Exceptions whose words speak of files, names and settings; those of others may quote what they were handed."""


def _traced(error: BaseException) -> str:
    """Where an exception went and what it was, without locals and quotations."""
    import traceback

    lines: list[str] = []
    chain: BaseException | None = error
    while chain is not None and len(lines) < _MOST_CAUSES:
        frames = "".join(traceback.format_tb(chain.__traceback__))
        words = f": {chain}" if isinstance(chain, _TELLING) else ""
        lines.append(f"{frames}{type(chain).__qualname__}{words}")
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    return "\nbefore that:\n".join(lines)


def _clean(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value  # a number is no secret, whatever it is called (prompt_token_count)
    if _SECRET.search(name):
        return MASK
    if name in _TEXT:
        return f"[{len(value)} characters]" if isinstance(value, str) else "[left out]"
    return _redacted(name, value)


def _redacted(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, each) for each in value]
    # The end of a traceback says what happened, the beginning of everything else.
    text = storable(str(value))
    return redact(text[-TRACEBACK_LIMIT:] if name == "exception" else text[:VALUE_LIMIT])
