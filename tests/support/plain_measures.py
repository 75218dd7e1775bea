"""Measures counted one by one from the rows of ``attempts``, with exact percentiles: what roll-ups are held against."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from llmdesk.core.budget import Account
from llmdesk.core.errors import ErrorKind
from llmdesk.core.hours import end_of_hour, hour_of
from llmdesk.core.measures import Measures, Percentiles
from llmdesk.core.types import Attempt, AttemptOutcome, ModelRef, Usage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from llmdesk.core.measures import Grouping, Selection
    from llmdesk.core.periods import Calendar

DISTRIBUTIONS = ("response_s", "first_token_s", "tokens_per_s")


def plain_measures(
    connection: sqlite3.Connection, calendar: Calendar, selection: Selection, by: Sequence[Grouping]
) -> tuple[Measures, ...]:
    """The measures of a selection, as its definition says."""
    left: dict[int, list[int]] = {}
    for row in connection.execute("SELECT id, lost_ms FROM failovers"):
        left.setdefault(row["id"], []).append(row["lost_ms"])
    groups: dict[tuple[str | None, ...], list[sqlite3.Row]] = {(): []} if not by else {}
    for row in connection.execute("SELECT * FROM attempts"):
        if _selected(row, calendar, selection):
            groups.setdefault(tuple(_group(row, calendar, each) for each in by), []).append(row)
    ordered = sorted(groups.items(), key=lambda item: [(value is None, value or "") for value in item[0]])
    return tuple(_measures(dict(zip(by, key, strict=True)), rows, left) for key, rows in ordered)


def assert_same(found: Sequence[Measures], expected: Sequence[Measures], *, within: float = 0.011) -> None:
    """Counts and sums are the same to the last one, percentiles nearly."""
    assert [dict(row.group) for row in found] == [dict(row.group) for row in expected]
    for one, other in zip(found, expected, strict=True):
        for each in fields(Measures):
            ours, theirs = getattr(one, each.name), getattr(other, each.name)
            if each.name not in DISTRIBUTIONS or ours is None or theirs is None:
                assert ours == theirs, (each.name, dict(one.group))
                continue
            assert ours.count == theirs.count, (each.name, dict(one.group))
            for part in ("p50", "p95", "p99"):
                exact = getattr(theirs, part)
                assert abs(getattr(ours, part) - exact) <= within * exact, (each.name, part, ours, theirs)


def _selected(row: sqlite3.Row, calendar: Calendar, selection: Selection) -> bool:
    names = ("provider", "model", "lane", "agent", "job")
    if any(getattr(selection, name) not in (None, row[name]) for name in names):
        return False
    if selection.exact:
        at = row["at"] / 1000
        return (selection.since is None or at >= selection.since) and (selection.until is None or at < selection.until)
    place = (row["day"], row["at"] / 1000)
    if selection.since is not None:
        hour = hour_of(calendar, selection.since)
        if place < (calendar.day(hour), hour):
            return False
    if selection.until is not None:
        hour = hour_of(calendar, selection.until)
        end = hour if hour == selection.until else end_of_hour(calendar, hour)
        last = calendar.day(end - 1)
        if place >= (last, end) and not (row["day"] == last and end == calendar.ends_at("day", end - 1)):
            return False
    return True


def _group(row: sqlite3.Row, calendar: Calendar, grouping: Grouping) -> str | None:
    match grouping:
        case "hour":
            value = hour_of(calendar, row["at"] / 1000)
        case "five_minutes":
            value = row["at"] // 300_000 * 300
        case _:
            value = row[grouping]
    return None if value is None else str(value)


def _measures(group: Any, rows: Sequence[sqlite3.Row], left: dict[int, list[int]]) -> Measures:
    called = [row for row in rows if row["outcome"] != "skipped"]
    done = [row for row in rows if row["outcome"] == "completed"]
    outcomes = Counter(row["outcome"] for row in rows)
    free: dict[str, tuple[int, int]] = {}
    for row in done:
        tokens = row["input_tokens"] or 0, row["output_tokens"] or 0
        if row["cost_nano_usd"] == 0 and any(tokens):
            before = free.get(row["lane"], (0, 0))
            free[row["lane"]] = before[0] + tokens[0], before[1] + tokens[1]
    return Measures(
        group=group,
        attempts=len(called),
        **{name: outcomes[name] for name in ("completed", "failed", "refused", "cancelled", "skipped")},
        errors=dict(Counter(row["error_kind"] for row in called if row["error_kind"] is not None)),
        response_s=_percentiles([row["elapsed_ms"] / 1000 for row in done]),
        first_token_s=_percentiles([row["first_token_ms"] / 1000 for row in done if row["first_token_ms"] is not None]),
        tokens_per_s=_percentiles([speed for row in done if (speed := _tokens_per_s(row)) is not None]),
        **{
            name: sum(row[name] or 0 for row in called)
            for name in ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "estimated")
        },
        cost_nano_usd=sum(row["cost_nano_usd"] or 0 for row in called),
        unknown_price=sum(1 for row in called if row["has_usage"] and row["cost_nano_usd"] is None),
        failovers=sum(len(left.get(row["id"], ())) for row in rows),
        lost_s=sum(sum(left.get(row["id"], ())) for row in rows) / 1000,
        cooldown_s=sum(row["cooldown_ms"] for row in rows) / 1000,
        free_tokens=free,
    )


def _tokens_per_s(row: sqlite3.Row) -> float | None:
    took_ms = row["elapsed_ms"] - (row["first_token_ms"] or 0)
    if not row["has_usage"] or row["estimated"] or not row["output_tokens"] or took_ms <= 0:
        return None
    return float(row["output_tokens"] * 1000 / took_ms)


def _percentiles(values: list[float]) -> Percentiles | None:
    if not values:
        return None
    values.sort()
    p50, p95, p99 = (values[math.ceil(len(values) * part / 100) - 1] for part in (50, 95, 99))
    return Percentiles(count=len(values), p50=p50, p95=p95, p99=p99)


def some_requests(count: int, *, since: float, days: float, seed: int = 0) -> list[tuple[Account, list[Attempt]]]:
    """Requests over some days, oldest first, with skips, failures, failovers and answers of every kind."""
    source = random.Random(seed)
    made = []
    for n in range(count):
        at = since + days * 86_400 * (n + source.random()) / count
        account = Account(
            request=f"q{seed}-{n}",
            lane=source.choice(("chat", "codegen")),
            agent=source.choice((None, "backend-dev", "tester")),
            job=source.choice((None, None, "nightly")),
        )
        attempts: list[Attempt] = []
        while True:
            outcome = source.choices(list(AttemptOutcome), (70, 14, 6, 5, 5))[0]
            attempt = _attempt(source, len(attempts) + 1, outcome, at)
            attempts.append(attempt)
            at += attempt.elapsed_s + source.random()
            if outcome in (AttemptOutcome.COMPLETED, AttemptOutcome.REFUSED) or len(attempts) == 5:
                break
        made.append((account, attempts))
    return made


def _attempt(source: random.Random, number: int, outcome: AttemptOutcome, at: float) -> Attempt:
    target = ModelRef(*source.choice((("cloud", "big:120b"), ("cloud", "fast"), ("local", "small:4b"))))
    if outcome is AttemptOutcome.SKIPPED:
        reason = source.choice(("cooling", "no key"))
        return Attempt(number=number, target=target, outcome=outcome, at=at, reason=reason)
    elapsed = source.lognormvariate(0.5, 1.2)
    failed = outcome is AttemptOutcome.FAILED
    kind = source.choice((ErrorKind.RATE, ErrorKind.SERVER)) if failed else None
    usage = None
    if not failed or source.random() < 0.2:
        usage = Usage(
            input_tokens=source.randrange(5000),
            output_tokens=source.choice((None, 0, source.randrange(1, 900))),
            cached_input_tokens=source.choice((None, 3)),
            reasoning_tokens=source.choice((None, 7)),
            estimated=source.random() < 0.1,
        )
    return Attempt(
        number=number,
        target=target,
        outcome=outcome,
        at=at,
        error_kind=kind,
        reason=kind.value if kind else "",
        first_token_s=source.choice((None, elapsed * source.random())) if not failed else None,
        elapsed_s=elapsed,
        usage=usage,
        cost_usd=source.choice((None, "0", "0", "0.000123456")) if usage else "0",
        cooldown_s=60.5 if kind is ErrorKind.RATE else 0.0,
    )
