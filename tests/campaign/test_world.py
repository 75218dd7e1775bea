"""The world of a sequence notes what really happened, asked by a real desk over every wire, whole and broken."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import Status, TextDelta
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.campaign.sequence import Provider
from tests.campaign.world import World
from tests.support.fault_server import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from llmdesk.desk import Desk
    from tests.campaign.sequence import Wire

FAILS = {
    "ollama": ("ollama/O5.a", "server"),
    "openai": ("openai/P8.b", "truncated"),
    "anthropic": ("anthropic/A4.a", "server"),
    "google": ("google/form.no end", "truncated"),
    "command": ("command/T2.text", "server"),
}


@asynccontextmanager
async def asked(folder: Path, *providers: Provider, record: str = "full") -> AsyncIterator[tuple[World, Desk]]:
    """A world and a desk in it, with one lane over all providers."""
    async with World(providers, folder, lambda: (time.time(), time.monotonic()), patience=20) as world:
        world.write_configuration(world.configuration([("chat", [each.name for each in providers])], record))
        async with make_desk(env=world.environment) as desk:
            yield world, desk


@pytest.mark.parametrize("wire", FAILS)
async def test_a_whole_answer_is_noted_with_its_text_tokens_and_marker(wire: Wire, tmp_path: Path) -> None:
    async with asked(tmp_path, Provider(name="there", wire=wire, key=True)) as (world, desk):
        outcome = await desk.send(Ask(prompt="#1. Say it.")).outcome()
        assert outcome.status is Status.COMPLETED
        await until(lambda: world.served[0].over)
        (served,) = world.served
        assert (served.provider, served.model, served.prompt) == ("there", "there-model:4b", "#1. Say it.")
        assert (served.symbol, served.error) == (f"{wire}/happy", "")
        assert served.marked
        assert not served.left
        assert served.text == outcome.text
        assert "[there:1] \u00e9e\u0301\u2028\u00df\r\n\U0001f642 " in served.text
        assert served.usage == (outcome.usage.input_tokens, outcome.usage.output_tokens)
        assert any(world.canaries["key there"] in value for value in served.headers.values())


@pytest.mark.parametrize("wire", FAILS)
async def test_a_broken_answer_is_noted_with_what_came_of_it_and_the_next_one_is_whole(
    wire: Wire, tmp_path: Path
) -> None:
    symbol, error = FAILS[wire]
    async with asked(tmp_path, Provider(name="there", wire=wire)) as (world, desk):
        world.meets(7, "there", [symbol])
        outcome = await desk.send(Ask(prompt="#7. Say it.")).outcome()
        assert [attempt.error_kind for attempt in outcome.attempts] == [error, None]
        await until(lambda: world.served[-1].over)
        broken, whole = world.served
        assert (broken.symbol, broken.error, broken.marked) == (symbol, error, False)
        assert broken.text.startswith("[there:1] ")
        assert whole.text.startswith("[there:2] ")
        assert outcome.text == whole.text
        assert broken.over is not None
        assert whole.at >= broken.over - 0.05


@pytest.mark.parametrize("wire", FAILS)
async def test_a_client_that_leaves_in_mid_answer_is_noted_as_gone(wire: Wire, tmp_path: Path) -> None:
    holds = "T4.idle" if wire == "command" else "N8.b"
    async with asked(tmp_path, Provider(name="there", wire=wire)) as (world, desk):
        world.meets(1, "there", [f"{wire}/{holds}"])
        run = desk.send(Ask(prompt="#1. Say it."))
        async for event in run:
            if isinstance(event, TextDelta):
                run.cancel()
        await until(lambda: world.served[0].over)
        (served,) = world.served
        assert (served.left, served.marked) == (True, False)
        assert served.text.startswith("[there:1] ")
        assert not world.leftovers()


async def test_a_tool_that_nobody_ended_is_told_and_does_not_outlive_the_world(tmp_path: Path) -> None:
    async with World([Provider(name="there", wire="command")], tmp_path, lambda: (0.0, 0.0)) as world:
        world.meets(1, "there", ["command/T4.first"])
        words = json.loads(re.findall(r'"command": (\[.*?\])', world.configuration([("chat", ["there"])]))[0])
        process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE)
        process.stdin.write(b"#1.")
        process.stdin.close()
        await until(lambda: world.served)
        (left,) = world.leftovers()
        assert "tool.py" in left
    assert await process.wait() == -signal.SIGKILL
    assert world.served[0].over is None


async def test_what_is_still_open_when_the_world_ends_has_no_end(tmp_path: Path) -> None:
    async with World([Provider(name="there", wire="ollama")], tmp_path, lambda: (0.0, 0.0)) as world:
        world.meets(1, "there", ["ollama/N8.c"])
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(world, "there"))
        body = json.dumps({"model": "x", "messages": [{"role": "user", "content": "#1."}]}).encode()
        writer.write(b"POST /api/chat HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await until(lambda: world.served)
    (served,) = world.served
    assert (served.symbol, served.over, served.left) == ("ollama/N8.c", None, False)
    assert not await reader.read()
    writer.close()


async def test_symbols_go_to_the_prompt_and_provider_they_are_meant_for(tmp_path: Path) -> None:
    providers = (Provider(name="cloud", wire="ollama", key=True), Provider(name="far", wire="openai"))
    async with asked(tmp_path, *providers) as (world, desk):
        world.meets(11, "cloud", ["ollama/O11", "ollama/O5.a", "ollama/C4.b"])
        world.meets(11, "far", ["openai/P3.b"])
        await asyncio.gather(*(desk.send(Ask(prompt=f"#{number}. Say it.")).outcome() for number in (1, 11, 111)))
        await until(lambda: all(served.over for served in world.served))
        met = [(each.provider, each.symbol) for each in world.served if each.prompt.startswith("#11.")]
        assert met == [
            ("cloud", "ollama/O11"), ("cloud", "ollama/O5.a"), ("cloud", "ollama/C4.b"),
            ("far", "openai/P3.b"), ("far", "openai/happy"),
        ]  # fmt: skip
        others = {(each.prompt, each.symbol) for each in world.served if not each.prompt.startswith("#11.")}
        assert others == {("#1. Say it.", "ollama/happy"), ("#111. Say it.", "ollama/happy")}
        assert len({served.text for served in world.served if served.marked}) == 3


@pytest.mark.parametrize("wire", FAILS)
async def test_the_turns_of_a_conversation_are_noted_one_by_one(wire: Wire, tmp_path: Path) -> None:
    async with asked(tmp_path, Provider(name="there", wire=wire)) as (world, desk):
        first = await desk.send(Ask(prompt="#1. Say it.")).outcome()
        await desk.send(Ask(prompt="#2. Say it again.", conversation=first.conversation)).outcome()
        assert world.served[1].messages == (
            ("user", "#1. Say it."), ("assistant", first.text), ("user", "#2. Say it again."),
        )  # fmt: skip
        assert world.served[1].prompt == "#2. Say it again."


async def test_the_state_is_what_the_disk_held_when_the_request_arrived(tmp_path: Path) -> None:
    providers = (Provider(name="cloud", wire="ollama", key=True), Provider(name="local", wire="ollama"))
    async with asked(tmp_path, *providers) as (world, desk):
        world.meets(1, "cloud", ["ollama/C1.a"])
        await desk.send(Ask(prompt="#1.")).outcome()
        refused, answered = world.served
        assert (refused.error, refused.state) == ("rate", "")
        assert "cloud" in answered.state
        home = tmp_path / "elsewhere"
        home.mkdir()
        world.moved(home)
        await desk.send(Ask(prompt="#2.")).outcome()
        assert world.served[-1].state == ""


async def test_a_poisoned_wire_fails_a_request_and_a_good_one_answers_the_next(tmp_path: Path) -> None:
    async with asked(tmp_path, Provider(name="there", wire="openai", attempts=1)) as (world, desk):
        await world.poison("there", "down")
        failed = await desk.send(Ask(prompt="#1.")).outcome()
        assert [attempt.error_kind for attempt in failed.attempts] == ["net"]
        assert not world.served
        await world.poison("there", "")
        done = await desk.send(Ask(prompt="#2.")).outcome()
        assert done.status is Status.COMPLETED


async def test_whoever_uses_the_proxy_of_the_environment_is_found_out(tmp_path: Path) -> None:
    async with World([Provider(name="there", wire="ollama")], tmp_path, lambda: (0.0, 0.0)) as world:
        port = int(world.environment["HTTPS_PROXY"].rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"CONNECT api.example:443 HTTP/1.1\r\n\r\n")
        await until(lambda: world.foreign)
        assert world.foreign == ["api.example:443"]
        writer.close()


async def test_keys_are_odd_each_its_own_and_the_same_for_one_seed(tmp_path: Path) -> None:
    providers = [Provider(name=name, wire="openai", key=True) for name in ("one", "two")]
    found = []
    for seed in (1, 1, 2):
        async with World(providers, tmp_path, lambda: (0.0, 0.0), seed=seed) as world:
            found.append(world.canaries)
            assert set(world.canaries.values()) <= set(world.environment.values())
    assert found[0] == found[1]
    assert not set(found[0].values()) & set(found[2].values())
    assert len(set(found[0].values())) == len(found[0]) >= 6
    for key in found[0].values():
        assert key.startswith("sk-")
        assert key.isascii()
        assert re.search(r"[+/=~%]", key)


def port_of(world: World, provider: str) -> int:
    found = re.search(rf"{provider}: .*?127\.0\.0\.1:(\d+)", world.configuration([("chat", [provider])]))
    assert found is not None
    return int(found[1])
