"""Booking an attempt: its row, what it adds to every sum, and the end of its reservation, in one transaction.

Every function runs inside its caller's transaction. An attempt is booked once, whoever books it how often.
"""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

from llmdesk.core.budget import Account
from llmdesk.core.errors import ErrorKind
from llmdesk.core.money import to_usd
from llmdesk.core.periods import Calendar
from llmdesk.core.types import Attempt, AttemptOutcome, ModelRef, Usage
from llmdesk.storage.columns import attempt_row, to_s
from llmdesk.storage.rollups import roll_up

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping


def _date_here(at: float) -> date:
    return date(*time.localtime(at)[:3])


HERE = Calendar(_date_here)
"""The calendar of this machine's user."""


def book(
    connection: sqlite3.Connection,
    account: Account,
    attempt: Attempt,
    *,
    calendar: Calendar,
    run: int,
    record_text: bool,
    record_words: bool = True,
) -> bool:
    """Book one attempt or skip on the day of its beginning, unless it was reserved; returns whether it was new."""
    row = attempt_row(
        attempt,
        account,
        day=calendar.day(attempt.at),
        run=run,
        record_text=record_text,
        record_words=record_words,
    )
    return book_row(connection, row, calendar)


def book_row(connection: sqlite3.Connection, row: Mapping[str, object], calendar: Calendar) -> bool:
    """Book one row of ``attempts``; returns whether it was new.

    Where its cost was reserved it counts to the day on which that was done: clocks that are set back move nothing that
    is booked (policy B6). If nobody knows what it cost, as another model answered than was asked, all that was set
    aside counts to the budgets, so that a hard one holds; the attempt's own cost stays unknown.
    """
    reserved = _settle(connection, row)
    set_aside = None
    if reserved is not None:
        reserved_on, set_aside = reserved
        row = {**row, "day": reserved_on}
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    inserted = connection.execute(
        f"INSERT INTO attempts ({names}) VALUES ({marks}) ON CONFLICT (request, number) DO NOTHING",  # noqa: S608 - our names
        row,
    )
    if not inserted.rowcount:
        return False
    if row["has_usage"] and row["outcome"] != AttemptOutcome.SKIPPED.value:
        _add_to_spend(connection, row, used=inserted.lastrowid, unless_known=set_aside or 0)
    assert inserted.lastrowid is not None
    roll_up(connection, calendar, inserted.lastrowid)
    return True


def prompt_alone(tokens: int) -> Usage:
    """What an attempt used of which only the prompt is known, as an estimate."""
    return Usage(input_tokens=tokens, output_tokens=0, estimated=True)


def book_lost(connection: sqlite3.Connection, owner: str, calendar: Calendar) -> int:
    """Book the attempts that ``owner`` had set money aside for and did not live to book; returns how many.

    Each counts as cancelled, with the estimate of its prompt.
    """
    lost = connection.execute(
        """SELECT v.*, coalesce((SELECT run FROM requests r WHERE r.id = v.request), 1) AS run
           FROM reservations v WHERE owner = ?""",
        (owner,),
    ).fetchall()
    for row in lost:
        account = Account(
            request=row["request"],
            lane=row["lane"],
            agent=row["agent"] or None,
            job=row["job"],
            conversation=row["conversation"],
        )
        attempt = Attempt(
            number=row["number"],
            target=ModelRef(row["provider"], row["model"]),
            outcome=AttemptOutcome.CANCELLED,
            at=to_s(row["at"]),
            error_kind=ErrorKind.CANCELLED,
            reason=ErrorKind.CANCELLED.value,
            message=f"{row['provider']}: the program was ended before it answered.",
            usage=prompt_alone(row["prompt_tokens"]),
            cost_usd=to_usd(row["prompt_nano_usd"]),
        )
        book(connection, account, attempt, calendar=calendar, run=row["run"], record_text=False)
    return len(lost)


def _settle(connection: sqlite3.Connection, row: Mapping[str, object]) -> tuple[str, int] | None:
    """End an attempt's reservation; returns its day and its nano-dollars, ``None`` = there was none."""
    found = connection.execute(
        "DELETE FROM reservations WHERE request = ? AND number = ? RETURNING day, nano_usd",
        (row["request"], row["number"]),
    ).fetchone()
    return None if found is None else (str(found[0]), int(found[1]))


_SPEND = """
INSERT INTO spend (scope, key, lane, provider, agent, tokens, nano_usd, unknown, used)
VALUES (:scope, :key, :lane, :provider, coalesce(:agent, ''), coalesce(:input_tokens, 0) + coalesce(:output_tokens, 0),
        coalesce(:cost_nano_usd, :unless_known), :cost_nano_usd IS NULL, :used)
ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens, nano_usd = nano_usd + excluded.nano_usd,
    unknown = unknown + excluded.unknown, used = max(used, excluded.used)
"""


def _add_to_spend(
    connection: sqlite3.Connection, row: Mapping[str, object], *, used: int | None, unless_known: int
) -> None:
    keys = {
        "day": row["day"],
        "month": str(row["day"])[:7],
        "job": row["job"],
        "conversation": row["conversation"],
    }
    for scope, key in keys.items():
        if key is not None:
            connection.execute(_SPEND, {**row, "scope": scope, "key": key, "used": used, "unless_known": unless_known})
