"""A home with secrets in it, drawn from a seed: who is asked, how keys are given, what is recorded, who repeats it.

Every provider has a server of its own, so that what arrived there tells which secrets came to whom.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import quote

from tests.campaign.secrets import canaries, echoes
from tests.campaign.secrets.watch import Watch
from tests.support.exec_world import exec_world
from tests.support.fault_server import FaultServer
from tests.support.otlp_collector import be_collector, unpacked
from tests.support.plays import no_answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    from tests.campaign.secrets.canaries import Canary
    from tests.support.exec_world import ExecWorld
    from tests.support.fault_server import Seen

Record = Literal["full", "metadata", "off-record"]
WAYS = ("environment", "named otherwise", "default", "file", "command", "header", "basic")
"""How a key is given."""

_TOOL = """
import os, sys
key = os.environ.get("TOOL_KEY", "")
said = sys.stdin.read()
{body}
"""
_TOOL_BODIES = {
    "answers": 'print({answer!r})',
    "repeats it": 'print("with", key, "I say", {answer!r})',
    "repeats it in pieces": 'for at in range(0, len(key), 3): print(key[at:at + 3], end="", flush=True)\\nprint()',
    "fails with it": 'sys.stderr.write("bad key " + key + " for " + said); sys.exit(3)',
    "fails with all of it": 'print(dict(os.environ)); sys.exit("no: " + repr(dict(os.environ)))',
    "calls it a limit": 'sys.stderr.write("limit reached for " + key + ", try again in 34s"); sys.exit(1)',
}  # fmt: skip


@dataclass(eq=False, kw_only=True)
class Door:
    """One provider over HTTP and its server: ``own`` are the canaries that belong there, in headers only."""

    name: str
    wire: str
    server: FaultServer
    way: str
    own: list[Canary]


@dataclass(eq=False, kw_only=True)
class Household:
    """What a round is played in."""

    world: ExecWorld
    folder: Path
    watch: Watch
    record: Record
    verbose: bool
    story: list[str]
    keys: list[Canary]
    prompt: Canary
    answer: Canary
    system: Canary
    attached: Canary
    doors: list[Door] = field(default_factory=list)
    collector: FaultServer | None = None
    collector_keys: list[Canary] = field(default_factory=list)
    proxy: FaultServer | None = None
    holding: Door | None = None
    """Takes a request and says nothing."""
    in_file: list[Canary] = field(default_factory=list)
    """Those that stand in the configuration file, where they may stay."""
    tool_keys: list[Canary] = field(default_factory=list)

    @property
    def words(self) -> list[Canary]:
        """What was said."""
        return [self.prompt, self.answer, self.system, self.attached]


@contextlib.contextmanager
def household(rng: Random, folder: Path) -> Iterator[Household]:
    """Draw one; its servers live as long as the context."""
    record: Record = rng.choice(get_args(Record))
    watch = Watch(folder / "watch")
    for name in ("tmp", "cwd", "vault"):
        (folder / name).mkdir(mode=0o700)
    world = exec_world(folder / "home", **watch.environment, TMPDIR=str(folder / "tmp"), OLLAMA_API_KEY="")
    house = Household(
        world=world, folder=folder, watch=watch, record=record, verbose=rng.random() < 0.5,
        story=[f"record {record}"], keys=[],
        prompt=canaries.words(rng, "prompt"), answer=canaries.words(rng, "answer"),
        system=canaries.words(rng, "system"), attached=canaries.words(rng, "file"),
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        _furnish(house, rng, stack)
        yield house


def _furnish(house: Household, rng: Random, stack: contextlib.ExitStack) -> None:
    providers: dict[str, object] = {"local": None, "cloud": None}
    targets = []
    for number in range(rng.randint(2, 3)):
        name, wire = f"p{number}", rng.choice(echoes.WIRES)
        server = stack.enter_context(FaultServer.in_thread())
        door = Door(name=name, wire=wire, server=server, way=rng.choice(WAYS), own=[])
        providers[name] = _provider(house, rng, door)
        house.doors.append(door)
        targets.append(f"{name}/{echoes.MODELS[wire]}")
        _script(house, rng, door)
    if rng.random() < 0.6:
        providers["tool"] = _tool(house, rng)
        targets.append("tool/any")
    if rng.random() < 0.3:
        _proxied(house, rng, providers, stack)
        targets.append("far/some-model")
    if rng.random() < 0.3:
        _addressed(house, rng, providers)
    providers["hold"] = _holding(house, rng, stack)
    rng.shuffle(targets)
    settings: dict[str, object] = {
        "version": 1,
        "providers": providers,
        "lanes": {"chat": {"targets": targets, "system": "system.md"}, "critic": {"targets": targets[:1]}},
        "privacy": {"record": house.record},
        "budgets": [{"scope": "day", "limit_usd": 5.0, "kind": "soft"}],
    }
    if rng.random() < 0.3:
        settings["telemetry"] = {"otlp_endpoint": _collected(house, rng, stack)}
    house.world.configure(json.dumps(settings, indent=1))
    config = house.world.home / "config"
    (config / "llmdesk.yaml").chmod(0o600)
    (config / "system.md").write_text(house.system.text)
    (house.folder / "cwd" / "attached.md").write_text(house.attached.text)


def _key(house: Household, rng: Random, name: str) -> Canary:
    made = canaries.key(rng, name)
    house.keys.append(made)
    return made


def _provider(house: Household, rng: Random, door: Door) -> dict[str, object]:
    """One provider, with its key given in one of the ways."""
    key = _key(house, rng, f"key of {door.name} ({door.way})")
    door.own.append(key)
    base = {"openai": "/v1"}.get(door.wire, "")
    told: dict[str, object] = {
        "kind": door.wire,
        "base_url": f"{door.server.url}{base}",
        "retry": {"attempts": rng.randint(1, 2), "delay_s": 0},
        "timeouts": {"first_token_s": 10, "idle_s": 5},
    }
    env = house.world.environment
    literal = key.text.replace("$", "$$")
    match door.way:
        case "environment":
            env[f"{door.name.upper()}_API_KEY"] = key.text
            told["api_key"] = f"${{{door.name.upper()}_API_KEY}}"
        case "named otherwise":
            env[f"HOUSE_{door.name.upper()}"] = key.text
            told["api_key"] = f"${{HOUSE_{door.name.upper()}}}"
        case "default":
            house.in_file.append(key)
            told["api_key"] = f"${{NOT_SET_ANYWHERE:-{literal}}}"
        case "file":
            house.in_file.append(key)
            told["api_key"] = literal
        case "command":
            vault = house.folder / "vault" / door.name
            vault.write_text(key.text + "\n")
            told["api_key"] = f"$(cat {vault})"
        case "header":
            env[f"TEAM_{door.name.upper()}"] = key.text
            told["headers"] = {"X-Team": f"${{TEAM_{door.name.upper()}}}"}
        case _:
            packed = base64.b64encode(f"somebody:{key.text}".encode()).decode()
            env[f"DOOR_{door.name.upper()}"] = f"Basic {packed}"
            told["headers"] = {"Authorization": f"${{DOOR_{door.name.upper()}}}"}
    house.story.append(f"{door.name}: {door.wire}, key by {door.way}")
    return told


def _holding(house: Household, rng: Random, stack: contextlib.ExitStack) -> dict[str, object]:
    server = stack.enter_context(FaultServer.in_thread())
    server.always(echoes.PATHS["ollama"], no_answer())
    house.holding = Door(name="hold", wire="ollama", server=server, way="environment", own=[])
    house.doors.append(house.holding)
    return _provider(house, rng, house.holding)


def _script(house: Household, rng: Random, door: Door) -> None:
    """What the server does: repeats its key, and the prompt, in places of the draw; then it is healthy."""
    forms = list(canaries.written(door.own[0].text).items())
    healthy = echoes.answer(door.wire, house.answer.text)
    path = echoes.PATHS[door.wire]
    for _ in range(rng.randint(1, 4)):
        place = rng.choice(list(echoes.PLACES))
        chosen = rng.sample(forms, k=rng.randint(1, 3))
        door.server.play(path, echoes.PLACES[place](door.wire, " ".join([form for _, form in chosen])))
        house.story.append(f"{door.name} repeats its key as {', '.join(n for n, _ in chosen)}: {place}")
    if rng.random() < 0.3:
        place = rng.choice(
            ["error of 429", "error of 500", "fields inside fields", "plain text", "error in the stream"]
        )
        door.server.play(path, echoes.PLACES[place](door.wire, house.prompt.text))
        house.story.append(f"{door.name} repeats the prompt: {place}")
    door.server.always(path, healthy)
    form = rng.choice(forms)
    door.server.always(echoes.LISTS[door.wire], echoes.model_list(door.wire, rng, form[1]))
    house.story.append(f"{door.name} lists models by its key as {form[0]}")
    if door.wire == "ollama":
        for other in echoes.ELSEWHERE:
            place = rng.choice(["error of 401", "error of 404", "plain text", "fields inside fields", "headers"])
            door.server.always(other, echoes.PLACES[place](door.wire, form[1]))


def _tool(house: Household, rng: Random) -> dict[str, object]:
    """A program that gets a key in its environment, and repeats it."""
    key = _key(house, rng, "key of the tool")
    house.tool_keys.append(key)
    house.world.environment["FOR_THE_TOOL"] = key.text
    how = rng.choice(list(_TOOL_BODIES))
    script = house.folder / "vault" / "tool.py"
    script.write_text(_TOOL.format(body=_TOOL_BODIES[how].format(answer=house.answer.text)))
    house.story.append(f"the tool {how}")
    return {
        "kind": "command",
        "command": [sys.executable, "-I", "-S", str(script)],
        "env": {"TOOL_KEY": "${FOR_THE_TOOL}"},
        "limits": {"quota": ["limit reached"]},
        "retry": {"attempts": 1},
    }


def _proxied(house: Household, rng: Random, providers: dict[str, object], stack: contextlib.ExitStack) -> None:
    """A provider elsewhere, reached through a proxy with a password, which repeats it."""
    password = _key(house, rng, "password of the proxy")
    house.proxy = stack.enter_context(FaultServer.in_thread())
    form = rng.choice(list(canaries.written(password.text).values()))
    packed = base64.b64encode(f"me:{password.text}".encode()).decode()
    place = rng.choice(["error of 401", "plain text", "fields inside fields", "status line", "web page of 502"])
    play = echoes.PLACES[place]("ollama", f"{form} Basic {packed}")
    for path in ("http://far.invalid/api/chat", "http://far.invalid/api/tags", "/api/chat"):
        house.proxy.always(path, play)
    port = house.proxy.url.rpartition("/")[2]
    house.world.environment["HTTP_PROXY"] = f"http://me:{quote(password.text, safe='')}@{port}"
    quick = {"retry": {"attempts": 1}}
    providers["far"] = {"kind": "ollama", "base_url": "http://far.invalid", "allow_http": True, **quick}
    house.story.append(f"a proxy repeats its password: {place}")


def _addressed(house: Household, rng: Random, providers: dict[str, object]) -> None:
    """A provider whose address, from the environment, holds a user and a password."""
    password = _key(house, rng, "password in an address")
    shown = rng.choice([quote(password.text, safe=""), password.text])
    variable = rng.choice(["OLLAMA_HOST", "SOME_ADDRESS"])
    house.world.environment[variable] = f"http://me:{shown}@127.0.0.1:9/"
    providers["addressed"] = {"kind": "ollama", "base_url": f"${{{variable}:-http://127.0.0.1:9}}"}
    house.story.append(f"a password in ${variable}")


def _collected(house: Household, rng: Random, stack: contextlib.ExitStack) -> str:
    """A collector with a token of its own, which refuses and repeats it, or takes everything."""
    token = _key(house, rng, "token of the collector")
    house.collector_keys.append(token)
    house.collector = stack.enter_context(FaultServer.in_thread())
    be_collector(house.collector)
    if rng.random() < 0.5:
        for path in ("/v1/traces", "/v1/metrics"):
            house.collector.always(path, echoes.PLACES["error of 401"]("ollama", token.text))
    packed = quote(f"Bearer {token.text}", safe="")
    house.world.environment["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization={packed}"
    house.story.append("a collector with a token")
    return house.collector.url


def arrived(seen: Seen) -> tuple[bytes, bytes]:
    """A request as (its headers, everything else)."""
    heads = "\n".join(f"{name}: {value}" for name, value in seen.headers.items()).encode()
    return heads, f"{seen.method} {seen.target}\n".encode() + unpacked(seen)
