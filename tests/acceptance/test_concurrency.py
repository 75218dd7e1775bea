"""Ten requests at once over different lanes: each ends as it would alone, none sees another's words, limits are shared.

What a request meets depends on its own words alone, so that its fate is the same however the ten are interleaved.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.types import Status
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.exec_world import exec_world, provider
from tests.support.fault_server import FaultServer, chat_answer, chat_chunk, error, stream
from tests.support.slowness import PATIENCE_S, allowed

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llmdesk.core.types import Outcome
    from llmdesk.desk import Desk
    from tests.support.exec_world import ExecWorld
    from tests.support.fault_server import Play, Seen

NAMES = ("alpha", "beta", "gamma")
LANES = {
    "chat": ("alpha/one:4b", "beta/one:4b"),
    "codegen": ("beta/two:4b", "gamma/two:4b"),
    "critic": ("gamma/three:4b", "alpha/three:4b", "beta/three:4b"),
    "planner": ("alpha/four:4b",),
    "reviewer": ("beta/five:4b", "alpha/five:4b"),
}
COUNT = 10
LIMIT = error(429, "you've reached your hourly usage limit, please wait or upgrade to continue")

FAULTS: dict[str, Callable[[], Play]] = {
    "busy": lambda: error(503, "busy"),
    "broken": lambda: stream([chat_chunk("half a canary"), {"error": "boom"}]),
    "cut": lambda: chat_answer("half a canary", done=False),
    "bad": lambda: error(400, "invalid format: x"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One of the ten: its lane, its word that nobody else may see, and what it meets at which provider."""

    number: int
    lane: str
    meets: tuple[str, ...]

    @property
    def canary(self) -> str:
        return f"canary{self.number:02}x"

    @property
    def prompt(self) -> str:
        return " ".join(["tell", self.canary, *self.meets])

    @property
    def opening(self) -> str:
        return f"remember {self.canary}"


def drawn(seed: int) -> list[Request]:
    """Ten requests over all lanes; most meet a fault at some provider."""
    dice = random.Random(seed)
    lanes = list(LANES)
    return [
        Request(
            number=number,
            lane=lanes[number % len(lanes)],
            meets=tuple(f"{name}={dice.choice(list(FAULTS))}" for name in NAMES if dice.random() < 0.35),
        )
        for number in range(COUNT)
    ]


class House:
    """Three servers that answer each request by its words, and a home that knows them."""

    def __init__(self, servers: dict[str, FaultServer], folder: Path) -> None:
        self.servers = servers
        self._folder = folder
        for name, server in servers.items():
            server.models = [
                {**server.models[0], "name": f"{tag}:4b", "model": f"{tag}:4b"}
                for tag in ("one", "two", "three", "four", "five")
            ]
            server.on_request = self._decide(name, server)
        self.dice = random.Random(0)

    def home(self, name: str, *, delay_s: float = 0.0) -> ExecWorld:
        """A fresh home over the same servers."""
        world = exec_world(self._folder / name)
        lines = ["version: 1", "providers:"]
        lines += [
            provider(each, server.url, retry={"attempts": 2, "delay_s": delay_s})
            for each, server in self.servers.items()
        ]
        lines += ["lanes:", *(f"  {lane}: {{targets: {json.dumps(targets)}}}" for lane, targets in LANES.items())]
        world.configure("\n".join(lines) + "\n")
        return world

    def _decide(self, name: str, server: FaultServer) -> Callable[[Seen], None]:
        def decide(seen: Seen) -> None:
            if seen.path != "/api/chat":
                return
            words = str(seen.json["messages"][-1]["content"]).split()
            fault = next((word.partition("=")[2] for word in words if word.startswith(f"{name}=")), None)
            pause_s = self.dice.choice((0.0, 0.001, 0.005))
            answer = chat_answer(f"{name} heard {' '.join(words)}", model=seen.json["model"], pause_s=pause_s, size=4)
            server.play("/api/chat", FAULTS[fault]() if fault else answer)

        return decide

    def chats(self) -> list[tuple[str, Seen]]:
        """Every chat request that any server saw."""
        return [(name, seen) for name, server in self.servers.items() for seen in server.seen("/api/chat")]

    def forget(self) -> None:
        for server in self.servers.values():
            server.forget()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House({name: stack.enter_context(FaultServer.in_thread()) for name in NAMES}, tmp_path)


def fate(outcome: Outcome) -> dict[str, Any]:
    """What became of a request, without what time and chance decide."""
    return {
        "status": outcome.status.value,
        "text": outcome.text if outcome.status is Status.COMPLETED else None,
        "target": str(outcome.target) if outcome.status is Status.COMPLETED else None,
        "attempts": [(str(a.target), a.outcome.value, a.error_kind and a.error_kind.value) for a in outcome.attempts],
    }


def told_fate(answer: dict[str, Any]) -> dict[str, Any]:
    """The same of what ``exec --json`` printed."""
    done = answer["status"] == "completed"
    return {
        "status": answer["status"],
        "text": answer["text"] if done else None,
        "target": f"{answer['provider']}/{answer['model']}" if done else None,
        "attempts": [(f"{a['provider']}/{a['model']}", a["outcome"], a["error_kind"]) for a in answer["attempts"]],
    }


async def begin(desk: Desk, request: Request) -> str:
    """A conversation of its own, with a first turn."""
    outcome = await desk.send(Ask(prompt=request.opening, lane=request.lane)).outcome()
    assert outcome.status is Status.COMPLETED
    assert outcome.conversation is not None
    return outcome.conversation


async def alone(house: House, requests: list[Request]) -> dict[int, dict[str, Any]]:
    """What each of them comes to when there is nobody else."""
    fates = {}
    for request in requests:
        async with make_desk(env=house.home(f"alone-{request.number}").environment) as desk:
            talk = await begin(desk, request)
            fates[request.number] = fate(
                await desk.send(Ask(prompt=request.prompt, lane=request.lane, conversation=talk)).outcome()
            )
    return fates


def assert_pure(house: House, requests: list[Request]) -> None:
    """Each server saw of each request its own conversation and nothing else."""
    by_canary = {request.canary: request for request in requests}
    assert len(house.chats()) >= len(requests)
    for _, seen in house.chats():
        body = seen.body.decode()
        (mine,) = {canary for canary in by_canary if canary in body}
        request = by_canary[mine]
        said = [(message["role"], message["content"]) for message in seen.json["messages"]]
        first = LANES[request.lane][0].partition("/")[0]
        opening = [("user", request.opening), ("assistant", f"{first} heard {request.opening}")]
        assert said in ([opening[0]], [*opening, ("user", request.prompt)])


# --- in one process ---


@pytest.mark.parametrize("seed", range(5))
async def test_ten_at_once_in_one_desk_end_as_each_alone(house: House, seed: int) -> None:
    requests = drawn(seed)
    expected = await alone(house, requests)
    house.forget()
    house.dice = dice = random.Random(seed)
    async with make_desk(env=house.home("together").environment) as desk:
        talks = [await begin(desk, request) for request in requests]

        async def one(request: Request) -> dict[str, Any]:
            await asyncio.sleep(dice.random() * 0.03)
            return fate(
                await desk.send(
                    Ask(prompt=request.prompt, lane=request.lane, conversation=talks[request.number])
                ).outcome()
            )

        fates = await asyncio.gather(*(one(request) for request in requests))
        told = [await desk.conversation(talk) for talk in talks]
    assert {request.number: found for request, found in zip(requests, fates, strict=True)} == expected
    assert {found["status"] for found in expected.values()} >= {"completed"}
    assert_pure(house, requests)
    for request, conversation in zip(requests, told, strict=True):
        text = expected[request.number]["text"]
        first = LANES[request.lane][0].partition("/")[0]
        assert [message.content for message in conversation.messages] == [
            request.opening, f"{first} heard {request.opening}", request.prompt, *([text] if text else []),
        ]  # fmt: skip


def test_the_ten_meet_every_kind_of_fate() -> None:
    met = {word.partition("=")[2] for seed in range(5) for request in drawn(seed) for word in request.meets}
    assert met == set(FAULTS)


# --- in many processes ---


def wait_for_all(children: list[subprocess.Popen[bytes]]) -> list[tuple[int, dict[str, Any]]]:
    """The exit code and the printed object of each."""
    ended = []
    for child in children:
        out, err = child.communicate(timeout=60)
        assert out, err.decode()
        ended.append((child.returncode, json.loads(out)))
    return ended


async def test_ten_processes_at_once_on_one_home_end_as_each_alone(house: House) -> None:
    requests = drawn(7)
    expected = await alone(house, requests)
    world = house.home("together")
    async with make_desk(env=world.environment) as desk:
        talks = [await begin(desk, request) for request in requests]
    house.forget()
    children = [
        world.start("exec", "--json", "--lane", r.lane, "--conversation", talks[r.number], r.prompt) for r in requests
    ]
    ended = wait_for_all(children)
    assert {request.number: told_fate(answer) for request, (_, answer) in zip(requests, ended, strict=True)} == expected
    codes = {"completed": 0, "failed": 1, "paused": 5}
    assert [code for code, _ in ended] == [codes[answer["status"]] for _, answer in ended]
    assert_pure(house, requests)


def when(met: Callable[[], bool]) -> Callable[[], Iterator[float]]:
    """Steps that hold an answer back until ``met``."""

    def steps() -> Iterator[float]:
        deadline = time.monotonic() + PATIENCE_S
        while not met() and time.monotonic() < deadline:
            yield 0.01

    return steps


def limited(house: House, at_once: int) -> FaultServer:
    """``alpha`` refuses everybody, the first ones only when so many have asked."""
    alpha = house.servers["alpha"]
    alpha.on_request = None
    alpha.always("/api/chat", replace(LIMIT, before=when(lambda: alpha.count("/api/chat") >= at_once)))
    return alpha


async def test_a_limit_told_to_one_request_stops_all_that_have_not_asked_yet(house: House) -> None:
    alpha = limited(house, 5)
    async with make_desk(env=house.home("limit").environment) as desk:
        early = [desk.send(Ask(prompt=f"early {number}")) for number in range(5)]
        await asyncio.wait([asyncio.ensure_future(run.outcome()) for run in early], return_when="FIRST_COMPLETED")
        late = [desk.send(Ask(prompt=f"late {number}", lane=("chat", "planner")[number % 2])) for number in range(6)]
        outcomes = [await run.outcome() for run in (*early, *late)]
    assert alpha.count("/api/chat") == 5
    assert [outcome.status.value for outcome in outcomes] == ["completed"] * 5 + ["completed", "paused"] * 3
    assert {str(o.target) for o in outcomes if o.status is Status.COMPLETED} == {"beta/one:4b"}
    assert {o.attempts[0].reason for o in outcomes[5:]} == {"cooling"}


def test_a_limit_told_to_one_process_stops_all_others(house: House) -> None:
    alpha = limited(house, 4)
    world = house.home("limit")
    early = [world.start("exec", "--json", f"early {number}") for number in range(4)]
    ended = wait_for_all(early[:1])
    late = [world.start("exec", "--json", "--lane", ("chat", "planner")[n % 2], f"late {n}") for n in range(4)]
    ended += wait_for_all(early[1:])
    ended_late = wait_for_all(late)
    assert alpha.count("/api/chat") == 4
    assert [answer["text"] for _, answer in ended] == [f"beta heard early {number}" for number in range(4)]
    assert [code for code, _ in ended_late] == [0, 5, 0, 5]
    assert ended_late[0][1]["attempts"][0]["error_kind"] == "rate"
    assert {answer["error"] and answer["error"]["kind"] for _, answer in ended_late} == {None, "rate"}


def test_a_process_that_waits_to_try_again_hears_of_anothers_limit(house: House) -> None:
    alpha = house.servers["alpha"]
    told = []

    def decide(seen: Seen) -> None:
        if seen.path == "/api/chat":
            waits = "patient" in seen.body.decode()
            told.append(waits)
            alpha.play("/api/chat", error(503, "busy") if waits else LIMIT)

    alpha.on_request = decide
    world = house.home("waits", delay_s=min(allowed(4.0), 30.0))  # time for another process to begin and be refused
    patient = world.start("exec", "--json", "patient")
    deadline = time.monotonic() + PATIENCE_S
    while not told:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    hasty = world.start("exec", "--json", "hasty")
    ended = wait_for_all([hasty, patient])
    assert [answer["text"] for _, answer in ended] == ["beta heard hasty", "beta heard patient"]
    assert told == [True, False], "the second try never reached the limited provider"
    assert [attempt["error_kind"] for attempt in ended[1][1]["attempts"]] == ["server", "rate", None]
