"""The hard ways out, and windows that change, in mid-answer: signals, a lost terminal, closed streams.

Whatever ends the program, the request is paused (or interrupted) with its prompt, the exit code is the documented one,
it takes no longer than a second, no process of its group is left, and the terminal is as it was (I2, I13, I14, I15, X5,
X6, X10, X12).
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.terminal.modes import judge_end
from tests.campaign.terminal.starved import Impatient, Starved, finished, unfinished
from tests.campaign.terminal.stored import newest, statuses
from tests.campaign.terminal.stream import Allowed, judge
from tests.campaign.terminal.watched import SILENT, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.campaign.terminal.watched import Persona, Watched
    from tests.campaign.terminal.world import HostileWorld

LIMIT_S = 1.0
"""How long an ending may take (policy X5), seconds."""

SLACK_S = 1.5
"""What a machine with other work on both its cores adds: starting a thread, writing to its disk, seconds."""

KEPT = ("paused",)
UNDER_WAY = ("accepted", "running")
"""What a program leaves that had no time to write anything; the next start takes it up (I19)."""


@dataclass(kw_only=True)
class Storm:
    """The desk in mid-answer, and what is found afterwards."""

    world: HostileWorld
    terminal: Watched
    prompt: str
    chance: random.Random
    found: list[Violation]

    def wrong(self, rule: str, words: str) -> None:
        """Note what is not as it has to be."""
        self.found.append(Violation(rule=rule, words=words))

    def watch(self) -> Starved:
        """The time, from now on."""
        return Starved(self.terminal.child.pid)

    def ends(self, code: int, since: Starved) -> None:
        """It has to end now, with this code."""
        try:
            ended = self.terminal.wait_exit(10, since)
        except Impatient:
            raise
        except AssertionError:
            self.wrong("I14", "it never ended")
            return
        if ended != code:
            self.wrong("X5", f"exit {ended}, not {code}")
        if (took := since.own_s) > LIMIT_S + SLACK_S:
            self.wrong("X5", f"the end took {took:.1f} s")

    def stat(self) -> str:
        """The state of the process (proc(5))."""
        with open(f"/proc/{self.terminal.child.pid}/stat") as file:  # noqa: PTH123 - no file of the disk
            return file.read().rpartition(")")[2].split()[0]


def _signalled(number: signal.Signals) -> Callable[[Storm], None]:
    def end(storm: Storm) -> None:
        since = storm.watch()
        os.kill(storm.terminal.child.pid, number)
        storm.ends(128 + number, since)

    return end


def _signalled_twice(storm: Storm) -> None:
    since = storm.watch()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
        with contextlib.suppress(ProcessLookupError):
            os.kill(storm.terminal.child.pid, number)
    storm.ends(128 + signal.SIGTERM, since)


def _by_default(storm: Storm) -> None:
    """SIGQUIT is nobody's: the program dies of it at once, and the next start finds the prompt."""
    os.kill(storm.terminal.child.pid, signal.SIGQUIT)
    if storm.terminal.wait_exit() != -signal.SIGQUIT:
        storm.wrong("X5", "SIGQUIT did not end it")


def _stopped(storm: Storm) -> None:
    terminal = storm.terminal
    for _ in range(8):
        os.kill(terminal.child.pid, signal.SIGTSTP)
        terminal.wait_until(lambda _: storm.stat() == "T", "the stop")
        terminal.settle(0.05)
        storm.found += [Violation(rule="X6", words=f"stopped, {each}") for each in terminal.modes.left_behind()]
        os.kill(terminal.child.pid, signal.SIGCONT)
        until = time.monotonic() + storm.chance.choice((0, 0.0005, 0.002, 0.005, 0.02, 0.1))
        while time.monotonic() < until:  # the next stop comes while it still goes on from this one
            terminal.pump(0.0005)
    terminal.wait_until(lambda _: terminal.modes.private[1049], "the screen")
    _goes_on(storm)
    _quit(storm)


def _resized(storm: Storm) -> None:
    """Sixty sizes, and three that no window has."""
    chance, terminal = storm.chance, storm.terminal
    sizes = [(chance.randint(1, 70), chance.randint(1, 220)) for _ in range(57)] + [(1, 1), (0, 0), (2, 5)]
    chance.shuffle(sizes)
    for rows, columns in sizes:
        terminal.resize(rows, columns)
        terminal.pump(chance.choice((0, 0, 0.02)))
    terminal.resize(40, 130)
    terminal.wait_for("1 chat")
    _goes_on(storm)
    _quit(storm)


def _goes_on(storm: Storm) -> None:
    """The answer comes on, and is painted."""
    so_far = _newest(storm.terminal.text)
    storm.terminal.wait_until(lambda text: _newest(text) > so_far, "the next word")


def _newest(text: str) -> int:
    return max(map(int, re.findall(r"word(\d+)", text)), default=-1)


def _quit(storm: Storm) -> None:
    storm.terminal.press("ctrl+q")
    storm.terminal.wait_for("Quit again")
    storm.terminal.press("ctrl+q")
    storm.ends(0, storm.watch())


def _lost(storm: Storm) -> None:
    """The window is closed: the other side of the terminal goes away."""
    since = storm.watch()
    child = storm.terminal.child
    child.fileobj.close()
    child.closed = True
    if not since.until(lambda: not child.isalive(), _moment, 10):
        storm.wrong("I14", "it went on without a terminal")
    elif (took := since.own_s) > LIMIT_S + SLACK_S:
        storm.wrong("X12", f"the end took {took:.1f} s")


def _moment() -> None:
    time.sleep(0.01)


STORMS: Mapping[str, Callable[[Storm], None]] = {
    "SIGTERM": _signalled(signal.SIGTERM),
    "SIGHUP": _signalled(signal.SIGHUP),
    "three signals": _signalled_twice,
    "SIGQUIT": _by_default,
    "SIGTSTP, SIGCONT": _stopped,
    "sixty sizes": _resized,
    "terminal lost": _lost,
    "ctrl+q": _quit,
}

_CANNOT_RESTORE = ("SIGQUIT", "terminal lost")
"""Ways out after which nobody restores anything: nothing runs any more, or there is no terminal."""


def storm(name: str, world: HostileWorld, *, seed: int = 0, persona: Persona = SILENT) -> list[Violation]:
    """Begin an answer in the desk, let this happen, and look at what is left."""
    prompt = f"storm {name} {seed} {time.monotonic_ns()}"
    found: list[Violation] = []
    with watched(env=world.environment, persona=persona) as terminal:
        try:
            terminal.wait_for("1 chat")
            terminal.press("ctrl+c", "alt+8")
            terminal.wait_for("llmdesk ─ 8 ")
            terminal.paste(prompt)
            terminal.wait_for(re.escape(prompt[:20]))
            terminal.press("enter")
            terminal.wait_for(r"word\d")
            group = os.getpgid(terminal.child.pid)
            chance = random.Random(seed)
            STORMS[name](Storm(world=world, terminal=terminal, prompt=prompt, chance=chance, found=found))
        except AssertionError as error:
            found.append(unfinished(error, "X5"))
        else:
            found += _left(group, prompt, world, states=UNDER_WAY if name == "SIGQUIT" else KEPT)
        raw = bytes(terminal.raw)
    if name == "SIGQUIT":
        found += _taken_up(prompt, world)
    found += judge(raw, Allowed(torn=name in _CANNOT_RESTORE))
    if name not in _CANNOT_RESTORE and not found:
        found += judge_end(raw)
    return [Violation(rule=each.rule, words=f"{name}: {each.words}") for each in found]


def _left(group: int, prompt: str, world: HostileWorld, *, states: tuple[str, ...]) -> Iterator[Violation]:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, 0)
        yield Violation(rule="I15", words="a process of its group is alive")
    if (kept := statuses(world.database, prompt)) not in [[state] for state in states]:
        words = f"the request is {kept or f'gone from {newest(world.database)}'}, not one of {states}"
        yield Violation(rule="I2", words=words)


def _taken_up(prompt: str, world: HostileWorld) -> Iterator[Violation]:
    """Start again, as a user would to look for what is missing."""
    finished([sys.executable, "-m", "llmdesk", "outbox", "list"], env=world.environment)
    if (kept := statuses(world.database, prompt)) != ["paused"]:
        yield Violation(rule="I19", words=f"after the next start the request is {kept or 'gone'}")


# --- one answer, on a terminal or in a pipe ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How `exec` in mid-answer is ended; ``codes`` = the exit codes that are documented for it."""

    how: Callable[[subprocess.Popen[bytes]], None]
    codes: tuple[int, ...]
    states: tuple[str, ...] = ("paused",)


def _kill(number: signal.Signals) -> Callable[[subprocess.Popen[bytes]], None]:
    return lambda process: process.send_signal(number)


def _close(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    process.stdout.close()


def _unread(process: subprocess.Popen[bytes]) -> None:
    """Nobody reads any more, and then a signal comes."""
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)


ENDINGS: Mapping[str, Ending] = {
    "exec, SIGINT": Ending(how=_kill(signal.SIGINT), codes=(130,), states=("paused", "cancelled")),
    "exec, SIGTERM": Ending(how=_kill(signal.SIGTERM), codes=(143,), states=("paused", "cancelled")),
    "exec, SIGHUP": Ending(how=_kill(signal.SIGHUP), codes=(129,), states=("paused", "cancelled")),
    "exec, nobody reads": Ending(how=_unread, codes=(143,), states=("paused", "cancelled")),
}


def end_exec(name: str, world: HostileWorld) -> list[Violation]:
    """Begin an answer with `exec`, end it like this, and look at what is left."""
    ending = ENDINGS[name]
    prompt = f"{name} {time.monotonic_ns()}"
    words = [sys.executable, "-m", "llmdesk", "exec", "--lane", "endless", prompt]
    process = subprocess.Popen(
        words, env=world.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    found: list[Violation] = []
    with process:
        process.stdout.read(20)
        since = Starved(process.pid)
        ending.how(process)
        if not since.until(lambda: process.poll() is not None, _moment, 10):
            process.kill()
            return [Violation(rule="I14", words=f"{name}: it never ended")]
        code, took = process.returncode, since.own_s
        told = process.stderr.read()
    if code not in ending.codes:
        found.append(Violation(rule="X5", words=f"exit {code}, not one of {ending.codes}: {told[-200:]!r}"))
    if took > LIMIT_S + SLACK_S:
        found.append(Violation(rule="X5", words=f"the end took {took:.1f} s"))
    if b"Traceback" in told:
        found.append(Violation(rule="I20", words=f"a traceback: {told[-300:]!r}"))
    found += judge(told, Allowed(screen=False, control=b"\n"))
    found += _left(process.pid, prompt, world, states=ending.states)
    return [Violation(rule=each.rule, words=f"{name}: {each.words}") for each in found]


def broken_pipe(world: HostileWorld) -> list[Violation]:
    """``exec | head -c 10``: the reader goes away in mid-answer; the request goes on and is stored whole."""
    prompt = f"pipe {time.monotonic_ns()}"
    words = [sys.executable, "-m", "llmdesk", "exec", prompt]
    process = subprocess.Popen(
        words, env=world.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    found: list[Violation] = []
    with process:
        assert process.stdout is not None
        process.stdout.read(10)
        _close(process)
        if not Starved(process.pid).until(lambda: process.poll() is not None, _moment):
            process.kill()
            return [Violation(rule="I14", words="exec, head: it never ended")]
        code = process.returncode
        told = process.stderr.read()
    if code not in (0, 141):
        found.append(Violation(rule="X10", words=f"exit {code}: {told[-200:]!r}"))
    if b"Traceback" in told or b"BrokenPipe" in told:
        found.append(Violation(rule="X10", words=f"it told of itself: {told[-300:]!r}"))
    found += _left(process.pid, prompt, world, states=("completed",))
    return [Violation(rule=each.rule, words=f"exec, head: {each.words}") for each in found]


def lost_exec(world: HostileWorld, *words: str) -> list[Violation]:
    """A command in mid-answer, and its terminal is closed."""
    prompt = f"lost {time.monotonic_ns()}"
    found: list[Violation] = []
    with watched(*words, prompt, env=world.environment) as terminal:
        terminal.wait_for(r"word\d")
        child = terminal.child
        child.fileobj.close()
        child.closed = True
        if not Starved(child.pid).until(lambda: not child.isalive(), _moment, 10):
            found.append(Violation(rule="I14", words="it went on without a terminal"))
        found += _left(child.pid, prompt, world, states=("paused", "cancelled"))
        found += judge(bytes(terminal.raw), Allowed(screen=False, control=b"\r\n", torn=True))
    return [Violation(rule=each.rule, words=f"{words[0]}, terminal lost: {each.words}") for each in found]


def without(world: HostileWorld, stream: str) -> list[Violation]:
    """A command that is started with a standard stream closed: ``<&-``, ``>&-``, ``2>&-``."""
    prompt = f"without {stream} {time.monotonic_ns()}"
    line = f'exec "$@" {stream}'
    words = ["/bin/sh", "-c", line, "sh", sys.executable, "-m", "llmdesk", "exec", prompt]
    done = finished(words, env=world.environment)
    found = [Violation(rule="I2", words=f"exit {done.returncode}")] if done.returncode else []
    if b"Traceback" in done.stdout + done.stderr:
        found.append(Violation(rule="I20", words=f"a traceback: {done.stderr[-300:]!r}"))
    if (kept := statuses(world.database, prompt)) != ["completed"]:
        found.append(Violation(rule="I2", words=f"the request is {kept or 'gone'}"))
    return [Violation(rule=each.rule, words=f"exec {stream}: {each.words}") for each in found]
