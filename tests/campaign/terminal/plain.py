"""Every command that prints what others wrote: on a terminal, where it is made harmless, and into a pipe.

On a terminal only colours, and the line of progress that the next one replaces, are written. Into a pipe data goes as
it was received, but what is told beside it (stderr) stays harmless, and JSON is ASCII (docs/policy.md, S1).
"""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.terminal.modes import judge_end
from tests.campaign.terminal.starved import finished, unfinished
from tests.campaign.terminal.stored import ids
from tests.campaign.terminal.stream import Allowed, judge
from tests.campaign.terminal.watched import watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.terminal.world import HostileWorld

LINES = Allowed(screen=False, control=b"\r\n\t")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One command line, and what has to be in its output.

    Args:
        name: what it is called in the table.
        words: the command line; ``{ID}`` = a stored conversation, ``{WAITS}`` = a paused request.
        marks: hostile texts that come out.
        typed: lines typed into it.
    """

    name: str
    words: tuple[str, ...]
    marks: tuple[str, ...]
    typed: tuple[str, ...] = ()


def spoken(world: HostileWorld) -> Iterator[Spoken]:
    """All of them."""
    faulty = world.home / "faulty.yaml"
    faulty.write_text(f"version: 1\nui: {{{_quoted(world.name('FAULT'))}: 1}}\n", encoding="utf-8")
    file = str(next(iter(sorted(world.files.iterdir()))))
    for name, words, marks in (
        ("exec", ("exec", "hello"), ("ANSWER",)),
        ("exec, whole", ("exec", "--no-stream", "--verbose", "hello"), ("ANSWER",)),
        ("exec, file", ("exec", "--file", file, "hello"), ("ANSWER",)),
        ("exec, refused", ("exec", "--lane", "failing", "hello"), ("REFUSAL",)),
        ("exec, failed over", ("exec", "--lane", "over", "--verbose", "hello"), ("ANSWER",)),
        ("exec, server down", ("exec", "--lane", "paused", "hello"), ("DOWN",)),
        ("exec, tool", ("exec", "--lane", "tools", "hello"), ("STDERR",)),
        ("exec, no tool", ("exec", "--lane", "missing", "hello"), ("PROGRAM",)),
        ("exec, no lane", ("exec", "--lane", world.name("NOLANE"), "hello"), ("NOLANE",)),
        ("exec, no model", ("exec", "--model", world.name("NOREF"), "hello"), ("NOREF",)),
        ("exec, no file", ("exec", "--file", world.name("NOFILE"), "hello"), ("NOFILE",)),
        ("exec, plan", ("exec", "--dry-run", "--lane", "asks", world.name("PLANNED")), ("TARGET",)),
        ("conversations", ("conversations", "list"), ("TITLE", "IMPORTED")),
        ("conversation", ("conversations", "show", "{ID}"), ("TITLE", "PROMPT", "ANSWER")),
        ("search", ("conversations", "search", "zqPROMPT"), ("PROMPT",)),
        ("export", ("conversations", "export", "{ID}"), ("PROMPT", "ANSWER")),
        ("no conversation", ("conversations", "show", world.name("NOID")), ("NOID",)),
        ("stats", ("stats", "--by", "job"), ("JOB",)),
        ("metrics", ("metrics", "summary"), ()),
        ("failovers", ("failovers", "--verbose"), ()),
        ("budgets", ("budgets",), ("JOB",)),
        ("outbox", ("outbox", "list"), ("PAUSED", "TOOLS")),
        ("paused request", ("outbox", "show", "{WAITS}"), ("PAUSED", "DOWN")),
        ("lanes", ("lanes",), ("TARGET",)),
        ("providers", ("providers", "check"), ("PROGRAM",)),
        ("models", ("models", "list", "local"), ("MODEL",)),
        ("model", ("models", "show", "local/gemma3:4b"), ("LICENSE",)),
        ("running models", ("models", "ps", "local"), ("RUNNING",)),
        ("pull", ("models", "pull", "local/x"), ("PULL",)),
        ("doctor", ("doctor",), ("PROGRAM",)),
        ("settings", ("config", "show"), ("THEME",)),
        ("faults", ("config", "validate", str(faulty)), ("FAULT",)),
        ("other settings", ("--config", world.name("CONFIG"), "lanes"), ("CONFIG",)),
        ("no command", (world.name("COMMAND"),), ("COMMAND",)),
        ("no option", ("exec", f"--{world.name('OPTION')}"), ("OPTION",)),
    ):
        yield Spoken(name=name, words=words, marks=marks)
    typed = (
        world.name("LINE"),
        "/conversations zqPROMPT",
        "/models",
        "/outbox",
        "/failovers",
        f"/lane {world.name('LANE')}",
    )
    yield Spoken(name="line by line", words=("--plain",), marks=("ANSWER", "LANE"), typed=typed)


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'


def _words(world: HostileWorld, command: Spoken) -> list[str]:
    known = ids(world.database)
    return [known.get(word, word) for word in command.words]


def on_terminal(world: HostileWorld, command: Spoken) -> list[Violation]:
    """Run it in a pseudo-terminal; what is not clean, or did not come."""
    with watched(*_words(world, command), env=world.environment, columns=200, rows=200) as terminal:
        try:
            for line in command.typed:
                terminal.wait_for("> |lane|ready|Type")
                terminal.settle(0.2)
                terminal.send("".join(char for char in line if _echoed(char)) + "\r")
            if command.typed:
                terminal.settle(0.5)
                terminal.send(b"\x04")
            terminal.wait_exit(60)
        except AssertionError as error:
            return [unfinished(error, "X1")]
        raw = bytes(terminal.raw)
    found = judge(raw, LINES) + judge_end(raw, screen=False)
    told = [Violation(rule=each.rule, words=f"{command.name}: {each.words}") for each in found]
    return [*_missing(command, raw), *told]


def _echoed(char: str) -> bool:
    """Whether a character may be typed: the terminal itself shows it again as it is."""
    return char.isprintable() and unicodedata.category(char) not in ("Mn", "Me")


def into_pipes(world: HostileWorld, command: Spoken, *, as_json: bool = False) -> list[Violation]:
    """Run it with its output in pipes: what is told stays clean, JSON stays ASCII."""
    words = [sys.executable, "-m", "llmdesk", *(["--json"] if as_json else []), *_words(world, command)]
    typed = "".join(f"{line}\n" for line in command.typed).encode()
    try:
        done = finished(words, env=world.environment, typed=typed)
    except AssertionError as error:
        return [unfinished(error, "X1")]
    found = judge(done.stderr, Allowed(screen=False, control=b"\n"))
    if b"Traceback" in done.stderr:
        found.append(Violation(rule="I20", words=f"a traceback: {done.stderr[-200:]!r}"))
    if as_json and not all(byte == 10 or 0x20 <= byte < 0x7F for byte in done.stdout):
        found.append(Violation(rule="S1", words=f"JSON that is no ASCII: {done.stdout[:200]!r}"))
    if not as_json:
        found += _missing(command, done.stdout + done.stderr)
    return [Violation(rule=each.rule, words=f"{command.name}, pipe: {each.words}") for each in found]


def _missing(command: Spoken, out: bytes) -> list[Violation]:
    absent = ", ".join(mark for mark in command.marks if f"zq{mark}".encode() not in out)
    if not absent:
        return []
    return [Violation(rule="nothing proven", words=f"{command.name}: {absent} never came out: {out[-300:]!r}")]
