"""Plays a sequence against the real program over real sockets and files, and gathers what is left behind."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.cli.report import outcome_report
from llmdesk.core.errors import UsageError
from llmdesk.core.types import Accepted, Finished
from llmdesk.core.views import Ask
from tests.campaign.alphabet import SHORT_WAIT_S
from tests.campaign.evidence import Asked, Evidence, Poisoned, Resumed, Target
from tests.campaign.house import House
from tests.campaign.machine import Machine
from tests.campaign.processes import ask_process, learn_request, retry_process
from tests.campaign.sequence import Jump, Poison, Reboot, Restart, Resume, Say, Second, Together
from tests.campaign.story import describe, told
from tests.campaign.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.types import Outcome
    from llmdesk.desk import Run
    from tests.campaign.house import Tenant
    from tests.campaign.sequence import Provider, Sequence, Step

STEP_S = 30.0
"""How long one step may take before it counts as one that never ends, seconds; every limit in it is below 2 s."""

WORDS = ("tide", "größer", "naïve", "mañana", "ロケット", "a\u2028b", "quiet", "second", "<b>", "{x}", "🜁", "Δ")
"""What prompts are made of beside their number."""


async def play(sequence: Sequence, folder: Path, *, patience: float = 1.0) -> Evidence:
    """Play a sequence.

    Args:
        sequence: it.
        folder: a new folder; the evidence's files are in it.
        patience: how many times as long as usual silence is endured, for machines that are busy.
    """
    machine = Machine(own_boot=not sequence.real)
    evidence = Evidence(
        seed=sequence.seed,
        story=describe(sequence),
        home=folder,
        recorded=sequence.record != "off-record",
        lanes=_targets(sequence),
        budgets=sequence.budgets,
        clocks=machine.history,
        began=time.monotonic(),
    )
    notes: list[str] = []
    async with World(sequence.providers, folder / "home-0", machine.both, patience=patience) as world:
        house = House(
            folder=folder,
            configuration=world.configuration(sequence.lanes, sequence.record, sequence.budgets),
            environment=world.environment,
            machine=machine,
            note=notes.append,
            moved=world.moved,
        )
        evidence.instances = house.lived
        player = _Player(sequence, evidence, world, house, limit_s=STEP_S * patience)
        try:
            await player.play()
        except _TooLong as problem:
            notes.append(str(problem))
        evidence.leftovers = await asyncio.to_thread(world.leftovers)
        evidence.canaries = {**world.canaries, **player.canaries}
        evidence.foreign = tuple(world.foreign)
    evidence.served = list(world.served)
    evidence.home = house.home
    evidence.notes = tuple(notes)
    evidence.ended = time.monotonic()
    return evidence


def _targets(sequence: Sequence) -> dict[str, tuple[Target, ...]]:
    """The lanes as they are configured."""
    providers = {provider.name: provider for provider in sequence.providers}

    def target(position: int, provider: Provider) -> Target:
        return Target(
            provider=provider.name,
            model=World.model_of(provider.name),
            wire=provider.wire,
            attempts=provider.attempts,
            cooldown_s=provider.cooldown_s,
            position=position,
            short_wait_s=SHORT_WAIT_S,
            delay_s=provider.delay_s,
            price=provider.price,
        )

    return {
        name: tuple(target(position, providers[each]) for position, each in enumerate(targets))
        for name, targets in sequence.lanes
    }


class _TooLong(Exception):
    """A step that did not end."""


class _Player:
    def __init__(self, sequence: Sequence, evidence: Evidence, world: World, house: House, *, limit_s: float) -> None:
        self._limit_s = limit_s
        self._sequence = sequence
        self._evidence = evidence
        self._world = world
        self._house = house
        self._numbers: dict[int, int] = {}
        """Where each number stands among what was asked."""
        self._talks: dict[str, tuple[str, int, int]] = {}
        """By lane, the conversation that goes on: its id, the number of its newest turn, the instance that knows it."""
        self.canaries: dict[str, str] = {}

    async def play(self) -> None:
        """Take the steps one after the other; whatever happens, every instance is closed at the end."""
        if not self._sequence.real:
            await self._house.open()
        try:
            for number, step in enumerate(self._sequence.steps, 1):
                await self._in_time(self._take(step), f"step {number} did not end: {told(step)}")
        finally:
            await self._in_time(self._end(), "closing did not end")

    async def _in_time(self, work: object, words: str) -> None:
        try:
            async with asyncio.timeout(self._limit_s):
                await work  # type: ignore[misc]
        except TimeoutError:
            raise _TooLong(words) from None

    async def _end(self) -> None:
        if self._sequence.real:
            await self._house.open()  # one more start, which finds what killed processes left behind
        await self._house.close_all()

    async def _take(self, step: Step) -> None:
        match step:
            case Say():
                await self._say(step)
            case Together():
                await asyncio.gather(*(self._say(say) for say in step.says))
            case Jump():
                self._house.machine.jump(step.wall, step.boot)
            case Restart() if step.hard:
                many = len(self._house.tenants)
                await self._house.crash()
                await self._open(many)
            case Restart():
                first = self._house.tenants[0]
                await self._house.close(first)
                await self._house.open()
            case Reboot():
                many = len(self._house.tenants)
                await self._house.close_all()
                self._house.machine.reboot(step.wall)
                await self._open(many)
            case Second():
                await self._open(2 if step.on else 1)
            case Poison():
                self._evidence.poisons.append(Poisoned(at=time.monotonic(), provider=step.provider, toxin=step.toxin))
                await self._world.poison(step.provider, step.toxin)
            case Resume() if self._sequence.real:
                await retry_process(self._house, self._evidence, probe=step.probe)
            case Resume():
                await self._resume(step)

    async def _open(self, many: int) -> None:
        while len(self._house.tenants) < many:
            await self._house.open()
        while len(self._house.tenants) > many:
            await self._house.close(self._house.tenants[-1])

    # --- asking ---

    def _prompt(self, number: int) -> str:
        word = WORDS[(self._sequence.seed + number) % len(WORDS)]
        if self._evidence.recorded:
            return f"Say #{number}. {word} {word[::-1]}"
        canary = f"whisper-{self._sequence.seed}-{number}-wren"
        self.canaries[f"prompt {number}"] = canary
        return f"Say #{number}. {word} {canary}"

    async def _say(self, say: Say) -> None:
        for provider, symbols in say.meets:
            self._world.meets(say.number, provider, symbols)
        prompt = self._prompt(say.number)
        talk = self._talks.get(say.lane) if say.follows else None
        if say.real:
            asked = Asked(
                number=say.number,
                prompt=prompt,
                lane=say.lane,
                instance=self._house.begin_life(),
                real=True,
                at=time.monotonic(),
                follows=talk[1] if talk else None,
            )
            place = len(self._evidence.asked)
            self._evidence.asked.append(asked)
            done = await ask_process(
                self._house,
                asked,
                say,
                conversation=talk[0] if talk else None,
                reached=lambda: any(prompt in served.prompt for served in self._world.served),
            )
            self._evidence.asked[place] = done
            if done.request and self._evidence.recorded and (found := self._house.conversation_of(done.request)):
                self._talks[say.lane] = (found, say.number, -1)
            return
        tenant = self._house.turn()
        if talk and not self._evidence.recorded and talk[2] != tenant.number:
            talk = None  # off the record only the instance that had it knows a conversation
        self._numbers[say.number] = len(self._evidence.asked)
        self._evidence.asked.append(
            Asked(
                number=say.number,
                prompt=prompt,
                lane=say.lane,
                instance=tenant.number,
                at=time.monotonic(),
                follows=talk[1] if talk else None,
            )
        )
        run = tenant.desk.send(Ask(prompt=prompt, lane=say.lane, conversation=talk[0] if talk else None))
        tenant.runs[say.number] = run
        following = asyncio.create_task(self._follow(tenant, run, say))
        if say.cut:
            await asyncio.wait({following}, timeout=say.after_s)
            if not following.done():
                await self._cut(say, tenant, run)
        await following

    async def _follow(self, tenant: Tenant, run: Run, say: Say) -> None:
        async for event in run:
            if tenant.left == "kill":
                continue  # whoever asked is gone; nobody hears this any more
            if isinstance(event, Accepted):
                self._mark(say.number, request=event.request_id)
                if event.conversation is not None and (event.kept or event.in_memory):
                    self._talks[say.lane] = (event.conversation, say.number, tenant.number)
            elif isinstance(event, Finished):
                self._mark(say.number, over=time.monotonic(), answer=_report(event.outcome))
                tenant.runs.pop(say.number, None)
        tenant.runs.pop(say.number, None)
        self._mark_left(say.number, tenant)

    def _mark_left(self, number: int, tenant: Tenant) -> None:
        asked = self._evidence.asked[self._numbers[number]]
        if tenant.left and asked.cut not in ("kill", "close") and (tenant.left == "kill" or asked.over is None):
            self._mark(number, cut=tenant.left, cut_at=tenant.left_at)

    def _mark(self, number: int, **fields: object) -> None:
        place = self._numbers[number]
        self._evidence.asked[place] = replace(self._evidence.asked[place], **fields)  # type: ignore[arg-type]

    async def _cut(self, say: Say, tenant: Tenant, run: Run) -> None:
        if not tenant.left:
            self._mark(say.number, cut=say.cut, cut_at=time.monotonic())
            await self._cut_in(say.cut, tenant, run)

    async def _cut_in(self, cut: str, tenant: Tenant, run: Run) -> None:
        """Do to a request what its user, or the machine, may do; an instance that ends takes all its requests along."""
        if cut in ("cancel", "keep"):
            run.cancel(keep=cut == "keep")
        elif cut == "next target":
            run.next_target()
        elif cut == "close":
            self._mark_all([tenant], cut)
            await self._house.close(tenant)
            if not self._house.tenants:
                await self._house.open()
        elif cut == "kill":
            many = len(self._house.tenants)
            self._mark_all(self._house.tenants, cut)
            await self._house.crash()
            await self._open(many)

    def _mark_all(self, tenants: list[Tenant], cut: str) -> None:
        at = time.monotonic()
        for number in (number for tenant in tenants for number in tenant.runs if number > 0):
            self._mark(number, cut=cut, cut_at=at)

    # --- the outbox ---

    async def _resume(self, step: Resume) -> None:
        """Every instance wants every request, so that each time one gets it; the order is that of the outbox."""
        cut = step.cut
        for entry in await self._house.tenants[0].desk.outbox():
            learn_request(self._evidence, entry.id, entry.prompt)
            before = tuple(self._house.tenants)
            await asyncio.gather(*(self._retry(tenant, entry.id, step, cut) for tenant in before))
            if before != tuple(self._house.tenants):
                return
            cut = ""

    async def _retry(self, tenant: Tenant, request: str, step: Resume, cut: str) -> None:
        place = len(self._evidence.resumed)
        self._evidence.resumed.append(
            Resumed(at=time.monotonic(), request=request, instance=tenant.number, probe=step.probe)
        )
        try:
            run = await tenant.desk.retry(request, probe=step.probe)
        except UsageError:
            self._mark_resumed(place, taken=False, over=time.monotonic())
            return
        tenant.runs[-place - 1] = run
        ending = asyncio.create_task(run.outcome())
        if cut:
            await asyncio.wait({ending}, timeout=step.after_s)
            if not ending.done() and not tenant.left:
                self._mark_resumed(place, cut=cut, cut_at=time.monotonic())
                await self._cut_in(cut, tenant, run)
        outcome = await ending
        tenant.runs.pop(-place - 1, None)
        if tenant.left == "kill":
            self._mark_resumed(place, cut="kill", cut_at=tenant.left_at)
            return
        if tenant.left:
            self._mark_resumed(place, cut=tenant.left, cut_at=tenant.left_at)
        self._mark_resumed(place, over=time.monotonic(), answer=_report(outcome))

    def _mark_resumed(self, place: int, **fields: object) -> None:
        self._evidence.resumed[place] = replace(self._evidence.resumed[place], **fields)  # type: ignore[arg-type]


def _report(outcome: Outcome) -> dict[str, object]:
    """What ``exec --json`` prints of it, read again."""
    value = json.loads(json.dumps(outcome_report(outcome)))
    assert isinstance(value, dict)
    return value
