"""Settling: every attempt is priced and booked, and the end of its request written down, whatever the disk says."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import StorageError
from llmdesk.core.text import one_line
from llmdesk.core.views import Topic
from llmdesk.desk import ending, summaries
from llmdesk.desk.spending import account_of
from llmdesk.router import priced

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.types import Attempt, Outcome
    from llmdesk.desk.job import Job
    from llmdesk.desk.parts import Parts
    from llmdesk.router import Walk
    from llmdesk.storage.records import StoredAnswer


class Settling:
    """Writes down what became of requests, for one desk; a disk that refuses costs the record, never the answer.

    Args:
        parts: the desk's.
        changed: told of what is written.
    """

    def __init__(self, parts: Parts, changed: Callable[[Topic], None]) -> None:
        self._parts = parts
        self._changed = changed
        self._unsettled: list[tuple[str, Outcome, StoredAnswer | None]] = []
        """The ends that the disk did not take; it is asked once more before leaving."""

    async def price(self, job: Job, walk: Walk) -> None:
        """Find out what the last attempts of a walk cost, which nobody waited for while it could be stopped."""
        walk.attempts[:] = [await priced(job.prices, attempt) for attempt in walk.attempts]

    async def note(self, job: Job, attempt: Attempt) -> None:
        """Write down an attempt or skip of a request under way."""
        try:
            if job.kept:
                await self._parts.requests.add_attempt(job.id, attempt)
            await self._book(job, (attempt,), booked=job.kept)
        except StorageError as error:
            self._parts.ledger.keep_for_later(account_of(job), (attempt,), run=job.first_number)
            self._parts.warnings.append(one_line(f"An attempt could not be recorded: {error}"))

    async def settle(self, job: Job, outcome: Outcome) -> Outcome:
        """Write the end of a request down; returns its outcome with a warning where that was impossible."""
        answer = ending.answer_of(outcome, at=self._parts.clock()) if job.kept else None
        if job.ask.summarises is not None:
            answer = summaries.summary_of(job.ask.summarises, answer)
        try:
            written = job.kept and await self._parts.requests.finish(job.id, outcome, answer=answer)
            await self._book(job, outcome.attempts, booked=written)
        except StorageError as error:
            self._parts.ledger.keep_for_later(account_of(job), outcome.attempts, run=job.first_number)
            if job.kept:
                self._unsettled.append((job.id, outcome, answer))
            warning = one_line(f"The answer could not be stored: {error}")
            self._tell_ended()
            return replace(outcome, warnings=(*outcome.warnings, warning))
        self._tell_ended()
        return outcome

    def _tell_ended(self) -> None:
        """What was written of a request that has ended may be read, or what became of it where that was not all."""
        for topic in (Topic.REQUESTS, Topic.OUTBOX, Topic.CONVERSATIONS):
            self._changed(topic)

    async def try_again(self) -> None:
        """Write down what the disk did not take before, if it does now."""
        while self._unsettled:
            request_id, outcome, answer = self._unsettled.pop()
            with suppress(StorageError):
                await self._parts.requests.finish(request_id, outcome, answer=answer)

    async def _book(self, job: Job, attempts: tuple[Attempt, ...], *, booked: bool) -> None:
        """Book what the requests on disk have not booked: they are not kept, kept elsewhere, or ended meanwhile."""
        if not booked or self._parts.ledger.apart:
            await self._parts.ledger.book(account_of(job), attempts, run=job.first_number)
