"""Attempts as they pile up: inserted in bulk and rolled up as the backlog of an older database is.

Five providers, twelve models, seven lanes, four agents and none; one attempt in ten fails, and most of those are
followed by another target. Each provider has its own pace, with a heavy tail.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from llmdesk.storage.booking import HERE
from llmdesk.storage.rollups import roll_up_backlog

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from llmdesk.storage.database import Database

DAY_S = 86_400
TARGETS = [(f"provider-{n % 5}", f"model-{n}:8b") for n in range(12)]
LANES = ("chat", "codegen", "repair", "critic", "planner", "clarifier", "reviewer")
AGENTS = (None, "backend-dev", "frontend-dev", "tester", "writer")
COLUMNS = (
    "request", "number", "run", "provider", "model", "outcome", "at", "error_kind", "reason", "http_status", "message",
    "details", "first_token_ms", "elapsed_ms", "has_usage", "input_tokens", "output_tokens", "estimated",
    "cost_nano_usd", "served_model", "discarded_text", "probe", "day", "lane", "agent", "job", "conversation",
    "cached_input_tokens", "reasoning_tokens", "cooldown_ms",
)  # fmt: skip


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


async def fill(database: Database, count: int, days: int, now: float) -> None:
    """Insert so many attempts of so many days until ``now``, then roll them up."""

    def insert(connection: sqlite3.Connection) -> None:
        connection.executemany(
            f"INSERT INTO attempts ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})",
            attempts(count, days, now),
        )
        connection.execute("INSERT INTO upkeep VALUES ('backlog first', 1), ('backlog last', ?)", (count,))

    await database.write(insert)
    while await database.write(lambda connection: roll_up_backlog(connection, HERE, batch=5_000)):
        pass
    await database.write(lambda connection: None, purge=True)  # nobody's log is as long as that of a bulk insert
