"""The page about reports names every field that they have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmdesk.cli.report import FAILOVER_COLUMNS
from llmdesk.cli.use_report import ATTEMPT_COLUMNS, BUDGET_COLUMNS, measure_columns, stats_columns

DOCS = Path(__file__).resolve().parents[2] / "docs"


def words(page: str) -> set[str]:
    """Every name within a page's code marks, also where a series is shortened: ``response_s_p50``, ``_p95``."""
    text = re.sub(r"(?s)```.*?```", "", (DOCS / page).read_text(encoding="utf-8"))
    return set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`([^`]+)`", text))))


@pytest.mark.parametrize(
    "fields", [stats_columns("model"), BUDGET_COLUMNS, ATTEMPT_COLUMNS], ids=["stats", "budgets", "export"]
)
def test_every_field_of_a_report_is_explained(fields: tuple[str, ...]) -> None:
    assert set(fields) - words("reports.md") == set()


def test_every_field_of_the_measures_is_explained_by_its_beginning() -> None:
    told = words("reports.md")
    shortened = {re.sub(r"_p(95|99)$", "_p50", name) for name in measure_columns(()) if not name.startswith("errors_")}
    assert shortened - told == set()
    assert {"errors", "errors_rate", "_p95", "_p99"} <= told


@pytest.mark.parametrize(
    "fields", [stats_columns("model"), BUDGET_COLUMNS, FAILOVER_COLUMNS], ids=["stats", "budgets", "failovers"]
)
def test_the_page_about_commands_lists_the_fields(fields: tuple[str, ...]) -> None:
    assert set(fields) - words("commands.md") == set()
