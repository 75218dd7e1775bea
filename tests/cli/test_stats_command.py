"""``llmdesk stats`` over real rows: what it prints for people, for programs and for spreadsheets."""

from __future__ import annotations

import csv
import io
import re
import warnings

import pandas as pd
import pytest

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import ModelRef
from tests.support.desk_world import CLOUD
from tests.support.reported import PAID, TODAY, Books, a_world, array, at, cells, done, run_on_terminal, run_over
from tests.support.stored import an_attempt

FIELDS = [
    "attempts", "answers", "refused", "failed", "cancelled", "skipped", "failovers", "failover_share", "input_tokens",
    "cached_input_tokens", "output_tokens", "reasoning_tokens", "estimated_attempts", "cost_usd",
    "unknown_price_attempts", "saved_usd",
]  # fmt: skip


@pytest.fixture
def world(tmp_path):
    return a_world(tmp_path)


@pytest.fixture
def books(world):
    books = Books(world)
    books.book(done(TODAY, PAID, "0.0825", tokens=(12_000, 345)), lane="codegen", agent="backend-dev")
    books.book(done("2026-11-02 09:00", CLOUD, tokens=(1_000_000, 0)), lane="codegen", job="nightly")
    books.book(
        an_attempt(1, CLOUD, at=at("2026-10-31 23:59"), error_kind=ErrorKind.RATE, elapsed_s=0.4),
        done("2026-10-31 23:59", PAID, None, number=2),
        lane="codegen",
    )
    return books


def test_json_is_one_array_of_the_promised_fields(world, books):
    ran = run_over(world, "stats", "--format", "json")
    assert (ran.ending, ran.err) == (0, "")
    first, second = array(ran)
    assert list(first) == ["first_day", "last_day", "provider", "model", *FIELDS]
    assert (first["provider"], first["model"], first["cost_usd"], first["saved_usd"]) == ("paid", "fast", "0.0825", "0")
    assert (second["model"], second["cost_usd"], second["saved_usd"]) == ("big:120b", "0", "0.25")
    assert (first["first_day"], first["last_day"]) == ("2026-11-01", "2026-11-21")


def test_json_lines_are_the_same_rows(world, books):
    lines = run_over(world, "stats", "--json").records
    assert lines == array(run_over(world, "stats", "--format", "json"))


@pytest.mark.parametrize("by", ["lane", "agent", "job", "provider", "day", "month"])
def test_csv_has_a_header_and_rows_and_no_total(world, books, by):
    ran = run_over(world, "stats", "--period", "all", "--by", by, "--format", "csv")
    rows = cells(ran)
    assert list(rows[0]) == ["first_day", "last_day", by, *FIELDS]
    assert len(rows) == len(array(run_over(world, "stats", "--period", "all", "--by", by, "--format", "json")))
    assert sum(int(row["attempts"]) for row in rows) == 4
    assert "total" not in ran.out


def test_an_unknown_price_is_an_empty_cell_and_null(world, books):
    (october,) = [row for row in cells(run_over(world, "stats", "--period", "all", "--by", "month", "--format", "csv"))
                  if row["month"] == "2026-10"]  # fmt: skip
    assert (october["cost_usd"], october["unknown_price_attempts"], october["failover_share"]) == ("", "1", "0.5")
    rows = array(run_over(world, "stats", "--period", "all", "--by", "month", "--format", "json"))
    assert rows[0]["cost_usd"] is None


def test_the_table_tells_the_span_the_total_and_what_is_not_in_it(world, books):
    ran = run_over(world, "stats", "--period", "all")
    lines = ran.out.splitlines()
    assert ran.err.splitlines()[0] == "until 2026-11-21, by model"
    assert "note: 1 attempt has no known price and cost more than is shown" in ran.err
    assert lines[-1].split()[0] == "total"
    assert "0.0825+" in lines[-1]


def test_points_of_costs_and_savings_stand_below_each_other(world, books):
    books.book(done(TODAY, ModelRef("paid", "tiny"), "0.000877"))
    lines = run_over(world, "stats", "--period", "all").out.splitlines()[2:]
    points = [[point.start() for point in re.finditer(r"(?<=\d)\.(?=\d+\+?(?: |$))", line)] for line in lines]
    costs_and_savings = [found[-2:] for found in points if found]
    assert len(costs_and_savings) == 4
    assert all(found == costs_and_savings[0] for found in costs_and_savings)
    assert "0.000877 " in "".join(lines)


def test_a_single_row_needs_no_total(world, books):
    out = run_over(world, "stats", "--period", "day").out
    assert "total" not in out
    assert "paid/fast" in out


def test_why_a_saving_is_unknown_is_told_to_those_who_ask(world, books):
    books.book(done(TODAY, CLOUD), lane="chat")
    told = "Nobody can tell what lane chat saved: none of its targets costs anything."
    assert told in run_over(world, "stats", "--verbose").err
    assert told not in run_over(world, "stats").err


def test_the_table_fits_a_terminal_of_80_columns(world, books, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    books.book(done(TODAY, ModelRef("openrouter-team-account", "deepseek/deepseek-v3.1-terminus-long"), "1234.5"))
    for by in ("model", "lane", "day"):
        lines = run_on_terminal(world, "stats", "--period", "all", "--by", by)
        assert max(map(len, lines)) <= 80
        assert lines[1].split()[-2:] == ["cost", "saved"]


def test_nothing_used_is_told_and_is_an_empty_array_or_a_bare_header(world):
    table = run_over(world, "stats")
    assert (table.ending, table.out, table.err) == (0, "", "Nothing was asked since 2026-11-01.\n")
    assert run_over(world, "stats", "--format", "json").out == "[]\n"
    assert run_over(world, "stats", "--json").out == ""
    header, *rows = csv.reader(io.StringIO(run_over(world, "stats", "--format", "csv").out, newline=""))
    assert (header[-len(FIELDS) :], rows) == (FIELDS, [])


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--by", "lanes"], "'lanes' is not one of 'lane', 'agent', 'job', 'provider', 'model', 'day', 'month'"),
        (["--period", "year"], "'year' is not one of 'day', 'week', 'month', 'all'"),
        (["--format", "xml"], "'xml' is not one of 'table', 'csv', 'json'"),
        (["--json", "--format", "csv"], "--json and --format csv exclude each other"),
    ],
)
def test_wrong_words_name_the_right_ones(world, argv, told):
    ran = run_over(world, "stats", *argv)
    assert (ran.ending, ran.out) == (2, "")
    assert told in ran.err


def test_pandas_reads_numbers_as_numbers_and_the_unknown_as_missing(world, books):
    books.book(done(TODAY, ModelRef("paid", "=HYPERLINK(1)"), "0.5"), agent="=cmd|' /C calc'!A0")
    ran = run_over(world, "stats", "--period", "all", "--by", "model", "--format", "csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = pd.read_csv(io.StringIO(ran.out, newline=""))
    assert all(pd.api.types.is_numeric_dtype(table[name]) for name in FIELDS)
    assert list(table["cost_usd"]) == [0.5, 0.0825, 0.0]
    assert table["saved_usd"].sum() == pytest.approx(0.25)
    assert "'=HYPERLINK(1)" in set(table["model"])
    by_month = pd.read_csv(
        io.StringIO(run_over(world, "stats", "--period", "all", "--by", "month", "--format", "csv").out, newline=""),
        parse_dates=["last_day"],
    )
    assert by_month["cost_usd"].isna().tolist() == [True, False]
    assert by_month["first_day"].isna().all()
    assert by_month["last_day"].dt.day.tolist() == [21, 21]


def test_pythons_sniffer_takes_it_for_what_a_spreadsheet_writes(world, books):
    text = run_over(world, "stats", "--period", "all", "--format", "csv").out
    dialect = csv.Sniffer().sniff(text)
    assert (dialect.delimiter, dialect.quotechar) == (",", '"')
    assert csv.Sniffer().has_header(text)


def test_csv_is_utf_8_whatever_the_streams_encoding_is(world):
    Books(world).book(done(TODAY, PAID, "1"), agent="größe")
    ran = run_over(world, "stats", "--by", "agent", "--format", "csv", encoding="latin-1")
    assert cells(ran)[0]["agent"] == "größe"
