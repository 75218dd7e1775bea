"""Rows of a report for programs: CSV with a header, one JSON array, or one JSON object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from llmdesk.cli.csv_cells import csv_line
from llmdesk.cli.output import as_json
from llmdesk.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Sequence

    from llmdesk.cli.report import Report
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.desk import Desk

Form = Literal["table", "csv", "json", "lines"]
"""How rows are written; ``lines`` is one JSON object a line."""

CHUNK = 32_768
"""Rows are written in pieces of about so many characters, so that any number of them fits into memory."""


def format_option(*, table: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare ``--format`` as parameter ``form``; without ``table`` there is no form for people, and CSV is usual."""
    forms = ["table", "csv", "json"] if table else ["csv", "json"]
    words = f"{forms[0]} unless given" + ("; json is one array." if table else "; json is one array, streamed.")
    return click.option("--format", "form", type=click.Choice(forms), help=f"The form of the rows: {words}")


def chosen_form(session: Session, form: str | None, *, usual: Form = "table") -> Form:
    """Bring ``--format`` and ``--json`` together.

    Raises:
        UsageError: they contradict each other.
    """
    match form:
        case None:
            return "lines" if session.json else usual
        case "json":
            return "json"
        case "csv" | "table":
            if session.json:
                raise UsageError(f"--json and --format {form} exclude each other.")
            return form
        case _:
            raise UsageError(f"There is no format '{form}'. Known: table, csv, json.")


class Rows:
    """Writes rows of the same fields.

    Args:
        form: csv, json or lines.
        columns: the fields in their order; an object within a row is written as ``name_key`` in CSV.
    """

    def __init__(self, form: Form, columns: Sequence[str]) -> None:
        self._form = form
        self._columns = columns
        self._between = ""

    def head(self) -> str:
        """What comes before the first row."""
        match self._form:
            case "csv":
                return csv_line(self._columns)
            case "json":
                return "["
            case "lines" | "table":
                return ""

    def row(self, report: Report) -> str:
        """One row, with what separates it from the one before."""
        if self._form == "csv":
            flat = flattened(report)
            return csv_line([flat.get(column) for column in self._columns])
        if self._form == "lines":
            return as_json(report) + "\n"
        between, self._between = self._between or "\n", ",\n"
        return between + as_json(report)

    def tail(self) -> str:
        """What comes after the last row."""
        if self._form != "json":
            return ""
        return "\n]\n" if self._between else "]\n"


def flattened(report: Report) -> Report:
    """A row without objects in it: ``{"errors": {"net": 1}}`` becomes ``{"errors_net": 1}``."""
    if dict not in map(type, report.values()):
        return report
    flat: dict[str, object] = {}
    for name, value in report.items():
        if isinstance(value, dict):
            flat.update({f"{name}_{key}": item for key, item in value.items()})
        else:
            flat[name] = value
    return flat


def write_rows(session: Session, desk: Desk, form: Form, columns: Sequence[str], reports: Iterable[Report]) -> None:
    """Write rows that are all there; where there are none, what may be the reason is told on stderr."""
    rows = Rows(form, columns)
    body = [rows.row(report) for report in reports]
    _as_utf8(session, form)
    session.out.stdout.write(rows.head() + "".join(body) + rows.tail())
    if not body:
        session.tell(desk.warnings)


async def stream_rows(
    session: Session, signals: Signals, form: Form, columns: Sequence[str], reports: AsyncIterable[Report]
) -> int:
    """Write rows as they come, in bounded memory, and return how many they were.

    Raises:
        SinkClosed: the reader is gone.
    """
    rows, count = Rows(form, columns), 0
    _as_utf8(session, form)
    held = [rows.head()]
    size = 0
    async for report in reports:
        held.append(text := rows.row(report))
        count += 1
        size += len(text)
        if size >= CHUNK:
            await session.out.stdout.write_when_free("".join(held), signals.stop)
            held, size = [], 0
    await session.out.stdout.write_when_free("".join(held) + rows.tail(), signals.stop)
    return count


def _as_utf8(session: Session, form: Form) -> None:
    """A CSV file is UTF-8 whatever the terminal of the one who wrote it takes (JSON is ASCII anyway)."""
    if form == "csv" and not session.out.stdout.is_terminal:
        session.out.stdout.encoding = "utf-8"
