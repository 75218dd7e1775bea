"""Booking an attempt: its row, what it adds to every sum, and the end of its reservation, in one transaction.

Every function runs inside its caller's transaction. An attempt is booked once, whoever books it how often.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from llmdesk.core.money import to_nano_usd
from llmdesk.core.periods import Calendar
from llmdesk.core.types import AttemptOutcome
from llmdesk.storage.columns import attempt_row

if TYPE_CHECKING:
    import sqlite3
    from datetime import date

    from llmdesk.core.budget import Account
    from llmdesk.core.types import Attempt


def _date_here(at: float) -> date:
    return datetime.fromtimestamp(at).astimezone().date()


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
    """Book one attempt or skip; returns whether it was new.

    It counts to the day on which its reservation was made, where there is one, else to that of its beginning: clocks
    that are set back move nothing that is booked (policy B6).
    """
    key = (account.request, attempt.number)
    reserved = connection.execute(
        "DELETE FROM reservations WHERE request = ? AND number = ? RETURNING day", key
    ).fetchone()
    day = reserved[0] if reserved is not None else calendar.day(attempt.at)
    row = attempt_row(attempt, account, day=day, run=run, record_text=record_text, record_words=record_words)
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    new = connection.execute(
        f"INSERT OR IGNORE INTO attempts ({names}) VALUES ({marks})",  # noqa: S608 - our names
        row,
    ).rowcount
    if new and attempt.outcome is not AttemptOutcome.SKIPPED:
        _add_to_spend(connection, account, attempt, day)
    return bool(new)


def _add_to_spend(connection: sqlite3.Connection, account: Account, attempt: Attempt, day: str) -> None:
    usage = attempt.usage
    if usage is None:
        return
    tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    cost = to_nano_usd(attempt.cost_usd)
    for scope, key in (("day", day), ("job", account.job)):
        if key is not None:
            connection.execute(
                """INSERT INTO spend (scope, key, lane, provider, agent, tokens, nano_usd, unknown)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                   ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens,
                       nano_usd = nano_usd + excluded.nano_usd, unknown = unknown + excluded.unknown""",
                (
                    scope,
                    key,
                    account.lane,
                    attempt.target.provider,
                    account.agent or "",
                    tokens,
                    cost or 0,
                    cost is None,
                ),
            )
