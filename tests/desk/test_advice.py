"""Advice: whoever cannot be answered is told for each target what would help, and where to look it up later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind
from llmdesk.core.text import LINE_LIMIT
from llmdesk.core.types import Attempt, AttemptOutcome, ModelRef, Status
from llmdesk.core.views import Ask
from llmdesk.desk.advice import advise
from tests.support.desk_world import DeskWorld, answers, ask, endless, fails, until

if TYPE_CHECKING:
    from pathlib import Path

CLOUD = ModelRef("cloud", "big:120b")
LOCAL = ModelRef("local", "large:27b")


def met(kind: ErrorKind, message: str, *, number: int = 1, target: ModelRef = CLOUD, reason: str = "") -> Attempt:
    skipped = bool(reason)
    return Attempt(
        number=number, target=target, at=0.0, error_kind=kind, reason=reason or kind.value, message=message,
        outcome=AttemptOutcome.SKIPPED if skipped else AttemptOutcome.FAILED,
    )  # fmt: skip


def advice(*attempts: Attempt) -> tuple[str, ...]:
    return advise(attempts, program="llmdesk")


@pytest.mark.parametrize(
    ("kind", "message", "told"),
    [
        (ErrorKind.RATE, "cloud: rate limited, next try 14:32.", "Wait for it, or retry now"),
        (ErrorKind.QUOTA, "cloud: weekly limit reached, next try 14:32.", "raise the limit at the provider"),
        (ErrorKind.SERVER, "cloud: server error 503 after 3 tries.", "ask again later"),
        (ErrorKind.NET, "cloud: host not found.", "Check the network connection and providers.cloud.base_url"),
        (ErrorKind.SILENT, "cloud: no answer for 60 s.", "providers.cloud.timeouts"),
        (ErrorKind.TRUNCATED, "cloud: answer cut off after 12 characters.", "ask again later"),
        (ErrorKind.AUTH, "cloud: big:120b is not allowed (403): no", "Check the key and what it may do"),
        (ErrorKind.GONE, "cloud: model big:120b was not found.", "llmdesk models list"),
        (ErrorKind.CONFIG, "cloud: TLS certificate not trusted.", "llmdesk doctor"),
        (ErrorKind.CAPTIVE, "cloud: got a web page instead of an answer.", "Log in to this network"),
        (ErrorKind.REQUEST, "cloud: the prompt is longer than this model's context.", "larger limits"),
    ],
)
def test_each_class_of_failure_has_its_remedy(kind: ErrorKind, message: str, told: str) -> None:
    (line,) = advice(met(kind, message))
    assert line.startswith(message)
    assert told in line


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (ErrorKind.NET, "local: connection refused at 127.0.0.1:11434. Start it with: ollama serve"),
        (ErrorKind.GONE, "local: model qwen3:8b is not available. Run: ollama pull qwen3:8b"),
        (ErrorKind.AUTH, "local: key rejected (401). Check $OPENAI_API_KEY."),
    ],
)
def test_a_message_that_names_the_next_step_stands_as_it_is(kind: ErrorKind, message: str) -> None:
    assert advice(met(kind, message, target=LOCAL)) == (message,)


def test_a_missing_key_is_named() -> None:
    skip = replace(met(ErrorKind.CONFIG, "no key: set OLLAMA_API_KEY", reason="no key"), error_kind=None)
    assert advice(skip) == ("cloud: no key: set OLLAMA_API_KEY",)


def test_of_each_target_the_last_word_counts_and_the_lines_stand_in_order() -> None:
    lines = advice(
        met(ErrorKind.SERVER, "cloud: server error 500.", number=1),
        met(ErrorKind.GONE, "local: no such model.", number=2, target=LOCAL),
        met(ErrorKind.NET, "local: host not found.", number=4, target=LOCAL),
        met(ErrorKind.RATE, "cloud: rate limited.", number=3),
    )
    assert [line.split(".")[0] for line in lines] == ["cloud: rate limited", "local: host not found"]


def test_what_the_user_did_needs_no_remedy() -> None:
    assert advice(met(ErrorKind.CANCELLED, "cloud: stopped by the user.", reason="next")) == ()


def test_a_long_message_gives_way_to_the_remedy() -> None:
    (line,) = advice(met(ErrorKind.RATE, "cloud: " + "word " * 60))
    assert len(line) <= LINE_LIMIT
    assert line.endswith("or retry now in spite of it.")


# --- through the desk ---


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


async def test_a_paused_outcome_and_its_stored_request_carry_the_same_advice(world: DeskWorld) -> None:
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
    world.local.script(fails(errors.NetworkFailed("local: connection refused. Start it with: ollama serve", retries=0)))
    async with world.desk() as desk:
        outcome = await ask(desk, "x")
        assert outcome.status is Status.PAUSED
        assert [line.partition(":")[0] for line in outcome.advice] == ["cloud", "local"]
        assert "Start it with: ollama serve" in outcome.advice[1]
        view = await desk.request(outcome.request_id)
        assert (view.advice, view.next_try_at) == (outcome.advice, outcome.next_try_at)
        world.cloud.script(answers("well"))
        await (await desk.retry(outcome.request_id, probe=True)).outcome()
        assert (await desk.request(outcome.request_id)).advice == ()


async def test_a_request_its_user_left_needs_no_advice(world: DeskWorld) -> None:
    world.cloud.script(endless("some"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="x"))
        await until(lambda: world.cloud.requests)
        run.cancel(keep=True)
        assert (await run.outcome()).advice == ()
