"""Days and months where clocks do odd things at midnight (policy B3)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.periods import Calendar

if TYPE_CHECKING:
    from datetime import date

HOUR = 3_600.0


@cache
def calendar_of(zone: str) -> Calendar:
    place = ZoneInfo(zone)

    def local(at: float) -> date:
        return datetime.fromtimestamp(math.floor(at), place).date()  # it would round, up to the next day

    return Calendar(local)


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def clock(when: float, zone: str) -> str:
    return datetime.fromtimestamp(when, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("zone", "noon", "begins", "ends", "hours"),
    [
        ("Africa/Cairo", "2026-04-24T12:00", "2026-04-24 01:00", "2026-04-25 00:00", 23),
        ("Africa/Cairo", "2026-04-23T12:00", "2026-04-23 00:00", "2026-04-24 01:00", 24),
        ("Africa/Cairo", "2026-10-29T12:00", "2026-10-29 00:00", "2026-10-30 00:00", 25),
        ("Asia/Beirut", "2026-03-29T12:00", "2026-03-29 01:00", "2026-03-30 00:00", 23),
        ("Europe/Berlin", "2026-03-29T12:00", "2026-03-29 00:00", "2026-03-30 00:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00", "2026-10-25 00:00", "2026-10-26 00:00", 25),
        ("America/Havana", "2026-03-08T12:00", "2026-03-08 01:00", "2026-03-09 00:00", 23),
        ("America/Havana", "2026-11-01T12:00", "2026-11-01 00:00", "2026-11-02 00:00", 25),
        ("Australia/Lord_Howe", "2026-04-05T12:00", "2026-04-05 00:00", "2026-04-06 00:00", 24.5),
        ("Australia/Lord_Howe", "2026-10-04T12:00", "2026-10-04 00:00", "2026-10-05 00:00", 23.5),
        ("Pacific/Apia", "2011-12-29T12:00", "2011-12-29 00:00", "2011-12-31 00:00", 24),
        ("Pacific/Apia", "2011-12-31T12:00", "2011-12-31 00:00", "2012-01-01 00:00", 24),
        ("Asia/Kathmandu", "2026-06-01T12:00", "2026-06-01 00:00", "2026-06-02 00:00", 24),
        ("Europe/Berlin", "2028-02-29T12:00", "2028-02-29 00:00", "2028-03-01 00:00", 24),
        ("Europe/Berlin", "2026-12-31T12:00", "2026-12-31 00:00", "2027-01-01 00:00", 24),
    ],
)
def test_a_day_has_the_ends_and_the_length_its_place_gives_it(zone, noon, begins, ends, hours):
    calendar, now = calendar_of(zone), at(noon, zone)
    first, end = calendar.begins_at("day", now), calendar.ends_at("day", now)
    assert (clock(first, zone), clock(end, zone)) == (begins, ends)
    assert end - first == hours * HOUR
    assert calendar.day(now) == noon[:10]


@pytest.mark.parametrize(
    ("zone", "noon", "begins", "ends"),
    [
        ("Europe/Berlin", "2026-03-10T12:00", "2026-03-01 00:00", "2026-04-01 00:00"),
        ("Europe/Berlin", "2026-12-31T23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
        ("Europe/Berlin", "2028-02-29T12:00", "2028-02-01 00:00", "2028-03-01 00:00"),
        ("Europe/Berlin", "2026-02-01T00:00", "2026-02-01 00:00", "2026-03-01 00:00"),
        ("Pacific/Apia", "2011-12-29T12:00", "2011-12-01 00:00", "2012-01-01 00:00"),
        ("Africa/Cairo", "2026-04-24T00:30", "2026-04-01 00:00", "2026-05-01 00:00"),
    ],
)
def test_a_month_goes_from_its_first_day_to_the_next_ones(zone, noon, begins, ends):
    calendar, now = calendar_of(zone), at(noon, zone)
    assert clock(calendar.begins_at("month", now), zone) == begins
    assert clock(calendar.ends_at("month", now), zone) == ends
    assert calendar.month(now) == noon[:7]


def test_the_last_moment_of_a_day_and_the_first_of_the_next_are_told_apart():
    calendar = calendar_of("Europe/Berlin")
    midnight = at("2026-11-22T00:00", "Europe/Berlin")
    assert calendar.day(midnight - 0.001) == "2026-11-21"
    assert calendar.day(midnight) == "2026-11-22"
    assert calendar.ends_at("day", midnight - 0.001) == midnight == calendar.begins_at("day", midnight)


# Since then no place has gone back to a date that it had left.
MOMENTS = st.floats(
    min_value=datetime(2011, 1, 1, tzinfo=UTC).timestamp(),
    max_value=datetime(2037, 12, 1, tzinfo=UTC).timestamp(),
)
ZONES = st.sampled_from(sorted(available_timezones()))


@given(zone=ZONES, now=MOMENTS, span=st.sampled_from(["day", "month"]))
def test_every_moment_lies_in_one_period_and_periods_follow_each_other(zone, now, span):
    calendar = calendar_of(zone)
    begins, ends = calendar.begins_at(span, now), calendar.ends_at(span, now)
    assert begins <= now < ends
    assert calendar.period(span, begins) == calendar.period(span, now) == calendar.period(span, ends - 1)
    assert calendar.period(span, begins - 1) < calendar.period(span, now) < calendar.period(span, ends)
    assert calendar.begins_at(span, ends) == ends
    assert calendar.ends_at(span, begins - 1) == begins
    assert calendar.day(now)[:7] == calendar.month(now)
