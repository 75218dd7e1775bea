"""Reports where little is kept, or nothing can be: off the record, without a usable home, with a broken file."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from llmdesk.core.budget import Budget
from llmdesk.core.errors import ErrorKind
from tests.support.desk_world import CLOUD, LARGE
from tests.support.exec_world import CLEAN, ExecWorld, exec_world
from tests.support.reported import Books, a_world, done, run_over
from tests.support.stored import an_attempt

REPORTS = [["stats"], ["metrics", "summary"], ["metrics", "export"], ["budgets"], ["failovers"]]
OFF_RECORD = """
version: 1
providers:
  local: {kind: ollama, base_url: "http://127.0.0.1:9"}
lanes:
  chat: {targets: [local/gemma3:4b]}
budgets:
  - {scope: month, limit_usd: 30, kind: soft}
privacy: {record: off-record}
"""


def booked(home):
    """A home with a failover of a moment ago."""
    world = a_world(home)
    now = time.time() - 60
    rate = an_attempt(1, CLOUD, at=now, error_kind=ErrorKind.RATE, elapsed_s=0.5, message="the secret message")
    answer = done("2026-01-01 00:00", LARGE, number=2)
    Books(world).book(rate, replace(answer, at=now + 1))
    return world


@pytest.mark.parametrize("report", REPORTS, ids=" ".join)
def test_off_the_record_numbers_are_reported_all_the_same(tmp_path, report):
    booked(tmp_path)
    at = exec_world(tmp_path)
    at.configure(OFF_RECORD)
    ran = at.run(*report, "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)


@pytest.mark.parametrize("report", REPORTS, ids=" ".join)
def test_a_home_that_cannot_be_used_is_told_and_reports_nothing(tmp_path, report):
    (tmp_path / "file").write_text("in the way")
    at = ExecWorld(home=tmp_path, environment={**CLEAN, "HOME": str(tmp_path / "file" / "home")})
    ran = at.run(*report)
    assert ran.code == 0
    assert "cannot be written" in ran.err
    assert "Traceback" not in ran.err
    array = at.run(*report, "--format", "json")
    assert (array.code, array.out) == (0, "[]\n")
    assert "cannot be written" in array.err


@pytest.mark.parametrize("report", REPORTS, ids=" ".join)
def test_a_damaged_database_is_told_in_one_line(tmp_path, report):
    booked(tmp_path)
    at = exec_world(tmp_path)
    at.database.write_bytes(b"this is no database" * 1000)
    ran = at.run(*report)
    assert "Traceback" not in ran.err
    assert "The database was damaged" in ran.err


def test_an_export_holds_no_text_of_anybody(tmp_path):
    booked(tmp_path)
    assert "secret" not in exec_world(tmp_path).run("metrics", "export").out


def test_a_saving_is_told_at_a_listed_price_where_none_is_written(tmp_path):
    booked(tmp_path)
    at = exec_world(tmp_path, A_KEY="key-of-nobody")
    at.configure(
        """
version: 1
providers:
  openai: {kind: openai, base_url: "https://api.openai.com/v1", api_key: "${A_KEY}"}
  local: {kind: ollama, base_url: "http://127.0.0.1:9"}
lanes:
  chat: {targets: [local/large:27b, openai/gpt-5-mini]}
"""
    )
    (row,) = json.loads(at.run("stats", "--period", "all", "--by", "lane", "--format", "json").out)
    assert (row["cost_usd"], row["answers"]) == ("0", 1)
    assert float(row["saved_usd"]) > 0


def test_a_jobs_name_cannot_draw_on_the_screen(tmp_path):
    world = a_world(tmp_path, Budget(scope="job", limit=5_000, unit="tokens"))
    Books(world).book(done("2026-11-21 10:00", LARGE), job="night\nly\x1b[2J")
    ran = run_over(world, "budgets")
    assert ran.out.splitlines()[2].startswith("  night ly\u241b[2J  ")
