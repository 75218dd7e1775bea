"""Every symbol, as a sequence plays it, is taken by the adapter as what it says it is, and noted as what happened."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ErrorKind, ProviderError
from llmdesk.core.types import ChatRequest, Completed, Message, Role, TextDelta
from llmdesk.paths import find_paths
from llmdesk.storage.process_groups import ProcessGroups
from llmdesk.wiring import AdapterShelf
from llmdesk.wiring.setup import load
from tests.campaign.alphabet import LEFT_OUT, PLACES, SYMBOLS, WIRES, symbols_of
from tests.campaign.sequence import Provider
from tests.campaign.world import World
from tests.support.fault_server import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from llmdesk.providers.base import Provider as Adapter
    from tests.campaign.alphabet import Symbol
    from tests.campaign.evidence import Served
    from tests.campaign.sequence import Wire

AT_ONCE = 8


def test_every_scene_is_a_symbol_or_left_out_for_a_reason() -> None:
    for kind, wire in WIRES.items():
        for scene in (wire.happy, *wire.scenes):
            name = f"{kind}/{scene.row}"
            assert (name in SYMBOLS) != (name in LEFT_OUT)
            assert (scene.place in PLACES) <= (name in LEFT_OUT)
            if name in SYMBOLS:
                assert SYMBOLS[name].error is scene.kind
    assert all(reason for reason in LEFT_OUT.values())
    assert next(symbol.name for symbol in symbols_of("google")) == "google/happy"


@pytest.mark.parametrize("wire", WIRES)
async def test_every_symbol_that_says_something_is_taken_as_what_it_is(wire: Wire, tmp_path: Path) -> None:
    symbols = [each for each in symbols_of(wire) if not each.rare and each.error is not ErrorKind.SILENT]
    assert len(symbols) > 15
    assert not await faults_of(wire, symbols, tmp_path, patience=30)


@pytest.mark.parametrize("wire", WIRES)
async def test_every_symbol_of_silence_is_taken_as_silent(wire: Wire, tmp_path: Path) -> None:
    symbols = [each for each in symbols_of(wire) if each.error is ErrorKind.SILENT]
    assert symbols
    assert not await faults_of(wire, symbols, tmp_path, patience=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What an adapter made of an answer."""

    text: str
    error: ProviderError | None = None
    usage: tuple[int | None, int | None] = (None, None)


async def faults_of(wire: Wire, symbols: Sequence[Symbol], folder: Path, *, patience: float) -> list[str]:
    """What is wrong with how symbols were played, noted and taken, a line each."""
    provider = Provider(name="there", wire=wire, key=True)
    turns = asyncio.Semaphore(AT_ONCE)
    async with World([provider], folder, lambda: (0.0, 0.0), patience=patience) as world:
        async with adapter_of(world) as adapter:

            async def one(number: int, symbol: Symbol) -> Heard:
                async with turns:
                    world.meets(number, "there", [symbol.name])
                    return await heard(adapter, f"#{number}.")

            found = await asyncio.gather(*(one(number, symbol) for number, symbol in enumerate(symbols)))
            await until(lambda: all(served.over for served in world.served))
        served = {served.prompt: served for served in world.served}
    assert len(served) == len(world.served) == len(symbols)
    noted = [served[f"#{number}."] for number in range(len(symbols))]
    faults = [(each[0].name, fault_of(*each)) for each in zip(symbols, noted, found, strict=True)]
    return [f"{name}: {fault}" for name, fault in faults if fault]


@asynccontextmanager
async def adapter_of(world: World) -> AsyncIterator[Adapter]:
    """The adapter of a world's one provider, made from its configuration as a desk does it."""
    world.write_configuration(world.configuration([("chat", list(world.providers))]))
    loaded = load(find_paths(env=world.environment), world.environment)
    shelf = AdapterShelf(loaded, world.environment, ProcessGroups(None))
    try:
        yield await shelf.get("there")
    finally:
        await shelf.aclose()


async def heard(adapter: Adapter, prompt: str) -> Heard:
    """Ask once."""
    text = ""
    request = ChatRequest(model=World.model_of("there"), messages=(Message(role=Role.USER, content=prompt),))
    try:
        async for event in adapter.stream(request):
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, Completed):
                return Heard(text=text, usage=(event.usage.input_tokens, event.usage.output_tokens))
    except ProviderError as problem:
        return Heard(text=text, error=problem)
    raise AssertionError("an answer that neither ends nor fails")


def fault_of(symbol: Symbol, served: Served, answer: Heard) -> str:
    """What is wrong; empty = nothing."""
    error = answer.error.kind if answer.error is not None else None
    if error is not symbol.error:
        return f"taken as {error} ({answer.error})"
    if served.symbol != symbol.name or served.error != (symbol.error.value if symbol.error else ""):
        return f"noted as {served.symbol} ({served.error})"
    if symbol.error is None and not (served.marked and served.text == answer.text):
        return f"heard {answer.text!r}, noted {served.text!r}, marked {served.marked}"
    if symbol.error is None and served.usage is not None and served.usage != answer.usage:
        return f"told {served.usage}, taken as {answer.usage}"
    if not served.text.startswith(answer.text):
        return f"heard {answer.text!r}, which was never sent: {served.text!r}"
    return ""
