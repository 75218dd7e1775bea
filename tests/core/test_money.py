from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.money import shown_usd, to_nano_usd, to_usd, whole_nano

AMOUNTS = st.integers(min_value=-(10**18), max_value=10**18)


@given(AMOUNTS)
def test_an_amount_survives_being_written_down(nano):
    text = to_usd(nano)
    assert to_nano_usd(text) == nano
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith(("0", ".")))


@given(st.lists(AMOUNTS, max_size=30))
def test_sums_of_amounts_are_exact(amounts):
    assert to_usd(sum(amounts)) == to_usd(whole_nano(sum((Decimal(to_usd(each)) for each in amounts), Decimal(0))))


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("0.0000000005", 1),
        ("0.00000000049", 0),
        ("2.00", 2_000_000_000),
        ("1e-9", 1),
        ("NaN", None),
        ("Infinity", None),
        ("free", None),
        (None, None),
    ],
)
def test_a_price_becomes_whole_nano_dollars_or_unknown(text, nano):
    assert to_nano_usd(text) == nano


def test_an_unknown_price_stays_unknown():
    assert to_usd(None) is None


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "0.00"),
        (2_000_000_000, "2.00"),
        (1_420_000_000, "1.42"),
        (1_425_000_001, "1.43"),
        (12_345_678_901, "12.35"),
        (3_400_000, "0.0034"),
        (123_456_789, "0.123"),
        (1_234, "0.0000012"),
        (1, "0.000000001"),
        (-500_000_000, "-0.50"),
    ],
)
def test_people_see_two_decimals_and_more_where_a_small_amount_needs_them(nano, shown):
    assert shown_usd(nano) == shown
