"""Many requests at once through every failure, cut in on at random: the servers' logs judge (policy I1, I6)."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import AttemptOutcome, Status
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import (
    FaultServer,
    Mark,
    chat_answer,
    chat_chunk,
    error,
    hang_up,
    no_answer,
    page,
    redirect,
    reset,
    stream,
)
from tests.support.slowness import PATIENCE_S, allowed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llmdesk.core.types import Outcome
    from llmdesk.desk import Desk
    from tests.support.fault_server import (
        Play,
        Seen,
    )

REQUESTS = 70

FAULTS: tuple[tuple[str, Callable[[], Play]], ...] = (
    ("server", lambda: error(503, "busy")),
    ("server", lambda: stream([chat_chunk("part"), {"error": "boom"}])),
    ("truncated", lambda: chat_answer("part", done=False)),
    ("truncated", lambda: stream([chat_chunk("part")], end=Mark.RST)),
    ("truncated", lambda: chat_answer(" \n")),
    ("net", reset),
    ("net", hang_up),
    ("gone", lambda: error(404, "model 'x' not found")),
    ("request", lambda: error(400, "bad")),
    ("auth", lambda: error(403, "this model requires a subscription")),
    ("captive", page),
    ("config", lambda: redirect(307, "http://x.example/")),
    ("silent", no_answer),
    ("silent", lambda: stream([chat_chunk("part")], end=Mark.HOLD)),
    ("rate", lambda: error(429, "you've reached your hourly usage limit")),
)


class Fate:
    """Decides what each request meets, and writes it down under its prompt."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.met: dict[str, list[tuple[str, str, str]]] = {}

    def rules(self, name: str, server: FaultServer) -> None:
        def decide(seen: Seen) -> None:
            if seen.path != "/api/chat":
                return
            text = f"answer {self.dice.randrange(10**9)} é\u2028\r\n"
            kind, play = self.dice.choice(FAULTS) if self.dice.random() < 0.7 else ("", lambda: chat_answer(text))
            if kind == "rate" and name == "local":
                kind, play = "server", lambda: error(500, "x")
            self.met.setdefault(seen.json["messages"][-1]["content"], []).append((name, kind, text))
            server.always("/api/chat", play())

        server.on_request = decide


async def walk(desk: Desk, fate: Fate, prompt: str) -> tuple[Outcome, bool]:
    """Ask once; now and then stop it, or ask for the next target, at some moment."""
    run = desk.send(Ask(prompt=prompt))
    act = fate.dice.random()
    if act < 0.3:
        await asyncio.sleep(fate.dice.random() * 0.15)
        if act < 0.2:
            run.cancel(keep=act < 0.1)
        else:
            run.next_target()
    return await asyncio.wait_for(run.outcome(), PATIENCE_S), act < 0.3


@pytest.mark.parametrize("seed", [1, 2])
async def test_history_order_class_and_text_are_what_the_servers_saw(seed: int, tmp_path: Path) -> None:
    fate = Fate(seed)
    quick = dict.fromkeys(("first_token_s", "idle_s"), round(min(allowed(0.6), 2.0), 1))
    async with FaultServer() as cloud, FaultServer() as local:
        fate.rules("cloud", cloud)
        fate.rules("local", local)
        world = exec_world(tmp_path, SERVICE_KEY="canary-key-of-the-service")
        world.configure(
            configuration(
                provider(
                    "cloud", cloud.url, api_key="${SERVICE_KEY}", cooldown_s=0.3, timeouts=quick,
                    retry={"attempts": 3, "delay_s": 0.02},
                ),
                provider("local", local.url, timeouts=quick, retry={"attempts": 2, "delay_s": 0.02}),
                targets=["cloud/x", "local/gemma3:4b"],
            )
        )  # fmt: skip
        statuses = {}
        async with make_desk(env=world.environment) as desk:
            turns = asyncio.Semaphore(3)

            async def one(number: int) -> None:
                async with turns:
                    prompt = f"prompt {number}"
                    outcome, cut_in = await walk(desk, fate, prompt)
                    await desk.check_providers(timeout_s=1)  # what was left out may be asked again
                    statuses[outcome.request_id] = outcome.status.value
                    view = await desk.request(outcome.request_id)
                    judge(outcome, fate.met.get(prompt, []), cut_in=cut_in)
                    asked = [a.number for a in outcome.attempts]
                    assert [a.number for a in view.attempts] == asked == sorted(set(asked))
                    assert view.status is outcome.status

            await asyncio.gather(*map(one, range(REQUESTS)))
    with sqlite3.connect(world.database) as connection:
        assert dict(connection.execute("SELECT id, status FROM requests").fetchall()) == statuses
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert {"completed", "paused", "failed"} <= set(statuses.values())
    assert not list(world.state.parent.glob("*.tmp"))


def judge(outcome: Outcome, met: list[tuple[str, str, str]], *, cut_in: bool) -> None:
    """Hold an outcome against what its servers did."""
    asked = [a for a in outcome.attempts if a.outcome is not AttemptOutcome.SKIPPED]
    if cut_in and len(asked) > len(met):
        asked = [a for a in asked if a.outcome is not AttemptOutcome.CANCELLED]  # stopped before it was sent
    assert len(asked) == len(met), "one row of history for each request a server saw"
    for attempt, (name, kind, _) in zip(asked, met, strict=True):
        assert attempt.target.provider == name
        if attempt.outcome is not AttemptOutcome.CANCELLED:
            assert (attempt.error_kind.value if attempt.error_kind else "") == kind
        assert len(attempt.message) <= 200
    assert [name for name, _, _ in met] == sorted(name for name, _, _ in met), "first the cloud, then this machine"
    if outcome.status is Status.COMPLETED:
        assert outcome.text in [text for _, kind, text in met if not kind]
    assert (outcome.status is Status.COMPLETED) == (outcome.error is None)
