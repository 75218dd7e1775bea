"""Whatever servers and users do, in any order: one outcome each, no prompt lost, no context mixed (I1, I2, I18)."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import UsageError
from llmdesk.core.types import Accepted, Finished, Status
from llmdesk.core.views import Ask
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import DeskWorld, asked, story

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from llmdesk.core.types import ChatRequest, Outcome, ProviderEvent
    from llmdesk.desk import Desk, Run

FAULTS = (
    errors.RateLimited, errors.QuotaReached, errors.ServerFailed, errors.NetworkFailed, errors.NoAnswer,
    errors.AnswerCut, errors.WebPageAnswered, errors.RequestRejected, errors.ModelRefused, RuntimeError,
)  # fmt: skip


class Moody:
    """A provider that answers what it was asked, or fails, as the dice fall; its partial texts are marked."""

    def __init__(self, world: DeskWorld, name: str, dice: random.Random) -> None:
        self.plain, self.name, self.dice = getattr(world, name), name, dice
        self.requests: list[ChatRequest] = []
        self.whole: set[str] = set()
        self.open = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        self.requests.append(request)
        number = len(self.requests)
        text = f"answer to <{asked(request)}> by {self.name} {number}"
        fault = self.dice.choice(FAULTS) if self.dice.random() < 0.5 else None
        steps: list[str | float] = [text, self.dice.choice((0, 0, 0.005))]
        if fault is not None:
            steps = [f"PARTIAL {number}", *steps[1:]] if self.dice.random() < 0.5 else steps[1:]
        error = fault(f"{self.name}: {fault.__name__}.") if fault is not None else None
        player = type(self.plain)(self.name, [Scene(steps=steps, error=error)])  # type: ignore[arg-type]
        self.open += 1
        events = player.stream(request)
        try:
            async for event in events:
                yield event
            self.whole.add(text)
        finally:
            await events.aclose()
            self.open -= 1

    async def list_models(self) -> object:
        return await self.plain.list_models()

    async def aclose(self) -> None:
        """Nothing is open."""


async def one_of_many(desk: Desk, prompt: str, conversation: str, dice: random.Random) -> tuple[Run, Outcome]:
    """Ask, and meddle with it."""
    lane = dice.choice(("chat", "codegen"))
    run = desk.send(
        Ask(prompt=prompt, lane=lane, conversation=conversation, timeout_s=dice.choice((None, None, 0.004)))
    )
    for _ in range(dice.randrange(3)):
        await asyncio.sleep(dice.choice((0, 0.001, 0.004)))
        act = dice.choice((run.cancel, lambda: run.cancel(keep=True), run.next_target, run.retry_now, lambda: None))
        act()
    events = await story(run)
    assert len([e for e in events if isinstance(e, Finished)]) == 1
    assert isinstance(events[0], Accepted)
    return run, await run.outcome()


@pytest.mark.parametrize("seed", range(6))
async def test_any_sequence_ends_each_request_once_and_loses_none(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    world = DeskWorld(tmp_path)
    moods = {name: Moody(world, name, dice) for name in ("cloud", "local")}
    world.shelf.providers = moods  # type: ignore[assignment]
    outcomes: dict[str, Outcome] = {}

    async def round_of(desk: Desk, number: int) -> None:
        talks = [
            one_of_many(desk, f"p{number}.{n}", f"talk{n % 3}", random.Random(f"{seed}.{number}.{n}")) for n in range(6)
        ]
        for run, outcome in await asyncio.gather(*talks):
            outcomes[run.request_id] = outcome

    async with world.desk() as one, world.desk() as other:
        for number in range(4):
            await round_of((one, other)[number % 2], number)
            world.clocks.pass_time(700)
            for entry in await one.outbox():
                runs = await asyncio.gather(one.retry(entry.id), other.retry(entry.id), return_exceptions=True)
                won = [run for run in runs if not isinstance(run, BaseException)]
                assert all(isinstance(run, UsageError) for run in runs if run not in won)
                # One that was paused again before the other came is rightly taken twice, one after the other.
                ends = [await run.outcome() for run in won]
                outcomes[entry.id] = max(ends, key=lambda end: max((a.number for a in end.attempts), default=0))
        left = [one.send(Ask(prompt=f"left {n}")) for n in range(3)]
    outcomes |= {run.request_id: await run.outcome() for run in left}

    assert dict(world.rows("SELECT id, status FROM requests")) == {i: o.status.value for i, o in outcomes.items()}
    assert len(outcomes) == 27
    whole = moods["cloud"].whole | moods["local"].whole
    for outcome in outcomes.values():
        assert outcome.status is not Status.COMPLETED or outcome.text in whole
    for request in moods["cloud"].requests + moods["local"].requests:
        texts = [message.content for message in request.messages]
        assert not any("PARTIAL" in text for text in texts)
        for question, answer in zip(texts[0:-1:2], texts[1:-1:2], strict=True):
            assert f"<{question}>" in answer
    assert all(mood.open == 0 for mood in moods.values())
    calls = sum(len(mood.requests) for mood in moods.values())
    ((recorded,),) = world.rows("SELECT count(*) FROM attempts WHERE outcome <> 'skipped'")
    assert recorded == calls, "every attempt is recorded, once"
    ((unsaid,),) = world.rows("SELECT count(*) FROM requests WHERE prompt = ''")
    assert unsaid == 0
