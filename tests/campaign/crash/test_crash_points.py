"""A slice of the crash points: the program stopped before and inside its file operations, and started again."""

from __future__ import annotations

import errno
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.campaign.crash.points import Player, campaign, edges, every
from tests.campaign.crash.scenarios import Export, Init, Scenario, State
from tests.campaign.crash.stage import Stage
from tests.campaign.crash.tracer import Kill, Refuse, trace, why_not
from tests.support.exec_world import exec_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.campaign.crash.stage import Trial
    from tests.campaign.evidence import Violation

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

WRITING = """
import os, sys, threading
os.mkdir(sys.argv[1] + "/folder")
def write(name):
    with open(f"{sys.argv[1]}/{name}", "wb", buffering=0) as file:
        file.write(b"x" * 1000)
thread = threading.Thread(target=write, args=("of a thread",))
thread.start()
thread.join()
if not os.fork():
    write("of a child")
    os._exit(0)
os.wait()
print("done")
"""


def writing(folder: Path, **how: object) -> tuple[list[str], dict[str, int], int, str]:
    """Run a program that writes in several ways; its operations, its files, how it ended, what it said."""
    traced = trace([sys.executable, "-I", "-S", "-c", WRITING, str(folder)], folder, {}, **how)  # type: ignore[arg-type]
    told = [operation.told(str(folder.resolve())) for operation in traced.operations]
    return (
        told,
        {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()},
        traced.code,
        traced.out,
    )


_REFUSED = """
import os, sys
try:
    open(sys.argv[1] + "/a", "wb", buffering=0).write(b"x")
    os.mkdir(sys.argv[1] + "/b")
except OSError as error:
    print(error.errno)
"""

OPERATIONS = ["mkdir folder", "openat of a thread", "write of a thread (1000)", "openat of a child",
              "write of a child (1000)"]  # fmt: skip


def test_operations_of_threads_and_children_are_seen_in_order(tmp_path: Path) -> None:
    told, files, code, out = writing(tmp_path)
    assert [line.replace("mkdirat", "mkdir") for line in told] == OPERATIONS
    assert (files, code, out) == ({"of a thread": 1000, "of a child": 1000}, 0, "done\n")


@pytest.mark.parametrize(
    ("kill", "files"),
    [
        (Kill(number=1), {}),
        (Kill(number=3), {"of a thread": 0}),
        (Kill(number=3, where="inside"), {"of a thread": 500}),
        (Kill(number=5, where="inside"), {"of a thread": 1000, "of a child": 500}),
    ],
)
def test_a_kill_is_exactly_where_it_was_meant(kill: Kill, files: dict[str, int], tmp_path: Path) -> None:
    told, left, code, out = writing(tmp_path, kill=kill)
    assert len(told) == kill.number
    assert (left, code, out) == (files, -9, "")


def test_a_refused_operation_does_not_happen_and_returns_its_error(tmp_path: Path) -> None:
    full = Refuse(error=errno.ENOSPC, which=lambda operation: operation.takes_room, after=2)
    traced = trace([sys.executable, "-I", "-S", "-c", _REFUSED, str(tmp_path)], tmp_path, {}, refuse=[full])
    assert traced.out == f"{errno.ENOSPC}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_program_that_is_forked_does_what_one_that_is_started_does(tmp_path: Path) -> None:
    found = []
    for number in range(3):  # the first of a command is started
        world = exec_world(tmp_path / str(number))
        words = ("config", "init", "--yes")
        traced = trace(world.argv(*words), world.home, world.environment)
        done = [(each.name, each.size) for each in traced.operations]
        found.append((done, traced.code, traced.out.replace(str(world.home), "")))
    assert found[0] == found[1] == found[2]
    assert found[0][1] == 0


def test_a_forked_program_is_killed_exactly_where_it_was_meant(tmp_path: Path) -> None:
    left = []
    for number in range(2):
        world = exec_world(tmp_path / str(number))
        traced = trace(world.argv("config", "init", "--yes"), world.home, world.environment, kill=Kill(number=3))
        left.append((len(traced.operations), traced.code, traced.out))
    assert left == [(3, -9, "")] * 2


def test_other_children_of_the_tracing_thread_are_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert writing(tmp_path)[2] == 0
        other.communicate(b"\n", timeout=20)
    assert other.returncode == 0


# --- the judge sees what it must see ---


class Careless(Scenario):
    """A program with every fault at once: a start that loses, tears, opens and leaves things."""

    name = "careless"
    told = "what must never pass"

    def words(self, world: object) -> list[str]:
        return ["outbox", "list"]

    def dead(self, trial: Trial) -> Iterator[Violation]:
        import sqlite3
        from contextlib import closing

        trial.world.state.write_text('{"version": 1, "coo')
        trial.world.state.chmod(0o644)
        (trial.world.state.parent / ".llm_state.json.1-2.tmp2").touch(0o600)
        with closing(sqlite3.connect(trial.world.database)) as connection:
            connection.execute("UPDATE requests SET status = 'running', owner = 'x'")
            connection.execute("UPDATE messages SET content = 'half of' WHERE role = 'assistant'")
            connection.commit()
        yield from ()

    def again(self, trial: Trial) -> Iterator[Violation]:
        yield from ()


def test_the_judge_finds_every_fault(tmp_path: Path) -> None:
    with Stage.set_in(tmp_path) as stage:
        _, found = Player(Careless(), stage).kill(Kill(number=10_000))
    rules = {violation.rule for violation in found}
    assert {"I2", "I9"} <= rules
    words = " ".join(violation.words for violation in found)
    for told in ("llm_state.json: ", "others may read", "is left behind", "is running after the next start"):
        assert told in words


# --- the slice ---


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", [Init, Export])
def test_files_for_the_user_are_whole_or_absent_at_every_point(scenario: type[Scenario], tmp_path: Path) -> None:
    tally = campaign(scenario(), tmp_path, choose=lambda found: [k for k in every(found) if k.number > len(found) - 8])
    assert tally.points >= 5
    assert tally.found == []


@pytest.mark.timeout(300)
def test_after_a_429_the_program_may_be_stopped_anywhere(tmp_path: Path) -> None:
    tally = campaign(State(), tmp_path, choose=edges)
    assert tally.points >= 30
    assert tally.found == []
