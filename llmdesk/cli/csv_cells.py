"""Cells of a CSV file (RFC 4180) that a spreadsheet cannot take for formulas."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from llmdesk.core.text import sanitise, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

GUARD = "'"
"""Put before what would begin a formula; taking one off again gives the text back."""

# What begins a formula, also in full width, as Japanese input has it (OWASP, CSV Injection); before it whatever a
# spreadsheet drops or passes over. A semicolon counts as a beginning: programs of some countries split cells there.
_FORMULA = re.compile(
    r"(^|;)([\s'\"`\u00ad\u034f\u180e\u200b-\u200f\u2060-\u206f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212])"
)
_PLAIN = re.compile(r"[A-Za-z0-9][ -:<-~]*")
"""Most texts: nothing in them needs a closer look."""

_BREAK = re.compile(r"\r\n|[\r\n\t\v\f\u0085\u2028\u2029]")


def harmless(text: str) -> str:
    """Return foreign ``text`` as one line that is no formula and steers nothing."""
    if _PLAIN.fullmatch(text):
        return text
    return _FORMULA.sub(rf"\1{GUARD}\2", sanitise(_BREAK.sub(" ", storable(text))))


def csv_line(values: Sequence[object]) -> str:
    """Return values as one line: numbers stay numbers, ``None`` is an empty cell, text is harmless."""
    line = io.StringIO()
    csv.writer(line).writerow([_cell(value) for value in values])
    return line.getvalue()


def _cell(value: object) -> object:
    match value:
        case str():
            return harmless(value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case _:
            return harmless(str(value))
