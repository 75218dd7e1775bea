"""What one of Anthropic's answers is made of while it is told: content blocks in pieces, and the tokens spent.

Shapes: ``types/content_block.py``, ``types/raw_content_block_delta.py``, ``types/usage.py`` and
``types/message_delta_usage.py`` of anthropics/anthropic-sdk-python 2.11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmdesk.core.types import Usage
from llmdesk.providers.answer_log import count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.core.types import Json

_READ = "input_tokens"
_CACHED = "cache_read_input_tokens"
_STORED = "cache_creation_input_tokens"
_WRITTEN = "output_tokens"
_THOUGHT = "thinking_tokens"


@dataclass(slots=True)
class Spent:
    """The tokens of an answer that may have taken several requests (policy A7)."""

    past: list[Mapping[str, int]] = field(default_factory=list)
    now: dict[str, int] = field(default_factory=dict)

    def told(self, usage: object) -> None:
        """Take what one event says; its counts are those of the request so far, not what was added."""
        if not isinstance(usage, dict):
            return
        details = usage.get("output_tokens_details")
        thought = details.get(_THOUGHT) if isinstance(details, dict) else None
        for name, value in ((_THOUGHT, thought), *((n, usage.get(n)) for n in (_READ, _CACHED, _STORED, _WRITTEN))):
            if (number := count(value)) is not None:
                self.now[name] = number

    def next_request(self) -> None:
        """Go on with another request."""
        self.past.append(self.now)
        self.now = {}

    def usage(self) -> Usage:
        """The sum. ``input_tokens`` of the wire leave out what came from or went into a cache."""
        return Usage(
            input_tokens=self._sum(_READ, _CACHED, _STORED) if self._is_told(_READ) else None,
            output_tokens=self._sum(_WRITTEN) if self._is_told(_WRITTEN) else None,
            cached_input_tokens=self._sum(_CACHED) if self._is_told(_CACHED) else None,
            cache_write_tokens=self._sum(_STORED) if self._is_told(_STORED) else None,
            reasoning_tokens=self._sum(_THOUGHT) if self._is_told(_THOUGHT) else None,
        )

    def _is_told(self, name: str) -> bool:
        return any(name in request for request in (*self.past, self.now))

    def _sum(self, *names: str) -> int:
        return sum(request.get(name, 0) for request in (*self.past, self.now) for name in names)


PIECES = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature",
           "input_json_delta": "partial_json"}  # fmt: skip
"""Kind of delta -> the field its text stands in."""


@dataclass(slots=True, kw_only=True)
class Block:
    """A content block being told: as it began, and the pieces that came after."""

    begun: dict[str, object]
    pieces: dict[str, list[str]] = field(default_factory=dict)

    def joined(self, name: str) -> str:
        """What came of one field."""
        return "".join(self.pieces.get(name, ()))

    def whole(self, arguments: Mapping[str, object] | None) -> Json:
        """The block as it is sent back."""
        whole = dict(self.begun)
        for name in ("text", "thinking", "signature"):
            if more := self.joined(name):
                whole[name] = f"{whole.get(name) or ''}{more}"
        if "input" in whole:
            whole["input"] = arguments or {}
        return whole
