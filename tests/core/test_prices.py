"""What tokens cost: exact, rounded once, and never more than was set aside for them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.prices import FREE, MOST_NANO_USD, Price
from llmdesk.core.types import Usage

SONNET = Price(
    input_usd_per_mtok=Decimal(3),
    output_usd_per_mtok=Decimal(15),
    cached_input_usd_per_mtok=Decimal("0.3"),
    cache_write_usd_per_mtok=Decimal("3.75"),
)

rates = st.decimals(min_value=0, max_value=2_000, places=6)
maybe = st.none() | rates
tokens = st.integers(min_value=0, max_value=20_000_000)
prices = st.builds(
    Price,
    input_usd_per_mtok=rates,
    output_usd_per_mtok=rates,
    cached_input_usd_per_mtok=maybe,
    cache_write_usd_per_mtok=maybe,
    per_request_usd=st.just(Decimal(0)) | st.decimals(min_value=0, max_value=1, places=12),
)


def test_each_part_of_the_input_costs_its_own_rate() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=10, cached_input_tokens=600, cache_write_tokens=300)
    assert SONNET.cost_nano_usd(usage) == 100 * 3_000 + 600 * 300 + 300 * 3_750 + 10 * 15_000


def test_a_cache_without_a_rate_of_its_own_costs_as_other_input() -> None:
    plain = Price(input_usd_per_mtok=Decimal(3), output_usd_per_mtok=Decimal(15))
    usage = Usage(input_tokens=1_000, output_tokens=0, cached_input_tokens=600, cache_write_tokens=300)
    assert plain.cost_nano_usd(usage) == 3_000_000


def test_reasoning_and_images_are_part_of_the_totals_and_cost_nothing_more() -> None:
    plain = Usage(input_tokens=1_000, output_tokens=100)
    assert SONNET.cost_nano_usd(replace(plain, reasoning_tokens=90, image_tokens=800)) == SONNET.cost_nano_usd(plain)


def test_a_call_may_cost_something_by_itself() -> None:
    price = replace(SONNET, per_request_usd=Decimal("0.012"))
    assert price.cost_nano_usd(Usage(input_tokens=1, output_tokens=1)) == 12_000_000 + 18_000


def test_the_sum_is_rounded_once_and_half_up() -> None:
    price = Price(
        input_usd_per_mtok=Decimal("0.0003"), output_usd_per_mtok=Decimal("0.0002"), per_request_usd=Decimal("4E-10")
    )
    assert price.cost_nano_usd(Usage(input_tokens=1, output_tokens=1)) == 1  # 0.3 + 0.2 + 0.4, each alone is nothing
    assert replace(price, per_request_usd=Decimal(0)).cost_nano_usd(Usage(input_tokens=1, output_tokens=1)) == 1


def test_nothing_told_is_unknown_and_free_is_nothing_all_the_same() -> None:
    assert SONNET.cost_nano_usd(Usage()) is None
    assert SONNET.cost_nano_usd(Usage(output_tokens=2)) == 30_000
    assert FREE.cost_nano_usd(Usage()) == 0
    assert FREE.free
    assert not SONNET.free


@pytest.mark.parametrize("paid", ["cached_input_usd_per_mtok", "cache_write_usd_per_mtok", "per_request_usd"])
def test_what_costs_anything_at_all_is_not_free(paid: str) -> None:
    assert not replace(FREE, **{paid: Decimal("0.000001")}).free


def test_parts_that_exceed_the_whole_cost_no_more_than_the_whole() -> None:
    usage = Usage(input_tokens=100, output_tokens=0, cached_input_tokens=80, cache_write_tokens=70)
    assert SONNET.cost_nano_usd(usage) == 80 * 300 + 20 * 3_750


@given(price=prices, whole=tokens, parts=st.tuples(st.none() | tokens, st.none() | tokens), output=tokens)
def test_no_use_of_these_tokens_costs_more_than_their_bound(
    price: Price, whole: int, parts: tuple[int | None, int | None], output: int
) -> None:
    cached, written = parts
    usage = Usage(input_tokens=whole, output_tokens=output, cached_input_tokens=cached, cache_write_tokens=written)
    cost = price.cost_nano_usd(usage)
    assert cost is not None
    assert cost <= price.bound_nano_usd(whole, output)


@given(price=prices, usage=st.tuples(tokens, tokens))
def test_a_cost_is_exact_to_half_a_nano_dollar(price: Price, usage: tuple[int, int]) -> None:
    input_tokens, output_tokens = usage
    exact = 1_000 * (
        input_tokens * Fraction(price.input_usd_per_mtok) + output_tokens * Fraction(price.output_usd_per_mtok)
    ) + 10**9 * Fraction(price.per_request_usd)
    cost = price.cost_nano_usd(Usage(input_tokens=input_tokens, output_tokens=output_tokens))
    assert cost is not None
    assert -Fraction(1, 2) < cost - exact <= Fraction(1, 2)


@given(price=prices, nano_usd=st.integers(min_value=0, max_value=10**12), prompt=tokens)
def test_what_is_left_pays_for_exactly_so_many_output_tokens(price: Price, nano_usd: int, prompt: int) -> None:
    within = price.output_within(nano_usd, prompt)
    if within is None:
        assert price.bound_nano_usd(prompt, 10**9) == price.bound_nano_usd(prompt, 0) <= nano_usd
    elif within < 0:
        assert price.bound_nano_usd(prompt, 0) > nano_usd
    else:
        assert price.bound_nano_usd(prompt, within) <= nano_usd < price.bound_nano_usd(prompt, within + 1)


def test_a_rate_too_small_to_matter_breaks_nothing() -> None:
    price = Price(input_usd_per_mtok=Decimal("5E-324"), output_usd_per_mtok=Decimal("5E-324"))
    assert price.bound_nano_usd(10**9, 10**9) == 1
    assert price.output_within(10**18, 10**9) == (10**18 * 10**324 - 5_000 * 10**9) // 5_000


def test_what_a_mad_server_counts_is_still_a_number_that_every_sum_can_hold() -> None:
    mad = Usage(input_tokens=2**53 - 1, output_tokens=2**53 - 1)
    assert SONNET.cost_nano_usd(mad) == MOST_NANO_USD
    assert 1_000 * MOST_NANO_USD < 2**63
