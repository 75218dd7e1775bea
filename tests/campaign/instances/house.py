"""The servers and the home of a crowd: every request written down with what the files held when it came."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.exec_world import exec_world
from tests.support.fault_server import FaultServer, Play, chat_answer, model_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.support.exec_world import ExecWorld
    from tests.support.fault_server import Seen

MODEL = "one:4b"
PATH = "/api/chat"
WHO = re.compile(r"instance-key-(\d+)-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request for an answer as a server saw it.

    Args:
        at: when it had been read, monotonic seconds; ``wall`` = UTC epoch seconds.
        provider: whose server it was.
        who: the number of the process; -1 = it told none.
        prompt: the newest user message.
        limit: the most tokens its answer may have; ``None`` = not said.
        cooling: the providers with a cooldown in the state file at that moment.
        open: the request had been accepted by the server before (its connection was).
    """

    at: float
    wall: float
    provider: str
    who: int
    prompt: str
    limit: int | None
    cooling: frozenset[str]


Decide = Callable[[Call], Play]


@dataclass(slots=True)
class House:
    """A home, its servers by the name of their provider, and the log of all of them."""

    world: ExecWorld
    servers: dict[str, FaultServer]
    decide: Decide
    calls: list[Call] = field(default_factory=list)

    def configure(
        self,
        lanes: Mapping[str, Sequence[str]],
        *,
        fields: Mapping[str, object] | None = None,
        more_of_lanes: str = "",
        more: Sequence[str] = (),
    ) -> None:
        """Write a configuration: lanes by name with their providers, the first one is the default."""
        lines = ["version: 1", f"default_lane: {next(iter(lanes))}", "providers:"]
        for name, server in self.servers.items():
            told: dict[str, object] = {
                "kind": "ollama",
                "base_url": server.url,
                "api_key": "${THE_KEY}",
                "retry": {"attempts": 1, "delay_s": 0},
                **(fields or {}),
            }
            lines.append(f"  {name}: {json.dumps(told)}")
        lines.append("lanes:")
        for lane, providers in lanes.items():
            targets = [f"{name}/{MODEL}" for name in providers]
            lines.append(f"  {lane}: {{targets: {json.dumps(targets)}{more_of_lanes}}}")
        self.world.configure("\n".join([*lines, *more]) + "\n")
        (self.world.home / "config").chmod(0o700)
        (self.world.home / "config" / "llmdesk.yaml").chmod(0o600)
        self.world.home.chmod(0o700)

    def of(self, prompt: str) -> list[Call]:
        """The requests with one prompt."""
        return [call for call in list(self.calls) if call.prompt == prompt]

    def _came(self, provider: str, server: FaultServer, seen: Seen) -> None:
        if seen.path != PATH:
            return
        body = seen.json
        told = WHO.search(seen.headers.get("authorization", ""))
        messages = body.get("messages") or [{}]
        options = body.get("options") or {}
        call = Call(
            at=seen.at,
            wall=time.time(),
            provider=provider,
            who=int(told[1]) if told else -1,
            prompt=str(messages[-1].get("content", "")),
            limit=options.get("num_predict"),
            cooling=cooling(self.world),
        )
        self.calls.append(call)
        server.play(PATH, self.decide(call))


def state_of(world: ExecWorld) -> dict[str, Any] | None:
    """The cooldown file; ``None`` = there is none. A text that is no JSON object raises."""
    try:
        text = world.state.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("the state file is no JSON object")
    return value


def cooling(world: ExecWorld) -> frozenset[str]:
    """The providers that rest by what the state file says now."""
    now = time.time()
    entries = (state_of(world) or {}).get("cooldowns", {})
    return frozenset(name for name, entry in entries.items() if entry["until_wall"] > now)


def saying(text: str, **more: Any) -> Play:
    """A complete answer."""
    return chat_answer(text, model=MODEL, **more)


def echo(call: Call) -> Play:
    """Answer with the provider's name and the prompt, so that an answer belongs to exactly one request."""
    return saying(answer_to(call.provider, call.prompt))


def answer_to(provider: str, prompt: str) -> str:
    """What ``echo`` says."""
    return f"{provider} heard {prompt}"


@contextlib.contextmanager
def house(folder: Path, providers: Sequence[str], decide: Decide = echo) -> Iterator[House]:
    """Open servers, each in a thread of its own, and a home that does not exist yet."""
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(FaultServer.in_thread()) for name in providers}
        made = House(world=exec_world(folder / "home"), servers=servers, decide=decide)
        for name, server in servers.items():
            server.models = [model_entry(MODEL)]
            server.on_request = lambda seen, name=name, server=server: made._came(name, server, seen)
        yield made


@contextlib.contextmanager
def watched(look: Callable[[], None], every_s: float = 0.005) -> Iterator[None]:
    """Look again and again in a thread of its own, until the block is left; what a look raises is raised then."""
    done = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        while not done.wait(every_s):
            try:
                look()
            except BaseException as problem:
                failed.append(problem)
                return

    thread = threading.Thread(target=run, name="watch")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    if failed:
        raise failed[0]
