"""Waiting is never a trap: what is waited for, until when, and every way out, by key and by click."""

from __future__ import annotations

import time

import pytest

from llmdesk.core.types import AttemptStarted, ConsentNeeded, ModelRef, Waiting
from llmdesk.core.views import OutboxEntry, ProviderState, ProviderStatus
from llmdesk.tui.screens.telling import asked_words, where_words
from tests.support.fake_desk import CLOUD, LOCAL, FakeDesk, answer, failed, paused
from tests.support.screen import seated, wait_until


@pytest.mark.parametrize(("event", "words"), [
    (AttemptStarted(number=1, target=LOCAL, loading=True, size_bytes=17_000_000_000), "loading gemma3:27b (17.0 GB)…"),
    (AttemptStarted(number=1, target=LOCAL, loading=True, input_tokens=3_200),
     "loading gemma3:27b, then reading the prompt (about 3,200 tokens)…"),
    (AttemptStarted(number=1, target=LOCAL, loading=False, input_tokens=3_200),
     "gemma3:27b: reading the prompt (about 3,200 tokens)…"),
    (AttemptStarted(number=1, target=CLOUD, try_number=2), "asking cloud/gpt-oss:120b (try 2)…"),
])  # fmt: skip
def test_what_a_target_does_before_it_speaks_is_said_as_far_as_it_is_known(event: AttemptStarted, words: str) -> None:
    assert asked_words(event) == words


@pytest.mark.parametrize(("status", "model", "words"), [
    (ProviderStatus(provider="p", kind="ollama", state=ProviderState.OK, base_url="http://127.0.0.1:11434"), "m:1b",
     "does not leave it"),
    (ProviderStatus(provider="p", kind="ollama", state=ProviderState.OK, base_url="http://127.0.0.1:11434"),
     "m:1b-cloud", "to ollama.com"),
    (ProviderStatus(provider="p", kind="openai", state=ProviderState.OK, base_url="https://api.openai.com/v1"), "m",
     "to api.openai.com; it leaves this machine"),
    (ProviderStatus(provider="p", kind="command", state=ProviderState.OK), "m", "which may send it on"),
])  # fmt: skip
def test_where_a_prompt_would_go_is_said(status: ProviderStatus, model: str, words: str) -> None:
    assert words in where_words(ModelRef("p", model), status)


async def test_the_place_in_the_line_is_said() -> None:
    waits = Waiting(until=time.time() + 90, reason="rate limit", target=CLOUD, ahead=2)
    async with seated(FakeDesk(scripts=[[waits, "control"]]), size=(120, 24)) as seat:
        await seat.ask("x")
        await seat.see("2 requests ahead of this one")


async def test_a_waiting_prompt_goes_to_another_lane_and_leaves_nothing_waiting_here() -> None:
    waits = Waiting(until=time.time() + 90, reason="server", target=CLOUD)
    desk = FakeDesk(scripts=[[waits, "control"], answer("from elsewhere")])
    async with seated(desk, size=(120, 24)) as seat:
        await seat.ask("carry me")
        await seat.see("alt.l other lane")
        await seat.press("alt+l")
        await seat.see("Press a lane")
        await seat.press("2")
        await seat.see("from elsewhere")
        assert [ask.lane for ask in desk.asks] == ["chat", "codegen"]
        assert desk.asks[1].prompt == "carry me"
        await seat.press("alt+1")
        await seat.see("Cancelled before an answer came")
        assert seat.prompt == ""


async def test_a_paused_prompt_goes_to_another_lane_by_a_click() -> None:
    desk = FakeDesk(scripts=[paused(60), answer("from elsewhere")])
    async with seated(desk, size=(120, 24)) as seat:
        await seat.ask("carry me")
        await seat.see("alt.l other lane")
        desk.entries = [OutboxEntry(id="request-1", created_at=1.0, lane="chat", prompt="carry me")]
        line = seat.app.chat.talk.pane.wait_line
        row, start, _, _ = next(span for span in line._spans if span[3] == "other_lane")
        await seat.pilot.click(line, offset=(line.styles.padding.left + start, row))
        await seat.see("Press a lane")
        await seat.press("3")
        await seat.see("from elsewhere")
        assert desk.dropped == ["request-1"]
        assert desk.asks[-1].lane == "repair"


async def test_consent_says_why_what_it_may_cost_and_where_it_goes_and_takes_no_letter() -> None:
    desk = FakeDesk(scripts=[[ConsentNeeded(target=LOCAL, failed=failed()), "control", *answer("so")]])
    async with seated(desk, size=(100, 30)) as seat:
        await seat.ask("x")
        await seat.see("Ask local/gemma3:27b instead")
        await seat.see("failed +.*too many requests")
        await seat.see("goes +to")
        await seat.see("costs +")
        await seat.type("yes")
        assert seat.prompt == "yes"
        await seat.press("alt+y")
        await wait_until(lambda: desk.runs[0].controls == ["yes"])


async def test_a_paused_request_comes_back_into_the_editor_of_its_lane_but_never_over_a_draft() -> None:
    entry = OutboxEntry(id="p1", created_at=time.time(), lane="codegen", prompt="reword me", attempts=1)
    desk = FakeDesk(entries=[entry])
    async with seated(desk, size=(120, 30)) as seat:
        await seat.press("alt+2")
        await seat.type("draft")
        await seat.press("f7")
        await seat.see("reword me")
        await seat.press("e")
        await seat.see("draft in this lane")
        assert (seat.prompt, desk.dropped) == ("draft", [])
        await seat.press("ctrl+c", "f7")
        await seat.see("reword me")
        await seat.press("e")
        await wait_until(lambda: desk.dropped == ["p1"])
        assert seat.prompt == "reword me"
