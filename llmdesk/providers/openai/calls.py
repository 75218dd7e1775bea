"""Tool calls of the OpenAI chat wire: they come in pieces, told apart by an index, and are whole at the end.

Shapes: openai-python, ``types/chat/chat_completion_chunk.py`` (``ChoiceDeltaToolCall``). Some servers leave the index
out and send each call whole; some still use ``function_call``, which that file calls deprecated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmdesk.core.types import ToolCall
from llmdesk.providers.ndjson import FrameBroken, objects
from llmdesk.providers.reply import size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmdesk.core.errors import AnswerCut

_CALL_BYTES = 512
"""What a call costs beside its text, bytes."""


@dataclass(slots=True)
class _Call:
    """A call while it comes in; ``pieces`` are its arguments as JSON text."""

    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)


class CallsInPieces:
    """The calls of one answer.

    Args:
        cut: makes the error of an answer that is damaged here.
        cap: bytes that all of them together may hold.
    """

    def __init__(self, cut: Callable[[str], AnswerCut], cap: int) -> None:
        self._cut = cut
        self._cap = cap
        self._calls: dict[object, _Call] = {}
        self._bytes = 0

    def take(self, delta: Mapping[str, object]) -> bool:
        """Add what a delta (or a whole message) holds; whether it held anything new.

        Raises:
            AnswerCut: it is malformed, or too much.
        """
        before = self._bytes
        pieces = delta.get("tool_calls")
        if pieces is None:
            pieces = []
        if not isinstance(pieces, list):
            raise self._cut("malformed tool calls")
        for piece in pieces:
            self._piece(piece)
        old = delta.get("function_call")
        if isinstance(old, dict):
            self._add("function_call", "", old)
        return self._bytes > before

    def whole(self) -> list[ToolCall]:
        """The calls, now that they are complete.

        Raises:
            AnswerCut: one has no name, or its arguments are no JSON object.
        """
        return [self._whole(call) for call in self._calls.values()]

    def _piece(self, piece: object) -> None:
        function = piece.get("function") if isinstance(piece, dict) else None
        if not isinstance(piece, dict) or not isinstance(function, dict | None):
            raise self._cut("a malformed tool call")
        told, key = piece.get("id"), piece.get("index")
        if not isinstance(key, int):  # whole calls: an id or a name begins another one
            fresh = bool(told) or bool((function or {}).get("name")) or not self._calls
            key = ("whole", len(self._calls)) if fresh else next(reversed(self._calls))
        self._add(key, told if isinstance(told, str) else "", function or {})

    def _add(self, key: object, number: str, function: Mapping[str, object]) -> None:
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments)
        if not isinstance(name, str | None) or not isinstance(arguments, str | None):
            raise self._cut("a malformed tool call")
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = _Call()
            self._bytes += _CALL_BYTES
        if not call.id:
            call.id = number
            self._bytes += len(number)
        if not call.name and name:
            call.name = name
            self._bytes += len(name)
        if arguments:
            call.pieces.append(arguments)
            self._bytes += len(arguments) + 64
        if self._bytes > self._cap:
            raise self._cut(f"it is larger than {size(self._cap)}")

    def _whole(self, call: _Call) -> ToolCall:
        text = "".join(call.pieces)
        try:
            found = list(objects(text.encode("utf-8", "replace"))) if text.strip() else [{}]
        except FrameBroken as problem:
            raise self._cut(f"the arguments of a tool call are damaged: {problem}") from None
        if len(found) != 1 or not call.name:
            raise self._cut("a malformed tool call")
        return ToolCall(name=call.name, arguments=found[0], id=call.id)
