"""Budgets on disk: what is spent, what attempts under way have set aside, and who may still go (policy B1 to B6)."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.budget import Budget, Claim, Grant, Refusal, Standing, binds, covers, decide
from llmdesk.storage.booking import HERE
from llmdesk.storage.columns import to_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from llmdesk.core.budget import Account
    from llmdesk.core.periods import Calendar
    from llmdesk.core.views import BudgetView
    from llmdesk.storage.database import Database

EXPIRES_S = 6 * 3600.0
"""After this a reservation is let go whoever made it, seconds; longer than any answer takes."""


class SpendStore:
    """The budgets of one configuration over what every instance has booked.

    Args:
        database: where it is booked.
        owner: the id of this instance.
        budgets: the limits.
        is_alive: whether the instance of an id still runs; what a dead one has reserved is let go.
        clock: UTC epoch seconds.
        calendar: the user's days and months.
    """

    def __init__(
        self,
        database: Database,
        owner: str,
        budgets: Sequence[Budget],
        *,
        is_alive: Callable[[str], bool],
        clock: Callable[[], float] = time.time,
        calendar: Calendar = HERE,
    ) -> None:
        self._database = database
        self._owner = owner
        self.budgets = tuple(budgets)
        self._is_alive = is_alive
        self._clock = clock
        self._calendar = calendar

    async def reserve(self, claim: Claim) -> Grant | Refusal:
        """Set aside what an attempt may cost, in one immediate transaction; its booking settles it.

        Raises:
            StorageError: the database refused, so that nobody knows what is left.
        """
        covering = [b for b in self.budgets if covers(b, claim.account, claim.target.provider)]
        if not any(b.hard and binds(b, claim.price) for b in covering):
            return Grant(output_tokens=claim.output_tokens)

        def work(connection: sqlite3.Connection) -> Grant | Refusal:
            now = self._clock()
            answer = self._decide(connection, claim, covering, now)
            if isinstance(answer, Refusal) and self._let_go(connection, now):
                answer = self._decide(connection, claim, covering, now)
            if isinstance(answer, Grant):
                self._set_aside(connection, claim, answer, now)
            return answer

        return await self._database.write(work)

    async def release_dead(self) -> int:
        """Let go what instances that do not run any more had reserved; returns how many reservations that were."""
        return await self._database.write(lambda connection: self._let_go(connection, self._clock()))

    async def standings(self, account: Account, provider: str) -> tuple[Standing, ...]:
        """Every budget that an attempt of ``account`` at ``provider`` counts to, as it stands now."""
        covering = [b for b in self.budgets if covers(b, account, provider)]
        if not covering:
            return ()
        now = self._clock()
        return await self._database.read(
            lambda connection: tuple(self._standing(connection, b, account, now) for b in covering)
        )

    async def views(self) -> tuple[BudgetView, ...]:
        """Every budget as it stands now, in its order; those of jobs once for each job that has spent anything."""
        raise NotImplementedError

    # --- inside a transaction ---

    def _decide(
        self, connection: sqlite3.Connection, claim: Claim, covering: Sequence[Budget], now: float
    ) -> Grant | Refusal:
        answer = decide(claim, [self._standing(connection, budget, claim.account, now) for budget in covering])
        if isinstance(answer, Refusal) and (scope := answer.standing.budget.scope) in ("day", "month"):
            return replace(answer, resets_at=self._calendar.ends_at(scope, now))
        return answer

    def _standing(self, connection: sqlite3.Connection, budget: Budget, account: Account, now: float) -> Standing:
        column = "nano_usd" if budget.unit == "usd" else "tokens"
        period, where, values = self._period(budget, account, now)
        narrow, narrow_values = _narrowed(budget)
        reserved = connection.execute(
            f"SELECT coalesce(sum({column}), 0) FROM reservations WHERE {where}{narrow}",  # noqa: S608 - our names
            (*values, *narrow_values),
        ).fetchone()[0]
        match budget.scope:
            case "day" | "month":
                source, amount = "spend", column
                where = f"scope = 'day' AND {where.replace('day', 'key')}"
            case "job":
                source, amount = "spend", column
                where = "scope = 'job' AND key = ?"
            case "request" | "conversation":
                source = "attempts"
                amount = "cost_nano_usd" if budget.unit == "usd" else _TOKENS
        spent = connection.execute(
            f"SELECT coalesce(sum({amount}), 0) FROM {source} WHERE {where}{narrow}",  # noqa: S608 - our names
            (*values, *narrow_values),
        ).fetchone()[0]
        return Standing(budget=budget, period=period, spent=spent, reserved=reserved)

    def _period(self, budget: Budget, account: Account, now: float) -> tuple[str, str, tuple[str, ...]]:
        """The name of a budget's period, and the condition that picks it among reservations."""
        match budget.scope:
            case "day":
                day = self._calendar.day(now)
                return day, "day = ?", (day,)
            case "month":
                month = self._calendar.month(now)
                return month, "day BETWEEN ? AND ?", (f"{month}-01", f"{month}-31")
            case "job":
                return account.job or "", "job = ?", (account.job or "",)
            case "conversation":
                return account.conversation or "", "conversation = ?", (account.conversation or "",)
            case "request":
                return "", "request = ?", (account.request,)

    def _set_aside(self, connection: sqlite3.Connection, claim: Claim, grant: Grant, now: float) -> None:
        account = claim.account
        connection.execute(
            """INSERT INTO reservations
                   (request, number, owner, expires_at, day, lane, provider, agent, job, conversation, tokens, nano_usd)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                account.request,
                claim.number,
                self._owner,
                to_ms(now + EXPIRES_S),
                self._calendar.day(now),
                account.lane,
                claim.target.provider,
                account.agent or "",
                account.job,
                account.conversation,
                grant.tokens,
                grant.nano_usd,
            ),
        )

    def _let_go(self, connection: sqlite3.Connection, now: float) -> int:
        owners = [owner for (owner,) in connection.execute("SELECT DISTINCT owner FROM reservations")]
        dead = [owner for owner in owners if owner != self._owner and not self._is_alive(owner)]
        gone = connection.execute("DELETE FROM reservations WHERE expires_at <= ?", (to_ms(now),)).rowcount
        for owner in dead:
            gone += connection.execute("DELETE FROM reservations WHERE owner = ?", (owner,)).rowcount
        return gone


_TOKENS = "coalesce(input_tokens, 0) + coalesce(output_tokens, 0)"


def _narrowed(budget: Budget) -> tuple[str, tuple[str, ...]]:
    """What narrows a budget, as more conditions and their values."""
    named = [(what, name) for what in ("lane", "provider", "agent") if (name := getattr(budget, what))]
    return "".join(f" AND {what} = ?" for what, _ in named), tuple(name for _, name in named)
