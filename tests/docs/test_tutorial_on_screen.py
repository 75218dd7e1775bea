"""The first part of the tutorial at the demo's desk, step by step: what it tells to press, and to look for."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from llmdesk.cli.session import Session
from llmdesk.demo import world
from llmdesk.tui.app import DeskApp
from tests.support.screen import Seat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo without the pauses that are there to be watched; a cloud that rests does so until the end."""
    monkeypatch.setattr(world, "WATCHED_CLOUD", world.QUICK)
    monkeypatch.setattr(world, "WATCHED_LOCAL", world.QUICK)
    monkeypatch.setattr(world, "COOLDOWN_S", 600)


@asynccontextmanager
async def at_the_demo() -> AsyncIterator[Seat]:
    session = Session()
    app = DeskApp(lambda: session.desk(demo=True, scene=True), demo=True)
    async with app.run_test(size=(140, 44), notifications=True) as pilot:
        seat = Seat(app, pilot)
        await seat.see("local: answers")
        yield seat


async def test_a_rate_limit_is_told_and_the_local_model_answers(quick: None) -> None:
    async with at_the_demo() as seat:
        await seat.ask("hello")
        await seat.see("✔ full")
        await seat.ask("and again")
        await seat.see("rate limited.*\n?.*demo-large")
        await seat.see(r"cooldown|resting|0:0\d")
        await seat.press("f6")
        await seat.see("demo-cloud.*demo-large")
        await seat.press("enter")
        await seat.see("attempt")
        await seat.press("escape", "escape")
        await seat.see("and again")


async def test_lane_codegen_asks_before_another_model_gets_the_prompt(quick: None) -> None:
    async with at_the_demo() as seat:
        await seat.press("alt+2")
        await seat.ask("limit")
        await seat.see("alt\\+y")
        await seat.press("alt+y")
        await seat.see("✔ full")
        await seat.ask("limit again")
        await seat.see("alt\\+y")
        await seat.press("alt+p")
        await seat.press("f7")
        await seat.see("limit again")


async def test_a_prompt_can_wait_while_another_is_answered_and_esc_gives_one_back(
    monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    monkeypatch.setattr(world, "WATCHED_CLOUD", world.Pace(start_s=0.02, token_s=0.01))
    async with at_the_demo() as seat:
        await seat.ask("slow")
        await seat.see("One word")
        await seat.ask("the next one")
        await seat.press("alt+q")
        await seat.see("the next one")
        await seat.press("alt+q")
        await seat.press("escape")
        await seat.see("interrupted")
        assert seat.prompt == "slow"


async def test_a_budget_stops_lane_reviewer_before_anything_is_sent(quick: None) -> None:
    async with at_the_demo() as seat:
        await seat.press("alt+7")
        await seat.ask("look at this")
        await seat.see("[Dd]ay budget")
        assert seat.prompt == "look at this"
        await seat.press("f4")
        await seat.see("reviewer")
        await seat.see("resets")


async def test_a_marked_turn_takes_letters_and_gives_the_prompt_back(quick: None) -> None:
    async with at_the_demo() as seat:
        await seat.ask("hello")
        await seat.see("✔ full")
        await seat.press("ctrl+up")
        await seat.see("copy")
        await seat.press("i", "x")
        assert seat.prompt == "x"
        await seat.press("ctrl+f")
        await seat.press("escape", "ctrl+o")
        await seat.see("hello")
