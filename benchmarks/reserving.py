"""Reserving from budgets, and looking at them, in a database of a year.

The database has 400 days of 60 combinations of lane, provider and agent, 20,000 jobs, 16,000 conversations and so many
attempts. Seven hard budgets, of every scope, cover each claim. The floor is one row inserted and committed in a
transaction of its own, with plain SQLite on a file beside it (WAL, synchronous=FULL), taking turns.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import statistics
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from benchmarks.judging.figures import PLAIN_SQL
from benchmarks.judging.samples import OURS, Sample
from llmdesk.core.budget import Account, Budget, Claim, Grant
from llmdesk.core.types import Attempt, AttemptOutcome, ModelRef, Usage
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.spend import SpendStore

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from benchmarks.apparatus.told import Told

DAYS = 400
LANES = ("chat", "codegen", "repair", "critic", "planner")
PROVIDERS = ("cloud", "local", "openai", "claude")
AGENTS = ("", "backend-dev", "reviewer")
JOBS = 20_000
CONVERSATIONS = 16_000
TARGET = ModelRef("openai", "gpt-5-mini")

ATTEMPTS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO attempts (request, number, run, provider, model, outcome, at, reason, message, details, elapsed_ms,
    has_usage, input_tokens, output_tokens, estimated, cost_nano_usd, served_model, discarded_text, probe, day, lane,
    job, conversation)
SELECT 'r' || i, 1, 1, 'openai', 'gpt-5-mini', 'completed', 1760000000000 + i * 30000, '', '', '', 900, 1, 800, 300, 0,
    800000, '', '', 0, '2026-01-01', 'chat', 'job ' || (i % 20000), 'c' || (i % 16000) FROM n
"""


def days(now: float) -> list[str]:
    """The dates up to ``now``."""
    last = datetime.fromtimestamp(now, UTC)
    return [(last - timedelta(days=n)).date().isoformat() for n in range(DAYS)]


def fill(connection: sqlite3.Connection, attempts: int, now: float) -> None:
    """Spend of a year, as if every combination had been used every day."""
    combinations = [(lane, provider, agent) for lane in LANES for provider in PROVIDERS for agent in AGENTS]
    rows = [("day", day, *each, 10_000, 10_000_000, 0, 1) for day in days(now) for each in combinations]
    months = {day[:7] for day in days(now)}
    rows += [("month", month, *each, 300_000, 300_000_000, 0, 1) for month in months for each in combinations]
    rows += [("job", f"job {n}", *combinations[k], 9_000, 9_000, 0, n) for n in range(JOBS) for k in (0, 21, 42)]
    rows += [("conversation", f"c{n}", *combinations[n % 60], 9_000, 9_000, 0, n) for n in range(CONVERSATIONS)]
    connection.executemany("INSERT INTO spend VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    if attempts:
        connection.execute(ATTEMPTS, {"count": attempts})


BUDGETS = (
    Budget(scope="request", limit=10**9, unit="tokens"),
    Budget(scope="conversation", limit=10**9, unit="tokens"),
    Budget(scope="job", limit=10**9, unit="tokens"),
    Budget(scope="day", limit=10**9, unit="tokens"),
    Budget(scope="day", limit=10**9, unit="tokens", agent="backend-dev"),
    Budget(scope="month", limit=10**9, unit="tokens"),
    Budget(scope="month", limit=10**9, unit="tokens", lane="chat", provider="openai"),
)


def floor(path: Path) -> Generator[float, None, None]:
    """How long one committed row takes with bare sqlite3, ms, again and again."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, request TEXT, tokens INTEGER)")
    while True:
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO rows (request, tokens) VALUES (?, ?)", ("a request", 1))
        connection.execute("COMMIT")
        yield (time.perf_counter() - begun) * 1000


async def times(folder: Path, claims: int, attempts: int) -> dict[tuple[str, str], list[float]]:
    """Milliseconds of each step, by figure and by whom."""
    database = Database(folder / "llmdesk.db", on_warning=print)
    now = time.time()
    await database.write(lambda connection: fill(connection, attempts, now))
    store = SpendStore(database, "me", BUDGETS, is_alive=lambda _: True)
    ledger = Ledger(database)
    bare = floor(folder / "floor.db")
    took: dict[tuple[str, str], list[float]] = defaultdict(list)
    for n in range(claims):
        account = Account(
            request=f"bench {n}", lane="chat", agent="backend-dev", job=f"job {n % 50}", conversation=f"c{n % 50}"
        )
        claim = Claim(account=account, target=TARGET, number=1, input_tokens=900, output_tokens=900)
        for figure in ("reserving", "booking"):
            took[figure, PLAIN_SQL].append(next(bare))
        begun = time.perf_counter()
        answer = await store.reserve(claim)
        took["reserving", OURS].append((time.perf_counter() - begun) * 1000)
        assert isinstance(answer, Grant), answer
        usage = Usage(input_tokens=800, output_tokens=300)
        made = Attempt(number=1, target=TARGET, outcome=AttemptOutcome.COMPLETED, at=time.time(), usage=usage)
        begun = time.perf_counter()
        await ledger.book(account, [made])
        took["booking", OURS].append((time.perf_counter() - begun) * 1000)
        if n % 10 == 0:
            begun = time.perf_counter()
            await store.views()
            took["looking", OURS].append((time.perf_counter() - begun) * 1000)
    bare.close()
    await database.aclose()
    return took


def measure(told: Told) -> Iterator[Sample]:
    """The median of each round, for each number of attempts."""
    for attempts in told.sizes(10_000, 1_000_000, quick=(100,)):
        for number in range(told.rounds):
            folder = told.folder / f"{attempts}-{number}"
            folder.mkdir()
            took = asyncio.run(times(folder, told.count(1_000, 20), attempts))
            shutil.rmtree(folder)
            for (figure, of), found in took.items():
                yield Sample(figure=figure, of=of, value=statistics.median(found), size=attempts)
