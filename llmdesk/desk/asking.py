"""Asking: a request is accepted on disk, walked down its lane, and settled on disk, whatever happens in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from llmdesk import memory
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
from llmdesk.desk import ending, payload, summaries
from llmdesk.desk.choosing import check, lane_for
from llmdesk.desk.exchanges import Exchanges
from llmdesk.desk.job import Job
from llmdesk.desk.planning import messages_of, route_of
from llmdesk.desk.run import Run
from llmdesk.desk.settling import Settling
from llmdesk.desk.spending import account_of, budget_warnings
from llmdesk.desk.stepping import Stepping
from llmdesk.desk.ways_out import ways_out
from llmdesk.router import Walk
from llmdesk.telemetry import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from llmdesk.core.types import (
        Attempt,
        Message,
    )
    from llmdesk.core.views import Ask, OutboxEntry
    from llmdesk.desk.parts import Parts


class Asking:
    """Runs requests for a desk and owns their tasks until they are written down."""

    def __init__(self, parts: Parts, changed: Callable[[Topic], None]) -> None:
        self._parts = parts
        self._changed = changed
        self._runs: dict[Run, asyncio.Task[None]] = {}
        self._claims: set[asyncio.Task[Run]] = set()
        self._closing = False
        """Nothing is taken out of the outbox any more."""
        self.answering: set[str] = set()
        """The providers whose last attempt since the last look at them was answered."""
        self.on_answer: Callable[[str], None] = lambda _provider: None
        """Told of each provider that has answered a request."""
        self._settling = Settling(parts, changed)
        self.exchanges = Exchanges(parts.clock, parts.router.targets.elapsed)
        """What the last calls really were."""
        self.stepping = Stepping()
        """Failovers that are not in the history yet."""

    # --- beginning ---

    def send(self, ask: Ask) -> Run:
        """Start a request.

        Raises:
            UsageError: the prompt is empty, something it names does not exist, or a value is no JSON.
        """
        lane = lane_for(self._parts, ask)
        check(ask)
        memory.expect(len(ask.prompt) + sum(len(each.text or each.image or "") for each in ask.attachments))
        request_id = self._parts.new_id()
        kept = ask.keep
        conversation = ask.conversation
        if conversation is None and (ask.replaces or ask.continues or ask.summarises):
            raise UsageError("A turn can be asked again, gone on with or summed up in its conversation only.")
        if conversation is None and kept and ask.messages is None:
            conversation = self._parts.new_id()
        job = Job(
            id=request_id,
            ask=ask,
            lane=lane,
            router=self._parts.router,
            prices=self._parts.prices,
            created_at=self._parts.clock(),
            conversation=conversation,
            kept=kept,
            payload=payload.dump(ask) if kept else "",
        )
        run = Run(job.id, checked=lane.schema is not None)
        self._own(run, job, self._begin(run, job))
        return run

    async def retry(self, request_id: str, *, probe: bool, consent: bool) -> Run:
        """Take a paused request out of the outbox; exactly one instance gets it.

        Args:
            request_id: the whole id.
            probe: ignore cooldowns.
            consent: failovers need no question.

        Raises:
            UsageError: there is no such paused request (any more), or its lane, agent or provider is not configured;
                then it stays where it is.
        """
        return await self._take_out(request_id, probe=probe, consent=consent)

    async def paused_ask(self, request_id: str) -> Ask:
        """What a paused request asks; see ``Desk.paused_ask``."""
        found = await self._parts.requests.load(request_id)
        if found is None or not found.payload:
            raise UsageError(f"No paused request {request_id} (any more). List them with: llmdesk outbox list")
        asked = payload.load(found.payload)
        return replace(asked, prompt=found.prompt, attachments=found.attachments, conversation=found.conversation)

    async def take_up(self, entry: OutboxEntry, *, resumed: int) -> Run:
        """Take a paused request out of the outbox without its user.

        Args:
            entry: the request, as it was seen waiting.
            resumed: how often that has now happened.

        Raises:
            UsageError: as for ``retry``; or it does not wait so any more; or an earlier request of its conversation is
                being answered.
        """
        return await self._take_out(entry.id, seen=entry, resumed=resumed)

    async def _take_out(
        self,
        request_id: str,
        *,
        probe: bool = False,
        consent: bool = False,
        seen: OutboxEntry | None = None,
        resumed: int = 0,
    ) -> Run:
        if self._closing:
            raise UsageError("The desk is being closed.")
        claim = asyncio.get_running_loop().create_task(
            self._claim(request_id, probe=probe, consent=consent, seen=seen, resumed=resumed)
        )
        self._claims.add(claim)
        claim.add_done_callback(self._claims.discard)
        claim.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(claim)  # a request that was claimed must also be served

    async def _claim(
        self, request_id: str, *, probe: bool, consent: bool, seen: OutboxEntry | None, resumed: int
    ) -> Run:
        found = await self._parts.requests.load(request_id)
        if found is not None and found.payload:
            lane_for(self._parts, payload.load(found.payload))
        stored = await self._parts.requests.claim(request_id, seen=seen, resumed=resumed)
        if stored is None:
            raise UsageError(f"No paused request {request_id} (any more). List them with: llmdesk outbox list")
        view = await self._parts.requests.view(stored.id)
        tried = max((a.number for a in view.attempts), default=0) if view is not None else 0
        ask = replace(
            payload.load(stored.payload),
            prompt=stored.prompt,
            attachments=stored.attachments,
            conversation=stored.conversation,
            probe=probe,
            consent=consent,
        )
        job = Job(
            id=stored.id,
            ask=ask,
            lane=lane_for(self._parts, ask),
            router=self._parts.router,
            prices=self._parts.prices,
            created_at=stored.created_at,
            conversation=stored.conversation,
            kept=True,
            on_disk=True,
            first_number=tried + 1,
            resumed=stored.resumed,
        )
        run = Run(stored.id, checked=job.lane.schema is not None)
        self._changed(Topic.OUTBOX)
        self._own(run, job, self._resume(run, job))
        return run

    # --- the life of a request ---

    def _own(self, run: Run, job: Job, life: Coroutine[None, None, None]) -> None:
        """Keep the task of a request until it has ended; whatever goes wrong in it, its asker hears of the end."""
        task = asyncio.get_running_loop().create_task(life)
        self._runs[run] = task
        task.add_done_callback(self._parts.leases.take())

        def ended(done: asyncio.Task[None]) -> None:
            self._runs.pop(run, None)
            self.stepping.ended(job.id)
            if done.cancelled() or (error := done.exception()) is None:
                return
            self._parts.log("unexpected error", request=job.id, error=type(error).__name__, exc_info=error)
            outcome = ending.broken(job, error, kept=job.on_disk and self._parts.stored)
            run.tell(Finished(outcome=outcome))
            self._trace(job, outcome)

        task.add_done_callback(ended)

    async def _begin(self, run: Run, job: Job) -> None:
        """Commit the request, then serve it: nothing leaves before the prompt is safe (policy R2)."""
        job.warned = len(self._parts.warnings)
        if job.kept:
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
        await self._serve(run, job)

    async def _resume(self, run: Run, job: Job) -> None:
        job.warned = len(self._parts.warnings)
        self._tell_accepted(run, job)
        await self._serve(run, job)

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

    async def _serve(self, run: Run, job: Job) -> None:
        """Walk the lane in a task of its own, so that stopping it never stops the writing down."""
        if self._parts.telemetry is not None:
            self._parts.telemetry.expect()
        walk = Walk()
        begun = job.router.targets.elapsed()
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
        timed_out = not done
        self._close(run, job, walk, timed_out=timed_out)
        self._learn(walk)
        await self._settling.price(job, walk)
        outcome = ending.outcome_of(
            job,
            walk,
            latency_s=job.router.targets.elapsed() - begun,
            now=self._parts.clock(),
            stored=self._parts.stored,
            program=self._parts.program,
            ways_out=ways_out(self._parts, job, walk.refusal) if walk.refusal is not None else (),
        )
        outcome = await self._settling.settle(job, summaries.told(job, outcome))
        told = await budget_warnings(self._parts, job, outcome)
        outcome = replace(outcome, warnings=(*outcome.warnings, *told)) if told else outcome
        met = tuple(line for line in self._parts.warnings[job.warned :] if line not in outcome.warnings)
        run.tell(Finished(outcome=replace(outcome, warnings=(*outcome.warnings, *met))))
        self._log(outcome)
        self._trace(job, outcome)

    async def _walk(self, run: Run, job: Job, walk: Walk) -> None:
        if job.ask.probe:
            for ref in job.lane.targets:
                job.router.targets.take_back(ref.provider)
        before = job.conversation if job.ask.conversation is not None else None  # a new one has no history
        messages = await messages_of(self._parts, job.ask, job.lane, before, request_id=job.id)
        account = account_of(job)
        route = replace(route_of(job.ask, job.lane, messages, account), first_number=job.first_number)

        async def record(attempt: Attempt) -> None:
            await self._settling.note(job, attempt)

        def sink(event: object) -> None:
            run.tell(event)  # type: ignore[arg-type]  # the router emits desk events only
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

        tap = partial(self.exchanges.tap, job.id)
        await job.router.run(route, walk, sink=sink, record=record, controls=run.controls, tap=tap)

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
                self._parts.log("unexpected error", request=job.id, error=type(error).__name__, exc_info=error)

    def _learn(self, walk: Walk) -> None:
        """An answer shows that a provider is well, whatever an earlier look at it found."""
        before = set(self.answering)
        for attempt in walk.attempts:
            if attempt.outcome in (AttemptOutcome.COMPLETED, AttemptOutcome.REFUSED):
                self.answering.add(attempt.target.provider)
                self.on_answer(attempt.target.provider)
            elif attempt.outcome is AttemptOutcome.FAILED:
                self.answering.discard(attempt.target.provider)
        if self.answering != before:
            self._changed(Topic.PROVIDERS)

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

    def _trace(self, job: Job, outcome: Outcome) -> None:
        if self._parts.telemetry is not None:
            asked = Asked(endpoint=job.ask.endpoint, params=job.lane.params, ended_at=self._parts.clock())
            self._parts.telemetry.record(outcome, asked)

    async def aclose(self) -> None:
        """Pause what still runs and wait until it is written down."""
        self._closing = True
        while self._claims or self._runs:
            if self._claims:
                await asyncio.wait(set(self._claims))  # what they take out of the outbox is a run then
                continue
            for run in list(self._runs):
                run.cancel(keep=True)
            await asyncio.wait(list(self._runs.values()))
        await self._settling.try_again()


def _last_user(messages: tuple[Message, ...]) -> str:
    return next(
        (m.content for m in reversed(messages) if m.role is Role.USER), messages[-1].content if messages else ""
    )
