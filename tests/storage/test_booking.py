"""Booking: each attempt once, to the sums it belongs to, on the day of this place (policy B3, B6, I8)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.budget import Account
from llmdesk.core.types import Usage
from llmdesk.storage.booking import HERE, book
from llmdesk.storage.database import Database
from tests.support.stored import CLOUD, LOCAL, ROOT, an_attempt

ACCOUNT = Account(request="r1", lane="chat", agent="backend-dev", job="nightly", conversation="c1")


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "llmdesk.db", on_warning=pytest.fail)
    yield database
    await database.aclose()


async def booked(database, *attempts, account=ACCOUNT, **fields):
    how = {"calendar": HERE, "run": 1, "record_text": True} | fields
    return await database.write(lambda c: [book(c, account, attempt, **how) for attempt in attempts])


async def spend(database):
    """Scope and key -> tokens, nano-dollars, attempts of unknown price."""
    rows = await database.read(
        lambda c: c.execute(
            "SELECT scope, key, sum(tokens), sum(nano_usd), sum(unknown) FROM spend GROUP BY 1, 2"
        ).fetchall()
    )
    return {(scope, key): tuple(sums) for scope, key, *sums in rows}


def using(tokens, cost="0", number=1, target=CLOUD, outcome="completed", **fields):
    return an_attempt(
        number, target, outcome, usage=Usage(input_tokens=tokens, output_tokens=1), cost_usd=cost, **fields
    )


async def test_an_attempt_counts_to_its_day_its_job_and_its_conversation_once(database):
    made = using(9, "0.5", at=1_800_000_000.0)
    assert await booked(database, made, made) == [True, False]
    assert await booked(database, made) == [False]
    sums = (10, 500_000_000, 0)
    day = HERE.day(1_800_000_000.0)
    assert await spend(database) == {
        ("day", day): sums,
        ("month", day[:7]): sums,
        ("job", "nightly"): sums,
        ("conversation", "c1"): sums,
    }


async def test_attempts_without_job_and_conversation_count_to_their_day_and_month_alone(database):
    await booked(database, using(9), account=Account(request="r1", lane="chat"))
    assert [scope for scope, _ in await spend(database)] == ["day", "month"]


async def test_an_unknown_price_is_counted_and_adds_nothing(database):
    await booked(database, using(9, None), using(9, "0.25", number=2))
    assert (await spend(database))["job", "nightly"] == (20, 250_000_000, 1)


async def test_failed_cancelled_and_cut_attempts_count_and_skips_do_not(database):
    await booked(
        database,
        using(1, "0.1", 1, outcome="failed"),
        using(2, "0.2", 2, outcome="cancelled"),
        using(3, "0.3", 3, outcome="refused"),
        using(4, "0.4", 4, outcome="skipped"),
        an_attempt(5, LOCAL, "failed"),
    )
    assert (await spend(database))["conversation", "c1"] == (9, 600_000_000, 0)


async def test_a_skip_ends_a_reservation_like_any_booking(database):
    await database.write(
        lambda c: c.execute(
            "INSERT INTO reservations VALUES ('r1', 1, 'me', 0, '', '', '', '', '', '', 5, 5, '', 0, 3, NULL)"
        )
    )
    await booked(database, an_attempt(1, CLOUD, "skipped"))
    assert await database.read(lambda c: c.execute("SELECT count(*) FROM reservations").fetchone()[0]) == 0


attempts = st.lists(
    st.builds(
        using,
        st.integers(0, 10**6),
        st.none() | st.integers(0, 10**12).map(lambda nano: f"{nano // 10**9}.{nano % 10**9:09}"),
        st.integers(1, 6),
        st.sampled_from([CLOUD, LOCAL]),
        st.sampled_from(["completed", "failed", "cancelled", "refused", "skipped"]),
        at=st.floats(1_700_000_000, 1_800_000_000),
    ),
    max_size=12,
)


@given(attempts)
async def test_every_sum_is_that_of_the_rows_whatever_is_booked_how_often(made):
    database = Database(None, on_warning=pytest.fail)
    await booked(database, *made, *made)
    rows = """SELECT sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), sum(coalesce(cost_nano_usd, 0)),
                  sum(has_usage AND cost_nano_usd IS NULL) FROM attempts WHERE outcome <> 'skipped'"""
    of_rows = await database.read(lambda c: tuple(c.execute(rows).fetchone()))
    of_days = await database.read(
        lambda c: tuple(
            c.execute("SELECT sum(tokens), sum(nano_usd), sum(unknown) FROM spend WHERE scope = 'day'").fetchone()
        )
    )
    assert of_days == of_rows
    await database.aclose()


async def test_numbers_alone_are_kept_where_words_are_not_wanted(database):
    telling = replace(
        using(1), message="secret words", details="secret words", discarded_text="secret words", served_model="secret"
    )
    await booked(database, telling, record_text=False, record_words=False)
    row = await database.read(lambda c: tuple(c.execute("SELECT * FROM attempts").fetchone()))
    assert "secret" not in repr(row)


DAYS = """
import sys
from llmdesk.storage.booking import HERE
for at in sys.argv[1:]:
    at = float(at)
    print(HERE.day(at), HERE.month(at), HERE.begins_at("day", at), HERE.ends_at("day", at))
"""


def days_in(zone, *moments):
    done = subprocess.run(
        [sys.executable, "-c", DAYS, *map(str, moments)],
        env={**os.environ, "TZ": zone},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("zone", "moment", "day", "hours"),
    [
        ("UTC", 1_774_742_400.0, "2026-03-29", 24),
        ("Europe/Berlin", 1_774_742_400.0, "2026-03-29", 23),
        ("Europe/Berlin", 1_792_886_400.0, "2026-10-25", 25),
        ("Africa/Cairo", 1_777_017_600.0, "2026-04-24", 23),
        ("Asia/Beirut", 1_774_771_200.0, "2026-03-29", 23),
        ("Pacific/Kiritimati", 1_774_742_400.0, "2026-03-29", 24),
        ("America/Los_Angeles", 1_774_742_400.0, "2026-03-28", 24),
        ("Australia/Lord_Howe", 1_775_350_800.0, "2026-04-05", 24.5),
    ],
)
def test_the_calendar_of_this_machine_is_that_of_its_zone_and_knows_its_summer_time(zone, moment, day, hours):
    ((told, month, begins, ends),) = days_in(zone, moment)
    assert (told, month) == (day, day[:7])
    assert float(begins) <= moment < float(ends)
    assert float(ends) - float(begins) == hours * 3_600
