"""What Ollama's cloud tells of a plan: read as far as it is understood, asked with the key only."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import ErrorKind, ProviderError
from llmdesk.core.views import Quota
from llmdesk.providers.base import PlanUsage
from llmdesk.providers.ollama.plan import quotas_of
from tests.support.fault_server import FaultServer, Play, page
from tests.support.ollama_asking import ollama_at
from tests.support.plays import error, hang_up, json_answer, plain

KEY = "sk-canary-0123456789"
MODELS = [{"name": "glm-5.3-flash", "request_count": 213}]
ACTIVITY = {"cost": "1.68054", "period": {"type": "last_4_weeks", "ending_at": "2026-11-20T00:00:00Z"}, "models": []}


@pytest.mark.parametrize(
    ("told", "quotas"),
    [
        ({"limits": {"monthly": {"usage": 0.007, "models": MODELS}}, "activity": ACTIVITY}, [("monthly", 0.007)]),
        (
            {"limits": {"session": {"usage": 0.046, "models": []}, "weekly": {"usage": 0.051}}},
            [("session", 0.046), ("weekly", 0.051)],
        ),
        ({"limits": {"session": {"usage": None}, "weekly": None, "monthly": {"usage": 1}}}, [("monthly", 1.0)]),
        ({"limits": {"daily": 0.25, "hourly": {"used": 0.5}}}, [("daily", 0.25), ("hourly", 0.5)]),
        ({"limits": {"monthly": {"usage": 1.31}}}, [("monthly", 1.0)]),
        ({"limits": {"monthly": {"usage": 42}, "weekly": {"usage": -0.1}, "day": {"usage": True}}}, []),
        ({"limits": {"monthly": {"usage": "0.42"}, "weekly": {}, "": {"usage": 0.1}}}, []),
        ({"limits": []}, []),
        ({"limits": None}, []),
        ({"activity": ACTIVITY}, []),
        ([], []),
        ("0.42", []),
        (None, []),
    ],
)
def test_shares_are_read_in_every_known_shape_and_nonsense_is_none(
    told: object, quotas: list[tuple[str, float]]
) -> None:
    assert quotas_of(told) == tuple(Quota(name=name, used=used) for name, used in quotas)


@pytest.mark.parametrize(
    ("resets", "at"),
    [
        ({"resets_at": "2026-12-01T00:00:00Z"}, 1_796_083_200.0),
        ({"reset_at": "2026-12-01T02:00:00+02:00"}, 1_796_083_200.0),
        ({"resets_at": "2026-12-01T00:00:00"}, 1_796_083_200.0),
        ({"reset": 1_796_083_200}, 1_796_083_200.0),
        ({"resets_at": "in 5 hours"}, None),
        ({"resets_at": -1}, None),
        ({"resets_at": 1e300}, None),
        ({"resets_at": {"at": 1}}, None),
        ({}, None),
    ],
)
def test_a_reset_is_told_where_the_service_tells_one(resets: dict[str, object], at: float | None) -> None:
    assert quotas_of({"limits": {"weekly": {"usage": 0.5, **resets}}}) == (
        Quota(name="weekly", used=0.5, resets_at=at),
    )


def test_names_are_one_clean_line_and_few() -> None:
    (quota,) = quotas_of({"limits": {"week\x1b[31mly\nof " + "x" * 400: 0.5}})
    assert len(quota.name) <= 24
    assert quota.name.isprintable()
    assert len(quotas_of({"limits": {f"limit {n}": 0.5 for n in range(1_000)}})) <= 8


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
NAMES = st.sampled_from(["limits", "monthly", "session", "usage", "used", "resets_at", "reset"])
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner),
    max_leaves=12,
)


@given(told=json_values | st.fixed_dictionaries({"limits": st.dictionaries(st.text(max_size=9), json_values)}))
def test_any_shape_at_all_gives_shares_from_nothing_to_all(told: object) -> None:
    for quota in quotas_of(told):
        assert 0.0 <= quota.used <= 1.0
        assert quota.name


# --- asking ---


async def test_it_is_asked_with_the_key() -> None:
    async with FaultServer() as server, ollama_at(server.url, key=KEY) as provider:
        assert isinstance(provider, PlanUsage)
        server.play("/api/usage", json_answer({"limits": {"monthly": {"usage": 0.42}}}))
        assert await provider.quotas() == (Quota(name="monthly", used=0.42),)
        (seen,) = server.seen("/api/usage")
        assert (seen.method, seen.headers["authorization"]) == ("GET", f"Bearer {KEY}")
        assert server.count("/api/usage") == len(server.seen())


async def test_nothing_is_asked_without_a_key() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        assert await provider.quotas() == ()
        assert not server.seen()


async def test_a_server_without_such_a_route_has_no_plan() -> None:
    async with FaultServer() as server, ollama_at(server.url, key=KEY) as provider:
        for play in (plain(404, "404 page not found"), error(405, "no")):
            server.play("/api/usage", play)
            assert await provider.quotas() == ()


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (error(401, "unauthorized"), ErrorKind.AUTH),
        (error(429, "slow down"), ErrorKind.RATE),
        (error(503, "account unavailable"), ErrorKind.SERVER),
        (page(), ErrorKind.CAPTIVE),
        (hang_up(), ErrorKind.TRUNCATED),
        (Play(body=(b"{broken",), framing="length"), ErrorKind.TRUNCATED),
        (Play(body=(json.dumps({"limits": "x" * (2 << 20)}).encode(),), framing="length"), ErrorKind.TRUNCATED),
    ],
)
async def test_whatever_goes_wrong_is_an_error_of_ours(play: Play, kind: ErrorKind) -> None:
    async with FaultServer() as server, ollama_at(server.url, key=KEY) as provider:
        server.always("/api/usage", play)
        with pytest.raises(ProviderError) as caught:
            await provider.quotas()
    assert caught.value.kind in (kind, ErrorKind.NET)
    assert KEY not in str(caught.value)
