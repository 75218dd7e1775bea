"""The decision table, row by row, as docs/policy.md states it."""

from __future__ import annotations

import inspect

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind, ProviderError
from llmdesk.core.policy import DECISIONS, Block, Decision, Next, ProviderRules, Retry, RetryRule
from llmdesk.core.types import Status

ROWS = {
    "rate": ("hinted", True, "yes", "nothing", "paused"),
    "quota": ("never", True, "yes", "nothing", "paused"),
    "server": ("fixed", False, "yes", "nothing", "paused"),
    "net": ("fixed", False, "yes", "nothing", "paused"),
    "silent": ("sole", False, "yes", "nothing", "paused"),
    "truncated": ("fixed", False, "yes", "nothing", "paused"),
    "auth": ("never", False, "yes", "scope", "paused"),
    "gone": ("never", False, "yes", "model", "paused"),
    "request": ("never", False, "if specific", "nothing", "failed"),
    "config": ("never", False, "yes", "nothing", "paused"),
    "captive": ("never", False, "yes", "nothing", "paused"),
    "refused": ("never", False, "no", "nothing", "refused"),
    "schema": ("repair", False, "yes", "nothing", "failed"),
    "budget": ("never", False, "no", "nothing", "blocked"),
    "cancelled": ("never", False, "no", "nothing", "cancelled"),
}


@pytest.mark.parametrize("kind", ErrorKind)
def test_each_class_is_treated_as_the_table_says(kind: ErrorKind) -> None:
    retry, cools, following, block, last = ROWS[kind]
    assert DECISIONS[kind] == Decision(
        retry=Retry(retry), cools=cools, next=Next(following), block=Block(block), last=Status(last)
    )


def test_the_table_has_exactly_one_row_for_each_class() -> None:
    assert set(DECISIONS) == set(ErrorKind)
    assert set(ROWS) == {kind.value for kind in ErrorKind}


def test_only_refusals_for_a_while_cool_a_provider() -> None:
    assert {kind for kind, row in DECISIONS.items() if row.cools} == {ErrorKind.RATE, ErrorKind.QUOTA}


def test_every_class_that_a_call_can_fail_with_has_exactly_one_exception() -> None:
    classes = [
        found
        for _, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, ProviderError) and found is not ProviderError
    ]
    kinds = [found.kind for found in classes]
    assert sorted(kinds) == sorted(set(ErrorKind) - {ErrorKind.BUDGET, ErrorKind.CANCELLED})


def test_the_tree_in_the_docstring_names_every_exception() -> None:
    drawn = errors.__doc__ or ""
    for name, found in inspect.getmembers(errors, inspect.isclass):
        if issubclass(found, Exception):
            assert name in drawn


def test_retry_defaults_are_three_tries_two_seconds_apart() -> None:
    rules = ProviderRules(name="cloud", kind="ollama")
    assert rules.retry == RetryRule(attempts=3, delay_s=2.0, wait="fixed", max_delay_s=20.0, short_wait_s=5.0)


def test_the_table_cannot_be_changed_by_accident() -> None:
    with pytest.raises(TypeError):
        DECISIONS[ErrorKind.RATE] = DECISIONS[ErrorKind.NET]  # type: ignore[index]
