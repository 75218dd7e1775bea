"""A case: something that is too large, too deep, too slow or without end, and how the program has to take it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A case that is set: the command line to run, its environment and input, and how to look at it afterwards.

    Args:
        words: the command.
        environment: of the process.
        stdin: what it reads; ``None`` = nothing.
        began: when the hostile side was first asked, monotonic seconds; ``None`` = that is not told.
        left: what must not run any more, or lie there; a text for each that does.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    stdin: BinaryIO | None = None
    began: Callable[[], float | None] = lambda: None
    left: Callable[[], tuple[str, ...]] = tuple


SetScene = Callable[[Path], AbstractContextManager[Scene]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case.

    Args:
        name: what is told in the table.
        play: sets it in a folder.
        plain: sets the same command without anything hostile: what it takes in time and memory is no growth.
        limit_s: the documented limit that has to end it, seconds; for what only has to be got through, a bound.
        code: the exit code.
        error: the class that must be recorded; empty = the request completes, or there is no request.
        growth_mib: how much more memory than the plain run it may take.
        says: words that the message must hold.
        quick: part of the short slice.
    """

    name: str
    play: SetScene
    plain: SetScene
    limit_s: float
    code: int
    error: str = ""
    growth_mib: float = 64.0
    says: tuple[str, ...] = field(default=())
    quick: bool = False
