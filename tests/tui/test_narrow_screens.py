"""What gives way when there is no room, and what never does."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets._toast import Toast

from llmdesk.core.types import ConsentNeeded, ModelInfo
from llmdesk.core.views import FailoverRow, Finding, Level, ModelRow, ProviderState, ProviderStatus, Quota
from llmdesk.tui.widgets.fitted_table import LEAST_WIDTH, fitted
from tests.support.fake_desk import CLOUD, LANES, LOCAL, FakeDesk, answer, failed
from tests.support.screen import seated

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize("width", [40, 60, 71, 80, 120])
async def test_the_mark_of_an_answer_shows_at_any_width(width: int) -> None:
    async with seated(FakeDesk(scripts=[answer("so")]), size=(width, 24)) as seat:
        await seat.ask("x")
        await seat.see(r"local · gemma3:27b.* ✔ full")


@pytest.mark.parametrize("width", [100, 80, 71, 60, 40, 30])
async def test_every_lane_keeps_its_number_and_the_current_one_its_name(width: int) -> None:
    async with seated(FakeDesk(), size=(width, 24)) as seat:
        await seat.press("alt+6")
        await seat.see("6 clarifier")
        bar = seat.text.split("\n")[-1]
        assert all(f" {number}" in bar for number in range(1, len(LANES) + 1))
        assert "f1 help" in bar or width < 100


async def test_the_sidebar_says_how_a_provider_is_in_full_whatever_its_name() -> None:
    statuses = (
        ProviderStatus(provider="a-very-long-provider-name", kind="openai", state=ProviderState.ATTENTION),
        ProviderStatus(provider="模型提供商模型提供商模型", kind="openai", state=ProviderState.NO_KEY),
        ProviderStatus(provider="cloud", kind="ollama", state=ProviderState.COOLING, cooldown_left_s=3723.5),
    )
    async with seated(FakeDesk(statuses=statuses), size=(100, 24)) as seat:
        await seat.see("│ ✗ a-very-l… needs attention\n")
        await seat.see("… +no key\n")
        await seat.see(r"│ ◔ cloud +cooldown 1:0[12]:[05]\d\n")


@pytest.mark.parametrize("width", [80, 60])
async def test_a_table_fits_its_screen_and_shows_where_it_was_shortened(width: int) -> None:
    message = "cloud: too many requests, and a long story after that, which goes on and on."
    row = FailoverRow(
        at=time.time(), request="r1", lane="chat", agent=None, source=CLOUD, target=LOCAL, reason="rate",
        message=message, lost_s=1.0,
    )  # fmt: skip
    async with seated(FakeDesk(rows=[row]), size=(width, 24)) as seat:
        await seat.press("f6")
        await seat.see("rate limited")
        line = next(line for line in seat.text.split("\n") if "rate limited" in line)
        assert line.endswith("…")
        assert "Esc close  f1 keys" in seat.text
        await seat.pilot.resize_terminal(200, 24)
        await seat.see("on and on")


async def test_what_to_do_is_told_whole_below_what_is_wrong() -> None:
    hint = "Make a key at https://example.org/settings/keys and then: export A_LONG_NAME_OF_A_KEY=…"
    missing = (Finding(topic="cloud", level=Level.PROBLEM, text="no key.", hint=hint),)
    async with seated(FakeDesk(findings=missing, can_answer=False), size=(60, 24)) as seat:
        await seat.see("✗ cloud: no key.")
        await seat.see("\n {7}Make a key at")
        await seat.see("\n {7}export A_LONG_NAME_OF_A_KEY=…|\n {7}.*A_LONG_NAME_OF_A_KEY=…")


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_consent_names_who_is_asked_and_offers_every_way(size: tuple[int, int]) -> None:
    desk = FakeDesk(scripts=[[ConsentNeeded(target=LOCAL, failed=failed()), "control"]])
    async with seated(desk, size=size) as seat:
        await seat.ask("x")
        for words in ("alt.y ask local", "alt.p pause it", "Esc cancel"):
            await seat.see(words)
        await seat.see("local/gemma3:27b instead?")


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), min_size=1, max_size=8), st.integers(0, 300))
def test_columns_are_shortened_no_more_than_needed(columns: Sequence[tuple[int, bool]], room: int) -> None:
    widths, elastic = [width for width, _ in columns], [bends for _, bends in columns]
    result = fitted(widths, elastic, room)
    for width, bends, got in zip(widths, elastic, result, strict=True):
        assert got == width or (bends and min(width, LEAST_WIDTH) <= got < width)
    shortened = [got for width, got in zip(widths, result, strict=True) if got < width]
    assert len(set(shortened)) <= 1
    if shortened and shortened[0] > LEAST_WIDTH:
        assert sum(result) <= room < sum(result) + len(widths)


PLANNED = ProviderStatus(
    provider="cloud", kind="ollama", state=ProviderState.OK, latency_ms=312, models=12,
    base_url="http://127.0.0.1:43210", quotas=(Quota(name="monthly", used=0.42, resets_at=time.time() + 40 * 86_400),),
)  # fmt: skip


@pytest.mark.parametrize("state", [ProviderState.OK, ProviderState.ATTENTION])
@pytest.mark.parametrize("width", [80, 120, 160])
async def test_a_plan_is_told_whole_before_an_address(width: int, state: ProviderState) -> None:
    statuses = (replace(PLANNED, state=state), ProviderStatus(provider="local", kind="ollama", state=state))
    async with seated(FakeDesk(statuses=statuses), size=(width, 24)) as seat:
        await seat.press("f3")
        await seat.see(r"monthly ▓▓░░ 42 %, resets \d+ \w{3}\b")
        assert state.value in seat.text
        assert ("127.0.0.1:43210" in seat.text) == (width > 80)
        for word in ("provider", "state", "cloud", "local"):
            assert f" {word} " in seat.text
        assert "http…" not in seat.text


async def test_without_a_plan_the_address_stays() -> None:
    async with seated(FakeDesk(statuses=(replace(PLANNED, quotas=()),)), size=(80, 24)) as seat:
        await seat.press("f3")
        await seat.see("http://127.0.0.1:43210")


@pytest.mark.parametrize(("width", "on_top"), [(80, True), (40, True), (120, False)])
async def test_a_cooldown_counts_down_on_the_top_line_where_the_sidebar_is_folded(width: int, on_top: bool) -> None:
    cooling = ProviderStatus(provider="cloud", kind="ollama", state=ProviderState.COOLING, cooldown_left_s=75.5)
    async with seated(FakeDesk(statuses=(cooling,)), size=(width, 24)) as seat:
        await seat.see(r"◔ cloud .*1:1[56]" if not on_top else r"llmdesk .* ◔ cloud 1:1[56]\n")
        await seat.see(r"◔ cloud .*1:(1[0-4]|0\d)")
        assert ("◔ cloud" in seat.text.split("\n")[0]) is on_top


@pytest.mark.parametrize("width", [80, 60])
async def test_the_way_to_help_is_always_told(width: int) -> None:
    async with seated(FakeDesk(), size=(width, 24)) as seat:
        await seat.press("alt+6")
        await seat.see("6 clarifier")
        assert "f1" in seat.text.split("\n")[-1]


async def test_a_models_name_is_whole_at_80_columns() -> None:
    name = "a-model-with-a-long-name:70b-instruct-q4_K_M"
    model = ModelInfo(
        name=name, size_bytes=42_000_000_000, quantization="Q4_K_M", parameters=70_000_000_000, context_tokens=131_072,
        capabilities=frozenset({"completion", "tools", "vision"}),
    )  # fmt: skip

    class One(FakeDesk):
        async def models(self, provider: str | None = None) -> tuple[ModelRow, ...]:
            return (ModelRow(provider="local", model=model),)

    desk = One()
    async with seated(desk, size=(80, 24)) as seat:
        await seat.press("f8")
        await seat.see(name)
        assert "p pull" in seat.text
        assert "n new" in seat.text
        assert "/ filter" in seat.text.split("\n")[-1]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_messages_stand_above_the_prompt_and_off_the_first_rows(size: tuple[int, int]) -> None:
    async with seated(FakeDesk(), size=size) as seat:
        seat.app.say("something to know")
        await seat.see("something to know")
        prompt = seat.app.chat.talk.pane.prompt
        toast = seat.app.screen.query_one(Toast)
        assert size[1] // 2 < toast.region.y
        assert toast.region.bottom <= prompt.region.y
        await seat.press("f8")
        await seat.see("─ models")
        seat.app.say("one more thing")
        await seat.see("one more thing")
        assert all(each.region.bottom < size[1] for each in seat.app.screen.query(Toast))
        assert "f1 keys" in seat.text.split("\n")[-1]
