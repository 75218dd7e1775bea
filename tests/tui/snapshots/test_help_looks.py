"""What help looks like: for the chat and for other screens, the first card, the tour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.views import Finding, Level, ProviderState, ProviderStatus
from tests.support.fake_desk import FakeDesk
from tests.support.looks import looking, still

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

Size = tuple[int, int]


async def test_help_tells_the_keys_of_its_screen(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.press("f1")
        await seat.see("keys and commands")
        assert await still(seat) == snapshot(name="chat")
        await seat.press("escape")
        for key, name in (("f6", "failovers"), ("ctrl+o", "conversations"), ("f8", "models")):
            await seat.press(key)
            await seat.see(f"─ {name}")
            await seat.press("f1")
            await seat.see("keys and commands")
            assert await still(seat) == snapshot(name=name)
            await seat.press("escape", "escape")
            await seat.see("─ 1 chat")


async def test_the_first_card_where_all_is_well(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.see("What is here")
        assert await still(seat) == snapshot


async def test_the_first_card_where_nobody_can_answer(size: Size, snapshot: SnapshotAssertion) -> None:
    missing = (
        Finding(topic="local", level=Level.PROBLEM, text="Ollama does not run.", hint="ollama serve"),
        Finding(topic="cloud", level=Level.NOTE, text="no key.",
                hint="make one at https://ollama.com/settings/keys, then: export OLLAMA_API_KEY=…"),
        Finding(topic="demo", level=Level.NOTE, text="To see everything at work without either:", hint="llmdesk demo"),
    )  # fmt: skip
    statuses = (ProviderStatus(provider="cloud", kind="ollama", state=ProviderState.NO_KEY),
                ProviderStatus(provider="local", kind="ollama", state=ProviderState.DOWN))  # fmt: skip
    async with looking(FakeDesk(findings=missing, can_answer=False, statuses=statuses), size=size) as seat:
        await seat.see("Nobody can answer yet")
        assert await still(seat) == snapshot


async def test_a_step_of_the_tour(size: Size, snapshot: SnapshotAssertion) -> None:
    async with looking(size=size) as seat:
        await seat.ask("/tour")
        await seat.see("1/7")
        assert await still(seat) == snapshot(name="first")
        await seat.press("alt+right", "alt+right")
        await seat.see("3/7")
        assert await still(seat) == snapshot(name="third")
