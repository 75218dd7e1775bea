"""``llmdesk budgets`` over real bookings and reservations."""

from __future__ import annotations

import asyncio
import io

import pandas as pd
import pytest

from llmdesk.cli.times import iso as written
from llmdesk.core.budget import Account, Budget, Claim
from llmdesk.core.types import ModelRef
from tests.support.desk_world import CLOUD
from tests.support.reported import PAID, RATES, TODAY, Books, a_world, array, at, cells, done, run_on_terminal, run_over

DAY = Budget(scope="day", limit=2_000_000_000, unit="usd", free_when_exhausted=True)
MONTH = Budget(scope="month", limit=30_000_000_000, unit="usd", hard=False, lane="codegen")
JOB = Budget(scope="job", limit=500_000, unit="tokens")
REQUEST = Budget(scope="request", limit=32_000, unit="tokens")
MINE = Budget(scope="day", limit=1_000_000_000, unit="usd", agent="backend-dev")
FIELDS = [
    "scope", "lane", "provider", "agent", "kind", "limit", "unit", "spent", "reserved", "left", "period", "resets_at",
]  # fmt: skip


@pytest.fixture
def world(tmp_path):
    world = a_world(tmp_path, DAY, MONTH, JOB, REQUEST, MINE)
    books = Books(world)
    books.book(done(TODAY, PAID, "1.42", tokens=(12_000, 345)), lane="codegen", agent="backend-dev", job="nightly")
    return world


def iso(text):
    return written(at(text))


def test_json_lines_have_the_promised_fields_money_as_text_and_tokens_as_numbers(world):
    day, month, job, request, mine = run_over(world, "budgets", "--json").records
    assert list(day) == FIELDS
    assert (day["kind"], day["limit"], day["unit"], day["spent"], day["left"]) == ("hard", "2", "usd", "1.42", "0.58")
    assert (day["period"], day["resets_at"], day["lane"]) == ("2026-11-21", iso("2026-11-22 00:00"), None)
    assert (month["kind"], month["lane"], month["period"]) == ("soft", "codegen", "2026-11")
    assert month["resets_at"] == iso("2026-12-01 00:00")
    assert (job["limit"], job["unit"], job["spent"], job["left"]) == (500_000, "tokens", 12_345, 487_655)
    assert (job["period"], job["resets_at"]) == ("nightly", None)
    assert (request["scope"], request["period"], request["left"]) == ("request", None, 32_000)
    assert (mine["agent"], mine["left"]) == ("backend-dev", "0")


def test_an_array_and_csv_hold_the_same_rows(world):
    lines = run_over(world, "budgets", "--json").records
    assert array(run_over(world, "budgets", "--format", "json")) == lines
    rows = cells(run_over(world, "budgets", "--format", "csv"))
    assert [row["spent"] for row in rows] == [str(line["spent"]) for line in lines]
    assert list(rows[0]) == FIELDS


def test_pandas_reads_limits_and_what_is_left_as_numbers(world):
    table = pd.read_csv(io.StringIO(run_over(world, "budgets", "--format", "csv").out, newline=""))
    assert all(pd.api.types.is_numeric_dtype(table[name]) for name in ("limit", "spent", "reserved", "left"))
    assert pd.to_datetime(table["resets_at"], utc=True).notna().tolist() == [True, True, False, False, True]


def test_people_see_a_bar_the_rest_the_reset_and_the_warning(world):
    lines = run_over(world, "budgets").out.splitlines()
    assert lines[0] == "day budget, hard"
    assert lines[1] == "  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░   71 %  1.42 of 2.00 USD, 0.58 left"
    assert "resets" in lines[2]
    assert ", in 12 h; at this pace 2.84 USD by then" in lines[2]
    assert "job budget nightly, hard" in lines
    assert "  32 000 tokens for each request" in lines
    assert lines[-1] == "  Day budget of agent backend-dev: 1.42 USD spent, the limit is 1.00 USD."


def test_text_fits_a_terminal_of_80_columns(world, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, run_on_terminal(world, "budgets"))) <= 80


def test_a_screen_reader_gets_no_bar_and_an_old_terminal_one_of_letters(world):
    assert "▓" not in run_over(world, "budgets", env={"LLMDESK_ACCESSIBLE": "1"}).out
    plain = run_over(world, "budgets", encoding="ascii").out
    assert "##############......   71 %" in plain


def test_what_answers_under_way_may_cost_is_told(tmp_path):
    world = a_world(tmp_path, DAY)

    async def work():
        claim = Claim(
            account=Account(request="r9", lane="codegen"), target=PAID, number=1, input_tokens=1000,
            output_tokens=100_000, price=RATES,
        )  # fmt: skip
        async with world.desk() as desk:
            await desk._parts.spend.reserve(claim)
            json = await asyncio.to_thread(run_over, world, "budgets", "--format", "json")
            return json, await asyncio.to_thread(run_over, world, "budgets")

    rows, text = asyncio.run(work())
    (row,) = array(rows)
    assert float(row["reserved"]) >= 0.2
    assert float(row["left"]) == pytest.approx(2 - float(row["reserved"]))
    assert "set aside for answers under way" in text.out


def test_attempts_of_unknown_price_are_told(tmp_path):
    world = a_world(tmp_path, MONTH)
    Books(world).book(done(TODAY, ModelRef("paid", "unheard-of"), None), lane="codegen")
    assert "  1 attempt of unknown price not counted" in run_over(world, "budgets").out.splitlines()


def test_without_budgets_it_says_what_to_write(tmp_path):
    world = a_world(tmp_path)
    Books(world).book(done(TODAY, CLOUD))
    ran = run_over(world, "budgets")
    assert (ran.ending, ran.out) == (0, "")
    assert "budgets: [{scope: day, limit_usd: 2.00, kind: hard}]" in ran.err
    assert run_over(world, "budgets", "--format", "json").out == "[]\n"
    assert run_over(world, "budgets", "--json").out == ""
    assert run_over(world, "budgets", "--format", "csv").out == ",".join(FIELDS) + "\r\n"
