"""How long an OpenAI-compatible endpoint asks to wait."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.providers.openai.hints import asked_s, duration_s, wait_hint

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0), ("6m0s", 360.0), ("120ms", 0.12), ("1h2m3.5s", 3723.5), ("7m12.5s", 432.5), ("2d", 172_800.0),
        ("52220 seconds", 52_220.0), ("1 minute", 60.0), ("2 hours 30 minutes", 9_000.0), ("0s", 0.0),
        ("20s.", 20.0), ("1 day", 86_400.0), ("350 milliseconds", 0.35), ("soon", None), ("", None), ("20", None),
        ("20 sheep", None), ("-5s", None), ("s", None),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float | None) -> None:
    told = duration_s(text)
    assert told == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Rate limit reached. Please try again in 20s. Visit https://x.example", 20.0),
        ("Limit 3, Used 3. Please try again in 6m0s.", 360.0),
        ("Please wait 52220 seconds before retrying.", 52_220.0),
        ("Please retry after 30 seconds.", 30.0),
        ("Please wait 0 seconds before retrying.", None),
        ("try again in 120ms", 1.0),
        ("Please try again in 99999999 days", 86_400.0),
        ("Please try again later.", None),
        ("Wait and see. Please try again in 3s", 3.0),
        ("I waited 20 seconds", None),
        ("", None),
    ],
)
def test_what_messages_ask(text: str, seconds: float | None) -> None:
    assert asked_s(text) == seconds


def limits(**values: str) -> dict[str, str]:
    return {f"x-ratelimit-{name.replace('_', '-')}": value for name, value in values.items()}


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        ({"Retry-After": "20", "Retry-After-Ms": "1500"}, "try again in 9s", 1.5),
        ({"Retry-After": "20"}, "try again in 9s", 20.0),
        ({"Retry-After": "0"}, "try again in 9s", 9.0),
        ({"Retry-After-Ms": "nan", "Retry-After": "4"}, "", 4.0),
        ({"Retry-After-Ms": "-5"}, "", None),
        (limits(remaining_requests="0", reset_requests="6m0s", remaining_tokens="9", reset_tokens="1s"), "", 360.0),
        (limits(remaining_requests="9", reset_requests="6m0s", remaining_tokens="0", reset_tokens="7s"), "", 7.0),
        (limits(remaining_requests="0", reset_requests="6m0s", remaining_tokens="0", reset_tokens="7s"), "", 360.0),
        (limits(reset_requests="14h0m0s", reset_tokens="7.66s"), "", 7.66),
        (limits(reset_requests="120ms"), "", 1.0),
        (limits(reset_requests="soon", reset_tokens=""), "", None),
        (limits(remaining_requests="0", reset_requests="6m0s"), "try again in 9s", 9.0),
        ({}, "", None),
    ],
)
def test_the_more_precise_word_counts(headers: dict[str, str], text: str, seconds: float | None) -> None:
    told = wait_hint(429, httpx.Headers(headers), text, NOW)
    assert told == (pytest.approx(seconds) if seconds is not None else None)


def test_limits_in_general_say_nothing_about_a_server_that_is_down() -> None:
    assert wait_hint(503, limits(remaining_requests="0", reset_requests="6m0s"), "", NOW) is None
    assert wait_hint(503, {"retry-after": "3"}, "", NOW) == 3.0


def test_the_moment_a_limit_begins_anew_may_stand_in_the_body() -> None:
    assert wait_hint(429, {}, "", NOW, reset_ms=(NOW + 90) * 1000) == pytest.approx(90)
    assert wait_hint(429, {}, "", NOW, reset_ms=(NOW - 90) * 1000) is None


@given(st.text(max_size=200), st.dictionaries(st.sampled_from([
    "retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens",
    "x-ratelimit-remaining-tokens"]), st.text(max_size=30)))  # fmt: skip
def test_nothing_that_is_said_is_believed_beyond_a_day(text: str, headers: dict[str, str]) -> None:
    told = wait_hint(429, headers, text, NOW)
    assert told is None or 1.0 <= told <= 86_400.0
