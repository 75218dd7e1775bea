"""What the full-screen panels look like, with something in each and with nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.log_lines import LogLine
from llmdesk.core.types import Attempt, AttemptOutcome, Status
from llmdesk.core.views import RequestView
from tests.support.fake_desk import CLOUD, LOCAL, FakeDesk, failed
from tests.support.figures import NOON, everything, nothing
from tests.support.looks import LONG, LookedAt, looking, still

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.support.screen import Seat

Size = tuple[int, int]

LOGGED = [
    LogLine(at="2026-11-21T11:58:03.120+00:00", level="info", event="desk opened", fields=(("lanes", "7"),)),
    LogLine(at="2026-11-21T11:58:40.002+00:00", level="warning", event="attempt failed",
            fields=(("provider", "cloud"), ("error_kind", "rate"), ("http_status", "429"))),
    LogLine(at="2026-11-21T11:58:41.700+00:00", level="info", event="request finished",
            fields=(("lane", "chat"), ("status", "completed"), ("latency_s", "1.9"))),
]  # fmt: skip

REQUEST = RequestView(
    id="request-1", status=Status.COMPLETED, created_at=NOON - 400, finished_at=NOON - 398, lane="chat", agent=None,
    job=None, conversation="c1", prompt="Write a parser for these logs", answer="Here is a parser.",
    attempts=(
        replace(failed(discarded="Here is a pars"), at=NOON - 400, message=LONG),
        Attempt(number=2, target=LOCAL, outcome=AttemptOutcome.COMPLETED, at=NOON - 399, elapsed_s=1.9),
    ),
)  # fmt: skip

PANELS = (("f3", "providers", "cooldown"), ("f4", "budgets", "job budget"), ("f5", "metrics", "by provider"),
          ("f6", "failovers", "rate limited"), ("f7", "outbox", "Compare the"), ("f8", "models", "bge-m3"),
          ("f9", "log", "request finished"))  # fmt: skip
"""A key or a slash command, the heading it opens, and words that are there once it is read."""


async def open_panel(seat: Seat, how: str, name: str) -> None:
    await (seat.ask(how) if how.startswith("/") else seat.press(how))
    await seat.see(f"─ {name}")


async def test_each_panel(size: Size, snapshot: SnapshotAssertion) -> None:
    desk = LookedAt(limits=everything(), logged=LOGGED, requests={"request-1": REQUEST})
    async with looking(desk, size=size) as seat:
        for how, name, words in PANELS:
            await open_panel(seat, how, name)
            await seat.see(words)
            assert await still(seat) == snapshot(name=name)
            await seat.press("escape")
            await seat.see("─ 1 chat")


async def test_each_panel_with_nothing_in_it(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(FakeDesk(measured=nothing), size=size) as seat:
        for how, name, _ in (PANELS[1], PANELS[2], PANELS[3], PANELS[4], PANELS[6]):
            await open_panel(seat, how, name)
            assert await still(seat) == snapshot(name=name)
            await seat.press("escape")
            await seat.see("─ 1 chat")


async def test_every_attempt_of_a_failover_with_its_discarded_text(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(LookedAt(requests={"request-1": REQUEST}), size=size) as seat:
        await seat.press("f6")
        await seat.see("rate limited")
        await seat.press("enter")
        await seat.see("attempt|Attempt")
        await seat.press("d")
        await seat.see("Here is a pars")
        assert await still(seat) == snapshot(name="attempts")
        await seat.press("escape", "slash")
        await seat.type("lane:repair")
        await seat.see_gone("backend-dev")
        assert await still(seat) == snapshot(name="filtered")


async def test_a_model_on_its_way_and_what_is_known_of_one(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.press("f8")
        await seat.see("bge-m3")
        await seat.press("p")
        await seat.see("to pull")
        assert await still(seat) == snapshot(name="asked")
        await seat.type("qwen3")
        await seat.press("enter")
        await seat.see("40 %")
        assert await still(seat) == snapshot(name="fetched")
        await seat.press("enter")
        await seat.see("Gemma Terms|family")
        assert await still(seat) == snapshot(name="shown")
        await seat.press("escape", "k")


async def test_a_provider_and_a_paused_request_in_full(size: Size, snapshot: SnapshotAssertion) -> None:
    paused = replace(REQUEST, id="7f3a91c2", status=Status.PAUSED, finished_at=None, answer="", reason="rate",
                     attempts=(replace(failed(CLOUD), at=NOON - 600, message=LONG),), next_try_at=NOON + 492,
                     advice=("Ask local/largest: --model local/largest",))  # fmt: skip
    async with looking(LookedAt(requests={"7f3a91c2": paused}), size=size) as seat:
        await seat.press("f3")
        await seat.see("cooldown")
        await seat.press("enter")
        assert await still(seat) == snapshot(name="provider")
        await seat.press("escape", "escape")
        await seat.see("─ 1 chat")
        await seat.press("f7")
        await seat.see("Compare the")
        await seat.press("enter")
        await seat.see("hourly")
        assert await still(seat) == snapshot(name="request")
