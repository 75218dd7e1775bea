"""How a simulated model speaks: token by token at its machine's pace, with the figures of the real one at the end."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass
from llmdesk.demo.answers import SLOW_FACTOR
from llmdesk.demo.server import ConnectionCut
from llmdesk.demo.turn import Metrics
from llmdesk.demo.wire import json_line, timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from llmdesk.core.types import Json
    from llmdesk.demo.shelf import Shelf
    from llmdesk.demo.turn import Turn

CUT_AT = 0.4
"""How much of an answer comes before its connection is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the simulated machine is, seconds: until it starts, to load a model, for one token, a progress line."""

    start_s: float = 0.0
    load_s: float = 0.0
    token_s: float = 0.0
    step_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str = ""
    thinking: str = ""
    last: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Speaks the answers of one server. ``shelf`` is ``None`` for the cloud, whose models are always in memory."""

    pace: Pace
    shelf: Shelf | None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def stream(self, turn: Turn, *, cut: bool = False) -> AsyncGenerator[bytes, None]:
        """The answer as lines.

        Raises:
            ConnectionCut: in the middle, if ``cut``.
        """
        async with aclosing(self._speak(turn, cut=cut)) as pieces:
            async for piece in pieces:
                yield json_line(self._object(turn, piece))

    async def whole(self, turn: Turn, *, cut: bool = False) -> Json:
        """The answer as one object.

        Raises:
            ConnectionCut: before it is whole, if ``cut``.
        """
        said = [piece async for piece in self._speak(turn, cut=cut)]
        text, thinking = "".join(piece.text for piece in said), "".join(piece.thinking for piece in said)
        return self._object(turn, _Piece(text, thinking, said[-1].last))

    def load_only(self, turn: Turn, shelf: Shelf) -> Json:
        """Move the model in or out of memory, for a request without a prompt."""
        reason = "load"
        if turn.keep_alive_s == 0:
            shelf.unload(turn.model)
            reason = "unload"
        else:
            shelf.load(turn.model, context_tokens=turn.context_tokens, keep_alive_s=turn.keep_alive_s)
        return self._object(turn, _Piece(last={"done_reason": reason}))

    def _object(self, turn: Turn, piece: _Piece) -> Json:
        at = timestamp(self.now())
        return turn.line(created_at=at, text=piece.text, thinking=piece.thinking, last=piece.last)

    async def _speak(self, turn: Turn, *, cut: bool) -> AsyncGenerator[_Piece, None]:
        answer = turn.answer()
        token_s = self.pace.token_s * (SLOW_FACTOR if answer.slow else 1.0)
        load_s = self._load(turn)
        await self.sleep(load_s + self.pace.start_s)
        pieces = [_Piece(thinking=token) for token in split_tokens(answer.thinking if turn.thinks else "")]
        pieces += [_Piece(text=token) for token in split_tokens(answer.text)]
        whole_length = len(pieces)
        pieces = pieces[: turn.limit_tokens]
        for number, piece in enumerate(pieces):
            if cut and number >= len(pieces) * CUT_AT:
                raise ConnectionCut
            yield piece
            await self.sleep(token_s)
        metrics = Metrics(
            prompt_tokens=self._prompt_tokens_read(turn),
            output_tokens=len(pieces),
            load_s=load_s,
            prompt_s=max(self.pace.start_s, 1e-6 * turn.prompt_tokens),
            output_s=max(token_s, 1e-6) * len(pieces),
        )
        if self.shelf and turn.keep_alive_s == 0:
            self.shelf.unload(turn.model)
        reason = "length" if len(pieces) < whole_length else "stop"
        yield _Piece(last={"done_reason": reason, **metrics.fields()})

    def _load(self, turn: Turn) -> float:
        """Bring the model into memory; how long that takes, seconds."""
        if self.shelf is None:
            return 0.0
        fresh = self.shelf.load(turn.model, context_tokens=turn.context_tokens, keep_alive_s=turn.keep_alive_s)
        return self.pace.load_s if fresh else 0.0

    def _prompt_tokens_read(self, turn: Turn) -> int:
        """A prompt that the window does not hold is quietly cut, to about half the window."""
        window = self.shelf.window(turn.model) if self.shelf else turn.model.context_tokens
        return turn.prompt_tokens if turn.prompt_tokens <= window else window // 2


def split_tokens(text: str) -> list[str]:
    """Cut a text into pieces of about a token each; joined again they are the text."""
    return re.findall(r"\s*[^\s]{1,6}|\s+", text)
