"""A server that nobody here wrote judges how llmdesk repeats, waits and gives up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from llmdesk.core.types import ModelRef, Status
from llmdesk.core.views import Ask
from tests.outside import llmock
from tests.outside.asking import Told, open_desk, open_provider, story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmdesk.core.types import Outcome
    from llmdesk.desk import Desk
    from tests.outside.programs import Program

WIRES = tuple(llmock.BASE_PATHS)
SEED = 3
ROUNDS = 30
TEXT = "One two three four five six seven eight nine ten, and that is all there is."

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What happens to the requests for one model before all is well, and what must be recorded of each."""

    name: str
    behaviours: tuple[dict[str, Any], ...]
    expected: tuple[str, ...]

    @property
    def model(self) -> str:
        return f"model-{self.name}"


def failing(status: int, times: int, **more: Any) -> dict[str, Any]:
    return {"type": "fail", "status": status, "times": times, **more}


def breaking(kind: str, times: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "stream_fault", "kind": kind, "after_chunks": 4, "times": times, **more}


TROUBLES = [
    Trouble(name="limit", behaviours=(failing(429, 1),), expected=("rate", "completed")),
    Trouble(name="long-limit", behaviours=(failing(429, 1, retry_after=40.0),), expected=("rate",)),
    Trouble(name="limit-twice", behaviours=(failing(429, 2),), expected=("rate", "rate")),
    Trouble(name="busy", behaviours=(failing(503, 2),), expected=("server", "server", "completed")),
    Trouble(name="broken", behaviours=(failing(500, 2),), expected=("server", "server", "completed")),
    Trouble(name="down", behaviours=(failing(502, 5),), expected=("server", "server", "server")),
    Trouble(name="cut", behaviours=(breaking("truncate", 2),), expected=("truncated", "truncated", "completed")),
    Trouble(name="dropped", behaviours=(breaking("disconnect"),), expected=("truncated", "completed")),
    Trouble(name="garbled", behaviours=(breaking("malformed"),), expected=("truncated", "completed")),
    Trouble(name="stalled", behaviours=(breaking("stall", stall_seconds=20.0),), expected=("silent", "completed")),
    Trouble(name="key", behaviours=(failing(401, 1),), expected=("auth",)),
    Trouble(name="unknown", behaviours=(failing(404, 1),), expected=("gone",)),
    Trouble(name="wrong", behaviours=(failing(400, 1),), expected=("request",)),
    Trouble(name="unready", behaviours=(failing(422, 1),), expected=("request",)),
]
"""Faults, each followed by a healthy server."""


@pytest.fixture(scope="module")
def judge() -> Iterator[Program]:
    """A server that does what it is told."""
    server = llmock.start()
    yield server
    server.close()


def told(kind: str, server: Program, name: str, model: str = "", **more: Any) -> Told:
    """A provider of its own for each trouble, so that no cooldown of one is felt by another."""
    return Told(name=name, kind=kind, base_url=server.url + llmock.BASE_PATHS[kind], model=model, **more)


async def ask(desk: Desk, provider: Told, prompt: str) -> Outcome:
    return await desk.send(Ask(prompt=prompt, model=ModelRef.parse(provider.target))).outcome()


def test_the_judge_condemns_a_client_that_does_not_wait(judge: Program) -> None:
    judge.ask("POST", "/_llmock/reset")
    llmock.script(judge, failing(429, 1))
    body = {"model": "any", "messages": [{"role": "user", "content": "At once!"}]}
    for _ in range(2):
        httpx.post(f"{judge.url}/v1/chat/completions", json=body, trust_env=False)
    with pytest.raises(AssertionError, match="FAIL  retry_after_ignored"):
        llmock.verdict(judge)


@pytest.mark.parametrize("kind", WIRES)
async def test_its_models_are_listed(kind: str, judge: Program) -> None:
    async with open_provider(kind, judge.url + llmock.BASE_PATHS[kind]) as provider:
        assert await provider.list_models()


@pytest.mark.parametrize("kind", [kind for kind in WIRES if kind != "anthropic"])  # it knows only an older field
async def test_a_schema_reaches_the_model_in_the_field_of_its_wire(kind: str, judge: Program, tmp_path: Path) -> None:
    """The server makes an answer that fits the schema it was sent; without one it chats."""
    judge.ask("POST", "/_llmock/reset")
    async with open_desk(tmp_path, told(kind, judge, "schema")) as desk:
        outcome = await desk.send(Ask(prompt="Who is it?", schema=PERSON)).outcome()
    assert outcome.status is Status.COMPLETED
    assert [reason for _, reason in story(outcome)] == ["completed"]
    assert isinstance(outcome.data, dict)
    assert set(outcome.data) == {"name", "age"}


@pytest.mark.parametrize("kind", WIRES)
async def test_no_scripted_fault_is_handled_badly(kind: str, judge: Program, tmp_path: Path) -> None:
    judge.ask("POST", "/_llmock/reset")
    for trouble in TROUBLES:
        path = f"*/{trouble.model}:*" if kind == "google" else None  # one name begins another
        match = {"path": path} if path else {"model": trouble.model}
        llmock.script(judge, *({**behaviour, "match": match} for behaviour in trouble.behaviours))
    llmock.script(judge, {"type": "reply", "text": TEXT, "times": None})
    retry = {"attempts": 3, "delay_s": 0.1, "wait": "exponential"}
    quick = {"timeouts": {"idle_s": 1.0}}
    providers = {
        trouble.name: told(kind, judge, trouble.name, trouble.model, retry=retry, more=quick) for trouble in TROUBLES
    }
    async with open_desk(tmp_path, *providers.values()) as desk:
        outcomes = await asyncio.gather(
            *(ask(desk, providers[trouble.name], f"What of {trouble.name}?") for trouble in TROUBLES)
        )
    found = {
        trouble.name: tuple(reason for _, reason in story(outcome))
        for trouble, outcome in zip(TROUBLES, outcomes, strict=True)
    }
    assert found == {trouble.name: trouble.expected for trouble in TROUBLES}
    for outcome in outcomes:
        assert outcome.text == (TEXT if outcome.status is Status.COMPLETED else "")
        if outcome.status is Status.COMPLETED:
            assert outcome.usage is not None
            assert outcome.usage.output_tokens
            assert not outcome.usage.estimated
    said = llmock.verdict(judge)
    assert said["attempts"] == sum(len(outcome.attempts) for outcome in outcomes)


@pytest.mark.parametrize("kind", WIRES)
async def test_with_growing_waits_a_strict_verdict_has_nothing_to_say(
    kind: str, judge: Program, tmp_path: Path
) -> None:
    judge.ask("POST", "/_llmock/reset")
    llmock.script(judge, failing(500, 2), {"type": "reply", "text": TEXT, "times": None})
    growing = told(kind, judge, "growing", "any", retry={"attempts": 3, "delay_s": 0.1, "wait": "exponential"})
    async with open_desk(tmp_path, growing) as desk:
        outcome = await ask(desk, growing, "Are you well?")
    assert outcome.status is Status.COMPLETED
    assert llmock.verdict(judge, strict=True)["findings"] == []


async def test_dice_against_every_wire(tmp_path: Path) -> None:
    """Requests one after another, and cooldowns that outlast the test: every run sees the same faults."""
    server = llmock.start(
        "--error-rate", "429=0.05", "--error-rate", "500=0.15", "--error-rate", "502=0.1",
        "--stream-fault", "truncate=0.1", "--stream-fault", "disconnect=0.1", "--stream-fault", "malformed=0.1",
        "--response-style", "echo",
        dice=SEED,
    )  # fmt: skip
    try:
        retry = {"attempts": 5, "delay_s": 0}
        providers = [
            told(kind, server, f"{kind}-{number}", f"model-{number}", retry=retry, more={"cooldown_s": 600})
            for number in range(3)
            for kind in WIRES
        ]
        seen: list[Status] = []
        async with open_desk(tmp_path, *providers) as desk:
            for number in range(ROUNDS):
                prompt = f"Number {number}: {TEXT}"
                outcome = await desk.send(Ask(prompt=prompt)).outcome()
                assert outcome.status in {Status.COMPLETED, Status.PAUSED}, story(outcome)
                assert (prompt in outcome.text) is (outcome.status is Status.COMPLETED)
                seen.append(outcome.status)
        said = llmock.verdict(server)
    finally:
        server.close()
    assert seen.count(Status.COMPLETED) >= ROUNDS // 2
    assert said["faults_injected"] >= ROUNDS // 2


async def test_a_quota_that_asks_for_a_long_wait_is_left_alone(tmp_path: Path) -> None:
    server = llmock.start("--rpm", "2")
    try:
        providers = [told(kind, server, f"my-{kind}") for kind in WIRES]
        async with open_desk(tmp_path, *providers) as desk:
            outcomes = [
                await desk.send(Ask(prompt=f"Number {number}?")).outcome() for number in range(2 * len(WIRES) + 1)
            ]
        said = llmock.verdict(server)
    finally:
        server.close()
    assert [outcome.status for outcome in outcomes] == [Status.COMPLETED] * (2 * len(WIRES)) + [Status.PAUSED]
    assert said["attempts"] == 3 * len(WIRES)
