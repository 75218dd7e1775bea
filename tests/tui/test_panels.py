from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import AttemptOutcome, Status, Usage
from llmdesk.core.views import FailoverRow, OutboxEntry, ProviderState, ProviderStatus, RequestView, Topic
from llmdesk.providers.base import PullProgress
from tests.support.fake_desk import CLOUD, LOCAL, FakeDesk, answer, failed, stored_conversation
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmdesk.core.types import ModelRef

HOSTILE = "\x1b]0;x\x07 [/red] [b +]("


def history(count: int = 2) -> FakeDesk:
    broken = failed(discarded="half an answer [/x]")
    whole = replace(broken, number=2, target=LOCAL, outcome=AttemptOutcome.COMPLETED, error_kind=None, message="",
                    http_status=None, discarded_text="", usage=Usage(output_tokens=40, estimated=True))  # fmt: skip
    rows = [
        FailoverRow(at=time.time() - at, request=f"r{at}", lane="codegen" if at else "chat", agent=None,
                    source=CLOUD, target=LOCAL, reason="rate" if at == 0 else "server", message=HOSTILE, lost_s=0.3)
        for at in range(count)
    ]  # fmt: skip
    views = {
        f"r{at}": RequestView(id=f"r{at}", status=Status.COMPLETED, created_at=1.0, finished_at=None,
                              lane="chat", agent=None, job=None, conversation=None, prompt=HOSTILE,
                              answer="whole answer", attempts=(broken, whole))
        for at in range(count)
    }  # fmt: skip
    return FakeDesk(rows=rows, requests=views)


async def test_failovers_are_listed_and_enter_shows_every_attempt_and_on_demand_its_discarded_text() -> None:
    async with seated(history(), size=(140, 30)) as seat:
        await seat.press("f6")
        await seat.see("cloud/gpt-oss:120b +local/gemma3:27b +rate limited")
        await seat.press("enter")
        await seat.see("failed: rate limited")
        assert "HTTP 429" in seat.text
        assert "~40 tok" in seat.text
        assert "half an answer" not in seat.text
        await seat.press("d")
        await seat.see(r"half an answer \[/x\]")
        await seat.press("escape")
        await seat.see("server failed")
        await seat.press("escape")
        await seat.see("─ 1 chat")


@pytest.mark.parametrize(("query", "kept", "gone"), [
    ("lane:chat", "rate limited", "server failed"),
    ("reason:server", "server failed", "rate limited"),
    ("provider:cloud rate", "rate limited", "server failed"),
])  # fmt: skip
async def test_failovers_are_filtered_by_lane_provider_and_reason(query: str, kept: str, gone: str) -> None:
    async with seated(history(), size=(140, 30)) as seat:
        await seat.press("f6")
        await seat.see("server failed")
        await seat.press("slash")
        await seat.type(query)
        await seat.see_gone(gone)
        assert kept in seat.text


def waiting() -> FakeDesk:
    entry = OutboxEntry(
        id="p1", created_at=time.time(), lane="codegen", prompt=HOSTILE, error_kind=ErrorKind.RATE, attempts=2
    )
    view = RequestView(id="p1", status=Status.PAUSED, created_at=time.time(), finished_at=None, lane="codegen",
                       agent=None, job=None, conversation=None, prompt=HOSTILE, answer="",
                       attempts=(failed(),))  # fmt: skip
    return FakeDesk(entries=[entry], requests={"p1": view}, scripts=[answer("late answer")])


async def test_a_paused_request_is_shown_and_asked_again_in_its_lane() -> None:
    desk = waiting()
    async with seated(desk, size=(120, 30)) as seat:
        await seat.see("1 paused request in the outbox: f7")
        await seat.press("f7")
        await seat.see("when you say so")
        await seat.press("enter")
        await seat.see("too many requests")
        await seat.press("escape", "n")
        await seat.see("late answer")
        assert "2 codegen" in seat.text
        assert desk.retried == [("p1", True)]


async def test_dropping_a_paused_request_takes_two_presses() -> None:
    desk = waiting()
    async with seated(desk, size=(120, 30)) as seat:
        await seat.press("f7")
        await seat.see("when you say so")
        await seat.press("x")
        assert desk.dropped == []
        await seat.press("x")
        await wait_until(lambda: desk.dropped == ["p1"])
        await seat.see("outbox is empty")


async def test_providers_show_a_cooldown_that_counts_and_are_read_again_when_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1_000.0]
    clock = SimpleNamespace(**{**vars(time), "monotonic": lambda: now[0]})
    monkeypatch.setattr("llmdesk.tui.widgets.provider_panel.time", clock)
    cooling = ProviderStatus(provider="cloud", kind="ollama", state=ProviderState.COOLING, cooldown_left_s=60)
    desk = FakeDesk(statuses=(cooling,))
    async with seated(desk) as seat:
        await seat.see("cloud +cooldown 1:00")
        now[0] += 25
        await seat.see("cloud +cooldown 0:35")
        desk.statuses = (replace(cooling, state=ProviderState.OK, cooldown_left_s=None, latency_ms=312),)
        now[0] += 35
        await seat.see("cloud +312 ms")
        await seat.press("f3")
        await seat.see("cloud +ollama +ok +312")


async def test_the_sidebar_follows_changes_of_other_instances() -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.see("empty")
        desk.entries = waiting().entries
        desk.changes.put_nowait(frozenset({Topic.OUTBOX}))
        await seat.see("1 paused")


async def test_models_are_listed_pulled_and_deleted_after_two_presses() -> None:
    desk = FakeDesk()
    async with seated(desk, size=(120, 30)) as seat:
        await seat.press("f8")
        await seat.see("gemma3:27b +17.0 GB")
        await seat.press("x", "x")
        await wait_until(lambda: desk.dropped == ["local/gemma3:27b"])
        await seat.press("p")
        await seat.type("x")
        await seat.press("enter")
        await seat.see("local/x is here")
        await seat.press("enter")
        await seat.see(r"\[/red\] free")


async def test_a_model_is_pushed_after_two_presses_and_a_push_can_be_stopped() -> None:
    class Slow(FakeDesk):
        async def push_model(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
            yield PullProgress(status="pushing", digest="sha256:1", total=100, completed=50)
            self.dropped.append(f"push {ref}")
            if self.dropped.count(f"push {ref}") == 1:
                await asyncio.Event().wait()

    desk = Slow()
    async with seated(desk, size=(120, 30)) as seat:
        await seat.press("f8")
        await seat.see("gemma3:27b +17.0 GB")
        await seat.press("u")
        await seat.see("Press u again to push it")
        assert desk.dropped == []
        await seat.press("u")
        await seat.see("push local/gemma3:27b .* 50 % of 100 B")
        await seat.press("u", "u")
        await seat.see("is being pushed already")
        await seat.press("k")
        await seat.see("pushing it again sends the rest")
        await seat.press("u", "u")
        await seat.see("local/gemma3:27b is published")


async def test_conversations_are_searched_while_typing_and_opened() -> None:
    async with seated(FakeDesk(stored={"conversation-1": stored_conversation()}), size=(120, 30)) as seat:
        await seat.press("ctrl+o")
        await seat.see("Parse the log file")
        await seat.type("nothing such")
        await seat.see_gone("Parse the log file")
        await seat.press(*["backspace"] * 12)
        await seat.see("Parse the log file")
        await seat.press("enter")
        await seat.see("Here is a parser")
        assert "2 codegen" in seat.text


async def test_help_shows_the_keys_of_the_screen_it_was_opened_from() -> None:
    async with seated(FakeDesk(), size=(100, 60)) as seat:
        await seat.press("question_mark")
        await seat.see("Send the queued prompts")
        await seat.press("escape", "f7", "f1")
        await seat.see("Drop for good")
        assert "Send the queued prompts" not in seat.text


async def test_one_panel_replaces_another_and_its_own_key_closes_it() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.type("draft")
        await seat.press("f6", "f7")
        await seat.see("─ outbox")
        await seat.press("f7")
        await seat.see("─ 1 chat")
        assert seat.prompt == "draft"
        await seat.type("ed")
        assert seat.prompt == "drafted"


@pytest.mark.usefixtures("without_net")
@pytest.mark.parametrize("key", ["f3", "f6", "f7", "f8", "ctrl+o", "f1", "f2"])
async def test_hostile_text_is_only_text_on_every_panel(key: str) -> None:
    desk = history()
    desk.entries = waiting().entries
    hostile = ProviderStatus(provider=HOSTILE, kind="x", state=ProviderState.DOWN, message=HOSTILE, base_url=HOSTILE)
    desk.statuses = (hostile,)
    desk.stored = {"c": stored_conversation("c", title=HOSTILE)}
    async with seated(desk, size=(140, 30)) as seat:
        await seat.press(key)
        await seat.pilot.pause()
        if key not in ("f1", "f2", "f8"):
            await seat.see(r"␛\]0;x")
        await seat.press("enter")
        await seat.pilot.pause()
        assert seat.app.is_running
        assert "\x1b" not in seat.text
