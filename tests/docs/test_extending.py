"""The adapter and the panel that the page on adding shows whole do what it says of them."""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, cast

import pytest

from llmdesk.config import provider_settings
from llmdesk.config.provider_settings import kinds_in
from llmdesk.core.errors import ErrorKind, RequestRejected
from llmdesk.core.measures import Measures
from llmdesk.core.types import Completed, FinishReason, Message, Params, Role
from llmdesk.providers import KINDS
from llmdesk.tui.screens.panels import SCREENS
from tests.providers import test_wire_contract as contract
from tests.support.fake_desk import FakeDesk
from tests.support.fault_server import Mark, Play, drip, json_answer, page
from tests.support.pages import DOCS, blocks
from tests.support.scenes import Scene, network_scenes, waiting_scenes
from tests.support.screen import seated
from tests.support.wire import CANARY, HttpWire, hello

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from llmdesk.core.types import ChatRequest
    from tests.support.plays import Step

SHOWN = {block.text.partition("\n")[0].strip('"'): block for block in blocks(DOCS / "extending.md", "python")}


def module(name: str, title: str) -> ModuleType:
    (block,) = [block for first, block in SHOWN.items() if first.startswith(title)]
    made = ModuleType(name)
    exec(compile(block.text, block.name, "exec"), made.__dict__)
    return made


# --- a provider in code -----------------------------------------------------------------------------------------------

SSE = {"Content-Type": "text/event-stream"}
TEXT = "Hello from acme."


def event(**told: object) -> bytes:
    return b"data: " + json.dumps(told).encode() + b"\n\n"


BEGUN = (event(piece="Hello "), event(piece="from "))
WHOLE = (*BEGUN, event(piece="acme."))
END: dict[str, object] = {"end": "stop", "in": 3, "out": 5}


def said(*steps: Step) -> Play:
    return Play(headers=SSE, body=steps)


def refusal(status: int, text: str = "", **headers: str) -> Play:
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Play(status=status, headers=named, body=(text.encode(),), framing="length")


def endless_line() -> Iterator[bytes]:
    return itertools.chain([b'data: {"piece":"'], itertools.repeat(b"x" * 65_536))


ANSWER = said(*WHOLE, event(**END))
OWN = (
    Scene(row="end", kind=None, text=TEXT, play=ANSWER),
    Scene(row="end without a newline", kind=None, text=TEXT, play=said(*WHOLE, event(**END).strip())),
    Scene(row="end, then held", kind=None, text=TEXT, play=said(*WHOLE, event(**END), Mark.HOLD)),
    Scene(row="end, then reset", kind=None, text=TEXT, play=said(*WHOLE, event(**END), Mark.RST)),
    Scene(row="all in one", kind=None, text=TEXT, play=said(b"".join(WHOLE) + event(**END))),
    Scene(row="in segments", kind=None, text=TEXT, play=said(*drip(b"".join(WHOLE) + event(**END), 0.0, size=7))),
    Scene(
        row="length",
        kind=None,
        text=TEXT,
        finish=FinishReason.LENGTH,
        play=said(*WHOLE, event(**{**END, "end": "length"})),
    ),
    Scene(row="no end", kind=ErrorKind.TRUNCATED, says=("11 characters",), play=said(*BEGUN)),
    Scene(row="nothing", kind=ErrorKind.TRUNCATED, play=said()),
    Scene(row="only an end", kind=ErrorKind.TRUNCATED, says=("is empty",), play=said(event(**END))),
    Scene(row="broken", kind=ErrorKind.TRUNCATED, play=said(*BEGUN, b"data: {half\n\n")),
    Scene(row="a document", kind=ErrorKind.TRUNCATED, play=json_answer({"piece": TEXT})),
    Scene(row="an unknown end", kind=ErrorKind.SERVER, says=("tired",), play=said(*BEGUN, event(end="tired"))),
    Scene(row="an unknown event", kind=ErrorKind.SERVER, says=("moon",), play=said(*BEGUN, event(moon=1))),
    Scene(row="400", kind=ErrorKind.REQUEST, status=400, says=("too odd",), play=refusal(400, f"too odd {CANARY}")),
    Scene(row="401", kind=ErrorKind.AUTH, status=401, says=("$THE_KEY",), play=refusal(401, f"bad {CANARY}")),
    Scene(row="403", kind=ErrorKind.AUTH, status=403, scope="model", play=refusal(403)),
    Scene(row="404", kind=ErrorKind.GONE, status=404, says=("anvil",), play=refusal(404, "no such model")),
    Scene(row="404 of a page", kind=ErrorKind.CONFIG, status=404, says=("base_url",), play=page(404)),
    Scene(row="429", kind=ErrorKind.RATE, status=429, hint_s=30.0, play=refusal(429, retry_after="30")),
    Scene(row="418", kind=ErrorKind.SERVER, status=418, says=("418",), play=refusal(418)),
    Scene(row="503", kind=ErrorKind.SERVER, status=503, hint_s=7.0, play=refusal(503, retry_after="7")),
)
ACME = HttpWire(
    kind="acme",
    model="anvil",
    path="/say",
    scenes=(
        *OWN,
        *network_scenes(headers=SSE, partial=BEGUN[0], whole=ANSWER, text=TEXT, endless=endless_line),
        *waiting_scenes(lambda value: refusal(429, retry_after=value)),
    ),
    happy=Scene(row="happy", kind=None, play=ANSWER, text=TEXT),
    endless=Scene(row="endless", kind=None, play=said(*BEGUN, Mark.HOLD)),
    usage=(3, 5),
)
"""What ``tests/support/wires/acme.py`` would hold."""

HELLO = hello("anvil")


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> HttpWire:
    """The wire, with the adapter that the page shows made known as a kind."""
    name = "llmdesk.providers.acme.adapter"
    monkeypatch.setitem(sys.modules, name, module(name, "The acme adapter"))
    monkeypatch.setitem(KINDS, "acme", (name, "AcmeProvider"))
    return ACME


@pytest.mark.parametrize("scene", ACME.scenes, ids=lambda scene: scene.row)
async def test_the_adapter_meets_every_row_of_the_contract(
    acme: HttpWire, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await contract.test_each_row_gives_its_class_or_its_whole_answer(acme, scene, monkeypatch)


@pytest.mark.parametrize(
    "owed",
    [
        contract.test_the_limit_on_an_answer_goes_out_under_a_name_that_a_budget_can_find,
        contract.test_a_plain_answer_comes_in_pieces_with_its_usage,
        contract.test_cancelling_lets_go_of_the_other_side_at_once,
        contract.test_leaving_the_iteration_lets_go_too,
        contract.test_an_adapter_can_be_closed_twice_and_unused,
    ],
    ids=lambda owed: owed.__name__.removeprefix("test_"),
)
async def test_the_adapter_does_what_every_adapter_owes(
    acme: HttpWire, owed: Callable[[HttpWire, pytest.MonkeyPatch], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await owed(acme, monkeypatch)


def test_the_scenes_of_the_adapter_are_those_that_its_page_asks_for() -> None:
    contract.test_a_wire_over_http_shows_every_row_that_befalls_any(ACME)


async def test_a_refusal_whose_reason_is_cut_off_is_no_verdict(acme: HttpWire, monkeypatch: pytest.MonkeyPatch) -> None:
    await contract.test_a_refusal_whose_reason_is_cut_off_is_no_verdict_over_the_prompt(acme, b"{", monkeypatch)


async def test_the_adapter_sends_every_message_and_says_what_it_leaves_out(
    acme: HttpWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(
        HELLO,
        messages=(*HELLO.messages, Message(role=Role.ASSISTANT, content="Hello.")),
        params=Params(temperature=0.5, top_k=3, extra={"tone": "dry", "max_tokens": None}, max_output_tokens=9),
        extra={"temperature": 0.7, "model": "another"},
        format={"type": "object"},
        keep_wire=True,
    )
    with acme.set(acme.happy, monkeypatch) as there:
        *_, end = [event async for event in there.provider.stream(asked)]
        await there.provider.aclose()
        (body,) = there.said()
    assert json.loads(body) == {
        "model": "anvil", "temperature": 0.7, "tone": "dry", "format": {"type": "object"},
        "turns": [
            {"who": "system", "says": "Be brief."},
            {"who": "user", "says": "Say hello."},
            {"who": "assistant", "says": "Hello."},
        ],
    }  # fmt: skip
    assert isinstance(end, Completed)
    assert end.notes == ("there/anvil takes no top_k: left out.",)
    assert end.wire == END


@pytest.mark.parametrize(
    "asked",
    [
        replace(HELLO, endpoint="embed"),
        replace(HELLO, tools=({"type": "function"},)),
        replace(HELLO, messages=(Message(role=Role.USER, content="Look.", images=(b"GIF89a",)),)),
        replace(HELLO, messages=(Message(role=Role.TOOL, content="7", tool_name="dice"),)),
    ],
    ids=["no chat", "tools", "an image", "what a tool said"],
)
async def test_the_adapter_refuses_what_it_has_no_form_for(
    acme: HttpWire, asked: ChatRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with acme.set(acme.happy, monkeypatch) as there:
        with pytest.raises(RequestRejected) as caught:
            await anext(there.provider.stream(asked))
        await there.provider.aclose()
        assert there.asked() == 0
    assert caught.value.target_specific


def test_the_settings_are_those_of_a_kind_by_its_name() -> None:
    (block,) = [block for first, block in SHOWN.items() if first.startswith("class AcmeSettings")]
    made = dict(vars(provider_settings))
    exec(compile(block.text, block.name, "exec"), made)
    settings = made["AcmeSettings"]
    assert kinds_in(provider_settings.AnyKind | settings) == {**provider_settings.KIND_MODELS, "acme": settings}
    assert settings(base_url="https://acme.example/v1").billing == "metered"
    assert settings.call_paths == ("/say",)


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
