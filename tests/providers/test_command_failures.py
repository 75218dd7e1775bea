"""Failed runs: their class, the waiting time they name, and what is kept of their words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import AnswerCut, KeyRejected, QuotaReached, RateLimited, ServerFailed
from llmdesk.core.text import redact
from llmdesk.providers.command.failures import DETAILS, failed_run, hint_in

if TYPE_CHECKING:
    from llmdesk.core.errors import ProviderError

NOW = 1_753_070_000.0
LIMITS = {"quota": ("usage limit",), "rate": ("rate limit",), "auth": ("not logged in",)}


def run(**told: object) -> ProviderError:
    values: dict[str, object] = {"exit_code": 1, "error": "", "stderr": "", "stdout": "", "limits": LIMITS, "now": NOW}
    return failed_run("tool", **{**values, **told})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("try again in 34s", 34.0),
        ("Please retry in 34.07s.", 34.07),
        ("retry in 900ms", 1.0),
        ("or try again in 2 days 17 hours 14 minutes.", 2 * 86400 + 17 * 3600 + 14 * 60),
        ("Resets in 167h54m10s", 167 * 3600 + 54 * 60 + 10),
        ("Your quota will reset after 8h36m13s.", 8 * 3600 + 36 * 60 + 13),
        ("wait, try again in 1 hour, 5 minutes and 3 seconds", 3903.0),
        ("Claude AI usage limit reached|1753077600", 7600.0),
        ("Claude AI usage limit reached|1753000000", None),
        ("try again at 6:44 PM", None),
        ("in 5 attempts", None),
        ("in 0s", None),
        ("in 99999999999999 days", None),
        ("", None),
    ],
)
def test_a_waiting_time_is_read_where_a_text_names_one(text: str, seconds: float | None) -> None:
    found = hint_in(text, NOW, quota=True)
    assert found == (pytest.approx(seconds) if seconds is not None else None)


def test_a_rate_limit_lasts_a_day_at_most_and_a_plan_a_month() -> None:
    assert hint_in("in 60 days", NOW) == 86_400.0
    assert hint_in("in 60 days", NOW, quota=True) == 31 * 86_400.0


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"stderr": "Error: Usage Limit reached"}, QuotaReached),
        ({"stdout": "RATE LIMIT"}, RateLimited),
        ({"error": "you are Not Logged In"}, KeyRejected),
        ({"stderr": "not logged in", "stdout": "usage limit"}, KeyRejected),  # stderr goes before stdout
        ({"stderr": "rate limit; usage limit"}, QuotaReached),
        ({"stderr": "something else"}, ServerFailed),
        ({"exit_code": 0}, AnswerCut),
        ({"exit_code": 0, "error": "bad"}, ServerFailed),
    ],
)
def test_the_texts_of_a_failed_run_tell_its_class(told: dict[str, object], kind: type[ProviderError]) -> None:
    assert type(run(**told)) is kind


def test_the_waiting_time_may_stand_on_the_line_after_the_limit() -> None:
    problem = run(stderr="noise in 9s\nIndividual usage limit reached.\nResets in 2h0m5s.\nbye in 7s")
    assert problem.hint_s == 7205.0


def test_a_death_by_signal_is_named() -> None:
    assert str(run(exit_code=-9)) == "tool: the program was killed by SIGKILL."
    assert str(run(exit_code=-99)) == "tool: the program was killed by signal 99."


def test_details_are_the_end_of_stderr_without_secrets_and_escapes() -> None:
    redact.learn("very-secret-value")
    problem = run(stderr="x" * 5000 + "\x1b[31m very-secret-value Bearer abcdefgh end")
    assert len(problem.details) <= DETAILS
    assert problem.details.endswith("end")
    for text in (problem.message, problem.details):
        assert "very-secret-value" not in text
        assert "abcdefgh" not in text
        assert "\x1b" not in text


def test_a_secret_at_the_edge_of_what_is_kept_leaves_no_half() -> None:
    secret = "edge-secret-0123456789"
    redact.learn(secret)
    for shift in range(len(secret)):
        problem = run(stderr=secret + "y" * (DETAILS - shift))
        assert secret[-6:] not in problem.details
        said = run(stderr="usage limit " + "y" * shift * 5 + secret)
        assert secret[:6] not in said.message
