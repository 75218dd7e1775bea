"""``llmdesk failovers`` in every form, and narrowed down."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from llmdesk.core.errors import ErrorKind
from tests.support.desk_world import CLOUD, LARGE
from tests.support.reported import PAID, Books, a_world, array, at, cells, done, run_over
from tests.support.stored import an_attempt

FIELDS = ["at", "request", "lane", "agent", "from", "to", "reason", "message", "lost_s"]
TEN = "2026-11-21 10:00"


@pytest.fixture
def world(tmp_path):
    world = a_world(tmp_path)
    books = Books(world)
    rate = an_attempt(1, CLOUD, at=at(TEN), error_kind=ErrorKind.RATE, reason="rate", elapsed_s=0.5)
    books.book(rate, done(TEN, LARGE, number=2))
    net = an_attempt(1, CLOUD, at=at("2026-11-21 11:00"), error_kind=ErrorKind.NET, reason="net", elapsed_s=1.5)
    books.book(net, done("2026-11-21 11:00", PAID, number=2), lane="codegen", agent="=1+1")
    skip = an_attempt(1, CLOUD, "skipped", at=at("2026-11-20 11:00"), reason="cooling")
    books.book(skip, done("2026-11-20 11:00", LARGE, number=2))
    return world


def test_an_array_lines_and_csv_hold_the_same_rows(world):
    lines = run_over(world, "failovers", "--json").records
    assert [line["reason"] for line in lines] == ["cooling", "net", "rate"]
    assert list(lines[0]) == FIELDS
    assert array(run_over(world, "failovers", "--format", "json")) == lines
    rows = cells(run_over(world, "failovers", "--format", "csv"))
    assert [(row["from"], row["to"]) for row in rows] == [(line["from"], line["to"]) for line in lines]
    assert (rows[1]["agent"], rows[0]["agent"]) == ("'=1+1", "")


@pytest.mark.parametrize(
    ("argv", "reasons"),
    [
        (["--provider", "local"], ["cooling", "rate"]),
        (["--provider", "cloud"], ["cooling", "net", "rate"]),
        (["--provider", "paid"], ["net"]),
        (["--reason", "rate"], ["rate"]),
        (["--reason", "cooling", "--lane", "codegen"], []),
        (["--provider", "local", "--limit", "1"], ["cooling"]),
        (["--since", "3h"], ["net", "rate"]),
    ],
)
def test_history_is_narrowed_by_provider_reason_lane_and_time(world, argv, reasons):
    assert [row["reason"] for row in run_over(world, "failovers", "--json", *argv).records] == reasons


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--provider", "cluod"], "There is no provider 'cluod'. Known: cloud, local, paid."),
        (["--reason", "rain"], "'rain' is not one of 'rate', 'quota',"),
        (["--json", "--format", "csv"], "exclude each other"),
    ],
)
def test_wrong_words_name_the_right_ones(world, argv, told):
    ran = run_over(world, "failovers", *argv)
    assert (ran.ending, ran.out) == (2, "")
    assert told in ran.err


def test_pandas_reads_when_and_how_much_was_lost(world):
    table = pd.read_csv(io.StringIO(run_over(world, "failovers", "--format", "csv").out, newline=""))
    assert pd.api.types.is_numeric_dtype(table["lost_s"])
    assert pd.to_datetime(table["at"], utc=True).iloc[-1].timestamp() == at(TEN)


def test_no_failovers_are_an_empty_array_or_a_bare_header(tmp_path):
    world = a_world(tmp_path)
    assert run_over(world, "failovers", "--format", "json").out == "[]\n"
    assert run_over(world, "failovers", "--format", "csv").out == ",".join(FIELDS) + "\r\n"
    assert run_over(world, "failovers").err == "No failovers.\n"
