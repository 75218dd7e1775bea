"""Readers while writers write: reports are whole, current and never in anybody's way (I10)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

from tests.campaign.evidence import Violation
from tests.campaign.instances.crowd import Crowd, together
from tests.campaign.instances.house import answer_to, house
from tests.campaign.instances.judge import home_kept, told_well
from tests.campaign.instances.report import Report

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.campaign.instances.crowd import Ended
    from tests.campaign.instances.house import House

READERS = (
    ("stats", "--period", "all", "--format", "json"), ("conversations", "list", "--json"),
    ("metrics", "summary", "--format", "json"), ("failovers", "--json"), ("outbox", "list", "--json"),
    ("conversations", "search", "heard", "--json"), ("budgets", "--json"), ("doctor", "--json"),
)  # fmt: skip

HOLD_S = 2.0
"""How long somebody else holds the database's lock; below the 5 s within which nobody may hear of it."""


def play(folder: Path, dice: random.Random, at_once: int, seed: int) -> Report:
    """Waves of writers beside waves of readers; a stranger may hold the lock for a while."""
    with house(folder, ["local"]) as opened:
        opened.configure({"chat": ["local"]}, more=["budgets:", "  - {scope: day, limit_tokens: 10000000, kind: hard}"])
        (first,) = together(opened.world, [("exec", "--json", f"known of {seed}")], first=8000)
        (listed,) = together(opened.world, [("conversations", "list", "--json")], first=8001)
        known = str(listed.records[0]["id"])
        ended: list[Ended] = [first, listed]
        holds = dice.random() < 0.6
        writers = max(2, at_once // 2)
        begun, done = 1, 1
        violations: list[Violation] = []
        for wave in range(2):
            with Crowd(opened.world, first=100 * wave) as crowd, _held(opened, seconds=HOLD_S if holds else 0.0):
                for order in range(writers):
                    crowd.start("exec", "--json", f"order {100 * wave + order} of {seed}")
                for _ in range(at_once - writers):
                    crowd.start(*dice.choice([*READERS, ("conversations", "export", known, "--format", "json")]))
                now = crowd.ended()
            begun += writers
            ended += now
            violations += _reports(now, known, f"known of {seed}", least=done, most=begun)
            violations += _written(opened, now)
            done = begun
        return Report(
            name="readers and writers",
            seed=seed,
            processes=len(ended),
            killed=0,
            calls=len(opened.calls),
            told=f"lock held for {HOLD_S:g} s" if holds else "nobody holds the lock",
            violations=(*home_kept(opened.world), *told_well(ended), *violations),
        )


@contextlib.contextmanager
def _held(opened: House, seconds: float) -> Iterator[None]:
    """Another program's transaction, from the first request that a server sees on."""
    seen = len(opened.calls)
    left = threading.Event()

    def hold() -> None:
        while len(opened.calls) == seen and not left.wait(0.01):
            pass
        with contextlib.closing(sqlite3.connect(opened.world.database, timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    thread = threading.Thread(target=hold, name="stranger")
    if seconds:
        thread.start()
    try:
        yield
    finally:
        left.set()
        if seconds:
            thread.join()


def _written(opened: House, ended: list[Ended]) -> Iterator[Violation]:
    for each in ended:
        if each.words[0] == "exec" and each.answer.get("text") != answer_to("local", each.words[-1]):
            yield Violation(rule="I1", words=f"{each.words[-1]!r}: exit {each.code} {each.err[-160:]!r}")
        if each.words[0] == "exec" and each.err.strip():
            yield Violation(rule="I10", words=f"{each.words[-1]!r} complained: {each.err[-160:]!r}")
        if each.words[0] == "exec" and len(opened.of(each.words[-1])) != 1:
            yield Violation(rule="I6", words=f"{each.words[-1]!r} was sent {len(opened.of(each.words[-1]))} times")


def _reports(ended: list[Ended], known: str, prompt: str, *, least: int, most: int) -> Iterator[Violation]:
    """Each report is JSON, and counts at least what had ended before it and no more than what was begun."""
    for each in ended:
        if each.words[0] == "exec":
            continue
        name = " ".join(each.words[:2])
        if each.code != 0 and each.words[0] != "doctor":
            yield Violation(rule="I10", words=f"{name}: exit {each.code} {each.err[-160:]!r}")
            continue
        try:
            found = _read(each)
        except ValueError:
            yield Violation(rule="I10", words=f"{name} printed no JSON: {each.out[:80]!r}")
            continue
        counted = _counted(each, found)
        if counted is not None and not least <= counted <= most:
            yield Violation(rule="I8", words=f"{name} counts {counted}, between {least} and {most} is true")
        if each.words[1:2] == ("export",):
            texts = [message["content"] for message in found[0]["messages"]]
            if texts != [prompt, answer_to("local", prompt)]:
                yield Violation(rule="I10", words=f"the export of {known} holds {texts}")


def _read(each: Ended) -> list[Any]:
    """The objects of a report: one array, or one object a line."""
    if "--format" in each.words:
        whole = json.loads(each.out)
        return whole if isinstance(whole, list) else [whole]
    return [json.loads(line) for line in each.out.splitlines()]


def _counted(each: Ended, found: list[Any]) -> int | None:
    """How many answers a report tells of; ``None`` = it does not count them."""
    match each.words[:2]:
        case ("conversations", "list"):
            return len(found)
        case ("stats", _):
            return sum(int(row["answers"]) for row in found)
        case _:
            return None
