"""Attempts that the database could not take: a line of numbers each, in a file beside it, until they are booked.

A line holds what a row of ``attempts`` holds but for its text. Whoever books them first gives the file a name of its
own, under a lock, so that nothing is added to what is being read; that part is deleted when its attempts are in the
database. A program that dies on the way leaves a part behind, which the next one books again: an attempt that is there
already is not booked twice.
"""

from __future__ import annotations

import errno
import json
import os
import re
import uuid
from contextlib import contextmanager, suppress
from datetime import date
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.text import one_line, storable
from llmdesk.core.types import AttemptOutcome
from llmdesk.core.values import dataclass
from llmdesk.new_files import sync_folder
from llmdesk.storage.files import create_private_file, replace_durably

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Row = dict[str, object]

LOCK_TIMEOUT_S = 1.0
"""How long the file of another instance's line is waited for; each takes milliseconds."""

LARGEST = 2**53
"""No count, duration, instant or price in a line is larger; beyond it JSON readers disagree."""

TEXTS = ("message", "details", "served_model", "discarded_text")
"""The columns that may hold what somebody said; no line has them."""

_PART = "booking"
_DAMAGED = "damaged"
_KINDS = frozenset(ErrorKind)
_OUTCOMES = frozenset(AttemptOutcome)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of lines that nobody adds to any more: the rows in it, and the lines that are none."""

    path: Path
    rows: tuple[Row, ...]
    damaged: tuple[bytes, ...]


class Overflow:
    """The file of one installation, shared by all its instances.

    Args:
        path: the file.
        on_warning: told in one line what could not be kept, or read.
    """

    def __init__(self, path: Path, *, on_warning: Callable[[str], None]) -> None:
        self._path = path
        self._warn = on_warning

    def keep(self, rows: Sequence[Mapping[str, object]]) -> bool:
        """Add the numbers of some rows of ``attempts``, durably; returns whether that was possible."""
        lines = b"".join(_line(row) for row in rows)
        try:
            with self._locked():
                _append(self._path, lines)
        except OSError as error:
            cause = error.strerror or type(error).__name__
            self._warn(one_line(f"{len(rows)} attempts could not be counted: {self._path}: {cause}."))
            return False
        return True

    def waits(self) -> bool:
        """Whether there may be anything to book."""
        return self._path.exists() or bool(self._paths())

    def parts(self, connection: sqlite3.Connection) -> tuple[Part, ...]:
        """Everything that was kept so far, as files that nobody adds to any more; what cannot be read is told.

        Args:
            connection: to the database whose rows they are to become.
        """
        try:
            with self._locked(), suppress(FileNotFoundError):
                self._path.rename(self._named(_PART, f"{os.getpid()}-{uuid.uuid4().hex[:12]}"))
        except TimeoutError:
            pass  # somebody is adding lines, which can wait for the next start
        except OSError as error:
            self._complain(self._path, error)
        columns = _columns(connection)
        found = []
        for path in self._paths():
            try:
                lines = path.read_bytes().split(b"\n")
            except FileNotFoundError:
                continue  # another instance has just booked it
            except OSError as error:
                self._complain(path, error)
                continue
            rows = {line: _row(line, columns) for line in lines if line.strip()}
            found.append(
                Part(
                    path=path,
                    rows=tuple(row for row in rows.values() if row is not None),
                    damaged=tuple(line for line, row in rows.items() if row is None),
                )
            )
        return tuple(found)

    def drop(self, part: Part) -> None:
        """Delete a part whose rows are in the database; lines that cannot be read are put aside.

        One that stays is told; its rows are known when they are met again.
        """
        try:
            self._drop(part)
        except OSError as error:
            self._complain(part.path, error)

    def _drop(self, part: Part) -> None:
        aside = self._named(_DAMAGED, part.path.name.rpartition(".")[2].removeprefix(f"{_PART}-"))
        if part.damaged:
            replace_durably(aside, b"".join(line + b"\n" for line in part.damaged))
        try:
            part.path.unlink()
        except FileNotFoundError:
            return  # another instance was faster, and says so
        if part.damaged:
            count = len(part.damaged)
            self._warn(f"{count} damaged line{'s' * (count > 1)} of {self._path.name} could not be booked: see {aside}")

    def _complain(self, path: Path, error: OSError) -> None:
        """Tell of a file that stays where it is; whoever starts has more to do than to count."""
        cause = error.strerror or type(error).__name__
        self._warn(one_line(f"{path}: {cause}: the attempts in it are not counted yet."))

    def _paths(self) -> tuple[Path, ...]:
        return tuple(sorted(self._path.parent.glob(f"{self._path.name}.{_PART}-*")))

    def _named(self, kind: str, mark: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{kind}-{mark}")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock

        with FileLock(self._path.with_name(f"{self._path.name}.lock"), timeout=LOCK_TIMEOUT_S, mode=0o600):
            yield


def _append(path: Path, lines: bytes) -> None:
    """Add whole lines to the end of a file, or nothing."""
    create_private_file(path)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        try:
            _write(descriptor, _mended(descriptor, size) + lines)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if not size:
        sync_folder(path.parent)


def _write(descriptor: int, content: bytes) -> None:
    if os.write(descriptor, content) < len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)


def _mended(descriptor: int, size: int) -> bytes:
    """What ends the last line, where a power cut has torn it; the next one must not be lost with it."""
    if not size:
        return b""
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return b"" if os.read(descriptor, 1) == b"\n" else b"\n"


def _line(row: Mapping[str, object]) -> bytes:
    return json.dumps({name: value for name, value in row.items() if name not in TEXTS}).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class _Column:
    text: bool
    needed: bool
    """It cannot be empty."""
    filled: bool
    """It fills itself."""


def _columns(connection: sqlite3.Connection) -> Mapping[str, _Column]:
    """The columns of an attempt that a line may have: never its key, which the database makes, and never its text."""
    return {
        row["name"]: _Column(
            text=row["type"] == "TEXT", needed=bool(row["notnull"]), filled=row["dflt_value"] is not None
        )
        for row in connection.execute("PRAGMA table_info(attempts)")
        if not row["pk"] and row["name"] not in TEXTS
    }


def _row(line: bytes, columns: Mapping[str, _Column]) -> Row | None:
    """The row that a line stands for, without a word; ``None`` = the line is damaged."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or not row.keys() <= columns.keys():
        return None
    if any(column.needed and not column.filled and name not in row for name, column in columns.items()):
        return None
    if not all(_fits(value, columns[name]) for name, value in row.items()) or not _means_something(row):
        return None
    return {**row, **dict.fromkeys(TEXTS, "")}


def _fits(value: object, column: _Column) -> bool:
    if value is None:
        return not column.needed
    if column.text:
        return isinstance(value, str) and value == storable(value)
    return isinstance(value, int) and 0 <= value <= LARGEST


def _means_something(row: Row) -> bool:
    """Whether the words in a row are words of this program."""
    outcome, kind, day = row.get("outcome"), row.get("error_kind"), str(row.get("day"))
    return outcome in _OUTCOMES and (kind is None or kind in _KINDS) and _DATE.fullmatch(day) is not None and _is(day)


def _is(day: str) -> bool:
    """Whether a calendar has this date."""
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True
