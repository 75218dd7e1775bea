"""Servers of four wires that charge: what one does with a request as a play, and what it told of tokens in it.

The counts are made up; whoever plays one of these knows to the token what a client was told, and to the letter what
text it was sent before an answer broke off.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from llmdesk.core.types import Message, Role
from tests.support import anthropic_answers as claude
from tests.support import google_answers as gemini
from tests.support import ollama_answers as llama
from tests.support import openai_answers as gpt
from tests.support.fault_server import Mark, error, hang_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.fault_server import Play


class Fate(StrEnum):
    """What becomes of one request."""

    WHOLE = "whole"
    LENGTH = "cut by its limit"
    UNBILLED = "whole, no usage told"
    HALF = "whole, half of the usage told"
    REFUSED = "declined, usage told"
    CUT = "ends in the middle"
    BROKEN = "an error in the middle"
    HELD = "stops in the middle and says nothing more"
    BUSY = "5xx"
    LIMIT = "429"
    HANG_UP = "closed before an answer"


TOLD_WHOLE = frozenset({Fate.WHOLE, Fate.LENGTH, Fate.REFUSED})
"""The usage is told to its end."""

ANSWERED = frozenset({Fate.WHOLE, Fate.LENGTH, Fate.UNBILLED, Fate.HALF})
UNUSED = frozenset({Fate.BUSY, Fate.LIMIT, Fate.HANG_UP})
"""Nothing was taken and nothing said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Tokens a server counts: input by where it came from, output by what it was."""

    plain: int
    cached: int = 0
    written: int = 0
    spoken: int = 0
    thought: int = 0

    @property
    def read(self) -> int:
        """All input tokens."""
        return self.plain + self.cached + self.written

    @property
    def output(self) -> int:
        """All output tokens."""
        return self.spoken + self.thought


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a client was told, as totals; ``None`` = nothing of that."""

    read: int | None = None
    output: int | None = None
    cached: int | None = None
    written: int | None = None
    thought: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a server does with one request. ``said`` and ``thought`` are the texts that reach the client.

    ``exact``: though it breaks off, what it told of tokens has everything in it that it said.
    """

    play: Play
    told: Told = Told()
    exact: bool = False
    said: str = ""
    thought: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What is to be said: text, reasoning before it, and the model that says it."""

    text: str
    model: str
    thought: str = ""

    def pieces(self) -> list[str]:
        """The text in pieces, at least two."""
        half = max(1, len(self.text) // 3)
        return [self.text[start : start + half] for start in range(0, len(self.text), half)]


class Till(Protocol):
    """One wire as its server sees it."""

    kind: str
    fates: frozenset[Fate]
    """What can become of a request on this wire."""

    def act(self, fate: Fate, bill: Bill, speech: Speech) -> Act:
        """Play ``fate``."""
        ...

    def asks(self, path: str) -> bool:
        """Whether answers are asked for at ``path``."""
        ...

    def messages(self, body: Mapping[str, Any]) -> list[Message]:
        """The messages of a request, its system prompt first."""
        ...

    def limit(self, body: Mapping[str, Any]) -> int | None:
        """The limit that a request sets on its answer, tokens."""
        ...

    def url(self, origin: str) -> str:
        """The base URL of a provider."""
        ...


ALL = frozenset(Fate)


class OllamaTill:
    """``/api/chat``: counts come with the last line, nothing of caches."""

    kind = "ollama"
    fates = ALL - {Fate.REFUSED}

    def url(self, origin: str) -> str:
        return origin

    def asks(self, path: str) -> bool:
        return path == "/api/chat"

    def messages(self, body: Mapping[str, Any]) -> list[Message]:
        return [Message(role=Role(m["role"]), content=m["content"]) for m in body["messages"]]

    def limit(self, body: Mapping[str, Any]) -> int | None:
        return _count(body.get("options", {}).get("num_predict"))

    def act(self, fate: Fate, bill: Bill, speech: Speech) -> Act:
        pieces = speech.pieces()
        thinking = [llama.chat_chunk(thinking=speech.thought, model=speech.model)] if speech.thought else []
        chunks = [*thinking, *(llama.chat_chunk(piece, model=speech.model) for piece in pieces)]
        match fate:
            case Fate.WHOLE | Fate.LENGTH | Fate.UNBILLED | Fate.HALF:
                read = bill.read if fate is not Fate.UNBILLED else None
                output = bill.output if fate in TOLD_WHOLE else None
                reason = "length" if fate is Fate.LENGTH else "stop"
                done = llama.done_chunk(model=speech.model, reason=reason, input_tokens=read, output_tokens=output)
                told = Told(read=read, output=output)
                return Act(play=llama.stream([*chunks, done]), told=told, said=speech.text, thought=speech.thought)
            case Fate.CUT | Fate.HELD:
                end = Mark.HOLD if fate is Fate.HELD else None
                return Act(play=llama.stream(chunks[:-1], end=end), **_first(speech))
            case Fate.BROKEN:
                return Act(play=llama.stream([*chunks[:-1], {"error": "runner crashed"}]), **_first(speech))
            case Fate.BUSY:
                return Act(play=error(503, "server busy, please try again."))
            case Fate.LIMIT:
                return Act(play=error(429, "you've reached your hourly usage limit, please wait"))
            case Fate.HANG_UP:
                return Act(play=hang_up())
            case Fate.REFUSED:
                raise AssertionError("this wire has no refusals")


class OpenAITill:
    """``/v1/chat/completions``: usage in a chunk of its own behind the end; cached tokens are part of the input."""

    kind = "openai"
    fates = ALL

    def url(self, origin: str) -> str:
        return f"{origin}/v1"

    def asks(self, path: str) -> bool:
        return path == "/v1/chat/completions"

    def messages(self, body: Mapping[str, Any]) -> list[Message]:
        return [Message(role=Role(m["role"]), content=m["content"]) for m in body["messages"]]

    def limit(self, body: Mapping[str, Any]) -> int | None:
        return _count(body.get("max_tokens", body.get("max_completion_tokens")))

    def act(self, fate: Fate, bill: Bill, speech: Speech) -> Act:
        pieces, model = speech.pieces(), speech.model
        thinking = [gpt.chunk(model=model, delta={"reasoning_content": speech.thought})] if speech.thought else []
        chunks = [*thinking, *(gpt.chunk(piece, model=model) for piece in pieces)]
        match fate:
            case Fate.WHOLE | Fate.LENGTH | Fate.UNBILLED | Fate.HALF | Fate.REFUSED:
                reason = {Fate.LENGTH: "length", Fate.REFUSED: "content_filter"}.get(fate, "stop")
                chunks.append(gpt.chunk(finish=reason, model=model))
                told = Told()
                if fate is Fate.HALF:
                    told = Told(read=bill.read)
                    chunks.append(gpt.usage_chunk({"prompt_tokens": bill.read}, model=model))
                elif fate is not Fate.UNBILLED:
                    told = Told(read=bill.read, output=bill.output, cached=bill.cached, thought=bill.thought)
                    usage = gpt.tokens(bill.read, bill.output, cached=bill.cached, thought=bill.thought)
                    chunks.append(gpt.usage_chunk(usage, model=model))
                return Act(play=gpt.events(chunks), told=told, said=speech.text, thought=speech.thought)
            case Fate.CUT | Fate.HELD:
                end = Mark.HOLD if fate is Fate.HELD else None
                return Act(play=gpt.events(chunks[:-1], done=False, end=end), **_first(speech))
            case Fate.BROKEN:
                broken = {"error": {"message": "The server had an error", "type": "server_error", "code": None}}
                return Act(play=gpt.events([*chunks[:-1], broken], done=False), **_first(speech))
            case Fate.BUSY:
                return Act(play=gpt.refused(503, "The engine is currently overloaded", kind="server_error"))
            case Fate.LIMIT:
                return Act(play=gpt.refused(429, "Rate limit reached", code="rate_limit_exceeded", kind="requests"))
            case Fate.HANG_UP:
                return Act(play=hang_up())


class AnthropicTill:
    """``/v1/messages``: input told at the start, cached and written beside it; output at the end."""

    kind = "anthropic"
    fates = ALL

    def url(self, origin: str) -> str:
        return origin

    def asks(self, path: str) -> bool:
        return path == claude.PATH

    def messages(self, body: Mapping[str, Any]) -> list[Message]:
        system = body.get("system")
        first = [Message(role=Role.SYSTEM, content=_plain(system))] if system else []
        return [*first, *(Message(role=Role(m["role"]), content=_plain(m["content"])) for m in body["messages"])]

    def limit(self, body: Mapping[str, Any]) -> int | None:
        return _count(body.get("max_tokens"))

    def act(self, fate: Fate, bill: Bill, speech: Speech) -> Act:
        match fate:
            case Fate.BUSY:
                return Act(play=claude.refusal(529, "overloaded_error", "Overloaded"))
            case Fate.LIMIT:
                return Act(play=claude.refusal(429, "rate_limit_error", "This request would exceed your rate limit"))
            case Fate.HANG_UP:
                return Act(play=hang_up())
            case _:
                return self._stream(fate, bill, speech)

    def _stream(self, fate: Fate, bill: Bill, speech: Speech) -> Act:
        reads = {
            "input_tokens": bill.plain, "cache_read_input_tokens": bill.cached,
            "cache_creation_input_tokens": bill.written, "output_tokens": 1,
        }  # fmt: skip
        message: dict[str, object] = {
            "id": "msg_01", "type": "message", "role": "assistant", "model": speech.model, "content": [],
            "stop_reason": None, "usage": None if fate in (Fate.UNBILLED, Fate.HALF) else reads,
        }  # fmt: skip
        number = 1 if speech.thought else 0
        thinking = claude.thinking_block(speech.thought) if speech.thought else []
        events = [claude.event("message_start", message=message), *thinking]
        begun = Told(read=bill.read, output=1, cached=bill.cached, written=bill.written)
        match fate:
            case Fate.CUT | Fate.HELD | Fate.BROKEN:
                half = claude.text_block(*speech.pieces()[:-1], index=number)[:-1]
                broken = [claude.failed("overloaded_error")] if fate is Fate.BROKEN else []
                end = Mark.HOLD if fate is Fate.HELD else None
                return Act(play=claude.played([*events, *half, *broken], end), told=begun, **_first(speech))
            case _:
                reason = {Fate.LENGTH: "max_tokens", Fate.REFUSED: "refusal"}.get(fate, "end_turn")
                events += claude.text_block(*speech.pieces(), index=number)
        written = {"output_tokens": bill.output, "output_tokens_details": {"thinking_tokens": bill.thought}}
        usage = None if fate is Fate.UNBILLED else written
        events.append(claude.event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage))
        whole = Told(read=bill.read, output=bill.output, cached=bill.cached, written=bill.written, thought=bill.thought)
        told = {Fate.UNBILLED: Told(), Fate.HALF: Told(output=bill.output, thought=bill.thought)}.get(fate, whole)
        return Act(play=claude.played([*events, claude.END]), told=told, said=speech.text, thought=speech.thought)


class GoogleTill:
    """``:streamGenerateContent``: counts so far in every response; thinking beside the answer, cached in the input."""

    kind = "google"
    fates = ALL

    def url(self, origin: str) -> str:
        return f"{origin}/v1beta"

    def asks(self, path: str) -> bool:
        return path.endswith(":streamGenerateContent")

    def messages(self, body: Mapping[str, Any]) -> list[Message]:
        roles = {"user": Role.USER, "model": Role.ASSISTANT}
        system = body.get("systemInstruction")
        first = [Message(role=Role.SYSTEM, content=_plain(system["parts"]))] if system else []
        return [*first, *(Message(role=roles[c["role"]], content=_plain(c["parts"])) for c in body["contents"])]

    def limit(self, body: Mapping[str, Any]) -> int | None:
        return _count(body.get("generationConfig", {}).get("maxOutputTokens"))

    def act(self, fate: Fate, bill: Bill, speech: Speech) -> Act:
        match fate:
            case Fate.BUSY:
                return Act(play=gemini.refusal(503, "UNAVAILABLE", "The model is overloaded."))
            case Fate.LIMIT:
                return Act(play=gemini.refusal(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted."))
            case Fate.HANG_UP:
                return Act(play=hang_up())
            case _:
                return self._stream(fate, bill, speech)

    def _stream(self, fate: Fate, bill: Bill, speech: Speech) -> Act:
        reads = {"promptTokenCount": bill.read, "cachedContentTokenCount": bill.cached}
        every = {} if fate in {Fate.UNBILLED, Fate.HALF} else {**reads, "candidatesTokenCount": 2}
        parts: list[Mapping[str, object]] = [{"text": speech.thought, "thought": True}] if speech.thought else []
        parts += [{"text": piece} for piece in speech.pieces()]
        responses = [_response(part, speech.model, every) for part in parts]
        begun = Told(read=bill.read, output=2, cached=bill.cached)
        match fate:
            case Fate.CUT | Fate.HELD:
                end = Mark.HOLD if fate is Fate.HELD else None
                return Act(play=gemini.played(responses[:-1], end), told=begun, exact=not end, **_first(speech))
            case Fate.BROKEN:
                broken = gemini.status(503, "UNAVAILABLE", "The model is overloaded.")
                return Act(play=gemini.played([*responses[:-1], broken]), told=begun, exact=True, **_first(speech))
            case _:
                reason = {Fate.LENGTH: "MAX_TOKENS", Fate.REFUSED: "SAFETY"}.get(fate, "STOP")
        usage = {**reads, "candidatesTokenCount": bill.spoken, "thoughtsTokenCount": bill.thought}
        told = Told(read=bill.read, output=bill.output, cached=bill.cached, thought=bill.thought)
        if fate is Fate.HALF:
            usage, told = {"promptTokenCount": bill.read}, Told(read=bill.read)
        elif fate is Fate.UNBILLED:
            usage, told = {}, Told()
        responses.append(_response({"text": ""}, speech.model, usage, reason))
        return Act(play=gemini.played(responses), told=told, said=speech.text, thought=speech.thought)


TILLS: tuple[Till, ...] = (OllamaTill(), OpenAITill(), AnthropicTill(), GoogleTill())


def _first(speech: Speech) -> dict[str, Any]:
    """What has been said when all but the last piece came."""
    return {"said": "".join(speech.pieces()[:-1]), "thought": speech.thought}


def _response(
    part: Mapping[str, object], model: str, usage: Mapping[str, int], reason: str | None = None
) -> dict[str, object]:
    made = gemini.response(part, reason=reason, modelVersion=model)
    return {**made, "usageMetadata": usage} if usage else made


def _count(value: object) -> int | None:
    assert value is None or isinstance(value, int)
    return value


def _plain(content: object) -> str:
    """The text of a content that may come in blocks or parts."""
    if isinstance(content, str):
        return content
    assert isinstance(content, list)
    return "".join(_text_of(part) for part in content)


def _text_of(part: Mapping[str, Any]) -> str:
    text = part.get("text", "")
    assert isinstance(text, str)
    return text
