"""``llmdesk budgets`` over real bookings and reservations."""

from __future__ import annotations

import asyncio
import io

import pandas as pd
import pytest

from llmdesk.cli.times import clock
from llmdesk.cli.times import iso as written
from llmdesk.core.budget import Account, Budget, Claim
from llmdesk.core.types import ModelRef
from tests.support.desk_world import CLOUD
from tests.support.reported import (
    NOON,
    PAID,
    RATES,
    TODAY,
    Books,
    a_world,
    array,
    at,
    cells,
    done,
    run_on_terminal,
    run_over,
)

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
    assert lines[0] == "day budget, hard, then only what is free"
    assert lines[1] == "  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░   71 %  1.42 of 2.00 USD, 0.58 left"
    end = clock(at("2026-11-22 00:00"), at(NOON))
    assert lines[2] == f"  forecast 2.84 USD by {end}; resets {end}, in 12 h"
    job = lines.index("job budget, hard")
    assert lines[job + 1 : job + 3] == [
        "  500 000 tokens for each job",
        "  nightly  ░░░░░░░░░░    2 %  12 345 tokens, 487 655 left",
    ]
    assert "  32 000 tokens for each request" in lines


def test_a_warning_is_a_few_words_beside_the_name_and_no_number_stands_twice(world):
    lines = run_over(world, "budgets").out.splitlines()
    mine = lines.index("day budget of agent backend-dev, hard: limit reached")
    assert lines[mine + 1].endswith("142 %  1.42 of 1.00 USD, 0.00 left")
    assert len(lines) == mine + 3
    assert sum("1.42 of 1.00" in line for line in lines) == 1


def test_a_soft_budget_past_its_mark_is_near_its_limit(tmp_path):
    world = a_world(tmp_path, Budget(scope="day", limit=100_000, unit="tokens", hard=False))
    Books(world).book(done(TODAY, tokens=(80_000, 0)))
    assert run_over(world, "budgets").out.splitlines()[0] == "day budget, soft: near its limit"


def test_jobs_stand_below_each_other_with_their_points_aligned(tmp_path):
    world = a_world(tmp_path, Budget(scope="job", limit=500_000_000, unit="usd"))
    books = Books(world)
    books.book(done(TODAY, PAID, "0.4294"), job="nightly")
    books.book(done(TODAY, PAID, "0.000877"), job="ci")
    books.book(done(TODAY, PAID, "0.6"), job="much")
    lines = run_over(world, "budgets").out.splitlines()
    assert lines[:2] == ["job budget, hard", "  0.50 USD for each job"]
    assert sorted(lines[2:]) == [
        "  ci       ░░░░░░░░░░    0 %  0.000877 USD, 0.4991 left",
        "  much     ▓▓▓▓▓▓▓▓▓▓  120 %  0.600000 USD, 0.0000 left, limit reached",
        "  nightly  ▓▓▓▓▓▓▓▓▓░   85 %  0.429400 USD, 0.0706 left, near its limit",
    ]


def test_conversations_come_by_their_titles_and_at_most_five(tmp_path):
    world = a_world(tmp_path, Budget(scope="conversation", limit=500_000_000, unit="usd"))
    books = Books(world)

    async def talk():
        async with world.desk() as desk:
            for number in range(6):
                await desk._parts.conversations.create(
                    f"0192f0{number}", lane="chat", title=f"The {number}. talk\x1b[2J"
                )

    asyncio.run(talk())
    for number in range(7):
        books.book(done(TODAY, PAID, "0.01"), conversation=f"0192f0{number}")
    lines = run_over(world, "budgets").out.splitlines()
    assert lines[:2] == ["conversation budget, hard", "  0.50 USD for each conversation"]
    assert len(lines) == 7
    assert sum(line.startswith('  "The ') for line in lines) == 4
    assert next(line for line in lines if "0192f0" in line).startswith("  untitled 0192f06  ")
    assert "\x1b" not in "".join(lines)


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
