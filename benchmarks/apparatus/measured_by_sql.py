"""The measures asked of the rows themselves, with exact percentiles: in plain SQLite, and in DuckDB.

Failovers cost a join that is left out in their favour. DuckDB has a table of its own with the columns that it needs.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

MEASURED = {
    "response": "elapsed_ms",
    "first_token": "first_token_ms",
    "speed": "CASE WHEN estimated = 0 AND output_tokens > 0 AND elapsed_ms > first_token_ms "
    "THEN output_tokens * 1000.0 / (elapsed_ms - first_token_ms) END",
}
SUMS = """
count(*) FILTER (WHERE outcome <> 'skipped'), count(*) FILTER (WHERE outcome = 'completed'),
count(*) FILTER (WHERE outcome = 'failed'), count(*) FILTER (WHERE outcome = 'refused'),
count(*) FILTER (WHERE outcome = 'cancelled'), count(*) FILTER (WHERE outcome = 'skipped'),
sum(input_tokens), sum(output_tokens), sum(cached_input_tokens), sum(reasoning_tokens), sum(estimated),
sum(cost_nano_usd), count(*) FILTER (WHERE has_usage <> 0 AND cost_nano_usd IS NULL), sum(cooldown_ms)
"""
NEEDED = (
    "at", "provider", "lane", "outcome", "error_kind", "first_token_ms", "elapsed_ms", "has_usage", "input_tokens",
    "output_tokens", "cached_input_tokens", "reasoning_tokens", "estimated", "cost_nano_usd", "cooldown_ms",
)  # fmt: skip


PERCENTILES = """
WITH v AS (SELECT provider, lane, {value} AS value FROM attempts WHERE "at" >= ? AND outcome = 'completed'),
    r AS (SELECT provider, lane, value, row_number() OVER w AS place,
              count(*) OVER (PARTITION BY provider, lane) AS number
          FROM v WHERE value NOT NULL WINDOW w AS (PARTITION BY provider, lane ORDER BY value))
SELECT provider, lane, max(number), min(value) FILTER (WHERE place >= number * 0.5),
    min(value) FILTER (WHERE place >= number * 0.95), min(value) FILTER (WHERE place >= number * 0.99)
FROM r GROUP BY 1, 2
"""
COUNTS = f'SELECT provider, lane, {SUMS} {{more}} FROM attempts WHERE "at" >= ? GROUP BY 1, 2'
ERRORS = """
SELECT provider, lane, error_kind, count(*) FROM attempts WHERE "at" >= ? AND error_kind IS NOT NULL GROUP BY 1, 2, 3
"""


def plain_sql(connection: sqlite3.Connection, since: float) -> list[list[tuple[Any, ...]]]:
    """The summary over the rows: sums, errors, and for each measure the nearest-rank percentiles."""
    questions = [COUNTS.format(more=""), ERRORS, *(PERCENTILES.format(value=value) for value in MEASURED.values())]
    return [connection.execute(question, (int(since * 1000),)).fetchall() for question in questions]


def duck_table(folder: Path, connection: sqlite3.Connection) -> duckdb.DuckDBPyConnection:
    """The needed columns in a DuckDB table of their own."""
    lines = folder / "attempts.csv"
    with lines.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(NEEDED)
        out.writerows(connection.execute(f"SELECT {', '.join(NEEDED)} FROM attempts"))
    duck = duckdb.connect(str(folder / "attempts.duckdb"))
    texts = ("provider", "lane", "outcome", "error_kind")
    columns = ", ".join(f'"{name}" {"VARCHAR" if name in texts else "BIGINT"}' for name in NEEDED)
    duck.execute(f"CREATE TABLE attempts ({columns})")
    duck.execute(f"COPY attempts FROM '{lines}' (HEADER)")
    lines.unlink()
    return duck


def duck_sql(duck: duckdb.DuckDBPyConnection, since: float) -> list[list[tuple[Any, ...]]]:
    parts = "".join(
        f", quantile_disc({value}, [0.5, 0.95, 0.99]) FILTER (WHERE outcome = 'completed')"
        for value in MEASURED.values()
    )
    return [duck.execute(each, [int(since * 1000)]).fetchall() for each in (COUNTS.format(more=parts), ERRORS)]
