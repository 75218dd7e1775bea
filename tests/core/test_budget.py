"""What a budget forbids: rules over amounts, without a disk (policy section 1, B4, B7, I8)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.budget import (
    DEFAULT_OUTPUT_TOKENS,
    LEAST_OUTPUT_TOKENS,
    Account,
    Budget,
    Claim,
    Grant,
    Refusal,
    Standing,
    binds,
    covers,
    decide,
    forecast,
    input_bound,
    warning,
)
from llmdesk.core.prices import FREE, Price
from llmdesk.core.types import ModelRef, Usage

TARGET = ModelRef("openai", "gpt-5-mini")
ACCOUNT = Account(request="r1", lane="chat", agent="backend-dev", job="nightly", conversation="c1")
PRICE = Price(input_usd_per_mtok=Decimal("0.25"), output_usd_per_mtok=Decimal("2.00"))


def a_claim(**fields):
    return Claim(**{"account": ACCOUNT, "target": TARGET, "number": 1, "input_tokens": 100, "price": PRICE} | fields)


def tokens(limit, spent=0, reserved=0, **fields):
    budget = Budget(scope="day", limit=limit, unit="tokens", **fields)
    return Standing(budget=budget, period="2026-11-21", spent=spent, reserved=reserved)


def dollars(limit, spent=0, reserved=0, **fields):
    budget = Budget(scope="day", limit=limit, unit="usd", **fields)
    return Standing(budget=budget, period="2026-11-21", spent=spent, reserved=reserved)


rates = st.decimals(min_value=0, max_value=1000, places=4)
prices = st.builds(
    Price,
    input_usd_per_mtok=rates,
    output_usd_per_mtok=rates,
    cached_input_usd_per_mtok=st.none() | rates,
    per_request_usd=st.decimals(min_value=0, max_value=1, places=6),
)
counts = st.integers(min_value=0, max_value=10**5)
claims = st.builds(
    a_claim,
    input_tokens=counts,
    output_tokens=st.none() | st.integers(min_value=1, max_value=10**6),
    answers=st.booleans(),
    price=st.none() | prices | st.just(FREE),
)
standings = st.builds(
    lambda unit, limit, spent, reserved, hard: Standing(
        budget=Budget(scope="day", limit=limit, unit=unit, hard=hard), spent=spent, reserved=reserved
    ),
    st.sampled_from(["usd", "tokens"]),
    st.integers(min_value=0, max_value=10**6) | st.integers(min_value=10**9, max_value=10**13),
    st.integers(min_value=0, max_value=10**6),
    st.integers(min_value=0, max_value=10**5),
    st.booleans(),
)


def hard_ones(claim, found):
    return [each for each in found if each.budget.hard and binds(each.budget, claim.price)]


@given(claims, st.lists(standings, max_size=4))
def test_what_is_granted_exceeds_no_hard_budget_whatever_the_answer_turns_out_to_be(claim, found):
    answer = decide(claim, found)
    hard = hard_ones(claim, found)
    if isinstance(answer, Refusal):
        assert answer.standing in hard
        return
    if not hard:
        return
    for standing in hard:
        aside = answer.tokens if standing.budget.unit == "tokens" else answer.nano_usd
        assert standing.spent + standing.reserved + aside <= standing.budget.limit
    output = answer.output_tokens or 0
    used = Usage(input_tokens=claim.input_tokens, output_tokens=output)
    assert answer.tokens == claim.input_tokens + output
    if claim.price is not None:
        assert (claim.price.cost_nano_usd(used) or 0) <= answer.nano_usd


@given(claims, st.lists(standings, max_size=4))
def test_a_limit_is_only_ever_lowered_and_never_below_what_an_answer_needs(claim, found):
    answer = decide(claim, found)
    if isinstance(answer, Refusal):
        return
    if not hard_ones(claim, found):
        assert answer == Grant(output_tokens=claim.output_tokens)
        return
    if not claim.answers:
        assert answer.output_tokens is None
        return
    wanted = claim.output_tokens or DEFAULT_OUTPUT_TOKENS
    assert min(wanted, LEAST_OUTPUT_TOKENS) <= answer.output_tokens <= wanted
    assert (answer.output_tokens < wanted) == (answer.lowered_by is not None)


@given(claims, st.lists(standings, min_size=1, max_size=4), st.integers(min_value=0, max_value=10**9))
def test_who_has_spent_more_is_never_granted_more(claim, found, more):
    before = decide(claim, found)
    after = decide(claim, [replace(each, spent=each.spent + more) for each in found])
    if isinstance(before, Refusal):
        assert isinstance(after, Refusal)
    elif isinstance(after, Grant):
        assert (after.tokens, after.nano_usd) <= (before.tokens, before.nano_usd)
        assert (after.output_tokens or 0) <= (before.output_tokens or 0)


@given(claims, st.lists(standings, max_size=3), standings)
def test_one_more_budget_never_allows_more(claim, found, another):
    before, after = decide(claim, found), decide(claim, [*found, another])
    if isinstance(before, Refusal):
        assert isinstance(after, Refusal)
    elif isinstance(after, Grant) and hard_ones(claim, found):
        assert (after.output_tokens or 0) <= (before.output_tokens or 0)


@given(st.lists(standings, max_size=4), counts)
def test_what_is_free_asks_no_budget_in_dollars(found, size):
    claim = a_claim(price=FREE, input_tokens=size)
    of_tokens = [each for each in found if each.budget.unit == "tokens"]
    assert decide(claim, found) == decide(claim, of_tokens)


def test_under_a_hard_budget_every_answer_has_a_limit():
    assert decide(a_claim(), [tokens(10**6)]) == Grant(output_tokens=8192, tokens=8292, nano_usd=25_000 + 16_384_000)
    assert decide(a_claim(), [tokens(10**6, hard=False)]) == Grant()


@pytest.mark.parametrize("endless", [0, -1, -2])
def test_a_limit_that_a_server_reads_as_none_is_none(endless):
    answer = decide(a_claim(output_tokens=endless), [tokens(10**6)])
    assert isinstance(answer, Grant)
    assert answer.output_tokens == DEFAULT_OUTPUT_TOKENS


def test_the_limit_is_lowered_to_what_is_left_and_the_budget_is_named():
    tight = tokens(1_000, spent=300, reserved=100)
    answer = decide(a_claim(output_tokens=4_096), [tokens(10**6), tight])
    assert isinstance(answer, Grant)
    assert (answer.output_tokens, answer.lowered_by) == (500, tight.budget)


def test_less_than_256_tokens_of_room_is_no_room():
    assert isinstance(decide(a_claim(), [tokens(100 + 256)]), Grant)
    answer = decide(a_claim(), [tokens(100 + 255)])
    assert isinstance(answer, Refusal)
    assert (answer.cause, answer.needed) == ("too little left", 356)


def test_who_asks_for_less_than_256_tokens_needs_no_more_room():
    answer = decide(a_claim(output_tokens=100), [tokens(200)])
    assert isinstance(answer, Grant)
    assert (answer.output_tokens, answer.lowered_by) == (100, None)


def test_a_budget_that_is_used_up_says_reached():
    answer = decide(a_claim(), [dollars(2_000_000_000, spent=1_900_000_000, reserved=100_000_000)])
    assert isinstance(answer, Refusal)
    assert answer.cause == "reached"


def test_an_unknown_price_is_refused_by_hard_budgets_in_dollars_alone():
    unknown = a_claim(price=None)
    answer = decide(unknown, [tokens(10**6), dollars(10**10)])
    assert isinstance(answer, Refusal)
    assert answer.cause == "unknown price"
    assert isinstance(decide(unknown, [tokens(10**6), dollars(10**10, hard=False)]), Grant)


def test_where_only_the_prompt_costs_no_limit_is_lowered():
    prompt_only = Price(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(0))
    answer = decide(a_claim(price=prompt_only, output_tokens=9_999), [dollars(100_000)])
    assert isinstance(answer, Grant)
    assert (answer.output_tokens, answer.nano_usd) == (9_999, 100_000)
    assert isinstance(decide(a_claim(price=prompt_only), [dollars(99_999)]), Refusal)


def test_what_gives_no_text_needs_room_for_its_input_only():
    embedding = a_claim(answers=False)
    assert decide(embedding, [tokens(100)]) == Grant(tokens=100, nano_usd=25_000)
    assert isinstance(decide(embedding, [tokens(99)]), Refusal)


def test_the_input_is_taken_at_one_and_a_half_times_its_estimate_and_eight_a_message():
    assert input_bound(1_001, 3) == 1_502 + 24


@pytest.mark.parametrize(
    ("fields", "account", "expected"),
    [
        ({}, ACCOUNT, True),
        ({"lane": "chat"}, ACCOUNT, True),
        ({"lane": "codegen"}, ACCOUNT, False),
        ({"provider": "openai", "agent": "backend-dev"}, ACCOUNT, True),
        ({"provider": "claude"}, ACCOUNT, False),
        ({"agent": "backend-dev"}, replace(ACCOUNT, agent=None), False),
        ({"scope": "job"}, ACCOUNT, True),
        ({"scope": "job"}, replace(ACCOUNT, job=None), False),
        ({"scope": "conversation"}, replace(ACCOUNT, conversation=None), False),
        ({"scope": "request"}, replace(ACCOUNT, conversation=None, job=None), True),
    ],
)
def test_a_budget_counts_what_it_is_narrowed_to(fields, account, expected):
    budget = Budget(**{"scope": "day", "limit": 1, "unit": "tokens"} | fields)
    assert covers(budget, account, "openai") is expected


# --- what people are told ---


@pytest.mark.parametrize(
    ("spent", "told"),
    [
        (0, ""),
        (799, ""),
        (800, "Day budget: 800 tokens of 1 000 tokens spent (80 %)."),
        (999, "Day budget: 999 tokens of 1 000 tokens spent (99 %)."),
        (1_000, "Day budget: 1 000 tokens spent, the limit is 1 000 tokens."),
        (1_500, "Day budget: 1 500 tokens spent, the limit is 1 000 tokens."),
    ],
)
def test_a_warning_comes_at_its_mark_and_changes_at_the_limit(spent, told):
    assert warning(tokens(1_000, spent=spent)) == told


def test_a_budget_of_nothing_warns_once_something_was_spent():
    assert warning(tokens(0)) == ""
    assert warning(tokens(0, spent=1)).startswith("Day budget: 1 tokens spent")


def test_a_narrowed_budget_is_called_by_what_it_counts():
    budget = Budget(scope="month", limit=30_000_000_000, unit="usd", provider="openai", agent="backend-dev")
    assert budget.name == "month budget of provider openai, agent backend-dev"
    assert budget.amount(budget.limit) == "30.00 USD"


@pytest.mark.parametrize(
    ("spent", "share", "expected"),
    [(0, 0.5, None), (100, 0.049, None), (100, 0.05, 2_000), (100, 0.5, 200), (100, 1.0, 100)],
)
def test_the_forecast_is_the_pace_so_far_to_the_end_of_the_period(spent, share, expected):
    assert forecast(spent, 1_000.0, 2_000.0, 1_000.0 + 1_000.0 * share) == expected
