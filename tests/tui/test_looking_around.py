"""The look around at start-up: behind the first paint, in nobody's way, one notice for all that is wrong."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from llmdesk import desk as desk_module
from llmdesk.core.views import Finding, Level
from llmdesk.desk import DISCOVERY_LIMIT_S
from llmdesk.tui.app import DeskApp
from llmdesk.wiring import make_desk
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fake_desk import FakeDesk
from tests.support.fault_server import FaultServer
from tests.support.plays import error, no_answer
from tests.support.screen import Seat, seated, wait_until
from tests.support.slowness import PATIENCE_S, allowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def seat_at(home: Path, *providers: str, targets: list[str], **environment: str) -> AsyncIterator[Seat]:
    """A real desk over real servers, on a screen without a terminal."""
    world = exec_world(home, **environment)
    world.configure(configuration(*providers, targets=targets))
    config = home / "config" / "llmdesk.yaml"
    config.chmod(0o600)
    app = DeskApp(lambda: make_desk(config=config, env=world.environment))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        yield Seat(app, pilot)


async def test_a_provider_that_hangs_delays_neither_typing_nor_the_first_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "DISCOVERY_LIMIT_S", min(allowed(DISCOVERY_LIMIT_S), PATIENCE_S / 2))
    async with FaultServer() as hanging, FaultServer(reply="Here I am.") as well:
        hanging.always("/api/tags", no_answer())
        hanging.always("/api/version", no_answer())
        providers = (provider("slow", hanging.url), provider("quick", well.url), "  cloud: null", "  local: null")
        async with seat_at(tmp_path, *providers, targets=["quick/gemma3:4b", "slow/x"]) as seat:
            await wait_until(lambda: hanging.count() > 0, "the look at the one that hangs")
            await seat.type("hello")
            assert seat.prompt == "hello"
            await seat.press("enter")
            await seat.see("Here I am")
            assert not any(seen.client_left_at for seen in hanging.requests), "the look still waits for it"
            await seat.see("slow +down")  # the look ends by itself
            await wait_until(lambda: len(seat.app._notifications) > 0, "the notice at the edge")


async def test_a_key_behind_a_command_is_not_fetched_before_it_is_needed(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "vault.sh"
    script.write_text(f"#!/bin/sh\necho x >> {ran}\necho key-of-the-vault-0123\n")
    script.chmod(0o700)
    async with FaultServer(reply="Here I am.") as well, FaultServer() as spare:
        providers = (
            provider("vault", well.url, api_key=f"$({script})"),
            provider("spare", spare.url),
            "  cloud: null",
            "  local: null",
        )
        async with seat_at(tmp_path, *providers, targets=["vault/gemma3:4b"]) as seat:
            await seat.see("not checked, needs the output of")
            await seat.see("spare: answers")
            assert not ran.exists()
            assert well.count() == 0
            await seat.ask("hello")
            await seat.see("Here I am")
            assert ran.read_text() == "x\n"
            await seat.see("vault +ok")


async def test_all_that_needs_attention_is_one_line_of_the_card(tmp_path: Path) -> None:
    async with FaultServer() as refusing, FaultServer() as well:
        refusing.always("/api/tags", error(401, "unauthorized"))
        providers = (
            provider("one", refusing.url, api_key="bad-key-0123456789"),
            provider("two", "http://127.0.0.1:9"),
            provider("three", well.url),
            "  cloud: null",
            "  local: null",
        )
        async with seat_at(tmp_path, *providers, targets=["three/gemma3:4b"]) as seat:
            text = await seat.see("2 of 3 providers need attention")
            assert text.count("need attention") == 1
            assert "llmdesk providers check" in text
            assert "bad-key" not in text


async def test_a_talk_that_began_already_gets_the_notice_at_the_edge_only() -> None:
    broken = "2 of 5 providers need attention: openai: key rejected (401)"
    gate = asyncio.Event()

    class Slow(FakeDesk):
        async def discover(self):  # type: ignore[no-untyped-def]
            await gate.wait()
            return await super().discover()

    desk = Slow(findings=(Finding(topic="providers", level=Level.PROBLEM, text=broken),), can_answer=True)
    async with seated(desk) as seat:
        await seat.ask("hello")
        await wait_until(lambda: bool(desk.asks), "the request")
        gate.set()
        await wait_until(lambda: any(broken in n.message for n in seat.app._notifications), "the notice")
        assert "What is here" not in seat.text


@pytest.mark.parametrize(("broken", "told"), [("openai", False), ("local", True)])
async def test_what_the_lane_never_asks_is_not_told_into_a_talk(broken: str, told: bool) -> None:
    gate = asyncio.Event()

    class Slow(FakeDesk):
        async def discover(self):  # type: ignore[no-untyped-def]
            await gate.wait()
            return await super().discover()

    problem = Finding(topic=broken, level=Level.PROBLEM, text=f"{broken}: connection refused")
    also = Finding(topic="file", level=Level.PROBLEM, text="the last one")
    desk = Slow(findings=(problem, also), can_answer=True)
    async with seated(desk) as seat:
        await seat.ask("hello")
        await wait_until(lambda: bool(desk.asks), "the request")
        gate.set()
        await wait_until(lambda: any("the last one" in n.message for n in seat.app._notifications), "the notice")
        assert any("refused" in n.message for n in seat.app._notifications) is told
