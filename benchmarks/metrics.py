"""Measures of many attempts, beside SQL over the rows: plain SQLite, and DuckDB.

All attempts lie within 30 days, the days that are asked about. Every answer has counts, sums, error classes, and three
times p50, p95 and p99. A request finishes with one attempt, through ``RequestStore.finish``, with what is added up
meanwhile and without, in turns.
"""

from __future__ import annotations

import asyncio
import gc
import math
import shutil
import sqlite3
import statistics
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from benchmarks.apparatus.attempts import DAY_S, LANES, TARGETS, fill
from benchmarks.apparatus.measured_by_sql import MEASURED, duck_sql, duck_table, plain_sql
from benchmarks.judging.figures import DUCKDB, NOTHING_ADDED, PLAIN_SQL
from benchmarks.judging.samples import OURS, Sample
from llmdesk.core.measures import Selection
from llmdesk.core.types import Attempt, AttemptOutcome, ModelRef, Outcome, Status, Usage
from llmdesk.storage import booking
from llmdesk.storage.booking import HERE
from llmdesk.storage.database import Database
from llmdesk.storage.measures import MeasureStore
from llmdesk.storage.records import StoredAnswer, StoredRequest
from llmdesk.storage.requests import RequestStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from benchmarks.apparatus.told import Told

    Question = Callable[[], Awaitable[object]]

DAYS = 30


def measure(told: Told) -> Iterator[Sample]:
    """Everything for each number of attempts."""
    for count in told.sizes(10_000, 100_000, 1_000_000, quick=(500, 2_000)):
        folder = told.folder / str(count)
        folder.mkdir()
        yield from asyncio.run(measured(folder, count, told))
        shutil.rmtree(folder)


async def measured(folder: Path, count: int, told: Told) -> list[Sample]:
    """All figures over a database of so many attempts."""
    database, now = Database(folder / "llmdesk.db", on_warning=print), time.time()
    await fill(database, count, DAYS, now)
    with closing(sqlite3.connect(folder / "llmdesk.db", check_same_thread=False)) as raw:
        found = await asked(database, raw, folder, told, now)
    # Not on an hour, so that the rest of a first day has to be read by hours.
    oldest = (await database.read(lambda c: c.execute("SELECT min(at) FROM attempts").fetchone()[0])) / 1000
    error = await worst_error(database, MeasureStore(database), Selection(since=oldest - 1))
    found.append(("metrics error", OURS, error))
    for _ in range(told.rounds):
        with_sums, without = await finishing(database, told.count(200, 3))
        found.append(("metrics booking", OURS, statistics.median(with_sums)))
        found.append(("metrics booking", NOTHING_ADDED, statistics.median(without)))
    await database.aclose()
    return [Sample(figure=figure, of=of, value=value, size=count) for figure, of, value in found]


async def asked(
    database: Database, raw: sqlite3.Connection, folder: Path, told: Told, now: float
) -> list[tuple[str, str, float]]:
    """Every question in turns, some rounds of each."""
    store, month = MeasureStore(database), Selection(since=now - DAYS * DAY_S)
    with closing(duck_table(folder, raw)) as duck:
        questions: dict[tuple[str, str], Question] = {
            ("metrics", OURS): lambda: store.read(month, ("provider", "lane")),
            ("metrics", PLAIN_SQL): lambda: asyncio.to_thread(plain_sql, raw, month.since or 0),
            ("metrics", DUCKDB): lambda: asyncio.to_thread(duck_sql, duck, month.since or 0),
            ("metrics models", OURS): lambda: store.read(month, ("provider", "model")),
            ("metrics panel", OURS): lambda: panel(store),
        }
        found = []
        for number in range(told.rounds + 1):
            for (figure, of), question in questions.items():
                gc.collect()
                begun = time.perf_counter()
                await question()
                if number:  # the first round warms up
                    found.append((figure, of, (time.perf_counter() - begun) * 1000))
    return found


async def panel(store: MeasureStore) -> None:
    """What the panel of the desk shows: the last hour of a lane, and today."""
    await store.read(Selection(since=time.time() - 3600, lane="chat"))
    await store.read(Selection(since=HERE.begins_at("day", time.time())))


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


async def finishing(database: Database, rounds: int) -> tuple[list[float], list[float]]:
    """How long a request takes to finish, with what is added up and without, milliseconds; they take turns."""
    store = RequestStore(database, "bench")
    begun_at = time.time()
    with_sums, without = list[float](), list[float]()
    real = booking.roll_up  # type: ignore[attr-defined]
    for n in range(rounds * 2):
        request = f"bench-{begun_at}-{n}"
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
        booking.roll_up = real if n % 2 else lambda *_: None  # type: ignore[attr-defined]
        begun = time.perf_counter()
        await store.finish(request, outcome, answer=answer)
        (with_sums if n % 2 else without).append((time.perf_counter() - begun) * 1000)
    booking.roll_up = real  # type: ignore[attr-defined]
    return with_sums, without
