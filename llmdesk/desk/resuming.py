"""Resuming: paused requests of lanes with ``resume: auto`` are asked again when their time has come, oldest first.

When that is (policy section 1): at the first cooldown's end; after passing failures in growing intervals, at most five
times; at once for what a program that ended left behind; after a refused key or a missing model only when that was
mended while this desk runs. Within a lane one after the other in the order of the outbox; lanes do not wait for each
other, and new prompts wait for nobody. Of several instances exactly one gets each request.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from itertools import groupby
from typing import TYPE_CHECKING

from llmdesk.core.errors import DeskError, StorageError
from llmdesk.core.types import ConsentNeeded
from llmdesk.core.views import Topic
from llmdesk.desk import payload
from llmdesk.desk.choosing import lane_for
from llmdesk.desk.ending import LIMITS, MAX_RESUMES, PASSING, RESUME_DELAY_S, STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmdesk.core.lanes import Lane
    from llmdesk.core.types import ModelRef
    from llmdesk.core.views import OutboxEntry
    from llmdesk.desk.asking import Asking
    from llmdesk.desk.parts import Parts
    from llmdesk.desk.run import Run
    from llmdesk.desk.watch import Watch

    OnRun = Callable[[OutboxEntry, Run], bool]

MAX_NAP_S = 30.0
"""The longest sleep while something will come due, seconds: a suspended machine's timers stand still."""

WAKING = frozenset({Topic.OUTBOX, Topic.COOLDOWNS, Topic.PROVIDERS, Topic.SETTINGS})
"""Changes after which something may be due earlier, later, or not at all."""

AT_ONCE = 0.0
"""A time that has come whatever the clock says, UTC epoch seconds."""


class Resuming:
    """Takes up what is due, for one desk.

    Args:
        parts: the desk's.
        asking: runs the requests.
        watch: tells what changed.
    """

    def __init__(self, parts: Parts, asking: Asking, watch: Watch) -> None:
        self._parts = parts
        self._asking = asking
        self._watch = watch
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._busy: set[str] = set()
        self._held: dict[str, float] = {}
        """Lanes another instance is serving, and until when at most they are left to it (UTC epoch seconds)."""
        self._lanes: dict[str, Lane | None] = {}
        """The lane of each paused request as it applies to it; ``None`` = it cannot be asked as configured."""
        self._out: dict[str, frozenset[ModelRef]] = {}
        """The targets of each paused request that were out when it was last looked at."""

    async def keep(self, on_run: OnRun) -> None:
        """Do it until cancelled or stopped; where no lane resumes by itself there is nothing to do.

        Args:
            on_run: told of each request that is taken up; true = the caller reads its events and answers its questions.
        """
        if not self._parts.stored or not any(lane.resume == "auto" for lane in self._parts.lanes.values()):
            return  # what is not kept went back to whoever asked
        self._task = task = asyncio.get_running_loop().create_task(self._keep(on_run))
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        if not task.cancelled():
            task.result()

    async def stop(self) -> None:
        """Take up nothing more; what is being answered goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _keep(self, on_run: OnRun) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            while True:
                self._wake.clear()
                due_at = await self._round(group, on_run)
                await self._nap(due_at)

    async def _listen(self) -> None:
        async with aclosing(self._watch()) as changes:
            async for topics in changes:
                if Topic.SETTINGS in topics:
                    self._lanes.clear()
                    self._out.clear()
                if topics & WAKING:
                    self._held.clear()
                    self._wake.set()

    async def _nap(self, due_at: float | None) -> None:
        """Sleep until something is due or has changed."""
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._wake.wait())]
        if due_at is not None:
            left_s = min(max(due_at - self._parts.clock(), 0.0), MAX_NAP_S)
            waits.append(asyncio.ensure_future(self._parts.sleep(left_s)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    # --- what is due ---

    async def _round(self, group: asyncio.TaskGroup, on_run: OnRun) -> float | None:
        """Begin with every lane in which something is due; returns when the next one will be."""
        try:
            queues = await self._queues()
        except StorageError as error:
            self._parts.log("outbox not read", error=type(error).__name__)
            return self._parts.clock() + RESUME_DELAY_S
        later: list[float] = []
        now = self._parts.clock()
        for name, queue in queues.items():
            if name in self._busy:
                continue
            dues = [due for entry in queue if (due := self._due_at(entry)) is not None]
            if not dues:
                continue
            at = max(min(dues), self._held.get(name, 0.0))
            if at > now:
                later.append(at)
                continue
            self._busy.add(name)
            group.create_task(self._serve(name, queue, on_run))
        return min(later, default=None)

    async def _queues(self) -> dict[str, Sequence[OutboxEntry]]:
        """The paused requests that may be resumed by themselves, by lane, oldest first."""
        entries = await self._parts.requests.outbox()
        for memory in (self._lanes, self._out):
            for gone in memory.keys() - {entry.id for entry in entries}:
                del memory[gone]
        mine = [entry for entry in entries if (lane := await self._lane_of(entry)) and lane.resume == "auto"]
        by_lane = sorted(mine, key=lambda entry: entry.lane)  # stable: oldest first within each
        return {name: tuple(queue) for name, queue in groupby(by_lane, key=lambda entry: entry.lane)}

    async def _lane_of(self, entry: OutboxEntry) -> Lane | None:
        named = self._parts.lanes.get(entry.lane)
        if named is None or named.resume != "auto":
            return None
        if entry.id not in self._lanes:
            self._lanes[entry.id] = None
            stored = await self._parts.requests.load(entry.id)
            with suppress(DeskError):
                self._lanes[entry.id] = lane_for(self._parts, payload.load(stored.payload)) if stored else None
        return self._lanes[entry.id]

    def _due_at(self, entry: OutboxEntry) -> float | None:
        """When a request is to be asked again, UTC epoch seconds; ``None`` = not before something changes."""
        lane = self._lanes.get(entry.id)
        if lane is None:
            return None
        targets = self._parts.router.targets
        skips = {ref: targets.skip_reason(ref)[0] for ref in lane.targets}
        mended = self._mended(entry, skips)
        if all(skips.values()):
            first = targets.earliest_recovery(lane.targets)
            return first[1] if first is not None else None
        if mended:
            return AT_ONCE
        if entry.next_try_at is not None:
            return entry.next_try_at
        left_behind = entry.error_kind is None or entry.reason == STOPPED  # its program was killed, or ended
        on_its_own = left_behind or entry.error_kind in PASSING
        return AT_ONCE if on_its_own and entry.resumed < MAX_RESUMES else None

    def _mended(self, entry: OutboxEntry, skips: dict[ModelRef, str]) -> bool:
        """Whether a target that was out can be asked again: a check found its key good, say."""
        out = frozenset(ref for ref, reason in skips.items() if reason in ("attention", "gone"))
        before = self._out.get(entry.id, frozenset())
        self._out[entry.id] = before | out
        return any(not skips.get(ref, "") for ref in before)

    # --- asking again ---

    async def _serve(self, name: str, queue: Sequence[OutboxEntry], on_run: OnRun) -> None:
        """Ask a lane's requests one after the other, up to the last one that is due; older ones go first."""
        try:
            now = self._parts.clock()
            dues = [self._due_at(entry) for entry in queue]
            last = max((at for at, due in enumerate(dues) if due is not None and due <= now), default=-1)
            for entry in queue[: last + 1]:
                due = self._due_at(entry)
                if due is not None and self._askable(entry):
                    await self._ask_again(entry, on_run, counted=due <= self._parts.clock())
        except StorageError as error:
            self._held[name] = self._parts.clock() + RESUME_DELAY_S
            self._parts.log("outbox not served", error=type(error).__name__)
        except DeskError:
            # Somebody else was quicker; or an earlier request of the same conversation is just being answered. If that
            # is by an instance that has died, the request is paused now, and comes first.
            self._held[name] = self._parts.clock() + RESUME_DELAY_S
            with suppress(StorageError):
                if await self._parts.requests.recover(self._parts.instance.is_alive):
                    self._held.clear()
        finally:
            self._busy.discard(name)
            self._wake.set()

    def _askable(self, entry: OutboxEntry) -> bool:
        lane = self._lanes[entry.id]
        return lane is not None and any(not self._parts.router.targets.skip_reason(ref)[0] for ref in lane.targets)

    async def _ask_again(self, entry: OutboxEntry, on_run: OnRun, *, counted: bool) -> None:
        counts = counted and entry.error_kind not in LIMITS
        run = await self._asking.take_up(entry, resumed=entry.resumed + counts)
        self._out.pop(entry.id, None)
        if not on_run(entry, run):
            async for event in run:
                if isinstance(event, ConsentNeeded):
                    run.consent(False)  # nobody is there to be asked (policy R16)
        await run.outcome()
