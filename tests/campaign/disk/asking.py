"""One question on a bad disk: what the program printed, what the servers heard, what is left."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.campaign.crash.files import look_into
from tests.campaign.crash.judge import database_is_whole, files_are_whole
from tests.campaign.crash.stage import CLOUD_ANSWER, LOCAL_ANSWER, Heard
from tests.campaign.crash.tracer import trace
from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.campaign.crash.files import Database
    from tests.campaign.crash.operations import Operation
    from tests.campaign.crash.stage import Stage
    from tests.campaign.crash.tracer import Redirect, Refuse
    from tests.support.exec_world import ExecWorld

ASKED = "What is asked on a bad disk?"
EARLIER = "What was asked before?"
LATER = "What is asked when all is well again?"

ANSWERS = (CLOUD_ANSWER, LOCAL_ANSWER)
NARRATION = ("failed:", "failover:", "loading:", "retry", "skipped:", "paused:", "answer from", "  ")
"""How lines on stderr begin that tell of targets, not of disks."""

ORDINARY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
"""Before a command of root: it may do what any user may with files of its own, and no more."""

LONGEST_LINE = 400
"""A warning names two paths at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a question led to.

    Args:
        code: the exit code.
        out, err: what was printed.
        heard: what the servers heard.
        refused: how many operations the disk refused.
        left: the database afterwards.
    """

    code: int
    out: str
    err: str
    heard: Heard
    left: Database
    refused: int = 0
    operations: tuple[Operation, ...] = ()

    @property
    def warnings(self) -> list[str]:
        """The lines that tell of something else than targets."""
        return [line for line in self.err.splitlines() if line.strip() and not line.startswith(NARRATION)]

    @property
    def answered(self) -> bool:
        """The answer came, whole."""
        return self.code == 0 and self.out.strip() in ANSWERS

    @property
    def sent(self) -> bool:
        """A server has seen the question."""
        return ASKED in self.heard.all

    @property
    def kept(self) -> bool:
        """The question is in the database."""
        return bool(self.left.requests_of(ASKED))


def ask(
    stage: Stage,
    world: ExecWorld,
    *options: str,
    refuse: Sequence[Refuse] = (),
    redirect: Redirect | None = None,
    ordinary: bool = False,
) -> Asked:
    """Ask as a user does, in a process that is traced only where something is to be refused."""
    argv = [*(ORDINARY if ordinary else ()), *world.argv("exec", "--no-input", *options, ASKED)]
    if refuse or redirect is not None:
        traced = trace(argv, world.home, world.environment, refuse=refuse, redirect=redirect)
        code, out, err = traced.code, traced.out, traced.err
        refused, operations = len(traced.refused), tuple(traced.operations)
    else:
        done = subprocess.run(
            argv,
            env=world.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        code, out, err = done.returncode, done.stdout.decode(), done.stderr.decode()
        refused, operations = 0, ()
    return Asked(
        code=code,
        out=out,
        err=err,
        heard=Heard.so_far(stage),
        left=look_into(world.database) if world.database.is_file() else look_into(world.home / "nowhere"),
        refused=refused,
        operations=operations,
    )


def always(asked: Asked, world: ExecWorld, before: Database) -> Iterator[Violation]:
    """What holds on any disk: nothing is lost or torn, nothing is sent unkept and unasked, nobody sees a traceback."""
    yield from files_are_whole(world)
    yield from database_is_whole(asked.left, "afterwards")
    if "Traceback" in asked.err or "Unexpected" in asked.err:
        yield Violation(rule="I20", words=f"a traceback: {asked.err.strip().splitlines()[-1][:200]}")
    for line in asked.err.splitlines():
        if len(line) > LONGEST_LINE:
            yield Violation(rule="I20", words=f"a line of {len(line)} characters: {line[:80]}")
    if len(asked.warnings) != len(set(asked.warnings)):
        yield Violation(rule="I20", words=f"a warning is said twice: {asked.warnings}")
    if asked.code < 0 or asked.code not in (0, 1, 2, 5):
        yield Violation(rule="I20", words=f"it ends with {asked.code}")
    if asked.code == 0 and not asked.answered:
        yield Violation(rule="I1", words=f"exit code 0 and no answer: {asked.out!r}")
    for table in ("requests", "messages", "conversations"):
        now = asked.left.tables.get(table, {})
        for key, row in before.tables.get(table, {}).items():
            if now.get(key) != row:
                yield Violation(rule="D3", words=f"{table} {key} was lost or changed")


def not_sent_unkept(asked: Asked) -> Iterator[Violation]:
    """A question that could not be kept was not sent, and that is said (policy D3)."""
    if asked.sent and not asked.kept:
        yield Violation(rule="D3", words=f"it was sent and is not kept; {asked.err!r}")
    if not asked.sent and (asked.code != 1 or "ot sent" not in asked.err):
        yield Violation(rule="D3", words=f"not sent, and it ends with {asked.code} and {asked.err!r}")


def answer_with(asked: Asked, warnings: int, *words: str) -> Iterator[Violation]:
    """The answer came, with so many lines of warning, which say this."""
    if not asked.answered:
        yield Violation(rule="D4", words=f"no answer: {asked.code}, {asked.out!r}, {asked.err!r}")
    if len(asked.warnings) != warnings:
        yield Violation(rule="D3", words=f"{len(asked.warnings)} warnings instead of {warnings}: {asked.warnings}")
    for word in words:
        if word not in asked.err:
            yield Violation(rule="D3", words=f"nothing says {word!r}: {asked.err!r}")


def works_again(stage: Stage, world: ExecWorld) -> Iterator[Violation]:
    """The disk is well again: a question is answered and kept, and nothing is under way."""
    stage.healthy_again()
    ran = world.run("exec", "--no-input", LATER)
    if ran.code != 0 or ran.out.strip() not in ANSWERS:
        yield Violation(rule="D3", words=f"afterwards: {ran.code}, {ran.out!r}, {ran.err!r}")
    now = look_into(world.database)
    yield from database_is_whole(now, "when all is well again")
    if not now.requests_of(LATER):
        yield Violation(rule="D3", words="when all is well again a question is not kept")
    for request in now.rows("requests"):
        if request["status"] in ("accepted", "running"):
            yield Violation(rule="I2", words=f"{request['id']} is {request['status']} when all is well again")
