"""Serving: the life of one request, from its acceptance on disk to the outcome that is told, whatever happens."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind, StorageError, UsageError
from llmdesk.core.text import one_line
from llmdesk.core.titles import title_of
from llmdesk.core.types import (
    Accepted,
    AttemptFailed,
    AttemptOutcome,
    AttemptStarted,
    FailedOver,
    Failure,
    Finished,
    Outcome,
    Role,
    Status,
)
from llmdesk.core.views import Topic
from llmdesk.desk import ending, summaries
from llmdesk.desk.exchanges import Exchanges
from llmdesk.desk.planning import messages_of, route_of
from llmdesk.desk.settling import Settling
from llmdesk.desk.spending import account_of, budget_warnings
from llmdesk.desk.stepping import Stepping
from llmdesk.desk.ways_out import ways_out
from llmdesk.router import Walk
from llmdesk.telemetry import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.types import Attempt, DeskEvent, Message
    from llmdesk.desk.job import Job
    from llmdesk.desk.parts import Parts
    from llmdesk.desk.run import Run


class Serving:
    """Serves the requests of a desk, one at each call.

    Args:
        parts: the desk's.
        changed: told of everything that changes.
        answered: told of each provider that has answered a request.
    """

    def __init__(self, parts: Parts, changed: Callable[[Topic], None], answered: Callable[[str], None]) -> None:
        self._parts = parts
        self._changed = changed
        self._answered = answered
        self.answering: set[str] = set()
        """The providers whose last attempt since the last look at them was answered."""
        self.settling = Settling(parts, changed)
        self.exchanges = Exchanges(parts.clock, parts.router.targets.elapsed)
        """What the last calls really were."""
        self.stepping = Stepping()
        """Failovers that are not in the history yet."""

    # --- beginning ---

    async def serve(self, run: Run, job: Job) -> None:
        """Commit the request, then serve it: nothing leaves before the prompt is safe (policy R2)."""
        job.warned = len(self._parts.warnings)
        if job.kept and not job.on_disk:
            try:
                await self._accept(job)
            except UsageError as error:
                self._refuse(run, job, ErrorKind.REQUEST, str(error))
                return
            except StorageError as error:
                if not job.ask.unkept_ok:
                    cause = str(error).rstrip(".")
                    told = f"Not sent, as it cannot be kept: {cause}. Free disk space, or send it unkept (--yes)."
                    self._refuse(run, job, ErrorKind.CONFIG, told)
                    return
                job.kept = False
                job.conversation = job.ask.conversation  # a new one was never begun
                self._parts.warnings.append(one_line(f"Sent without being kept: {error}"))
        self._tell_accepted(run, job)
        walk = Walk()
        begun = job.router.targets.elapsed()
        timed_out = await self._walked(run, job, walk)
        self._close(run, job, walk, timed_out=timed_out)
        self._learn(walk)
        await self._settle(run, job, walk, latency_s=job.router.targets.elapsed() - begun)

    def fault(self, run: Run, job: Job, error: BaseException) -> None:
        """End a request that met a fault of llmdesk itself: its asker hears of the end all the same."""
        self._log_fault(job, error)
        outcome = ending.broken(job, error, kept=job.on_disk and self._parts.stored)
        run.tell(Finished(outcome=outcome))
        self._trace(job, outcome)

    def _tell_accepted(self, run: Run, job: Job) -> None:
        stored = self._parts.stored
        accepted = Accepted(
            request_id=job.id,
            conversation=job.conversation,
            kept=job.kept and stored,
            in_memory=job.kept and not stored,
        )
        run.tell(accepted)

    async def _accept(self, job: Job) -> None:
        from llmdesk.storage.records import StoredRequest

        ask = job.ask
        prompt = ask.prompt if ask.messages is None else _last_user(ask.messages)
        await self._parts.requests.accept(
            StoredRequest(
                id=job.id,
                lane=job.lane.name,
                agent=ask.agent,
                job=ask.job,
                conversation=job.conversation,
                title=title_of(prompt),
                prompt=prompt,
                attachments=ask.attachments,
                payload=job.payload,
                created_at=job.created_at,
                record_text=self._parts.record_text,
                replaces=ask.replaces,
                continues=ask.continues,
                summarises=ask.summarises,
            )
        )
        job.on_disk = True
        self._changed(Topic.BEGUN)

    def _refuse(self, run: Run, job: Job, kind: ErrorKind, message: str) -> None:
        """End a request that was not written: what it replaces is gone, or it cannot be kept (policy D3)."""
        run.tell(
            Finished(
                outcome=Outcome(
                    request_id=job.id,
                    status=Status.FAILED,
                    lane=job.lane.name,
                    agent=job.ask.agent,
                    job=job.ask.job,
                    error=Failure(kind=kind, message=one_line(message)),
                    kept=False,
                )
            )
        )

    # --- the walk ---

    async def _walked(self, run: Run, job: Job, walk: Walk) -> bool:
        """Walk the lane in a task of its own, so that stopping it never stops the writing down; true = out of time."""
        if self._parts.telemetry is not None:
            self._parts.telemetry.expect()
        run.work = asyncio.get_running_loop().create_task(self._walk(run, job, walk))
        try:
            if run.keep_on_stop is not None:
                run.work.cancel()
            done, _ = await asyncio.wait({run.work}, timeout=job.ask.timeout_s)
            if not done:
                run.work.cancel()
                await asyncio.wait({run.work})
        finally:
            run.work.cancel()
        return not done

    async def _walk(self, run: Run, job: Job, walk: Walk) -> None:
        if job.ask.probe:
            for ref in job.lane.targets:
                job.router.targets.take_back(ref.provider)
        if job.again:
            job.first_number = await self._next_number(job.id)
        before = job.conversation if job.ask.conversation is not None else None  # a new one has no history
        messages = await messages_of(self._parts, job.ask, job.lane, before, request_id=job.id)
        account = account_of(job)
        route = replace(route_of(job.ask, job.lane, messages, account), first_number=job.first_number)

        async def record(attempt: Attempt) -> None:
            await self.settling.note(job, attempt)

        tap = partial(self.exchanges.tap, job.id)
        sink = partial(self._take, run, job)
        await job.router.run(route, walk, sink=sink, record=record, controls=run.controls, tap=tap)

    async def _next_number(self, request_id: str) -> int:
        """The number of the first attempt of another run of a request."""
        view = await self._parts.requests.view(request_id)
        tried = max((attempt.number for attempt in view.attempts), default=0) if view is not None else 0
        return tried + 1

    def _take(self, run: Run, job: Job, event: DeskEvent) -> None:
        """Tell the asker of an event, and whoever watches of what it changes."""
        run.tell(event)
        if isinstance(event, FailedOver):
            self.stepping.stepped(job, event.step)
            self._changed(Topic.REQUESTS)
        if isinstance(event, AttemptStarted):
            job.left_out_turns = event.left_out_turns
            if self._parts.spend.budgets:
                self._changed(Topic.REQUESTS)  # something of them may be set aside by now
        if isinstance(event, AttemptFailed):
            self._changed(Topic.PROVIDERS)
            if event.attempt.error_kind in (ErrorKind.RATE, ErrorKind.QUOTA):
                self._changed(Topic.COOLDOWNS)

    # --- ending ---

    def _close(self, run: Run, job: Job, walk: Walk, *, timed_out: bool) -> None:
        """Decide the status of a walk that was stopped, timed out or broke; a finished one keeps its own."""
        work = run.work
        assert work is not None
        if work.cancelled() and timed_out and job.ask.timeout_s is not None:
            ending.time_out(walk, job.ask.timeout_s)
        elif work.cancelled():
            ending.stop(walk, keep=bool(run.keep_on_stop))
        elif (error := work.exception()) is not None:
            ending.break_off(walk, error)
            if not isinstance(error, StorageError):
                self._log_fault(job, error)

    def _learn(self, walk: Walk) -> None:
        """An answer shows that a provider is well, whatever an earlier look at it found."""
        before = set(self.answering)
        for attempt in walk.attempts:
            if attempt.outcome in (AttemptOutcome.COMPLETED, AttemptOutcome.REFUSED):
                self.answering.add(attempt.target.provider)
                self._answered(attempt.target.provider)
            elif attempt.outcome is AttemptOutcome.FAILED:
                self.answering.discard(attempt.target.provider)
        if self.answering != before:
            self._changed(Topic.PROVIDERS)

    async def _settle(self, run: Run, job: Job, walk: Walk, *, latency_s: float) -> None:
        """Write down what came of a walk that has come to an end, and tell it."""
        await self.settling.price(job, walk)
        outcome = ending.outcome_of(
            job,
            walk,
            latency_s=latency_s,
            now=self._parts.clock(),
            stored=self._parts.stored,
            program=self._parts.program,
            ways_out=ways_out(self._parts, job, walk.refusal) if walk.refusal is not None else (),
        )
        outcome = await self.settling.settle(job, summaries.told(job, outcome))
        told = await budget_warnings(self._parts, job, outcome)
        outcome = replace(outcome, warnings=(*outcome.warnings, *told)) if told else outcome
        met = tuple(line for line in self._parts.warnings[job.warned :] if line not in outcome.warnings)
        run.tell(Finished(outcome=replace(outcome, warnings=(*outcome.warnings, *met))))
        self._log(outcome)
        self._trace(job, outcome)

    def _log(self, outcome: Outcome) -> None:
        self._parts.log(
            "request finished",
            request=outcome.request_id,
            status=outcome.status.value,
            lane=outcome.lane,
            provider=outcome.target.provider if outcome.target else None,
            model=outcome.target.model if outcome.target else None,
            error_kind=outcome.error.kind.value if outcome.error else None,
            attempts=len(outcome.attempts),
            failovers=[f"{s.source} -> {s.target}: {s.reason}" for s in outcome.failovers],
            latency_s=round(outcome.latency_s, 3),
        )

    def _log_fault(self, job: Job, error: BaseException) -> None:
        self._parts.log("unexpected error", request=job.id, error=type(error).__name__, exc_info=error)

    def _trace(self, job: Job, outcome: Outcome) -> None:
        if self._parts.telemetry is not None:
            asked = Asked(endpoint=job.ask.endpoint, params=job.lane.params, ended_at=self._parts.clock())
            self._parts.telemetry.record(outcome, asked)


def _last_user(messages: tuple[Message, ...]) -> str:
    return next(
        (m.content for m in reversed(messages) if m.role is Role.USER), messages[-1].content if messages else ""
    )
