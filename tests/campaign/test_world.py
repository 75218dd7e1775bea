"""The world of a sequence notes what really happened: every wire asked once by a real desk, whole and broken."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import Status
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
    async with World(providers, folder, lambda: (time.time(), time.monotonic())) as world:
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
