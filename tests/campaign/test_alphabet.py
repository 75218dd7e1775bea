"""Every symbol, played once to a real desk, is recorded as what it says it is; and what was noted is what happened."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import Outcome, Status
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.campaign.alphabet import LEFT_OUT, PLACES, SYMBOLS, WIRES, symbols_of
from tests.campaign.sequence import Provider
from tests.campaign.world import World
from tests.support.fault_server import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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
async def test_every_symbol_that_says_something_is_recorded_as_what_it_is(wire: Wire, tmp_path: Path) -> None:
    symbols = [each for each in symbols_of(wire) if not each.rare and each.error is not ErrorKind.SILENT]
    assert len(symbols) > 15
    assert not await faults_of(symbols, tmp_path, patience=30)


@pytest.mark.parametrize("wire", WIRES)
async def test_every_symbol_of_silence_is_recorded_as_silent(wire: Wire, tmp_path: Path) -> None:
    symbols = [each for each in symbols_of(wire) if each.error is ErrorKind.SILENT]
    assert symbols
    assert not await faults_of(symbols, tmp_path)


async def faults_of(symbols: Sequence[Symbol], folder: Path, *, patience: float = 1.0) -> list[str]:
    """Ask a target of its own for each symbol; a target has one way to answer, and is left out of nothing later."""
    wire = symbols[0].wire
    providers = [
        Provider(name=f"at-{place}", wire=wire, attempts=1, key=place % 2 == 0)  # type: ignore[arg-type]
        for place in range(len(symbols))
    ]
    turns = asyncio.Semaphore(AT_ONCE)
    async with World(providers, folder, lambda: (time.time(), time.monotonic()), patience=patience) as world:
        world.write_configuration(world.configuration([(each.name, [each.name]) for each in providers]))
        async with make_desk(env=world.environment) as desk:

            async def one(place: int) -> Outcome:
                async with turns:
                    world.meets(place, f"at-{place}", [symbols[place].name])
                    return await desk.send(Ask(prompt=f"#{place}.", lane=f"at-{place}")).outcome()

            outcomes = await asyncio.gather(*(one(place) for place in range(len(symbols))))
        await until(lambda: all(served.over for served in world.served))
    first: dict[str, Served] = {}
    for served in world.served:
        first.setdefault(served.provider, served)
    return [
        fault
        for place, (symbol, outcome) in enumerate(zip(symbols, outcomes, strict=True))
        if (fault := fault_of(symbol, first.get(f"at-{place}"), outcome))
    ]


def fault_of(symbol: Symbol, served: Served | None, outcome: Outcome) -> str:
    """What is wrong with how a symbol was played or recorded; empty = nothing."""
    attempt = outcome.attempts[0]
    seen = attempt.error_kind
    if seen is not symbol.error:
        return f"{symbol.name}: recorded as {seen}, {attempt.message}"
    if served is None or served.symbol != symbol.name:
        return f"{symbol.name}: not noted"
    if symbol.error is None:
        if outcome.status is not Status.COMPLETED or outcome.text != served.text or not served.marked:
            return f"{symbol.name}: {outcome.status}, {outcome.text!r}, served {served.text!r}, {served.marked}"
        told = attempt.usage
        if served.usage is not None and (told.input_tokens, told.output_tokens) != served.usage:
            return f"{symbol.name}: booked {told}, told {served.usage}"
    return ""
