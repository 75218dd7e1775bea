"""Distributions in buckets: what is told of them is within 1 % of what an exact count tells."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.histogram import LARGEST, STEPS, Tally, bucket_of, middle_of, put

WITHIN = 0.5 / STEPS
TOLD = WITHIN + 0.0005
"""Four digits are told."""


def exact(values, hundredths):
    return sorted(values)[math.ceil(len(values) * hundredths / 100) - 1]


def told(*parts):
    tally = Tally()
    for part in parts:
        tally.add(part)
    return tally.percentiles(1)


def assert_near(found, values):
    assert found.count == len(values)
    for hundredths, value in ((50, found.p50), (95, found.p95), (99, found.p99)):
        assert value == pytest.approx(exact(values, hundredths), rel=TOLD)


@given(st.integers(1, LARGEST))
def test_a_value_is_told_within_a_hundredth(value):
    assert middle_of(bucket_of(value)) == pytest.approx(value, rel=WITHIN)


def test_small_values_are_exact_and_nothing_is_too_large_or_too_small():
    assert [middle_of(bucket_of(value)) for value in range(64)] == list(range(64))
    assert bucket_of(LARGEST * 1000) == bucket_of(LARGEST)
    assert bucket_of(-5) == 0


@given(st.integers(0, LARGEST), st.integers(0, LARGEST))
def test_buckets_are_in_the_order_of_their_values(one, other):
    assert (bucket_of(one) <= bucket_of(other)) or one > other


SHAPES = {
    "constant": lambda r: 4321,
    "exponential": lambda r: round(r.expovariate(1 / 900)),
    "heavy tail": lambda r: round(200 * r.paretovariate(0.7)),
    "lognormal": lambda r: round(r.lognormvariate(7.5, 1.2)),
    "tiny": lambda r: r.randrange(4),
    "two humps": lambda r: round(r.gauss(120, 9)) if r.random() < 0.8 else round(r.gauss(60_000, 4_000)),
    "uniform": lambda r: r.randrange(1, 10_000_000),
    "mostly zero": lambda r: 0 if r.random() < 0.97 else r.randrange(1, 90_000),
}


@pytest.mark.parametrize("count", [1, 2, 3, 19, 20, 21, 33, 99, 100, 101, 300, 3000])
@pytest.mark.parametrize("shape", SHAPES)
def test_percentiles_are_within_a_hundredth_whatever_the_shape(shape, count):
    source = random.Random(f"{shape} {count}")
    values = [max(0, SHAPES[shape](source)) for _ in range(count)]
    assert_near(told(put(b"", [bucket_of(value) for value in values])), values)


@given(st.lists(st.lists(st.integers(0, 2**40), max_size=60), max_size=12))
def test_parts_add_up_however_they_were_filled(parts):
    tally = Tally()
    for number, part in enumerate(parts):
        so_far = b""
        buckets = [bucket_of(value) for value in part]
        if number % 3 == 0:  # at once, one by one, or never kept at all
            so_far = put(so_far, buckets)
        elif number % 3 == 1:
            for bucket in buckets:
                so_far = put(so_far, [bucket])
        else:
            tally.count(part)
        tally.add(so_far)
        tally.bound(min(part, default=None), max(part, default=None))
    values = [value for part in parts for value in part]
    found = tally.percentiles(1)
    if values:
        assert_near(found, values)
    else:
        assert found is None


@pytest.mark.parametrize("count", [255, 256, 65_535, 65_536, 70_000])
def test_a_counter_grows_when_it_is_full(count):
    one = put(put(b"", [bucket_of(1000)] * (count - 1)), [bucket_of(1000)])
    other = put(b"", [bucket_of(5)] * 40)
    found = told(one, one, other)
    assert found.count == 2 * count + 40
    assert (found.p50, found.p99) == (pytest.approx(1000, rel=TOLD),) * 2


def test_units_are_those_asked_for():
    tally = Tally()
    tally.count([1500])
    assert tally.percentiles(1000).p50 == 1.5


@pytest.mark.parametrize("values", [[4321], [4321] * 90, [1000, 4321], [1, 4321, 4321]])
def test_the_largest_and_smallest_values_are_exact_where_they_are_known(values):
    tally = Tally()
    tally.add(put(b"", [bucket_of(value) for value in values]))
    tally.bound(min(values), max(values))
    found = tally.percentiles(1)
    assert (found.p95, found.p99) == (max(values),) * 2
    assert found.p50 == exact(values, 50) or len(set(values)) > 1
    assert found.p50 == pytest.approx(exact(values, 50), rel=TOLD)


def test_few_values_take_little_room():
    assert len(put(b"", [bucket_of(value) for value in (1, 10**6, 10**9)])) == 7
    spread = random.Random(3)
    many = put(b"", [bucket_of(round(spread.lognormvariate(7.5, 0.9))) for _ in range(10_000)])
    assert len(many) < 700
