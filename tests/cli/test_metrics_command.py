"""``llmdesk metrics`` over real rows: groups, spans, filters, and every attempt as a row."""

from __future__ import annotations

import csv
import io
import json
import warnings

import pandas as pd
import pytest

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import ModelRef
from tests.support.desk_world import CLOUD, LARGE
from tests.support.reported import PAID, TODAY, Books, a_world, array, at, cells, done, run_on_terminal, run_over
from tests.support.stored import an_attempt

ERRORS = [f"errors_{kind}" for kind in ErrorKind]
TIMES = [f"{name}_{p}" for name in ("response_s", "first_token_s", "tokens_per_s") for p in ("p50", "p95", "p99")]


@pytest.fixture
def world(tmp_path):
    return a_world(tmp_path)


@pytest.fixture
def books(world):
    books = Books(world)
    limited = an_attempt(
        1, CLOUD, at=at(TODAY), error_kind=ErrorKind.RATE, http_status=429, elapsed_s=0.4, cooldown_s=600.0
    )
    books.book(limited, done(TODAY, LARGE, number=2, elapsed_s=2.0), lane="chat", agent="backend-dev", job="nightly")
    skip = an_attempt(1, CLOUD, "skipped", at=at("2026-11-21 10:30"), reason="cooling")
    books.book(skip, done("2026-11-21 10:30", LARGE, number=2, elapsed_s=4.0), lane="chat")
    books.book(done("2026-10-25 09:15", PAID, "0.5"), lane="codegen")
    books.book(done("2026-09-01 09:00", PAID, None), lane="codegen")
    return books


# --- summary ---


def test_options_without_a_command_are_those_of_summary(world, books):
    wanted = run_over(world, "metrics", "summary", "--by", "model", "--json").records
    assert run_over(world, "metrics", "--by", "model", "--json").records == wanted
    assert run_over(world, "metrics", "--json", "--by=model").records == wanted
    assert run_over(world, "metrics", "--quiet", "--since", "60d", "--lane", "codegen").ending == 0
    table = run_over(world, "metrics", "summary", "--format", "csv").out
    assert run_over(world, "metrics", "--format", "csv").out == table


def test_a_wrong_option_without_a_command_is_compared_with_those_of_summary(world):
    ran = run_over(world, "metrics", "--bi", "model")
    assert (ran.ending, ran.out) == (2, "")
    assert "'--by'" in ran.err
    assert "Try: llmdesk metrics summary --help" in ran.err


def test_help_without_a_command_lists_the_commands(world):
    assert "export" in run_over(world, "metrics", "--help").out
    assert "--by" in run_over(world, "metrics", "--by", "model", "--help").out


def test_groups_are_provider_and_lane_over_thirty_days_unless_said_otherwise(world, books):
    rows = array(run_over(world, "metrics", "summary", "--format", "json"))
    assert [(row["provider"], row["lane"], row["attempts"]) for row in rows] == [
        ("cloud", "chat", 1), ("local", "chat", 2), ("paid", "codegen", 1),
    ]  # fmt: skip
    assert run_over(world, "metrics", "--json").records == rows


def test_a_group_tells_success_errors_times_speed_and_what_failovers_cost(world, books):
    cloud, local, _ = array(run_over(world, "metrics", "summary", "--format", "json"))
    assert (cloud["success_rate"], cloud["skipped"], cloud["failovers"]) == (0.0, 1, 2)
    assert (cloud["errors"]["rate"], cloud["errors"]["net"], cloud["cooldown_s"]) == (1, 0, 600.0)
    assert cloud["lost_s"] == pytest.approx(0.4)
    assert cloud["response_s_p50"] is None
    assert (local["success_rate"], local["response_s_p50"]) == (1.0, pytest.approx(2.0, rel=0.02))
    assert local["response_s_p99"] == pytest.approx(4.0, rel=0.02)
    assert local["first_token_s_p95"] == pytest.approx(0.2, rel=0.02)
    assert local["tokens_per_s_p50"] == pytest.approx(100 / 3.8, rel=0.02)


def test_any_grouping_and_none(world, books):
    (everything,) = array(run_over(world, "metrics", "summary", "--by", "", "--format", "json"))
    assert (everything["attempts"], next(iter(everything))) == (4, "attempts")
    rows = array(run_over(world, "metrics", "summary", "--by", "model, agent,model", "--format", "json"))
    assert list(rows[0])[:3] == ["model", "agent", "attempts"]
    hours = array(run_over(world, "metrics", "summary", "--by", "day,hour", "--since", "2d", "--format", "json"))
    (hour,) = hours
    assert hour["day"] == "2026-11-21"
    assert pd.Timestamp(hour["hour"]).timestamp() == at("2026-11-21 10:00")


@pytest.mark.parametrize(
    ("argv", "attempts"),
    [
        (["--since", "3h"], 3),
        (["--since", "60d"], 4),
        (["--since", "2026-01-01"], 5),
        (["--since", "2026-01-01", "--until", "2026-10-01"], 1),
        (["--since", "90d", "--until", "24h"], 2),
        (["--provider", "cloud"], 1),
        (["--lane", "chat"], 3),
        (["--agent", "backend-dev"], 2),
        (["--job", "nightly"], 2),
        (["--model", "large:27b"], 2),
        (["--model", "local/large:27b"], 2),
        (["--model", "local/large:27b", "--provider", "local", "--lane", "codegen"], 0),
        (["--job", "never heard of"], 0),
    ],
)
def test_spans_and_names_narrow_what_is_looked_at(world, books, argv, attempts):
    rows = array(run_over(world, "metrics", "summary", "--format", "json", *argv))
    assert sum(row["attempts"] for row in rows) == attempts


@pytest.mark.parametrize("command", ["summary", "export"])
@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--lane", "cht"], "There is no lane 'cht'. Known: chat, codegen."),
        (["--provider", "cluod"], "There is no provider 'cluod'. Known: cloud, local, paid."),
        (["--agent", "me"], "There is no agent 'me'. Known: backend-dev."),
        (["--model", "cloud/nothing"], "There is no model 'nothing'. Known: big:120b,"),
        (["--model", "cloud/x", "--provider", "local"], "--provider local and --model cloud/x exclude each other."),
        (["--since", "1h", "--until", "2h"], "--since 1h is not before --until 2h"),
        (["--since", "yesterday"], "'yesterday' is no span of time"),
        (["--until", "soon"], "'soon' is no span of time"),
        (["--format", "xml"], "'xml' is not one of"),
    ],
)
def test_wrong_words_name_the_right_ones(world, books, command, argv, told):
    ran = run_over(world, "metrics", command, *argv)
    assert (ran.ending, ran.out) == (2, "")
    assert told in ran.err


def test_a_grouping_that_does_not_exist_names_those_that_do(world):
    ran = run_over(world, "metrics", "summary", "--by", "provider,week")
    assert ran.ending == 2
    assert "there is no grouping 'week'. Known: provider, model, lane, agent, job, day, hour, five_minutes." in ran.err


def test_csv_has_a_column_for_every_class_of_error(world, books):
    rows = cells(run_over(world, "metrics", "summary", "--format", "csv"))
    assert list(rows[0])[:2] == ["provider", "lane"]
    assert list(rows[0])[-len(ERRORS) :] == ERRORS
    assert (rows[0]["errors_rate"], rows[0]["errors_net"], rows[0]["response_s_p50"]) == ("1", "0", "")


def test_the_tables_fit_80_columns_and_tell_trouble_apart(world, books, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    Books(world, 100).book(an_attempt(1, ModelRef("openrouter-team-account", "x"), at=at(TODAY)), lane="clarifier")
    lines = run_on_terminal(world, "metrics")
    assert max(map(len, lines)) <= 80
    assert lines[1].split()[:4] == ["provider", "lane", "attempts", "ok"]
    trouble = lines[lines.index("") + 1 :]
    assert trouble[0].split()[-1] == "errors"
    assert trouble[1].endswith("rate 1")
    assert "10 min" in trouble[1]
    assert not [line for line in trouble if line.startswith("local")]


@pytest.mark.parametrize("command", ["summary", "export"])
def test_no_attempts_are_told_and_are_an_empty_array_or_a_bare_header(world, command):
    told = run_over(world, "metrics", command)
    assert (told.ending, told.err) == (0, "No attempts were made in that time.\n")
    assert json.loads(run_over(world, "metrics", command, "--format", "json").out) == []
    assert run_over(world, "metrics", command, "--json").out == ""
    assert len(list(csv.reader(io.StringIO(run_over(world, "metrics", command, "--format", "csv").out)))) == 1


# --- export ---


def test_an_export_has_one_row_an_attempt_in_the_order_they_were_booked(world, books):
    rows = cells(run_over(world, "metrics", "export"))
    assert [(row["provider"], row["outcome"]) for row in rows] == [
        ("cloud", "failed"), ("local", "completed"), ("cloud", "skipped"), ("local", "completed"),
        ("paid", "completed"), ("paid", "completed"),
    ]  # fmt: skip
    first, second = rows[:2]
    assert (first["error_kind"], first["http_status"], first["cooldown_s"]) == ("rate", "429", "600.0")
    assert (first["failover_to"], first["lost_s"]) == ("local/large:27b", "0.4")
    assert (second["input_tokens"], second["cost_usd"], second["failover_to"]) == ("1000", "0", "")
    assert (rows[-1]["cost_usd"], rows[-1]["estimated"]) == ("", "false")


def test_an_export_as_json_is_the_same_as_an_array_and_line_by_line(world, books):
    rows = array(run_over(world, "metrics", "export", "--format", "json"))
    assert run_over(world, "metrics", "export", "--json").records == rows
    assert (rows[0]["at"][-6] in "+-", rows[0]["agent"], rows[2]["reason"]) == (True, "backend-dev", "cooling")
    assert (rows[-1]["cost_usd"], rows[1]["cost_usd"], rows[1]["estimated"]) == (None, "0", False)


def test_an_export_takes_the_same_filters(world, books):
    assert len(cells(run_over(world, "metrics", "export", "--lane", "codegen", "--until", "2026-10-01"))) == 1
    assert len(cells(run_over(world, "metrics", "export", "--model", "cloud/big:120b"))) == 2


def test_pandas_reads_numbers_times_and_the_unknown(world, books):
    books.book(done(TODAY, ModelRef("cloud", '@cf/"x", y'), "0.25"), lane="chat", agent="=1+1", job="-2+3")
    text = run_over(world, "metrics", "export").out
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = pd.read_csv(io.StringIO(text, newline=""))
    numbers = [
        "id", "number", "http_status", "first_token_s", "elapsed_s", "input_tokens", "output_tokens",
        "cached_input_tokens", "reasoning_tokens", "cost_usd", "lost_s", "cooldown_s",
    ]  # fmt: skip
    assert all(pd.api.types.is_numeric_dtype(table[name]) for name in numbers)
    assert pd.api.types.is_bool_dtype(table["estimated"])
    assert table["cost_usd"].isna().sum() == 1
    assert table["cost_usd"].sum() == pytest.approx(0.75)
    times = pd.to_datetime(table["at"], utc=True)
    assert times.iloc[0].timestamp() == at(TODAY)
    assert table.iloc[-1][["model", "agent", "job"]].tolist() == ['\'@cf/"x", y', "'=1+1", "'-2+3"]


def test_an_export_knows_no_table(world):
    ran = run_over(world, "metrics", "export", "--format", "table")
    assert ran.ending == 2
    assert "'csv', 'json'" in ran.err
