"""From a prompt on the screen over real bookings back to the screen."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmdesk.tui.app import DeskApp
from llmdesk.wiring import make_desk
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer
from tests.support.screen import Seat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PRICE = "models: {paid/gemma3:4b: {price: {input_usd_per_mtok: 5, output_usd_per_mtok: 20}}}\n"


@asynccontextmanager
async def desk_with(home: Path, *budgets: str) -> AsyncIterator[Seat]:
    """A desk whose first target costs money and whose second one is free."""
    async with FaultServer(reply="That was dear.") as paid, FaultServer(reply="That was for nothing.") as free:
        world = exec_world(home)
        providers = (provider("paid", paid.url), provider("own", free.url), "  cloud: null", "  local: null")
        limits = "budgets:\n" + "".join(f"  - {{{budget}}}\n" for budget in budgets)
        targets = ["paid/gemma3:4b", "own/gemma3:4b"]
        world.configure(configuration(*providers, targets=targets) + PRICE + limits)
        config = home / "config" / "llmdesk.yaml"
        config.chmod(0o600)
        app = DeskApp(lambda: make_desk(config=config, env=world.environment))
        async with app.run_test(size=(200, 40), notifications=True) as pilot:
            seat = Seat(app, pilot)
            await seat.see("own: answers")
            yield seat


async def test_what_an_answer_costs_moves_the_bar_and_brings_the_warning(tmp_path: Path) -> None:
    async with desk_with(tmp_path, "scope: day, limit_usd: 0.0001, kind: soft") as seat:
        await seat.see(r"day ░+ +0\.00/0\.0001")
        await seat.ask("hello")
        await seat.see("That was dear")
        await seat.see(r"paid · gemma3:4b · .* tok · 0\.000\d+ USD")
        await seat.see(r"✗ Day budget: 0\.000\d+ USD spent, the limit is 0\.0001 USD")
        await seat.see(r"day ▓+ +0\.000\d+/0\.0001 ✗")
        await seat.see("ok 100 %")
        await seat.press("f5")
        await seat.see(r"paid +1 +100 %")
        await seat.press("f4")
        await seat.see("soft, warns at 80 %")


async def test_money_that_is_gone_leads_to_what_is_free_and_the_seam_says_so(tmp_path: Path) -> None:
    async with desk_with(tmp_path, "scope: day, limit_usd: 0.0001, kind: hard, when_exhausted: free") as seat:
        await seat.ask("hello")
        await seat.see("That was for nothing")
        await seat.see(r"⤷ Day budget 0\.0001 USD: .* → answering free of charge with gemma3:4b \(own\)")
        await seat.see(r"own · gemma3:4b · .* · free")


async def test_a_hard_stop_gives_the_prompt_back_and_the_way_it_names_works(tmp_path: Path) -> None:
    async with desk_with(tmp_path, "scope: day, limit_usd: 0.0001, kind: hard") as seat:
        await seat.ask("a dear question")
        await seat.see("Stopped by a budget: nothing was sent")
        await seat.see("/model own/gemma3:4b +ask own/gemma3:4b, which costs nothing")
        assert seat.prompt == "a dear question"
        seat.app.chat.talk.pane.prompt.put("")
        await seat.ask("/model own/gemma3:4b")
        await seat.ask("a dear question")
        await seat.see("That was for nothing")
