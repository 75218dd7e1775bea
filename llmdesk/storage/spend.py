"""Budgets on disk: what is spent, what attempts under way have set aside, and who may still go (policy B1 to B6)."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.budget import Grant, Refusal, binds, covers, decide, forecast, warning
from llmdesk.core.errors import StorageError
from llmdesk.core.text import one_line
from llmdesk.core.views import BudgetView
from llmdesk.storage.booking import HERE, book_lost, prompt_alone
from llmdesk.storage.columns import to_ms
from llmdesk.storage.standings import last_used, period_of, standing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from llmdesk.core.budget import Account, Budget, Claim, Standing
    from llmdesk.core.periods import Calendar
    from llmdesk.storage.database import Database

EXPIRES_S = 6 * 3600.0
"""After this a reservation is let go whoever made it, seconds; longer than any answer takes."""

JOBS_SHOWN = 20
CONVERSATIONS_SHOWN = 5
"""So many of those used last are shown of a budget that each of them has for itself."""


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
        binding = [b for b in covering if b.hard and binds(b, claim.price)]
        if not binding:
            return Grant(output_tokens=claim.output_tokens)

        def work(connection: sqlite3.Connection) -> Grant | Refusal:
            now = self._clock()
            _take_back(connection, claim)
            answer = self._decide(connection, claim, binding, now)
            if isinstance(answer, Refusal) and self._let_go(connection, now):
                answer = self._decide(connection, claim, binding, now)
            if isinstance(answer, Grant):
                self._set_aside(connection, claim, answer, now)
            return answer

        try:
            return await self._database.write(work, durable=False)  # nobody is left to spend it after a power cut
        except StorageError as error:
            raise StorageError(one_line(f"Not sent, as the hard {binding[0].name} cannot be kept: {error}")) from error

    async def release_dead(self) -> int:
        """Let go what instances that do not run any more had reserved; returns how many reservations that were.

        What they had most likely used is booked.
        """
        return await self._database.write(lambda connection: self._let_go(connection, self._clock()))

    async def standings(self, account: Account, provider: str) -> tuple[Standing, ...]:
        """Every budget that an attempt of ``account`` at ``provider`` counts to, as it stands now.

        Raises:
            StorageError: the database cannot be read.
        """
        covering = [b for b in self.budgets if covers(b, account, provider)]
        if not covering:
            return ()
        now = self._clock()
        return await self._database.read(
            lambda connection: tuple(self._standing(connection, b, account, now) for b in covering)
        )

    async def views(self) -> tuple[BudgetView, ...]:
        """Every budget as it stands now, in its order.

        Those of jobs and conversations come once for each of the newest that have spent or set aside anything. A view
        whose period is ``None`` stands for all others: for requests and conversations always, for jobs where there are
        none.

        Raises:
            StorageError: the database cannot be read.
        """
        if not self.budgets:
            return ()
        now = self._clock()
        return await self._database.read(
            lambda connection: tuple(view for each in self.budgets for view in self._views(connection, each, now))
        )

    def resets_at(self, budget: Budget) -> float | None:
        """When a budget begins anew, UTC epoch seconds; ``None`` = it does not."""
        return self._resets_at(budget, self._clock())

    # --- inside a transaction ---

    def _decide(
        self, connection: sqlite3.Connection, claim: Claim, binding: Sequence[Budget], now: float
    ) -> Grant | Refusal:
        answer = decide(claim, [self._standing(connection, budget, claim.account, now) for budget in binding])
        if isinstance(answer, Refusal):
            return replace(answer, resets_at=self._resets_at(answer.standing.budget, now))
        return answer

    def _resets_at(self, budget: Budget, now: float) -> float | None:
        match budget.scope:
            case "day" | "month":
                return self._calendar.ends_at(budget.scope, now)
            case "request" | "conversation" | "job":
                return None

    def _standing(self, connection: sqlite3.Connection, budget: Budget, account: Account, now: float) -> Standing:
        return standing(connection, budget, period_of(budget, account, self._calendar, now))

    def _views(self, connection: sqlite3.Connection, budget: Budget, now: float) -> Iterator[BudgetView]:
        match budget.scope:
            case "day" | "month":
                yield self._view_of_span(standing(connection, budget, self._calendar.period(budget.scope, now)), now)
            case "request":
                yield BudgetView(budget=budget)
            case "conversation":
                yield BudgetView(budget=budget)
                for period in last_used(connection, budget, CONVERSATIONS_SHOWN):
                    yield _view(standing(connection, budget, period))
            case "job":
                jobs = last_used(connection, budget, JOBS_SHOWN)
                if not jobs:
                    yield BudgetView(budget=budget)
                for period in jobs:
                    yield _view(standing(connection, budget, period))

    def _view_of_span(self, found: Standing, now: float) -> BudgetView:
        """The view of a day or a month."""
        span = found.budget.scope
        assert span in ("day", "month")
        begins_at, resets_at = self._calendar.begins_at(span, now), self._calendar.ends_at(span, now)
        return replace(
            _view(found),
            begins_at=begins_at,
            resets_at=resets_at,
            forecast=forecast(found.spent, begins_at, resets_at, now),
        )

    def _set_aside(self, connection: sqlite3.Connection, claim: Claim, grant: Grant, now: float) -> None:
        account = claim.account
        connection.execute(
            """INSERT INTO reservations
                   (request, number, owner, expires_at, day, lane, provider, agent, job, conversation, tokens, nano_usd,
                    model, at, prompt_tokens, prompt_nano_usd)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
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
                claim.target.model,
                to_ms(now),
                claim.prompt_tokens,
                claim.price.cost_nano_usd(prompt_alone(claim.prompt_tokens)) if claim.price is not None else None,
            ),
        )

    def _let_go(self, connection: sqlite3.Connection, now: float) -> int:
        """End the reservations whose owners do not run any more, and those that have expired; returns how many.

        The target of a dead owner's attempt had most likely taken the prompt: so much is booked, marked as estimated
        (policy B2, B5).
        """
        owners = [owner for (owner,) in connection.execute("SELECT DISTINCT owner FROM reservations")]
        gone = 0
        for owner in owners:
            if owner != self._owner and not self._is_alive(owner):
                gone += book_lost(connection, owner, self._calendar)
        return gone + connection.execute("DELETE FROM reservations WHERE expires_at <= ?", (to_ms(now),)).rowcount


def _take_back(connection: sqlite3.Connection, claim: Claim) -> None:
    """Forget what was set aside for this very attempt by an instance that did not live to make it."""
    connection.execute(
        "DELETE FROM reservations WHERE request = ? AND number = ?", (claim.account.request, claim.number)
    )


def _view(found: Standing) -> BudgetView:
    return BudgetView(
        budget=found.budget,
        period=found.period,
        spent=found.spent,
        reserved=found.reserved,
        warning=warning(found),
        unknown=found.unknown,
    )
