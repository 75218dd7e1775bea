"""When a provider is asked again, as messages say it."""

from __future__ import annotations

import time

import pytest

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import FailoverStep, ModelRef
from llmdesk.router.words import with_next_try
from llmdesk.tui.reasons import seam

NOON = time.mktime((2026, 11, 21, 12, 0, 10, 0, 0, -1))


@pytest.mark.parametrize(("wait_s", "said"), [(20, "12:00:30"), (115, "12:02:05"), (600, "12:10")])
def test_a_time_that_is_nearly_there_has_its_seconds(wait_s: int, said: str) -> None:
    assert with_next_try("cloud: rate limited.", NOON + wait_s, NOON) == f"cloud: rate limited, next try {said}."


@pytest.mark.parametrize(("wait_s", "said"), [(20, r"12:00:30"), (600, "12:10")])
def test_so_it_has_in_the_seam(wait_s: int, said: str) -> None:
    source, target = ModelRef(provider="cloud", model="a"), ModelRef(provider="local", model="b")
    step = FailoverStep(source=source, target=target, reason="rate", message="", at=NOON)
    assert f"next try {said} →" in seam(step, NOON + wait_s).replace("2026-11-21 ", "")


@pytest.mark.parametrize(
    ("reason", "message", "said"),
    [
        ("unfit", "cloud/small:1b: this model does not read images.", "cloud: this model does not read images →"),
        (
            ErrorKind.REQUEST,
            "cloud: this program cannot be given images.",
            "cloud: this program cannot be given images",
        ),
        (ErrorKind.REQUEST, 'cloud: bad request (400): {"x": 1}', "cloud: request refused →"),
    ],
)
def test_what_a_model_cannot_do_is_said_in_the_seam(reason: str, message: str, said: str) -> None:
    source, target = ModelRef("cloud", "small:1b"), ModelRef("local", "gemma3:4b")
    step = FailoverStep(source=source, target=target, reason=reason, message=message, at=NOON)
    assert seam(step, None).startswith(said)
