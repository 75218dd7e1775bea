"""Every point of a scenario: the program stopped there, what it left judged, started again, judged again."""

from __future__ import annotations

import queue
import random
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.campaign.crash.files import look_into
from tests.campaign.crash.judge import after_the_kill, after_the_next_start
from tests.campaign.crash.stage import Heard, Stage, Trial
from tests.campaign.crash.tracer import Kill, Traced, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from tests.campaign.crash.operations import Operation
    from tests.campaign.crash.scenarios import Scenario
    from tests.campaign.evidence import Violation
    from tests.support.exec_world import ExecWorld

BEYOND = 2
"""So many points more than a run had: threads take turns differently each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A violation and the point it was found at."""

    scenario: str
    point: str
    violation: Violation

    def __str__(self) -> str:
        return f"{self.scenario}, {self.point}: {self.violation.rule}: {self.violation.words}"


@dataclass(kw_only=True)
class Tally:
    """What became of a scenario.

    Args:
        scenario: its name.
        operations: how many file operations a whole run does.
        before, inside, random: how often it was killed so.
        found: the violations.
        seconds: how long it took, all processors together.
    """

    scenario: str
    operations: int = 0
    before: int = 0
    inside: int = 0
    random: int = 0
    found: list[Found] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def points(self) -> int:
        """How often it was killed."""
        return self.before + self.inside + self.random


def every(operations: Sequence[Operation], *, step: int = 1, first: int = 1) -> list[Kill]:
    """A kill before each operation and, of those that write, one inside."""
    kills = []
    for number in range(first, len(operations) + 1 + BEYOND, step):
        kills.append(Kill(number=number))
        if number <= len(operations) and operations[number - 1].size > 1:
            kills.append(Kill(number=number, where="inside"))
    return kills


def edges(operations: Sequence[Operation]) -> list[Kill]:
    """As ``every``, but of a row of writes to one file only the first and the last: one transaction is one row."""
    told = [(each.name, each.path) for each in operations]
    at_edge = [
        number
        for number, each in enumerate(told, 1)
        if number in (1, len(told)) or told[number - 2] != each or told[number] != each
    ]
    return [kill for kill in every(operations) if kill.number in at_edge or kill.number > len(told)]


def those_at(words: str, kills: Iterable[Kill], operations: Sequence[Operation]) -> list[Kill]:
    """The kills at operations that hold these words in their line, and those behind the last operation."""
    last = len(operations)
    return [kill for kill in kills if kill.number > last or words in operations[kill.number - 1].told("")]


class Player:
    """One scenario on one stage, with its files prepared once.

    Args:
        scenario: what is played.
        stage: where.
    """

    def __init__(self, scenario: Scenario, stage: Stage) -> None:
        self.scenario = scenario
        self.stage = stage
        stage.healthy()
        self._prepared = stage.world(f"{scenario.name.replace(' ', '-')}-prepared")
        scenario.prepare(stage, self._prepared)
        for path in (written := self._prepared.home / "config", *written.glob("*")):
            if path.exists():
                path.chmod(path.stat().st_mode & 0o700)  # written by the test, not by the program

    def operations(self) -> list[Operation]:
        """The file operations of a run that nobody stops."""
        world = self._set()
        traced = self._run(world, None)
        self._remove(world)
        return traced.operations

    def kill(self, kill: Kill) -> tuple[Traced, list[Violation]]:
        """Stop the program at one point and judge what becomes of it."""
        world = self._set()
        before = look_into(world.database)
        traced = self._run(world, kill)
        return traced, self._judged(world, before, traced)

    def kill_after(self, seconds: float) -> list[Violation]:
        """Kill the program, untraced, after so much time."""
        import subprocess

        world = self._set()
        before = look_into(world.database)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            argv = self.scenario.argv(world)
            process = subprocess.Popen(argv, env=world.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            try:
                process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            out.seek(0)
            err.seek(0)
            traced = Traced(code=process.returncode, followed=False, out=out.read(), err=err.read())
        return self._judged(world, before, traced)

    def _set(self) -> ExecWorld:
        self.stage.healthy()
        self.scenario.script(self.stage)
        return self.stage.copy(self._prepared)

    def _run(self, world: ExecWorld, kill: Kill | None) -> Traced:
        argv = self.scenario.argv(world)
        return trace(argv, world.home.parent, world.environment, kill=kill, refuse=self.scenario.refuse)

    def _judged(self, world: ExecWorld, before: object, traced: Traced) -> list[Violation]:
        heard = Heard.so_far(self.stage)
        trial = Trial(
            stage=self.stage,
            world=world,
            before=before,  # type: ignore[arg-type]
            traced=traced,
            heard=heard,
            left=look_into(world.database),
            cools=self.scenario.cools,
        )
        found = [*self.scenario.dead(trial), *after_the_kill(trial)]
        self.stage.healthy_again()
        found += [*self.scenario.again(trial), *after_the_next_start(trial)]
        if not found:
            self._remove(world)
        return found

    @staticmethod
    def _remove(world: ExecWorld) -> None:
        shutil.rmtree(world.home.parent)


def campaign(
    scenario: Scenario,
    folder: Path,
    *,
    choose: Callable[[Sequence[Operation]], Iterable[Kill]] = every,
    jobs: int = 2,
    kills: int = 0,
    seed: int = 0,
) -> Tally:
    """Stop a scenario at every point that ``choose`` names, ``jobs`` at a time, and ``kills`` times at random.

    Raises:
        NotPermitted: the system forbids it.
    """
    begun = time.monotonic()
    tally = Tally(scenario=scenario.name)
    work: queue.SimpleQueue[Kill | float] = queue.SimpleQueue()
    ready = threading.Event()
    lock = threading.Lock()
    faults: list[BaseException] = []

    def player(number: int) -> None:
        try:
            home = folder / f"{scenario.name.replace(' ', '-')}-{number}"
            home.mkdir()
            with Stage.set_in(home) as stage:
                playing = Player(scenario, stage)
                if number == 0:
                    started = time.monotonic()
                    operations = playing.operations()
                    took = time.monotonic() - started
                    tally.operations = len(operations)
                    for kill in choose(operations):
                        work.put(kill)
                    chance = random.Random(seed)
                    for _ in range(kills):
                        work.put(chance.uniform(0.1 * took, 1.1 * took))
                    ready.set()
                ready.wait()
                while not faults:
                    try:
                        point = work.get_nowait()
                    except queue.Empty:
                        return
                    play(playing, point)
        except BaseException as problem:
            faults.append(problem)
            ready.set()

    def play(playing: Player, point: Kill | float) -> None:
        if isinstance(point, float):
            told, found = f"after {point:.3f} s", playing.kill_after(point)
            with lock:
                tally.random += 1
        else:
            traced, found = playing.kill(point)
            inside = point.where == "inside" and traced.killed is not None
            with lock:
                tally.inside += inside
                tally.before += not inside
            operation = traced.killed.told(str(playing.stage.folder)) if traced.killed is not None else "the end"
            told = f"{point.where} {point.number} ({operation})"
        with lock:
            tally.found += [Found(scenario=scenario.name, point=told, violation=each) for each in found]

    threads = [threading.Thread(target=player, args=(number,)) for number in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.seconds = time.monotonic() - begun
    if faults:
        raise faults[0]
    return tally
