"""Measures of many attempts, beside SQL over the rows: `python benchmarks/metrics.py [--counts N,N] [--keep PATH]`.

`uv run --group bench python benchmarks/metrics.py` has a column for DuckDB too. Two spreads of attempts: over a year,
and all within 30 days; 5 providers, 12 models, 7 lanes, 4 agents and none; one attempt in ten fails, and most of those
are followed by another target. The attempts are inserted in bulk and rolled up as the backlog of an older database is;
what is timed as one insert is a whole request finishing, with one attempt, through `RequestStore.finish`.

Every answer has counts, sums, error classes, and three times p50, p95 and p99. SQLite and DuckDB are asked for the same
over the rows, with exact percentiles, but for failovers, which cost a join that is left out in their favour. DuckDB has
a table of its own with the columns that it needs. Inserts with and without roll-ups take turns.

Aims at 1,000,000: the summary below 50 ms, the panel below 10 ms, the p99 of an insert below 2 ms, percentiles within
2 %, the command below 0.4 s. Compare ratios, not times: machines differ. On a machine with other work the p99 of all
inserts tells how often that work came first, so that the p99 of the calmest hundred stands beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import gc
import math
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmdesk.core.measures import Selection
from llmdesk.core.types import Attempt, AttemptOutcome, ModelRef, Outcome, Status, Usage
from llmdesk.paths import find_paths
from llmdesk.storage import booking
from llmdesk.storage.booking import HERE
from llmdesk.storage.database import Database
from llmdesk.storage.measures import MeasureStore
from llmdesk.storage.records import StoredAnswer, StoredRequest
from llmdesk.storage.requests import RequestStore
from llmdesk.storage.rollups import roll_up_backlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

DAY_S = 86_400
BLOCK = 100
SPREADS = {"a year": 365, "30 days": 30}
TARGETS = [(f"provider-{n % 5}", f"model-{n}:8b") for n in range(12)]
LANES = ("chat", "codegen", "repair", "critic", "planner", "clarifier", "reviewer")
AGENTS = (None, "backend-dev", "frontend-dev", "tester", "writer")
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
COLUMNS = (
    "request", "number", "run", "provider", "model", "outcome", "at", "error_kind", "reason", "http_status", "message",
    "details", "first_token_ms", "elapsed_ms", "has_usage", "input_tokens", "output_tokens", "estimated",
    "cost_nano_usd", "served_model", "discarded_text", "probe", "day", "lane", "agent", "job", "conversation",
    "cached_input_tokens", "reasoning_tokens", "cooldown_ms",
)  # fmt: skip
NEEDED = (
    "at", "provider", "lane", "outcome", "error_kind", "first_token_ms", "elapsed_ms", "has_usage", "input_tokens",
    "output_tokens", "cached_input_tokens", "reasoning_tokens", "estimated", "cost_nano_usd", "cooldown_ms",
)  # fmt: skip


# --- the attempts ---------------------------------------------------------------------------------------------------


def attempts(count: int, days: int, now: float) -> Iterator[tuple[Any, ...]]:
    """So many rows until ``now``, oldest first; each provider has its own pace, with a heavy tail."""
    source = random.Random(f"{count} {days}")
    step = days * DAY_S / count
    days_of: dict[int, str] = {}
    request, number = 0, 0
    for n in range(count):
        at = now - days * DAY_S + n * step + source.random() * step
        half_hour = int(at // 1800)
        day = days_of.get(half_hour) or days_of.setdefault(half_hour, HERE.day(at))
        if number == 0:
            request += 1
            lane, agent = source.choice(LANES), source.choice(AGENTS)
            job = f"job-{request // 500}" if request % 7 == 0 else None
        number += 1
        provider, model = source.choice(TARGETS)
        luck = source.random()
        outcome = (
            "completed" if luck < 0.88 else "failed" if luck < 0.97 else "skipped" if luck < 0.985 else "cancelled"
        )
        done = outcome == "completed"
        pace = 1.0 + int(provider[-1])
        first = round(250 * pace * source.lognormvariate(0, 0.7)) if done else None
        written = source.randrange(20, 900)
        took = (first or 0) + round(written * 9 * pace * source.lognormvariate(0, 0.4)) if outcome != "skipped" else 0
        kind = source.choice(("rate", "server", "idle", "network")) if outcome == "failed" else None
        yield (
            f"{request:016x}", number, 1, provider, model, outcome, round(at * 1000), kind,
            kind or ("cooling" if outcome == "skipped" else ""), 200 if done else None,
            "" if done else f"{provider}: it did not answer", "", first, took, done,
            source.randrange(30, 6000) if done else None, written if done else None, done and luck < 0.03,
            (0 if pace < 3 else written * 900) if done and luck > 0.01 else (None if done else 0), model, "", False,
            day, lane, agent, job, None, 100 if done and luck < 0.2 else None, 50 if done and luck < 0.1 else None,
            60_000 if kind == "rate" else 0,
        )  # fmt: skip
        number = number if outcome in ("failed", "skipped") else 0


async def fill(database: Database, count: int, days: int, now: float) -> tuple[float, float]:
    """Insert the attempts, then roll them up; returns how long each took, seconds."""

    def insert(connection: sqlite3.Connection) -> None:
        connection.executemany(
            f"INSERT INTO attempts ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})",
            attempts(count, days, now),
        )
        connection.execute("INSERT INTO upkeep VALUES ('backlog first', 1), ('backlog last', ?)", (count,))

    begun = time.perf_counter()
    await database.write(insert)
    inserted = time.perf_counter()
    while await database.write(lambda connection: roll_up_backlog(connection, HERE, batch=5_000)):
        pass
    ended = time.perf_counter()
    await database.write(lambda connection: None, purge=True)  # nobody's log is as long as that of a bulk insert
    return inserted - begun, ended - inserted


# --- the rivals -----------------------------------------------------------------------------------------------------


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


def duck_table(folder: Path, connection: sqlite3.Connection) -> Any | None:
    """The needed columns in a DuckDB table of their own; ``None`` = DuckDB is not installed."""
    try:
        import duckdb  # noqa: PLC0415 - its group may not be installed
    except ImportError:
        return None
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


def duck_sql(duck: Any, since: float) -> list[list[tuple[Any, ...]]]:
    parts = "".join(
        f", quantile_disc({value}, [0.5, 0.95, 0.99]) FILTER (WHERE outcome = 'completed')"
        for value in MEASURED.values()
    )
    return [duck.execute(each, [int(since * 1000)]).fetchall() for each in (COUNTS.format(more=parts), ERRORS)]


# --- measuring ------------------------------------------------------------------------------------------------------


async def timed(work: Callable[[], Awaitable[Any]], rounds: int) -> str:
    """Median (fastest to slowest) of some rounds, milliseconds."""
    times = []
    for _ in range(rounds):
        gc.collect()
        begun = time.perf_counter()
        await work()
        times.append((time.perf_counter() - begun) * 1000)
    return f"{statistics.median(times):.1f} ({min(times):.1f}-{max(times):.1f})"


def share(times: list[float], part: float) -> float:
    return sorted(times)[int(len(times) * part)]


def tail(times: list[float]) -> str:
    calmest = min(share(times[n : n + BLOCK], 0.99) for n in range(0, len(times) - BLOCK + 1, BLOCK))
    return f"{share(times, 0.5):.2f} / {share(times, 0.99):.2f} / {calmest:.2f}"


async def worst_error(database: Database, store: MeasureStore, selection: Selection) -> float:
    """The largest relative error of any percentile of any provider and lane, in per cent."""
    found = await store.read(selection, ("provider", "lane"))
    since = int((selection.since or 0) * 1000)
    worst = 0.0

    def values(connection: sqlite3.Connection) -> list[Any]:
        return connection.execute(
            f"SELECT provider, lane, {', '.join(MEASURED.values())} FROM attempts "
            "WHERE at >= ? AND outcome = 'completed'",
            (since,),
        ).fetchall()

    groups: dict[tuple[str, str], list[Any]] = {}
    for row in await database.read(values):
        groups.setdefault((row[0], row[1]), []).append(row[2:])
    for row in found:
        rows = groups[row.group["provider"], row.group["lane"]]  # type: ignore[index]
        for place, told in enumerate((row.response_s, row.first_token_s, row.tokens_per_s)):
            exact = sorted(each[place] for each in rows if each[place] is not None)
            assert told is not None
            assert told.count == len(exact), (row.group, told.count, len(exact))
            for part, value in ((50, told.p50), (95, told.p95), (99, told.p99)):
                real = exact[math.ceil(len(exact) * part / 100) - 1] / (1 if place == 2 else 1000)
                worst = max(worst, abs(value - real) / real)
    return worst * 100


async def inserts(database: Database, rounds: int, now: float) -> tuple[list[float], list[float]]:
    """How long a request takes to finish, with roll-ups and without, milliseconds; they take turns."""
    store = RequestStore(database, "bench")
    rolled_up, plain = [], []
    real = booking.roll_up
    for n in range(rounds * 2):
        request = f"bench-{now:.0f}-{n}"
        target = ModelRef(*TARGETS[n % 12])
        await store.accept(
            StoredRequest(id=request, lane=LANES[n % 7], prompt="p" * 200, payload="{}", created_at=time.time())
        )
        await store.running(request)
        usage = Usage(input_tokens=900, output_tokens=200 + n)
        attempt = Attempt(
            number=1, target=target, outcome=AttemptOutcome.COMPLETED, at=time.time(), first_token_s=0.3 + n / 1000,
            elapsed_s=2.5 + n / 700, usage=usage, cost_usd="0.0001",
        )  # fmt: skip
        outcome = Outcome(request_id=request, status=Status.COMPLETED, target=target, attempts=(attempt,))
        answer = StoredAnswer(content="a" * 800, completeness="full", created_at=time.time(), target=target)
        booking.roll_up = real if n % 2 else lambda *_: None  # type: ignore[assignment]
        begun = time.perf_counter()
        await store.finish(request, outcome, answer=answer)
        (rolled_up if n % 2 else plain).append((time.perf_counter() - begun) * 1000)
    booking.roll_up = real
    return rolled_up, plain


@contextmanager
def home(keep: Path | None) -> Iterator[Path]:
    folder = keep or Path(tempfile.mkdtemp(prefix="llmdesk-metrics-"))
    try:
        yield folder
    finally:
        if keep is None:
            shutil.rmtree(folder)


def command_times(folder: Path, rounds: int) -> str:
    """A whole process: `llmdesk metrics summary --since 30d`."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "llmdesk", "metrics", "summary", "--since", "30d"],
            env={**os.environ, "LLMDESK_HOME": str(folder)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        times.append((time.perf_counter() - begun) * 1000)
        if done.returncode:
            return f"exit {done.returncode}: {done.stderr.strip()[-60:]}"
    return f"{statistics.median(times):.0f} ({min(times):.0f}-{max(times):.0f})"


async def measure(folder: Path, count: int, days: int, options: argparse.Namespace) -> list[str]:
    paths = find_paths(env={"LLMDESK_HOME": str(folder)})
    paths.create()
    database = Database(paths.database, on_warning=print)
    now = time.time()
    inserted_s, rolled_up_s = await fill(database, count, days, now)
    store = MeasureStore(database)
    month = Selection(since=now - 30 * DAY_S)
    by = ("provider", "lane")
    # Not on an hour, so that the rest of a first day has to be read by hours.
    exact_since = (await database.read(lambda c: c.execute("SELECT min(at) FROM attempts").fetchone()[0])) / 1000
    raw = sqlite3.connect(paths.database, check_same_thread=False)
    duck = duck_table(folder, raw)

    async def panel() -> None:
        await store.read(Selection(since=time.time() - 3600, lane="chat"))
        await store.read(Selection(since=HERE.begins_at("day", time.time())))

    async def plain() -> None:
        await asyncio.to_thread(plain_sql, raw, month.since or 0)

    async def sums_only() -> None:
        await asyncio.to_thread(raw.execute(COUNTS.format(more=""), (int((month.since or 0) * 1000),)).fetchall)

    async def ducks() -> None:
        await asyncio.to_thread(duck_sql, duck, month.since or 0)

    ours = await timed(lambda: store.read(month, by), options.rounds)
    by_model = await timed(lambda: store.read(month, ("provider", "model")), options.rounds)
    by_agent = await timed(lambda: store.read(month, ("agent",)), options.rounds)
    by_day = await timed(lambda: store.read(month, ("day",)), options.rounds)
    everything = await timed(lambda: store.read(Selection(), ("day",)), options.rounds)
    panels = await timed(panel, options.rounds)
    sums = await timed(sums_only, 3)
    sql = await timed(plain, 3 if count < 500_000 else 1)
    duckdb = "-" if duck is None else await timed(ducks, options.rounds)
    raw.close()
    if duck is not None:
        duck.close()
    error = await worst_error(database, store, Selection(since=exact_since - 1))
    rolled_up, unrolled = await inserts(database, options.inserts, now)
    rows = await database.read(lambda c: c.execute("SELECT count(*) FROM measures").fetchone()[0])
    size = paths.database.stat().st_size / 2**20
    await database.aclose()
    command = command_times(folder, options.rounds)
    return [
        ours, sums, sql, duckdb, by_model, by_agent, by_day, everything, panels, command,
        tail(rolled_up), tail(unrolled),
        f"{error:.2f}", f"{inserted_s:.1f} / {rolled_up_s:.1f}", f"{rows:,}", f"{size:.0f}",
    ]  # fmt: skip


TOLD = (
    "30 days by provider and lane: roll-ups, ms", "the same, GROUP BY over the rows without percentiles, ms",
    "the same, SQLite over the rows, ms", "the same, DuckDB, ms",
    "30 days by provider and model: roll-ups, ms", "30 days by agent: roll-ups, ms", "30 days by day: roll-ups, ms",
    "everything by day: roll-ups, ms", "panel: last hour of a lane, and today, ms", "`metrics summary --since 30d`, ms",
    "a request finishes, with roll-ups: p50 / p99 / p99 of the calmest hundred, ms", "the same without, ms",
    "largest error of a percentile, %", "inserted / rolled up in bulk, s", "rows of roll-ups", "database, MiB",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="10000,100000,1000000")
    parser.add_argument("--spreads", default=",".join(SPREADS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--inserts", type=int, default=600)
    parser.add_argument("--keep", type=Path, help="a folder where the databases stay")
    options = parser.parse_args()
    columns, figures = [], []
    with home(options.keep) as folder:
        for spread in options.spreads.split(","):
            for count in map(int, options.counts.split(",")):
                place = folder / f"{count}-{SPREADS[spread]}"
                columns.append(f"{count:,} in {spread}")
                figures.append(asyncio.run(measure(place, count, SPREADS[spread], options)))
                print(f"# {columns[-1]}: done", file=sys.stderr)
                if options.keep is None:
                    shutil.rmtree(place)
    print(f"| attempts | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for row, name in enumerate(TOLD):
        print(f"| {name} | {' | '.join(figure[row] for figure in figures)} |")


if __name__ == "__main__":
    main()
