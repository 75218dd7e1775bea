"""The adapter and the panel that the page on adding shows whole do what it says of them."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import TYPE_CHECKING, cast

import pytest

from llmdesk.config import provider_settings
from llmdesk.config.provider_settings import kinds_in
from llmdesk.core.errors import ErrorKind, ProviderError
from llmdesk.core.measures import Measures
from llmdesk.core.types import ChatRequest, Completed, Message, Role, TextDelta
from llmdesk.providers.base import Endpoint
from llmdesk.tui.screens.panels import SCREENS
from tests.support.fake_desk import FakeDesk
from tests.support.fault_server import FaultServer, Play
from tests.support.pages import DOCS, blocks
from tests.support.screen import seated

if TYPE_CHECKING:
    from llmdesk.core.types import ProviderEvent
    from llmdesk.providers.base import Provider

SHOWN = {block.text.partition("\n")[0].strip('"'): block for block in blocks(DOCS / "extending.md", "python")}
ASKED = ChatRequest(model="anvil", messages=(Message(role=Role.USER, content="hello"),))
PIECES = [{"piece": "Hello, "}, {"piece": "world"}]
END = {"end": "stop", "in": 3, "out": 5}


def module(name: str, title: str) -> ModuleType:
    (block,) = [block for first, block in SHOWN.items() if first.startswith(title)]
    made = ModuleType(name)
    exec(compile(block.text, block.name, "exec"), made.__dict__)
    return made


async def asked(*plays: Play) -> list[ProviderEvent]:
    async with FaultServer() as server:
        server.play("/say", *plays)
        adapter = module("acme", "The acme adapter")
        provider = cast(
            "Provider", adapter.AcmeProvider(Endpoint(name="there", base_url=server.url, key="k-0123456789"))
        )
        try:
            return [event async for event in provider.stream(ASKED)]
        finally:
            await provider.aclose()


def said(*lines: dict[str, object]) -> Play:
    return Play(
        headers={"Content-Type": "application/x-ndjson"}, body=(*(json.dumps(each).encode() + b"\n" for each in lines),)
    )


async def test_the_adapter_gives_an_answer_in_pieces_and_its_tokens() -> None:
    *pieces, end = await asked(said(*PIECES, END))
    assert pieces == [TextDelta("Hello, "), TextDelta("world")]
    assert isinstance(end, Completed)
    assert (end.usage.input_tokens, end.usage.output_tokens) == (3, 5)


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (said(*PIECES), ErrorKind.TRUNCATED),
        (said(*PIECES, {"end": "tired"}), ErrorKind.SERVER),
        (Play(status=401, body=(b"{}",), framing="length"), ErrorKind.AUTH),
        (Play(status=429, body=(b"{}",), framing="length"), ErrorKind.RATE),
        (Play(status=503, body=(b"{}",), framing="length"), ErrorKind.SERVER),
    ],
    ids=["no last line", "an unknown end", "401", "429", "503"],
)
async def test_the_adapter_names_each_failure_by_its_class(play: Play, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as caught:
        await asked(play)
    assert caught.value.kind is kind


def test_the_settings_are_those_of_a_kind_by_its_name() -> None:
    (block,) = [block for first, block in SHOWN.items() if first.startswith("class AcmeSettings")]
    made = dict(vars(provider_settings))
    exec(compile(block.text, block.name, "exec"), made)
    settings = made["AcmeSettings"]
    assert kinds_in(provider_settings.AnyKind | settings) == {**provider_settings.KIND_MODELS, "acme": settings}
    assert settings(base_url="https://acme.example/v1").billing == "metered"


ROW = Measures(group={"agent": "backend-dev"}, attempts=4, completed=3, failed=1, output_tokens=812)


async def test_the_panel_has_a_row_for_each_agent_and_shows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "llmdesk.tui.screens.agents"
    monkeypatch.setitem(sys.modules, name, module(name, "The agents"))
    monkeypatch.setitem(cast("dict[str, str]", SCREENS), "agents", "agents:AgentsScreen")
    desk = FakeDesk()
    before = desk.measured
    monkeypatch.setattr(desk, "measured", lambda chosen, by: (ROW,) if by == ("agent",) else before(chosen, by))
    async with seated(desk, size=(100, 24)) as seat:
        seat.app.action_open_panel("agents")
        await seat.see(r"backend-dev +4 +3 +1 +812")
        await seat.press("enter")
        await seat.see("agent backend-dev")
