"""Anthropic's answers: the events of one stream, or one whole message, into ours.

Shapes: ``types/raw_message_stream_event.py`` and ``types/message.py`` of anthropics/anthropic-sdk-python 2.11. Events
and blocks of unknown types are passed over, as platform.claude.com/docs/en/build-with-claude/streaming asks for; an
unknown *reason to stop* is not (policy R12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import ModelRefused, ServerFailed
from llmdesk.core.text import one_line, redact
from llmdesk.core.types import Completed, ToolCall
from llmdesk.providers.answer_log import carrying
from llmdesk.providers.anthropic.blocks import PIECES, Block
from llmdesk.providers.anthropic.errors import failure, unwrap
from llmdesk.providers.exchange import object_of
from llmdesk.providers.ndjson import FrameBroken, document
from llmdesk.providers.refusals import DETAILS_LIMIT, brief
from llmdesk.providers.reply import size

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.errors import ProviderError
    from llmdesk.core.types import Json, ProviderEvent
    from llmdesk.providers.answer_log import AnswerLog
    from llmdesk.providers.anthropic.blocks import Spent
    from llmdesk.providers.base import Endpoint
    from llmdesk.providers.sse import ServerEvent


_PIECE_BYTES = 64
_VALUE_BYTES = 64
_BLOCK_BYTES = 512
"""What a piece, a value and a block cost in memory beside their text, bytes."""


class AnswerReader:
    """Follows the answer of one request.

    Args:
        endpoint: who answers.
        model: what was asked, for messages.
        log: the account of the whole answer, which may take several requests.
        spent: its tokens.
        keep_wire: the last event made of a wire object carries it.
        keep_blocks: the turn may be paused, so that its blocks are kept to be sent back (they count as answer).
        now: UTC epoch seconds.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        *,
        log: AnswerLog,
        spent: Spent,
        keep_wire: bool = False,
        keep_blocks: bool = False,
        now: Callable[[], float],
    ) -> None:
        self.completed = False
        self.ended = False
        self.had_content = False
        self.paused = False
        """The turn is to be continued with what was said so far."""
        self.said: list[Json] = []
        self.cut = log.cut
        self.used = log.used
        self._endpoint = endpoint
        self._model = model
        self._log = log
        self._spent = spent
        self._keep_wire = keep_wire
        self._keep_blocks = keep_blocks
        self._now = now
        self._blocks: dict[object, Block] = {}
        self._kept_bytes = 0
        self._broken_call = False
        self._served = ""
        self._stop: dict[str, object] = {}
        self._last: dict[str, object] = {}

    def read(self, event: ServerEvent) -> list[ProviderEvent]:
        """Turn one event of the stream into ours.

        Raises:
            ProviderError: it is an error, or not what belongs here.
            FrameBroken: it is no JSON.
        """
        value = object_of(event)
        if event.name == "error" or value.get("type") == "error":
            raise self._failure(value)
        if self._keep_blocks or value.get("type") == "content_block_start":
            self._hold(_weight(event.data))
        events = self._event(value)
        if events and self._keep_wire:
            carrying(events, self._last if isinstance(events[-1], Completed) else value)
        return events

    def read_whole(self, value: object) -> list[ProviderEvent]:
        """Turn a message that came as one document into events.

        Raises:
            ProviderError: it is an error, or no message.
        """
        if not isinstance(value, dict):
            raise self.cut("it is no message")
        if value.get("type") == "error" or value.get("error") is not None:
            raise self._failure(value)
        blocks = value.get("content")
        if not isinstance(blocks, list):
            raise self.cut("it is no message")
        self._begin(value)
        events: list[ProviderEvent] = []
        for number, block in enumerate(blocks):
            events += self._block_begins(number, block)
            events += self._block_ends(number)
        self._stop = value
        self._tell(value)
        events += self._end()
        return carrying(events, value) if self._keep_wire else events

    def end(self) -> list[ProviderEvent]:
        """The body is over.

        Raises:
            AnswerCut: it never said so itself.
        """
        if self.completed:
            return []
        raise self.cut()

    def _failure(self, value: dict[str, object]) -> ProviderError:
        return failure(self._endpoint, unwrap(None, value), model=self._model, now=self._now())

    def served(self) -> str:
        """The model that has been said to answer."""
        return self._served

    # --- events ---------------------------------------------------------------------------------------------------

    def _event(self, value: dict[str, object]) -> list[ProviderEvent]:
        kind, index = str(value.get("type")), value.get("index")
        events: list[ProviderEvent] = []
        match kind:
            case "message_start":
                self._begin(value.get("message"))
            case "content_block_start":
                events = self._block_begins(index, value.get("content_block"))
            case "content_block_delta":
                events = self._block_grows(index, value.get("delta"))
            case "content_block_stop":
                events = self._block_ends(index)
            case "message_delta":
                delta = value.get("delta")
                self._stop = delta if isinstance(delta, dict) else {}
                self._last = value
                self._tell(value)
            case "message_stop":
                events = self._end()
            case _:
                pass
        return events

    def _begin(self, message: object) -> None:
        if isinstance(message, dict):
            self._tell(message)
            name = message.get("model")
            self._served = one_line(redact(name[:2_000])) if isinstance(name, str) else ""

    def _tell(self, value: dict[str, object]) -> None:
        """Take what a message or an event says was used so far."""
        if isinstance(usage := value.get("usage"), dict):
            self._spent.told(usage)
            self._log.tell(self._spent.usage())

    def _block_begins(self, index: object, block: object) -> list[ProviderEvent]:
        if not isinstance(block, dict) or not isinstance(index, int | None):
            raise self.cut("a malformed block")
        self._blocks[index] = Block(begun=block)
        self.had_content |= _says_more(block)
        text, thinking = block.get("text"), block.get("thinking")
        kind = block.get("type")
        if kind == "fallback" and isinstance(to := block.get("to"), dict):
            self._begin({"model": to.get("model")})
        return self._log.take(
            text if kind == "text" and isinstance(text, str) else "",
            thinking if kind == "thinking" and isinstance(thinking, str) else "",
        )

    def _block_grows(self, index: object, delta: object) -> list[ProviderEvent]:
        if not isinstance(delta, dict) or not isinstance(index, int | None):
            raise self.cut("a malformed piece of a block")
        kind = delta.get("type")
        name = PIECES.get(kind) if isinstance(kind, str) else None
        if name is None:
            self.had_content |= _says_more(delta)
            return []
        piece = delta.get(name)
        if not isinstance(piece, str):
            raise self.cut("a piece of text that is none")
        if not piece:
            return []
        self.had_content = True
        block = self._blocks.setdefault(index, Block(begun={"type": name}))
        if self._keep_blocks or name == "partial_json":
            block.pieces.setdefault(name, []).append(piece)
        if name == "partial_json":
            self._hold(len(piece) + _PIECE_BYTES)
            self._log.came()
        return self._log.take(piece if name == "text" else "", piece if name == "thinking" else "")

    def _block_ends(self, index: object) -> list[ProviderEvent]:
        block = self._blocks.pop(index, None) if isinstance(index, int | None) else None
        if block is None:
            return []
        arguments = self._arguments(block)
        if self._keep_blocks:
            self.said.append(block.whole(arguments))
        if block.begun.get("type") != "tool_use" or arguments is None:
            return []
        name, number = block.begun.get("name"), block.begun.get("id")
        if not isinstance(name, str) or not name:
            raise self.cut("a malformed tool call")
        return self._log.take(
            calls=[ToolCall(name=name, arguments=arguments, id=number if isinstance(number, str) else "")]
        )

    def _arguments(self, block: Block) -> dict[str, object] | None:
        """What a tool is called with; ``None`` = it was cut, which is no fault where the limit was reached."""
        given = block.begun.get("input")
        if not (text := block.joined("partial_json")).strip():
            return given if isinstance(given, dict) else {}
        try:
            found = document(text.encode())
        except FrameBroken:
            found = None
        if isinstance(found, dict):
            return found
        self._broken_call = self._broken_call or block.begun.get("type") == "tool_use"
        return None

    def _hold(self, more: int) -> None:
        """Count what is kept beside text: blocks that have begun, those to send back, and the pieces of calls."""
        self._kept_bytes += more
        if self._kept_bytes > self._endpoint.caps.answer:
            raise self.cut(f"it is larger than {size(self._endpoint.caps.answer)}")

    # --- the end --------------------------------------------------------------------------------------------------

    def _end(self) -> list[ProviderEvent]:
        reason = self._stop.get("stop_reason")
        match reason:
            case "end_turn" | "stop_sequence" | "tool_use":
                if self._broken_call:
                    raise self.cut("a malformed tool call")
                finish = self._log.finish()
            case "max_tokens" | "model_context_window_exceeded":
                finish = self._log.finish(by_length=True)
            case "refusal":
                raise self._refusal()
            case "pause_turn":
                self.completed = self.ended = self.paused = True
                return []
            case None:
                raise self.cut("it does not say why it ended")
            case _:
                said = brief(reason, 60)
                raise ServerFailed(
                    f"{self._endpoint.name}: the answer ended for an unknown reason: {said}", details=said
                )
        self.completed = self.ended = True
        return [Completed(finish_reason=finish, usage=self._spent.usage(), served_model=self._served)]

    def _refusal(self) -> ModelRefused:
        details = self._stop.get("stop_details")
        told = details if isinstance(details, dict) else {}
        category, why = (brief(told.get(name) or "", DETAILS_LIMIT) for name in ("category", "explanation"))
        shown = f" ({category})" if category else ""
        because = f": {why}" if why else "."
        return ModelRefused(one_line(f"{self._endpoint.name}: the model declined{shown}{because}"), details=why)


def _weight(data: bytes) -> int:
    """What an event takes when it is kept: many small values take more than their text."""
    return len(data) + _BLOCK_BYTES + _VALUE_BYTES * sum(map(data.count, (b",", b"[", b"{")))


def _says_more(piece: dict[str, object]) -> bool:
    """Whether there is anything beside the kind of it."""
    return any(value for name, value in piece.items() if name != "type")
