"""What counts to a budget: booked and set aside, added up inside the caller's transaction."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from llmdesk.core.budget import Standing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from typing import Final

    from llmdesk.core.budget import Account, Budget, Scope
    from llmdesk.core.periods import Calendar

_ATTEMPTS_OF_A_REQUEST = """(
    SELECT lane, provider, agent, coalesce(input_tokens, 0) + coalesce(output_tokens, 0) AS tokens,
        coalesce(cost_nano_usd, 0) AS nano_usd, has_usage AND cost_nano_usd IS NULL AS unknown
    FROM attempts WHERE request = :period AND outcome <> 'skipped'
) WHERE true"""

_BOOKED = "spend WHERE scope = :scope AND key = :period"

_EACH = "scope IN ('job', 'conversation')"
"""Said again where it follows, in the words of the index: SQLite finds it by them."""

_SET_ASIDE: Final[Mapping[Scope, str]] = {
    "request": "request = :period",
    "conversation": "conversation = :period",
    "job": "job = :period",
    "day": "day = :period",
    "month": "day BETWEEN :period || '-01' AND :period || '-31'",
}


def period_of(budget: Budget, account: Account, calendar: Calendar, now: float) -> str:
    """The period of a budget that an attempt of ``account`` counts to when it is made ``now``."""
    match budget.scope:
        case "day" | "month":
            return calendar.period(budget.scope, now)
        case "request":
            return account.request
        case "conversation":
            return account.conversation or ""
        case "job":
            return account.job or ""


def standing(connection: sqlite3.Connection, budget: Budget, period: str) -> Standing:
    """How ``budget`` stands in ``period``."""
    column = "nano_usd" if budget.unit == "usd" else "tokens"
    narrow, names = _narrowed(budget)
    values = {"scope": budget.scope, "period": period, **names}
    booked = _ATTEMPTS_OF_A_REQUEST if budget.scope == "request" else _BOOKED
    spent, unknown = connection.execute(
        f"SELECT coalesce(sum({column}), 0), coalesce(sum(unknown), 0) FROM {booked}{narrow}",  # noqa: S608 - our names
        values,
    ).fetchone()
    (reserved,) = connection.execute(
        f"SELECT coalesce(sum({column}), 0) FROM reservations WHERE {_SET_ASIDE[budget.scope]}{narrow}",  # noqa: S608 - our names
        values,
    ).fetchone()
    return Standing(budget=budget, period=period, spent=spent, reserved=reserved, unknown=unknown)


def last_used(connection: sqlite3.Connection, budget: Budget, limit: int) -> tuple[str, ...]:
    """The jobs or conversations that have spent or set aside anything of ``budget``, the one used last first."""
    narrow, names = _narrowed(budget)
    reserved = connection.execute(
        f"SELECT {budget.scope} FROM reservations WHERE {budget.scope} IS NOT NULL{narrow}",  # noqa: S608 - our names
        names,
    ).fetchall()
    booked = connection.execute(
        f"SELECT key FROM spend WHERE scope = :scope AND {_EACH}{narrow} ORDER BY used DESC",  # noqa: S608 - our names
        {"scope": budget.scope, **names},
    )
    # Read row by row: the newest are soon enough of them, however many there are.
    keys: dict[str, None] = {}
    for (key,) in chain(reserved, booked):
        keys[key] = None
        if len(keys) == limit:
            break
    return tuple(keys)


def _narrowed(budget: Budget) -> tuple[str, dict[str, str]]:
    """What narrows a budget, as more conditions and their values."""
    names = {what: name for what in ("lane", "provider", "agent") if (name := getattr(budget, what)) is not None}
    return "".join(f" AND {what} = :{what}" for what in names), names
