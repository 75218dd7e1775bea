"""What is walked and what came of it: the route of one request, its walk so far, and the place it stands at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from llmdesk import memory
from llmdesk.core.budget import Account
from llmdesk.core.lanes import estimate_tokens, indispensable
from llmdesk.core.types import (
    Attempt,
    AttemptFailed,
    DeskEvent,
    ModelRef,
    Status,
)
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.budget import Refusal
    from llmdesk.core.errors import ProviderError
    from llmdesk.core.exchange import Tap
    from llmdesk.core.lanes import Lane
    from llmdesk.core.policy import ProviderRules
    from llmdesk.core.types import (
        Completed,
        Endpoint,
        FailoverStep,
        Failure,
        Json,
        Message,
        ModelInfo,
        ToolCall,
        Usage,
    )
    from llmdesk.router.controls import Controls


class Sizes:
    """Estimates of message lists, each made once: every target of a lane asks for the same ones."""

    __slots__ = ("_known", "_least")

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[Message, ...], int]] = {}
        self._least: dict[int, tuple[tuple[Message, ...], int]] = {}

    def tokens(self, messages: tuple[Message, ...]) -> int:
        """The estimate of ``messages``."""
        found = self._known.get(id(messages))
        if found is None:
            found = self._known[id(messages)] = (messages, estimate_tokens(messages))  # held, so that its id is its own
        return found[1]

    def least(self, messages: tuple[Message, ...]) -> int:
        """The estimate of what goes to every target, however small its window."""
        found = self._least.get(id(messages))
        if found is None:
            found = self._least[id(messages)] = (messages, estimate_tokens(indispensable(messages)))
        return found[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One request, ready to be walked: the lane as it applies, complete messages, who pays, what the caller allows.

    ``first_number`` continues the numbering of a request that was paused before. ``format`` and ``extra`` are the
    caller's own wire fields. ``pinned``: the caller named the targets, so that no rule puts others before them.
    """

    lane: Lane
    messages: tuple[Message, ...]
    account: Account = field(default_factory=lambda: Account(request="", lane=""))
    endpoint: Endpoint = "chat"
    format: str | Json | None = None
    keep_wire: bool = False
    tools: tuple[Json, ...] = ()
    extra: Json = field(default_factory=dict)
    consent: bool = False
    probe: bool = False
    pinned: bool = False
    first_number: int = 1
    sizes: Sizes = field(default_factory=Sizes, compare=False, repr=False)


class Pieces(list[str]):
    """The pieces of a text, joined by the thousand: a million tokens must not weigh ten times their letters.

    Large ones are joined by the mebibyte: blocks of that size go back to the system as soon as nobody needs them, which
    16 MiB of smaller ones do not.
    """

    JOIN_AT = 1024
    JOIN_CHARACTERS = 1 << 20

    def __init__(self) -> None:
        super().__init__()
        self._loose = self._characters = 0

    def append(self, piece: str) -> None:
        """Add a piece at the end."""
        super().append(piece)
        self._loose += 1
        self._characters += len(piece)
        if self._loose == self.JOIN_AT or self._characters >= self.JOIN_CHARACTERS:
            memory.expect(self._characters)
            self[-self._loose :] = ["".join(self[-self._loose :])]
            self._loose = self._characters = 0

    def whole(self) -> str:
        """The text; from now on it is one piece, so that a long answer is not in memory twice."""
        if len(self) > 1:
            self[:] = ["".join(self)]
            self._loose = self._characters = 0
        return self[0] if self else ""


@dataclass(slots=True, kw_only=True)
class Walk:
    """What has happened to a request so far; complete at every moment, so that a cancelled one can be written down."""

    attempts: list[Attempt] = field(default_factory=list)
    failovers: list[FailoverStep] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    status: Status = Status.RUNNING
    target: ModelRef | None = None
    text: Pieces = field(default_factory=Pieces)
    reasoning: Pieces = field(default_factory=Pieces)
    tool_calls: list[ToolCall] = field(default_factory=list)
    completed: Completed | None = None
    usage: Usage | None = None
    data: object | None = None
    first_token_s: float | None = None
    error: Failure | None = None
    next_try_at: float | None = None
    refusal: Refusal | None = None
    """What the budget said that ends the request."""

    def forget_answer(self) -> None:
        """Begin a new attempt: the text of the last one belongs to it alone."""
        if self.text or self.reasoning or self.tool_calls:
            self.text, self.reasoning, self.tool_calls = Pieces(), Pieces(), []
        self.completed = None
        self.first_token_s = None


@dataclass(slots=True)
class Place:
    """A target being worked on: the models it stands for, how often the one in turn was asked, what a repair adds.

    ``rejected`` counts its answers that did not meet the schema, ``limited`` its rate limits; ``failed`` is what its
    last attempt failed with; ``window_tokens`` is the window it was asked with, ``None`` = unknown.
    """

    ref: ModelRef
    rules: ProviderRules
    tries: int = 0
    rejected: int = 0
    limited: int = 0
    chain: tuple[ModelInfo, ...] = ()
    extra_messages: tuple[Message, ...] = ()
    failed: ProviderError | None = None
    window_tokens: int | None = None

    @property
    def target(self) -> ModelRef:
        """The model really asked: the head of the chain where the ref stands for one."""
        return ModelRef(self.ref.provider, self.chain[0].name) if self.chain else self.ref

    def step(self) -> None:
        """Go on to the next model of the chain, which begins from the original messages (policy R7)."""
        self.chain, self.tries, self.rejected, self.extra_messages = self.chain[1:], 0, 0, ()
        self.limited = 0
        self.failed = None


class Left(Exception):
    """The user asked for the next target."""


class Unfit(Exception):
    """The target turned out not to be asked; the text says why, ``reason`` in one word.

    ``until``: when that may be over by itself, UTC epoch seconds; ``waited_s``: what was spent in the line before it.
    ``refusal``: what the budget said that forbids it.
    """

    def __init__(
        self, message: str, *, reason: str = "unfit", until: float | None = None, refusal: Refusal | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.until = until
        self.waited_s = 0.0
        self.refusal = refusal


Sink = Callable[[DeskEvent], None]
Recorder = Callable[[Attempt], Awaitable[None]]
Tapping = Callable[[int, ModelRef], "Tap"]
"""Gives, by its number and target, what takes the bytes of an attempt."""


class Checker(Protocol):
    """Checks an answer against a schema: the parsed object and the violations, empty when it is met."""

    async def __call__(self, text: str, schema: Json) -> tuple[object | None, tuple[str, ...]]:
        """Check ``text``."""
        ...


@dataclass(slots=True, kw_only=True)
class Trip:
    """Everything one walk needs: the route, the record of it, and the ways in and out."""

    route: Route
    walk: Walk
    sink: Sink
    record: Recorder
    controls: Controls
    check: Checker
    tap: Tapping | None = None
    first: tuple[ModelRef, ...] = ()
    """The targets that a rule has put before those of the lane."""
    outgrown_tokens: int | None = None
    """The largest window that was found too small for this request, tokens."""
    _number: int = 0

    def take_number(self) -> int:
        """Number the next attempt or skip, from the route's first number on."""
        self._number += 1
        return self.route.first_number + self._number - 1

    def give_number_back(self) -> None:
        """The last number was not used after all."""
        self._number -= 1

    async def keep(self, attempt: Attempt) -> None:
        """Write an attempt or skip down, then show it."""
        self.walk.attempts.append(attempt)
        await self.record(attempt)
        self.sink(AttemptFailed(attempt=attempt))
