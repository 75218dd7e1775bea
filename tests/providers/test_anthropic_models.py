"""Models, checks and spend limits of a provider that speaks Anthropic's format."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.cooldown import MAX_DURATION_S
from llmdesk.core.errors import AnswerCut, KeyRejected, QuotaReached, ServerFailed
from tests.support.anthropic_answers import PATH, failed, models, played, refusal
from tests.support.anthropic_asking import anthropic_at, events_of
from tests.support.fault_server import FaultServer, json_answer, page, plain
from tests.support.wire import CANARY

if TYPE_CHECKING:
    from tests.support.plays import Play

MODELS = "/v1/models"
DAY_S = 86_400.0


def supported(**each: bool) -> dict[str, object]:
    return {name: {"supported": yes} for name, yes in each.items()}


async def test_models_are_listed_page_by_page() -> None:
    first = {
        "data": [
            {"type": "model", "id": "claude-opus-5-5", "created_at": "2026-09-22T00:00:00Z",
             "max_input_tokens": 1_000_000, "capabilities": supported(image_input=True, thinking=True, batch=True)},
            {"type": "model", "id": "claude-haiku-4-5", "max_input_tokens": None,
             "capabilities": supported(image_input=False, thinking=True)},
            {"type": "model"}, 7,
        ],
        "has_more": True, "last_id": "claude haiku&4",
    }  # fmt: skip
    async with FaultServer() as server, anthropic_at(server.url, key=CANARY) as provider:
        server.play(MODELS, json_answer(first), models("claude-sonnet-5-5"))
        found = await provider.list_models()
        targets = [seen.target for seen in server.seen(MODELS)]
        assert all(seen.headers["x-api-key"] == CANARY for seen in server.seen(MODELS))
    assert targets == ["/v1/models?limit=1000", "/v1/models?limit=1000&after_id=claude%20haiku%264"]
    assert [(model.name, model.context_tokens) for model in found] == [
        ("claude-opus-5-5", 1_000_000), ("claude-haiku-4-5", None), ("claude-sonnet-5-5", 1_000_000),
    ]  # fmt: skip
    assert found[0].capabilities == {"completion", "tools", "vision", "thinking"}
    assert found[1].capabilities == {"completion", "tools", "thinking"}
    assert found[2].capabilities == frozenset()
    assert found[0].modified_at == "2026-09-22T00:00:00Z"


async def test_a_list_that_never_ends_is_left() -> None:
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.always(MODELS, json_answer({"data": [], "has_more": True, "last_id": "same"}))
        assert await provider.list_models() == ()
        assert server.count(MODELS) == 2


@pytest.mark.parametrize("play", [json_answer([1]), json_answer({"data": 1}), plain(200, "")])
async def test_a_damaged_list_is_said_to_be_one(play: Play) -> None:
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.always(MODELS, play)
        with pytest.raises(AnswerCut, match="there: "):
            await provider.list_models()


async def test_a_check_tries_the_key_and_asks_no_model() -> None:
    async with FaultServer() as server, anthropic_at(server.url, key=CANARY) as provider:
        server.always(MODELS, models("a", "b"))
        found = await provider.check()
        assert server.count() == 1
    assert (found.models, found.key_tried, found.message) == (2, True, "")


async def test_a_check_without_a_key_tries_none() -> None:
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.always(MODELS, models("a"))
        assert not (await provider.check()).key_tried


async def test_a_gateway_without_a_list_has_not_tried_the_key() -> None:
    async with FaultServer() as server, anthropic_at(server.url, key=CANARY) as provider:
        server.always(MODELS, page(404))
        found = await provider.check()
    assert (found.models, found.key_tried) == (None, False)
    assert found.message == "it lists no models"


async def test_a_refused_key_fails_the_check() -> None:
    settings = {"key": CANARY, "key_source": "$THE_KEY"}
    async with FaultServer() as server, anthropic_at(server.url, **settings) as provider:
        server.always(MODELS, refusal(401, "authentication_error", f"invalid x-api-key {CANARY}"))
        with pytest.raises(KeyRejected, match=r"\$THE_KEY") as caught:
            await provider.check()
    assert CANARY not in caught.value.message + caught.value.details + repr(caught.value)


# --- limits that begin anew with the month ----------------------------------------------------------------------------

ENFORCED = {"error_code": "enforced_spend_limit_reached"}
REGAIN = "You have reached your specified API usage limits. You will regain access on {} at 00:00 UTC."


def limit(text: str = "This request would exceed your account's monthly spend limit.", **more: str) -> Play:
    return refusal(429, "rate_limit_error", text, details=ENFORCED, **more)


@pytest.mark.parametrize(
    ("play", "at", "hint_s"),
    [
        (limit(), datetime(2026, 11, 30, 12, tzinfo=UTC), DAY_S / 2),
        (limit(), datetime(2026, 12, 1, tzinfo=UTC), 31 * DAY_S),
        (limit(), datetime(2026, 12, 31, 23, 59, tzinfo=UTC), 60.0),
        (limit(), datetime(2027, 2, 1, 12, tzinfo=UTC), 27.5 * DAY_S),
        (limit(retry_after="90"), datetime(2026, 11, 30, 12, tzinfo=UTC), 90.0),
        (refusal(400, "invalid_request_error", REGAIN.format("2026-12-01")),
         datetime(2026, 11, 29, tzinfo=UTC), 2 * DAY_S),
        (refusal(400, "invalid_request_error", REGAIN.format("2126-12-01")),
         datetime(2026, 11, 29, tzinfo=UTC), MAX_DURATION_S),
        (refusal(400, "invalid_request_error", REGAIN.format("2020-12-01")),
         datetime(2026, 11, 29, tzinfo=UTC), 600.0),
        (refusal(400, "invalid_request_error", REGAIN.format("2026-13-41")),
         datetime(2026, 11, 29, tzinfo=UTC), 600.0),
        (refusal(429, "rate_limit_error", "Spend limit reached."), datetime(2026, 11, 29, tzinfo=UTC), 600.0),
    ],
)  # fmt: skip
async def test_a_spend_limit_lasts_until_it_begins_anew(play: Play, at: datetime, hint_s: float | None) -> None:
    async with FaultServer() as server, anthropic_at(server.url, now=at.timestamp) as provider:
        server.always(PATH, play)
        with pytest.raises(QuotaReached, match="spend limit") as caught:
            await events_of(provider)
        assert server.count(PATH) == 1
    assert caught.value.hint_s == hint_s


async def test_a_spend_limit_inside_a_stream_is_one_too() -> None:
    at = datetime(2026, 11, 30, 12, tzinfo=UTC)
    async with FaultServer() as server, anthropic_at(server.url, now=at.timestamp) as provider:
        server.always(PATH, played([failed("rate_limit_error", "Limit.", details=ENFORCED)]))
        with pytest.raises(QuotaReached) as caught:
            await events_of(provider)
    assert (caught.value.http_status, caught.value.hint_s) == (None, DAY_S / 2)


async def test_a_text_in_the_answer_that_speaks_of_limits_is_no_limit() -> None:
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.always(PATH, refusal(500, "api_error", "monthly spend limit"))
        with pytest.raises(ServerFailed):
            await events_of(provider)
