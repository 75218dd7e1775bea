"""What must be so after a program was stopped anywhere, and after it was started again (policy I2, I9, I10, I19).

The judge reads files and what servers have heard. It asks the program for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.campaign.crash.files import files_below, left_behind, look_into, open_to_others, state_of
from tests.campaign.crash.synced import is_on_the_disk
from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.campaign.crash.files import Database, Row
    from tests.campaign.crash.stage import Trial
    from tests.support.exec_world import ExecWorld

OPEN = ("accepted", "running")
ENDED = ("completed", "refused", "failed", "blocked", "cancelled")
LEGAL = (*OPEN, "paused", *ENDED)

_PAUSING = {"status", "reason", "error_kind", "next_try_at"}
"""What a start may change of a request that a dead program had under way."""


def after_the_kill(trial: Trial) -> Iterator[Violation]:
    """What must be so the moment a program is dead."""
    world = trial.world
    yield from files_are_whole(world)
    yield from database_is_whole(trial.left, "after the kill")
    yield from copies_are_whole(world)
    for prompt in dict.fromkeys(trial.heard.all):
        found = trial.left.requests_of(prompt)
        if len(found) != 1:
            yield Violation(rule="I2", words=f"{prompt!r} was sent and stands in {len(found)} requests")
    for request in trial.left.rows("requests"):
        if request["status"] not in LEGAL:
            yield Violation(rule="I2", words=f"{request['id']} is {request['status']}")
    yield from answers_are_whole(trial.left, trial.texts)
    yield from is_on_the_disk(trial)
    if trial.heard.local and trial.cools:
        yield from cooldown_is_there(world)


def after_the_next_start(trial: Trial) -> Iterator[Violation]:
    """What must be so when the program has been started again, and has done something else."""
    now = trial.now()
    yield from files_are_whole(trial.world)
    yield from database_is_whole(now, "after the next start")
    yield from copies_are_whole(trial.world)
    for name in left_behind(trial.world.home):
        yield Violation(rule="I9", words=f"{name} is left behind")
    for request in now.rows("requests"):
        if request["status"] in OPEN:
            yield Violation(rule="I2", words=f"{request['id']} is {request['status']} after the next start")
    for row in now.rows("reservations"):
        yield Violation(rule="I8", words=f"{row['request']} has something reserved after the next start")
    yield from nothing_else_changed(trial.left, now)
    yield from answers_are_whole(now, trial.texts)


def files_are_whole(world: ExecWorld) -> Iterator[Violation]:
    """The state file parses, and nobody else can read anything."""
    try:
        state_of(world.state)
    except ValueError as error:
        yield Violation(rule="I9", words=f"llm_state.json: {error}")
    for name in open_to_others(world.home):
        yield Violation(rule="I9", words=f"others may read {name}")
    for path in files_below(world.home):
        if ".corrupt-" in path.name:
            yield Violation(rule="I9", words=f"{path.name}: something was taken for damaged")


def database_is_whole(database: Database, when: str) -> Iterator[Violation]:
    """SQLite finds nothing wrong."""
    for fault in database.faults:
        yield Violation(rule="I10", words=f"{when}: {fault}")


def copies_are_whole(world: ExecWorld) -> Iterator[Violation]:
    """A backup that bears its name is one."""
    for path in sorted(world.database.parent.glob(f"{world.database.name}.backup-v*")):
        version = int(path.name.rpartition("-v")[2].partition("-")[0])
        copy = look_into(path)
        if copy.faults or copy.version != version:
            told = copy.faults or f"it has schema {copy.version}"
            yield Violation(rule="I10", words=f"{path.name} is no backup of schema {version}: {told}")


def answers_are_whole(database: Database, texts: tuple[str, ...]) -> Iterator[Violation]:
    """A request is completed with the whole text of one answer, once (policy I1)."""
    for request in database.rows("requests"):
        said = [
            row["content"]
            for row in database.rows("messages")
            if row["request"] == request["id"] and row["role"] == "assistant"
        ]
        if len(said) > 1:
            yield Violation(rule="I1", words=f"{request['id']} has {len(said)} answers")
        kept = request["record_text"] and (request["conversation"],) in database.tables["conversations"]
        if request["status"] == "completed" and kept and (not said or said[0] not in texts):
            yield Violation(rule="I1", words=f"{request['id']} is completed with {said[0] if said else None!r}")
        if request["status"] in (*OPEN, "paused") and any(text in texts for text in said):
            yield Violation(rule="I1", words=f"{request['id']} is {request['status']} and has its answer")


def cooldown_is_there(world: ExecWorld) -> Iterator[Violation]:
    """Before anybody else was asked, the cooldown was on the disk (policy I3b)."""
    state = state_of(world.state)
    if state is None or "cloud" not in state["cooldowns"]:
        yield Violation(rule="I3b", words="the local server was asked, and no cooldown is on the disk")


def nothing_else_changed(before: Database, after: Database) -> Iterator[Violation]:
    """A start changes nothing but that what was under way waits (policy I19)."""
    for table, rows in before.tables.items():
        there = after.tables.get(table, {})
        for key, row in rows.items():
            now = there.get(key)
            if now is None:
                if table != "reservations":
                    yield Violation(rule="I19", words=f"{table} {key} is gone after the next start")
            elif (changed := _changed(row, now)) and not _may_change(table, row, now, changed):
                told = ", ".join(f"{name}: {row[name]!r} -> {now[name]!r}" for name in sorted(changed))
                yield Violation(rule="I19", words=f"{table} {key} was changed: {told}")


def _changed(row: Row, now: Mapping[str, Any]) -> set[str]:
    return {name for name, value in row.items() if now.get(name) != value}


def _may_change(table: str, row: Row, now: Mapping[str, Any], changed: set[str]) -> bool:
    if table == "requests":
        return row["status"] in OPEN and now["status"] == "paused" and changed <= _PAUSING
    return table == "spend"  # what a dead program could not book any more is added to it


def file_is_whole_or_absent(path: Path, whole: bytes, rule: str = "I9") -> Iterator[Violation]:
    """A file under its final name is never half of it."""
    if path.exists() and (found := path.read_bytes()) != whole:
        yield Violation(rule=rule, words=f"{path.name} holds {len(found)} of {len(whole)} bytes")
