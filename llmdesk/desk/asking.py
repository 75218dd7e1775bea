"""Asking: requests begin, newly written or taken out of the outbox, and somebody owns them until they are settled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk import memory
from llmdesk.core.errors import UsageError
from llmdesk.core.views import Topic
from llmdesk.desk import payload
from llmdesk.desk.choosing import check, lane_for
from llmdesk.desk.job import Job
from llmdesk.desk.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.views import Ask, OutboxEntry
    from llmdesk.desk.parts import Parts
    from llmdesk.desk.serving import Serving
    from llmdesk.storage.records import StoredRequest


class Asking:
    """Begins requests for a desk and owns their tasks until they are written down.

    Args:
        parts: the desk's.
        serving: what is done with each of them.
        changed: told when the outbox has changed.
    """

    def __init__(self, parts: Parts, serving: Serving, changed: Callable[[Topic], None]) -> None:
        self._parts = parts
        self._serving = serving
        self._changed = changed
        self._runs: dict[Run, asyncio.Task[None]] = {}
        self._claims: set[asyncio.Task[Run]] = set()
        self._closing = False
        """Nothing is taken out of the outbox any more."""

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
        self._own(run, job)
        return run

    # --- the outbox ---

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
        found = await self._waiting(request_id)
        return _asked(found, payload.load(found.payload))

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
        """Make a paused request this desk's own, and serve it.

        What could still be wrong with it is looked for before that: nobody else takes up what an instance has claimed.
        """
        found = payload.load((await self._waiting(request_id)).payload)
        lane, router, prices = lane_for(self._parts, found), self._parts.router, self._parts.prices
        stored = await self._parts.requests.claim(request_id, seen=seen, resumed=resumed)
        if stored is None:
            raise _not_paused(request_id)
        job = Job(
            id=stored.id,
            ask=replace(_asked(stored, found), probe=probe, consent=consent),
            lane=lane,
            router=router,
            prices=prices,
            created_at=stored.created_at,
            conversation=stored.conversation,
            kept=True,
            on_disk=True,
            again=True,
            resumed=stored.resumed,
        )
        run = Run(stored.id, checked=job.lane.schema is not None)
        self._changed(Topic.OUTBOX)
        self._own(run, job)
        return run

    async def _waiting(self, request_id: str) -> StoredRequest:
        """A request whose text is there, as it is as long as it waits."""
        found = await self._parts.requests.load(request_id)
        if found is None or not found.payload:
            raise _not_paused(request_id)
        return found

    # --- owning ---

    def _own(self, run: Run, job: Job) -> None:
        """Serve a request in a task, kept until it has ended; whatever goes wrong, its asker hears of the end."""
        task = asyncio.get_running_loop().create_task(self._serving.serve(run, job))
        self._runs[run] = task
        task.add_done_callback(self._parts.leases.take())

        def ended(done: asyncio.Task[None]) -> None:
            self._runs.pop(run, None)
            self._serving.stepping.ended(job.id)
            if not done.cancelled() and (error := done.exception()) is not None:
                self._serving.fault(run, job, error)

        task.add_done_callback(ended)

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
        await self._serving.settling.try_again()


def _asked(stored: StoredRequest, asked: Ask) -> Ask:
    """A request as it was asked: what its payload says, with what its row holds."""
    return replace(asked, prompt=stored.prompt, attachments=stored.attachments, conversation=stored.conversation)


def _not_paused(request_id: str) -> UsageError:
    return UsageError(f"No paused request {request_id} (any more). List them with: llmdesk outbox list")
