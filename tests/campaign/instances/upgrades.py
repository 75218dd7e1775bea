"""Migration race: a database of an earlier schema, and many starts at once (I10, I19)."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.instances.crowd import ROOT, Crowd
from tests.campaign.instances.house import answer_to, house
from tests.campaign.instances.judge import home_kept, number, rows, told_well
from tests.campaign.instances.report import Report

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.campaign.instances.crowd import Ended
    from tests.campaign.instances.house import House

OLD = """
import os, sqlite3, sys
from pathlib import Path
from llmdesk.storage.migrations import migrate
from llmdesk.storage.schema import MIGRATIONS

os.umask(0o077)
path, version, talks = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
path.parent.mkdir(parents=True)
connection = sqlite3.connect(path, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
migrate(connection, path, now=lambda: 1.0, migrations=MIGRATIONS[:version])
connection.execute("BEGIN")
for talk in range(talks):
    connection.execute(
        "INSERT INTO conversations (id, title, lane, created_at, updated_at, used) VALUES (?, ?, 'chat', 1, 2, ?)",
        (f"talk-{talk}", f"Title {talk}", talk),
    )
    for role, mark in (("user", None), ("assistant", "full")):
        connection.execute(
            "INSERT INTO messages (conversation, turn, request, role, content, completeness, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, 1)",
            (f"talk-{talk}", 2 * talk + 1, f"r-{talk}", role, f"{role} of {talk} " + "word " * 200, mark),
        )
connection.execute("COMMIT")
connection.close()
print(len(MIGRATIONS))
"""

BACKUPS_KEPT = 3
STARTS = (
    ("conversations", "list", "--json"), ("stats", "--format", "json"), ("outbox", "list", "--json"),
    ("conversations", "search", "word", "--json"), ("metrics", "summary", "--format", "json"),
)  # fmt: skip


def play(folder: Path, dice: random.Random, at_once: int, seed: int) -> Report:
    """Make a database of an earlier version, then start requests and reports on it; one of them may be killed."""
    with house(folder, ["local"]) as opened:
        talks = dice.choice((5, 50, 2000))
        known = _known()
        version = dice.randrange(1, known)
        opened.world.home.mkdir(mode=0o700)
        _make(opened, version, talks)
        opened.configure({"chat": ["local"]})
        asked = {}
        with Crowd(opened.world, held=dice.random() < 0.7) as crowd:
            for order in range(at_once):
                if dice.random() < 0.5:
                    prompt = f"order {order} of {seed}"
                    asked[crowd.start("exec", "--json", prompt)] = prompt
                else:
                    crowd.start(*dice.choice(STARTS))
            crowd.go()
            if dice.random() < 0.5:
                _kill_while_it_migrates(opened, crowd, dice, version)
            ended = crowd.ended()
        with Crowd(opened.world, first=9000) as crowd:
            crowd.start("conversations", "list", "--json", "--limit", "100000")
            (last,) = crowd.ended()
        return Report(
            name="migration race",
            seed=seed,
            processes=len(ended) + 1,
            killed=sum(each.killed for each in ended),
            calls=len(opened.calls),
            told=f"version {version} of {known}, {talks} conversations",
            violations=(
                *home_kept(opened.world),
                *told_well([*ended, last]),
                *_answered(opened, asked, ended),
                *_upgraded(opened, version, known, talks, last, killed=any(each.killed for each in ended)),
            ),
        )


def _known() -> int:
    script = "from llmdesk.storage.schema import MIGRATIONS; print(len(MIGRATIONS))"
    return int(subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True).stdout)


def _make(opened: House, version: int, talks: int) -> None:
    words = [sys.executable, "-c", OLD, str(opened.world.database), str(version), str(talks)]
    subprocess.run(words, cwd=ROOT, capture_output=True, check=True)


def _kill_while_it_migrates(opened: House, crowd: Crowd, dice: random.Random, version: int) -> None:
    """SIGKILL somebody as soon as a first copy stands beside the database, or the first step is done."""
    deadline = time.monotonic() + 20
    folder = opened.world.database.parent
    while time.monotonic() < deadline and crowd.running():
        if (
            any("backup" in path.name for path in folder.iterdir())
            or number(opened.world.database, "PRAGMA user_version") > version
        ):
            break
        time.sleep(0.001)
    time.sleep(dice.random() * 0.05)
    if running := crowd.running():
        crowd.kill(dice.choice(running))


def _answered(opened: House, asked: dict[int, str], ended: list[Ended]) -> Iterator[Violation]:
    for each in ended:
        if each.killed:
            continue
        prompt = asked.get(each.who)
        if prompt is not None and each.answer.get("text") != answer_to("local", prompt):
            yield Violation(rule="I1", words=f"{prompt!r}: exit {each.code} {each.err[-160:]!r}")
        if each.code != 0:
            yield Violation(rule="I10", words=f"{' '.join(each.words)}: exit {each.code} {each.err[-160:]!r}")
        try:
            _ = (
                json.loads(each.out)
                if "--format" in each.words
                else [json.loads(text) for text in each.out.splitlines()]
            )
        except ValueError:
            yield Violation(rule="I10", words=f"{' '.join(each.words)} printed {each.out[:80]!r}")


def _upgraded(opened: House, version: int, known: int, talks: int, last: Ended, *, killed: bool) -> Iterator[Violation]:
    database = opened.world.database
    if (now := number(database, "PRAGMA user_version")) != known:
        yield Violation(rule="I19", words=f"version {now} of {known}")
    kept = rows(
        database,
        "SELECT count(*) AS n, count(DISTINCT conversation) AS talks FROM messages WHERE conversation LIKE 'talk-%'",
    )
    if kept != [{"n": 2 * talks, "talks": talks}]:
        yield Violation(rule="I2", words=f"of {talks} conversations {kept} are left")
    told = sum(record.get("id", "").startswith("talk-") for record in last.records)
    if told != talks:
        yield Violation(rule="I2", words=f"{told} of {talks} conversations are listed")
    copies = [path for path in database.parent.iterdir() if re.search(r"\.backup-v\d+-\d+$", path.name)]
    expected = min(BACKUPS_KEPT, known - version)
    if len(copies) != expected and not killed:
        yield Violation(rule="I19", words=f"{len(copies)} copies, {expected} expected")
    for path in copies:
        yield from _copy(path, talks, killed=killed)


def _copy(path: Path, talks: int, *, killed: bool) -> Iterator[Violation]:
    """A copy is whole and of the version that its name tells; one that a killed process began may be less."""
    told = re.search(r"-v(\d+)-", path.name)
    try:
        whole = rows(path, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        version = number(path, "PRAGMA user_version")
        found = number(path, "SELECT count(*) FROM conversations WHERE id LIKE 'talk-%'")
    except sqlite3.Error as problem:
        if not killed:
            yield Violation(rule="I10", words=f"the copy {path.name}: {problem}")
        return
    if not (whole and told and version == int(told[1]) and found == talks) and not killed:
        yield Violation(
            rule="I19", words=f"the copy {path.name}: version {version}, {found} conversations, ok: {whole}"
        )
