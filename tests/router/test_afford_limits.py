"""No field of a request lifts the limit that a budget sets: on no wire, wherever it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.budget import Account, Budget, Grant
from llmdesk.core.lanes import Lane
from llmdesk.core.policy import ProviderRules, RetryRule
from llmdesk.core.prices import Price
from llmdesk.core.types import ChatRequest, Message, Params, Role, Status, ToolCall
from llmdesk.prices import Billing, PriceBook
from llmdesk.providers.anthropic.wire import body_of as anthropic_body
from llmdesk.providers.google.wire import body_of as google_body
from llmdesk.providers.ollama.wire import body_of as ollama_body
from llmdesk.providers.openai.dialects import Dialect
from llmdesk.providers.openai.wire import body_of as openai_body
from llmdesk.router.limits import limited, wanted_answers, wanted_output
from llmdesk.router.route import Sizes
from llmdesk.router.weight import prompt_tokens
from tests.support.router_world import CLOUD, RouterWorld

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmdesk.core.budget import Claim, Refusal

HELLO = (Message(role=Role.USER, content="hello"),)


def openai_wire(request: ChatRequest) -> bytes:
    return openai_body("x", request, Dialect(output_limit="max_completion_tokens"))


def ollama_wire(request: ChatRequest) -> bytes:
    return ollama_body("x", request)


def anthropic_wire(request: ChatRequest) -> bytes:
    return anthropic_body("x", request)


def google_wire(request: ChatRequest) -> bytes:
    return google_body("x", request)


def limits_in(body: Any, at: str = "") -> dict[str, object]:
    """Every field of a body whose name speaks of a limit on tokens."""
    found: dict[str, object] = {}
    for name, value in body.items() if isinstance(body, dict) else ():
        if any(word in name.lower() for word in ("max", "predict")):
            found[at + name] = value
        found |= limits_in(value, f"{at}{name}.")
    return found


WIRES: dict[str, tuple[Callable[[ChatRequest], bytes], str]] = {
    "openai": (openai_wire, "max_completion_tokens"),
    "ollama": (ollama_wire, "options.num_predict"),
    "anthropic": (anthropic_wire, "max_tokens"),
    "google": (google_wire, "generationConfig.maxOutputTokens"),
}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("raw", ["params", "request"])
@pytest.mark.parametrize(
    "extra",
    [
        {"max_tokens": 90_000},
        {"max_completion_tokens": 90_000, "max_tokens": 80_000},
        {"num_predict": -1},
        {"options": {"num_predict": 90_000, "min_p": 0.1}},
        {"options": {"num_predict": -1}},
        {"maxOutputTokens": 90_000},
        {"generationConfig": {"maxOutputTokens": 90_000, "topK": 3}},
        {"max_tokens": None},
        {"n_predict": "90000"},
        {"MAX_TOKENS": 90_000},
        {"Options": {"Num_Predict": -1}},
        {"generation_config": {"max_output_tokens": 90_000}},
    ],
    ids=str,
)
def test_the_limit_that_was_granted_is_the_only_one_on_the_wire(wire: str, raw: str, extra: dict[str, object]) -> None:
    body_of, field = WIRES[wire]
    params = Params(extra=extra if raw == "params" else {})
    request = ChatRequest(model="m", messages=HELLO, params=params, extra=extra if raw == "request" else {})
    body = json.loads(body_of(limited(request, 300)))
    assert limits_in(body) == {field: 300}
    text = json.dumps(body)
    assert ("min_p" in text) == ("min_p" in str(extra)), "everything else goes as it was given"


@pytest.mark.parametrize(
    ("params", "extra", "wanted"),
    [
        (Params(), {}, None),
        (Params(max_output_tokens=5), {}, 5),
        (Params(max_output_tokens=5, extra={"max_tokens": 9}), {}, 9),
        (Params(max_output_tokens=5), {"options": {"num_predict": 7}}, 7),
        (Params(extra={"max_tokens": 9}), {"generationConfig": {"maxOutputTokens": 7.0}}, 7),
        (Params(extra={"max_tokens": "11"}), {}, 11),
        (Params(extra={"max_tokens": True}), {"options": {"num_predict": -1}}, None),
        (Params(extra={"max_tokens": float("nan")}), {"options": "no object", "n_predict": float("inf")}, None),
    ],
)
def test_a_limit_among_raw_fields_is_what_was_wanted(params: Params, extra: dict[str, object], wanted: int) -> None:
    assert wanted_output(ChatRequest(model="m", messages=HELLO, params=params, extra=extra)) == wanted


@pytest.mark.parametrize(
    ("extra", "wanted"),
    [
        ({}, ("", 1)),
        ({"n": 1}, ("n", 1)),
        ({"n": 3, "best_of": 5}, ("best_of", 5)),
        ({"n": "4"}, ("n", 4)),
        ({"generationConfig": {"candidateCount": 2}}, ("candidateCount", 2)),
        ({"candidate_count": 4}, ("candidate_count", 4)),
        ({"generation_config": {"candidate_count": 3}}, ("candidate_count", 3)),
        ({"n": "many"}, ("", 1)),
    ],
)
def test_how_many_answers_are_wanted_is_seen_wherever_it_stands(extra: dict[str, object], wanted: object) -> None:
    assert wanted_answers(ChatRequest(model="m", messages=HELLO, params=Params(extra=extra))) == wanted
    assert wanted_answers(ChatRequest(model="m", messages=HELLO, extra=extra)) == wanted


class Ample:
    """A purse that grants what is wanted, and remembers who asked."""

    def __init__(self, *budgets: Budget, lowered_to: int | None = None) -> None:
        self.budgets: Sequence[Budget] = budgets
        self.claims: list[Claim] = []
        self._lowered_to = lowered_to

    async def reserve(self, claim: Claim) -> Grant | Refusal:
        self.claims.append(claim)
        return Grant(output_tokens=self._lowered_to or claim.output_tokens or 8_192, tokens=1, nano_usd=1)


def world_with(purse: Ample, kind: str = "openai") -> RouterWorld:
    quick = RetryRule(attempts=3, delay_s=0.0)
    price = Price(input_usd_per_mtok=1, output_usd_per_mtok=2)  # type: ignore[arg-type]
    return RouterWorld(
        purse=purse,
        rules={"cloud": ProviderRules(name="cloud", kind=kind, retry=quick)},
        lane=Lane(name="chat", targets=(CLOUD,)),
        prices=PriceBook({"cloud": Billing(free=False)}, {str(CLOUD): price}),
    )


HARD = Budget(scope="day", limit=10**12, unit="usd")
OTHERS = Budget(scope="day", limit=1, unit="usd", provider="another")
ACCOUNT = Account(request="r1", lane="chat")


@pytest.mark.parametrize(("budget", "bound"), [(HARD, True), (OTHERS, False)])
async def test_raw_limits_are_replaced_only_where_a_hard_budget_pays(budget: Budget, bound: bool) -> None:
    purse = Ample(budget, lowered_to=300)
    world = world_with(purse)
    given = {"options": {"num_predict": 9_000, "min_p": 0.1}}
    await world.ask(extra=given, account=ACCOUNT, keep_wire=True)
    (sent,) = world.cloud.requests
    assert sent.keep_wire
    if bound:
        assert (sent.params.max_output_tokens, sent.extra) == (300, {"options": {"min_p": 0.1}})
        assert purse.claims[0].output_tokens == 9_000
    else:
        assert (sent.params.max_output_tokens, sent.extra) == (None, given)
        assert purse.claims == []


@pytest.mark.parametrize(("budget", "status"), [(HARD, Status.FAILED), (OTHERS, Status.COMPLETED)])
async def test_several_answers_are_not_paid_out_of_a_hard_budget(budget: Budget, status: Status) -> None:
    purse = Ample(budget)
    world = world_with(purse)
    world.lane = Lane(name="chat", targets=(CLOUD,), params=Params(extra={"n": 3}))
    walk = await world.ask(account=ACCOUNT)
    assert walk.status is status
    assert purse.claims == []
    assert (walk.error is not None) is (status is Status.FAILED)
    assert len(world.cloud.requests) == (status is Status.COMPLETED)
    if walk.error is not None:
        assert "n=3 asks for 3 answers" in walk.error.message
        assert "Set n to 1" in walk.error.message


async def test_a_command_is_told_its_limit_where_its_template_can_carry_one() -> None:
    world = world_with(Ample(HARD, lowered_to=500), kind="command")
    await world.ask(account=ACCOUNT)
    assert world.cloud.requests[0].params.max_output_tokens == 500


def test_everything_that_is_sent_weighs() -> None:
    def weight(**fields: Any) -> int:
        return prompt_tokens(ChatRequest(model="m", **{"messages": HELLO, **fields}), Sizes())

    bare = weight()
    assert bare == 5
    for fields in (
        {"tools": ({"name": "x" * 700},)},
        {"format": {"type": "object", "description": "x" * 700}},
        {"extra": {"suffix": "x" * 700}},
        {"params": Params(extra={"system": "x" * 700})},
        {"messages": (*HELLO, Message(role=Role.USER, content="", images=(b"png",)))},
        {"messages": (*HELLO, Message(role=Role.ASSISTANT, content="", thinking="x" * 700))},
        {
            "messages": (
                *HELLO,
                Message(role=Role.ASSISTANT, content="", tool_calls=(ToolCall(name="f", arguments={"a": "x" * 700}),)),
            )
        },
    ):
        assert weight(**fields) >= bare + 200, fields
    assert weight(endpoint="embed", messages=(), extra={"input": ["x" * 700, "y" * 700]}) == 2 * (200 + 4)
    assert weight(endpoint="embed", messages=(), extra={"input": [[1, 2], None]}) < 20
