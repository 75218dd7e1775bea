"""What a target can be made to do: one symbol for each wire form of docs/policy.md, section 3, for every adapter.

A symbol is a scene of ``tests/support`` under a name that stays: a sequence is kept as names, not as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.core.errors import ErrorKind
    from tests.support.scenes import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One thing that a target does with one request.

    Args:
        name: ``kind/row``, as in ``ollama/C1.a``; ``kind/happy`` = a complete answer of a text of its own.
        wire: the adapter's kind: ollama, openai, anthropic, google, command.
        error: the class that must be recorded; ``None`` = the request completes.
        scene: what is played.
        seconds: about how long it takes with the campaign's short timeouts.
    """

    name: str
    wire: str
    error: ErrorKind | None
    scene: Scene
    seconds: float = 0.0
