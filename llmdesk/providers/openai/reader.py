"""The OpenAI chat wire, inward: chunks of a stream, or one whole reply, into events.

Shapes: openai-python, ``types/chat/chat_completion_chunk.py`` and ``chat_completion.py``. Beyond them, what compatible
servers send: ``reasoning_content`` (DeepSeek, llama.cpp) or ``reasoning`` (vLLM, OpenRouter, Groq); content as a list
of parts (Mistral, with ``thinking`` among them); usage in ``x_groq``; ``event: error``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import AnswerCut, ModelRefused, ServerFailed
from llmdesk.core.text import one_line, redact, sanitise
from llmdesk.core.types import Completed
from llmdesk.providers.answer_log import AnswerLog, carrying
from llmdesk.providers.exchange import object_of
from llmdesk.providers.openai.calls import CallsInPieces
from llmdesk.providers.openai.errors import failure
from llmdesk.providers.openai.hints import asked_s
from llmdesk.providers.openai.said import unwrap
from llmdesk.providers.openai.usage import usage_of
from llmdesk.providers.refusals import DETAILS_LIMIT, TEXT_LIMIT, brief

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.core.errors import ProviderError
    from llmdesk.core.types import Json, ProviderEvent
    from llmdesk.providers.base import Endpoint
    from llmdesk.providers.sse import ServerEvent

_NORMAL = frozenset({"stop", "tool_calls", "function_call"})
_BY_LENGTH = frozenset({"length", "model_length"})
"""``model_length`` is Mistral's (mistralai/client-python: ``models/completionresponsestreamchoice.py``)."""


class AnswerReader:
    """Follows the answer of one request to its end.

    Args:
        endpoint: who answers; its answer cap counts.
        model: what was asked, for messages.
        keep_wire: let events carry the objects they were made of.
        notes: what the user should see with the answer.
    """

    def __init__(self, endpoint: Endpoint, model: str, *, keep_wire: bool = False, notes: tuple[str, ...] = ()) -> None:
        self.completed = False
        self.ended = False
        self.had_content = False
        self._endpoint = endpoint
        self._model = model
        self._keep_wire = keep_wire
        self._notes = notes
        self._log = AnswerLog(endpoint)
        self.cut = self._log.cut
        self.used = self._log.used
        self._calls = CallsInPieces(self._log.cut, endpoint.caps.answer)
        self._refusal = ""
        self._by_length = False
        self._failed: ProviderError | None = None
        """What the end of the answer was instead; it is raised when the usage after it has come."""
        self._usage: Mapping[str, object] | None = None
        self._served = ""
        self._last: Json | None = None

    # --- what ``exchange.follow`` calls ---------------------------------------------------------------------------

    def read(self, event: ServerEvent) -> list[ProviderEvent]:
        """Turn one event of the stream into ours.

        Raises:
            ProviderError: it is an error, or not what belongs here.
            FrameBroken: it is no JSON.
        """
        data = event.data.strip()
        if not data:  # kept alive with an empty event
            return []
        if data == b"[DONE]":
            if not self.ended:
                raise self.cut("[DONE] came, but no reason why it ended")
            return self._complete()
        chunk = object_of(event)
        if (problem := _error_in(chunk, event.name)) is not None:
            if self.ended:  # how it ended was said before
                return self._complete()
            raise self._failure(problem)
        self._last = chunk
        before = self._usage
        self._note(chunk)
        ended = self.ended
        try:
            choice = self._choice(chunk)
            events = [] if choice is None else self._take(choice, choice.get("delta", choice.get("message")))
        except AnswerCut:
            if ended:  # damage behind a whole answer
                return self._complete()
            raise
        finally:
            if self._usage is not before:  # it counts what this chunk brings too
                self._log.tell(usage_of(self._usage))
        if self.ended and self._usage is not before:
            return self._complete(events)
        return self._carrying(events)

    def read_whole(self, value: object) -> list[ProviderEvent]:
        """Turn a reply that came as one JSON document into events, the last one ``Completed``.

        Raises:
            ProviderError: it is an error, or not complete.
        """
        if not isinstance(value, dict) or "choices" not in value:
            if isinstance(value, dict | list) and value:
                raise self._failure(value)
            raise self.cut("it is no answer")
        if (problem := _error_in(value)) is not None:
            raise self._failure(problem)
        self._last = value
        self._note(value)
        choice = self._choice(value)
        events = [] if choice is None else self._take(choice, choice.get("message", choice.get("delta")))
        return [*events, *self.end()]

    def end(self) -> list[ProviderEvent]:
        """The body is over: what is still owed.

        Raises:
            AnswerCut: the wire never said how the answer ended.
        """
        if self.completed:
            return []
        if not self.ended:
            raise self.cut()
        return self._complete()

    def served(self) -> str:
        """The model that has been said to answer."""
        return one_line(redact(self._served))

    # --- one chunk ------------------------------------------------------------------------------------------------

    def _failure(self, value: object) -> ProviderError:
        said = unwrap(None, value)
        return failure(self._endpoint, said, model=self._model, hint_s=asked_s(said.text))

    def _note(self, chunk: Mapping[str, object]) -> None:
        """Keep what stands beside the choices: usage (the last that comes counts) and the model."""
        groq = chunk.get("x_groq")
        for usage in (chunk.get("usage"), groq.get("usage") if isinstance(groq, dict) else None):
            if isinstance(usage, dict) and usage:
                self._usage = usage
        model = chunk.get("model")
        if isinstance(model, str) and model:
            self._served = model[:2_000]

    def _choice(self, chunk: Mapping[str, object]) -> Mapping[str, object] | None:
        """The first choice; none in a chunk that only tells usage."""
        choices = chunk.get("choices")
        if choices is None:
            return None
        if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
            raise self.cut("a chunk with choices that are none")
        return next((choice for choice in choices if choice.get("index", 0) in (0, None)), None)

    def _take(self, choice: Mapping[str, object], delta: object) -> list[ProviderEvent]:
        if delta is None:
            delta = {}
        if not isinstance(delta, dict):
            raise self.cut("a chunk with a delta that is none")
        text, thought = self._texts(delta.get("content"))
        thought += self._text(delta.get("reasoning_content")) or self._text(delta.get("reasoning"))
        refusal = self._text(delta.get("refusal"))
        self._refusal = (self._refusal + refusal)[:TEXT_LIMIT]
        self._log.weigh(len(refusal))
        grew = not self.ended and self._calls.take(delta)
        if grew:
            self._log.came()
        events = self._log.take(text, thought)
        self.had_content |= bool(events) or bool(refusal) or grew
        reason = choice.get("finish_reason")
        if reason is not None and reason != "" and not self.ended:
            events += self._end_with(reason)
        return events  # what is said after the reason to end was said too, and nothing of an answer is left out

    def _texts(self, content: object) -> tuple[str, str]:
        """Text and reasoning of a content that may come in parts."""
        if not isinstance(content, list):
            return self._text(content), ""
        text, thought = "", ""
        for part in content:
            if not isinstance(part, dict):
                raise self.cut("a content part that is none")
            if part.get("type") == "thinking":
                inner = part.get("thinking")
                inner = inner if isinstance(inner, list) else [{"text": inner}]
                thought += "".join(self._text(each.get("text")) for each in inner if isinstance(each, dict))
            else:
                text += self._text(part.get("text"))
        return text, thought

    def _text(self, value: object) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.cut("a chunk with text that is none")
        return value

    # --- the end --------------------------------------------------------------------------------------------------

    def _end_with(self, reason: object) -> Sequence[ProviderEvent]:
        """Take the terminal marker (policy R1, R8, R12, P9): the last calls; what it says of usage comes after it."""
        self._by_length = isinstance(reason, str) and reason in _BY_LENGTH
        self._failed = self._failure_of(reason)
        whole = self._failed is None and not self._by_length  # calls that were cut are none
        calls = self._log.take(calls=self._calls.whole()) if whole else []
        self.ended = True
        return calls

    def _failure_of(self, reason: object) -> ProviderError | None:
        """What an end means that is none; ``None`` = the answer is there."""
        name = self._endpoint.name
        if reason == "content_filter":
            said = f": {self._refusal}" if self._refusal else "."
            return ModelRefused(
                one_line(redact(f"{name}: the model declined (content filter){said}")), details=self._kept()
            )
        if not isinstance(reason, str) or reason not in _NORMAL | _BY_LENGTH:
            said = brief(reason, 60)
            return ServerFailed(one_line(f"{name}: the answer ended for an unknown reason: {said}"), details=said)
        if self._refusal and reason not in _BY_LENGTH:
            return ModelRefused(one_line(redact(f"{name}: the model declined: {self._refusal}")), details=self._kept())
        return None

    def _kept(self) -> str:
        return sanitise(redact(self._refusal))[:DETAILS_LIMIT]

    def _complete(self, events: Sequence[ProviderEvent] = ()) -> list[ProviderEvent]:
        if self._failed is not None:
            raise self._failed
        finish = self._log.finish(by_length=self._by_length)
        self.completed = True
        done = Completed(
            finish_reason=finish,
            usage=usage_of(self._usage or {}),
            served_model=self.served(),
            notes=self._notes,
        )
        return self._carrying([*events, done])

    def _carrying(self, events: list[ProviderEvent]) -> list[ProviderEvent]:
        """Let the last event carry the wire object, where that is wanted."""
        return carrying(events, self._last) if self._keep_wire and self._last is not None else events


def _error_in(chunk: Mapping[str, object], name: str = "") -> object | None:
    """The error that came in place of a chunk, or inside of one; ``None`` = there is none.

    Beside ``error`` at the top: ``x_groq.error`` (groq-python: ``types/chat/chat_completion_chunk.py``), the ``error``
    of a choice (openrouter.ai/docs/api-reference/errors), the event of that name.
    """
    if chunk.get("error") or name == "error" or chunk.get("object") == "error":
        return chunk
    groq = chunk.get("x_groq")
    if isinstance(groq, dict) and groq.get("error"):
        return groq
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) and first.get("error") else None
