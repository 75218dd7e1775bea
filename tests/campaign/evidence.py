"""What a sequence leaves behind for its judge: what servers saw, what files held, what the program printed.

Nothing in here comes out of the desk's memory. The judge trusts nobody: not the desk's own account of itself, and not
what the player meant to do, but what arrived at the other side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.campaign.sequence import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One request as a target saw it: a line of a server's log, or a start of a command-line tool.

    Times are seconds of the machine's monotonic clock (``at``, ``over``), or of the sequence's own clocks, which jump
    (``boot``, ``wall``).

    Args:
        at: when it had been read.
        boot: elapsed time of the sequence's machine at that moment.
        wall: its wall clock at that moment.
        provider: whose server it is.
        model: the model it asked for.
        prompt: its newest user message.
        messages: all of them, (role, text).
        symbol: the name of the symbol that was played.
        error: the class that the symbol stands for; empty = a complete answer.
        text: what a complete answer said, whole; of a broken one what was sent before it broke.
        marked: the terminal marker was written, to the last byte.
        usage: (input, output) tokens as reported, ``None`` = nothing was reported.
        state: the cooldown file at that moment, as text; empty = there was none.
        headers: of the request, names in lower case.
        over: when the answer, or the connection, was over; ``None`` = still open when the sequence ended.
        left: the client was gone before that.
    """

    at: float
    boot: float
    wall: float
    provider: str
    model: str
    prompt: str
    messages: tuple[tuple[str, str], ...]
    symbol: str
    error: str
    text: str
    marked: bool
    usage: tuple[int, int] | None
    state: str
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    over: float | None = None
    left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One prompt handed to the program, and what it gave back.

    Args:
        number: unique in the sequence; the prompt holds it.
        prompt: what was asked.
        lane: the lane.
        instance: which running instance was asked, from 0; each restart is a new one.
        real: it was a process of its own (``llmdesk exec --json``), not a desk in the player's.
        at, over: when it was asked and when it ended; ``None`` = it never did while the sequence ran.
        request: its id, as soon as the program acknowledged the prompt; empty = it never did.
        cut: what the player did to it meanwhile: ``cancel``, ``keep`` (cancel, keep the text), ``next target``,
            ``kill`` (its instance was killed), ``close`` (its instance was closed), empty = nothing.
        cut_at: when.
        follows: the number of the turn before it in its conversation; ``None`` = it began a new one.
        answer: the JSON object of ``exec --json`` (docs: its contract), as the program gave it; ``None`` = nothing.
        code: exit code of a process; ``None`` = it was no process, or was killed.
        out, err: what a process printed.
    """

    number: int
    prompt: str
    lane: str
    instance: int
    real: bool = False
    at: float
    over: float | None = None
    request: str = ""
    cut: str = ""
    cut_at: float | None = None
    follows: int | None = None
    answer: Mapping[str, Any] | None = None
    code: int | None = None
    out: str = ""
    err: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """One request that was sent again out of the outbox, on the user's order.

    Args:
        at, over: when it was ordered, and when it ended; ``None`` = it never did.
        request: its id.
        instance: which instance was told to.
        probe: even a provider that is cooling down was to be asked.
        taken: the instance got it; of several that want it one does.
        cut, cut_at: as for ``Asked``.
        answer: the JSON object of ``exec --json``, as far as it is known.
    """

    at: float
    request: str
    instance: int
    over: float | None = None
    probe: bool = False
    taken: bool = True
    cut: str = ""
    cut_at: float | None = None
    answer: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """One instance: from when to when it ran (``over`` ``None`` = to the end); ``hard`` = it was killed."""

    number: int
    began: float
    over: float | None = None
    hard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisoned:
    """From ``at`` (monotonic) on a provider's wire was bad in this way; ``toxin`` empty = good again."""

    at: float
    provider: str
    toxin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """From ``at`` (monotonic) on, the sequence's clocks were ahead of the machine's by so many seconds."""

    at: float
    wall: float
    boot: float
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target of a lane as it was configured: what the judge may expect of it.

    ``price``: US dollars for a million tokens of input and of output; ``None`` = unknown, or nothing (a plan).
    """

    provider: str
    model: str
    wire: str
    attempts: int
    cooldown_s: float
    position: int
    short_wait_s: float = 5.0
    delay_s: float = 0.0
    price: tuple[float, float] | None = None


@dataclass(kw_only=True)
class Evidence:
    """Everything that is left when a sequence is over and every instance is closed.

    Args:
        seed: what makes the same sequence again.
        story: the sequence, one line for each step.
        home: the folder with the program's files (database, state, log).
        lanes: by name, in the lane's order.
        canaries: by name, texts that must be nowhere but where they belong: ``key PROVIDER`` in that provider's
            requests; everything else (prompts, where nothing is recorded) in the messages that are sent.
        recorded: texts are recorded (not ``off-record``).
        served: in the order of arrival.
        asked: in the order of asking.
        clocks: how the clocks were set, from the beginning.
        resumed: what was ordered out of the outbox, in order.
        instances: those that ran, in the order of their starts; a process of its own is one too.
        poisons: how wires were made bad, in order.
        budgets: as they were configured.
        began, ended: of the whole, monotonic.
        leftovers: command lines of child processes alive after the end.
        foreign: connections that went where no target is, as ``host:port``.
        notes: faults of the player itself; with one the sequence counts as broken, not as passed.
    """

    seed: int
    story: tuple[str, ...]
    home: Path
    lanes: Mapping[str, tuple[Target, ...]]
    canaries: Mapping[str, str] = field(default_factory=dict)
    recorded: bool = True
    served: list[Served] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    resumed: list[Resumed] = field(default_factory=list)
    instances: list[Lived] = field(default_factory=list)
    poisons: list[Poisoned] = field(default_factory=list)
    budgets: tuple[Budget, ...] = ()
    began: float = 0.0
    ended: float = 0.0
    leftovers: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A broken invariant: ``rule`` as in docs/policy.md (``I3b``), and what was seen, in one line."""

    rule: str
    words: str
