"""What a home's database says, read from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def rows(database: Path, query: str, *values: object) -> list[tuple[object, ...]]:
    """Ask the database."""
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        return connection.execute(query, values).fetchall()


def ids(database: Path) -> Mapping[str, str]:
    """The conversation of the first prompt, and a request that waits."""
    (conversation,) = rows(database, "SELECT id FROM conversations WHERE title LIKE 'zqTITLE%'")[0]
    (waits,) = rows(database, "SELECT id FROM requests WHERE prompt LIKE 'zqPAUSED%' AND status = 'paused'")[0]
    return {"{ID}": str(conversation), "{WAITS}": str(waits)}


def statuses(database: Path, prompt: str) -> list[str]:
    """In which states the requests of a prompt are; a draft that a killed desk had kept may stand before it."""
    query = "SELECT status FROM requests WHERE substr(prompt, -length(?1)) = ?1"
    return [str(status) for (status,) in rows(database, query, prompt)]


def newest(database: Path) -> list[tuple[object, ...]]:
    """The last requests, for somebody who looks for one: state and prompt."""
    return rows(database, "SELECT status, substr(prompt, 1, 300) FROM requests ORDER BY rowid DESC LIMIT 3")
