"""Google's answers: the responses of one stream, or a list of them, into our events.

Shapes: GenerateContentResponse, Candidate, FinishReason and the usage metadata in ``types.py`` of
googleapis/python-genai 3.4. Counts are those of the answer so far; thinking is counted beside the answer, not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import KeyRejected, ModelRefused, ServerFailed
from llmdesk.core.text import one_line, redact
from llmdesk.core.types import Completed, ToolCall, Usage
from llmdesk.providers.answer_log import AnswerLog, carrying, count
from llmdesk.providers.google.errors import failure, unwrap
from llmdesk.providers.ndjson import document
from llmdesk.providers.refusals import DETAILS_LIMIT, TEXT_LIMIT, brief

if TYPE_CHECKING:
    from llmdesk.core.types import ProviderEvent
    from llmdesk.providers.base import Endpoint
    from llmdesk.providers.sse import ServerEvent

_STOPPED = frozenset({"STOP"})
_CUT = frozenset({"MAX_TOKENS", "CONTINUATION"})
_REFUSED = frozenset({
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "IMAGE_RECITATION", "ESCALATION", "MODEL_ARMOR",
})  # fmt: skip
_BROKEN = frozenset({
    "FINISH_REASON_UNSPECIFIED", "OTHER", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "NO_IMAGE",
})  # fmt: skip
"""The model stumbled: worth one more try (policy E6)."""
_COUNTS = (
    "promptTokenCount", "toolUsePromptTokenCount", "candidatesTokenCount", "thoughtsTokenCount",
    "cachedContentTokenCount",
)  # fmt: skip
_BY_MODALITY = "promptTokensDetails"
"""Where the tokens of a prompt are told by modality (``types.py``, ModalityTokenCount)."""
_DISABLED = "PUP_LIMITED_DISABLED"

FINISH_REASONS = _STOPPED | _CUT | _REFUSED | _BROKEN | {_DISABLED}
"""Every reason that is known (``types.py``, FinishReason); any other is an error (policy R12)."""


class AnswerReader:
    """Follows the answer of one request.

    Args:
        endpoint: who answers.
        model: what was asked, for messages.
        keep_wire: the last event made of a wire object carries it.
    """

    def __init__(self, endpoint: Endpoint, model: str, *, keep_wire: bool = False) -> None:
        self.completed = False
        self.ended = False
        self.had_content = False
        self._endpoint = endpoint
        self._model = model
        self._keep_wire = keep_wire
        self._log = AnswerLog(endpoint)
        self.cut = self._log.cut
        self.used = self._log.used
        self._reason = ""
        self._goes_on = False
        """Older models say STOP with every piece: what goes on after that has not ended, and only the end of the body
        tells when it has."""
        self._stops = False
        self._served = ""
        self._told: dict[str, int] = {}
        self._last: dict[str, object] = {}

    def read(self, event: ServerEvent) -> list[ProviderEvent]:
        """Turn one event of the stream into ours.

        Raises:
            ProviderError: it is an error, or not what belongs here.
            FrameBroken: it is no JSON.
        """
        return self._take(document(event.data))

    def read_whole(self, value: object) -> list[ProviderEvent]:
        """Turn a reply that came as one document, a list of responses or one of them, into events (policy E8).

        Raises:
            ProviderError: it is an error, or not complete.
        """
        events: list[ProviderEvent] = []
        for response in value if isinstance(value, list) else [value]:
            events += self._take(response)
        return [*events, *self.end()]

    def end(self) -> list[ProviderEvent]:
        """The body is over; only now, for counts may come after the reason to stop.

        Raises:
            AnswerCut: no candidate said why it stopped.
        """
        if not self._stops:
            raise self.cut()
        finish = self._log.finish(by_length=self._reason in _CUT)
        wire = self._last if self._keep_wire else None
        return [Completed(finish_reason=finish, usage=self._usage(), served_model=self._served, wire=wire)]

    def served(self) -> str:
        """The model that has been said to answer."""
        return self._served

    # --- one response -----------------------------------------------------------------------------------------------

    def _take(self, value: object) -> list[ProviderEvent]:
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, dict):
            raise self.cut("a response that is no object")
        if value.get("error") is not None:
            raise failure(self._endpoint, unwrap(None, value), model=self._model)
        self._last = value
        try:
            return self._response(value)
        finally:  # the counts of a response have what it brings in them, be it refused or damaged
            self._note(value)

    def _response(self, value: dict[str, object]) -> list[ProviderEvent]:
        candidates = value.get("candidates")
        if not candidates:
            self._check_prompt(value.get("promptFeedback"))
            return []
        if not isinstance(candidates, list) or not all(isinstance(candidate, dict) for candidate in candidates):
            raise self.cut("a malformed candidate")
        candidate = next((each for each in candidates if each.get("index") in (None, 0)), None)
        if candidate is None:
            return []
        events = self._parts(candidate.get("content"))
        self.had_content |= bool(events)
        self._finish(candidate, more=bool(events))
        return carrying(events, value) if self._keep_wire else events

    def _note(self, value: dict[str, object]) -> None:
        name, usage = value.get("modelVersion"), value.get("usageMetadata")
        if isinstance(name, str):
            self._served = one_line(redact(name[:2_000]))
        if isinstance(usage, dict):
            told = {name: count(usage.get(name)) for name in _COUNTS}
            told[_BY_MODALITY] = _of_images(usage.get(_BY_MODALITY))
            self._told |= {name: number for name, number in told.items() if number is not None}
            self._log.tell(self._usage())

    def _parts(self, content: object) -> list[ProviderEvent]:
        parts = content.get("parts", []) if isinstance(content, dict) else []
        if not isinstance(parts, list):
            raise self.cut("malformed parts")
        events: list[ProviderEvent] = []
        for part in parts:
            if not isinstance(part, dict):
                raise self.cut("a malformed part")
            events += self._part(part)
        return events

    def _part(self, part: dict[str, object]) -> list[ProviderEvent]:
        if (call := part.get("functionCall")) is not None:
            return self._log.take(calls=[self._call(call)])
        text = part.get("text", "")
        if not isinstance(text, str):
            raise self.cut("a part with text that is none")
        return self._log.take(reasoning=text) if part.get("thought") is True else self._log.take(text)

    def _call(self, call: object) -> ToolCall:
        name = call.get("name") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(name, str) or not name:
            raise self.cut("a malformed tool call")
        arguments, number = call.get("args"), call.get("id")
        if not isinstance(arguments, dict | None):
            raise self.cut("a malformed tool call")
        return ToolCall(name=name, arguments=arguments or {}, id=number if isinstance(number, str) else "")

    # --- the end --------------------------------------------------------------------------------------------------

    def _check_prompt(self, feedback: object) -> None:
        """A blocked prompt has no candidates, and is no empty answer (policy E5)."""
        reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
        if isinstance(feedback, dict) and reason is not None:
            raise self._refusal(str(reason), "the prompt was blocked", feedback.get("blockReasonMessage"))

    def _finish(self, candidate: dict[str, object], *, more: bool) -> None:
        reason = candidate.get("finishReason")
        if more and self._stops:
            self._goes_on, self._stops = True, False
        self.ended = self._stops and not self._goes_on
        if reason is None:
            return
        self._reason, why = str(reason)[:TEXT_LIMIT], candidate.get("finishMessage")
        if self._reason in _STOPPED or self._reason in _CUT:
            self._stops, self.ended = True, not self._goes_on
            return
        if self._reason in _REFUSED:
            raise self._refusal(self._reason, "the model declined", why)
        said = brief(self._reason, 60)
        details = brief(why, DETAILS_LIMIT) if isinstance(why, str) else ""
        name = self._endpoint.name
        if self._reason == _DISABLED:
            raise KeyRejected(f"{name}: the account is limited or disabled by Google ({said}).", details=details)
        if self._reason in _BROKEN:
            raise ServerFailed(f"{name}: the answer ended with an error: {said}", details=details, retries=1)
        raise ServerFailed(f"{name}: the answer ended for an unknown reason: {said}", details=details or said)

    def _refusal(self, reason: str, what: str, why: object) -> ModelRefused:
        told = brief(why, DETAILS_LIMIT) if isinstance(why, str) else ""
        because = f": {told}" if told else "."
        shown = brief(reason, 60)
        return ModelRefused(one_line(f"{self._endpoint.name}: {what} ({shown}){because}"), details=told)

    def _usage(self) -> Usage:
        written, thought = self._told.get("candidatesTokenCount"), self._told.get("thoughtsTokenCount")
        read = self._told.get("promptTokenCount")
        return Usage(
            input_tokens=None if read is None else read + self._told.get("toolUsePromptTokenCount", 0),
            output_tokens=None if written is None and thought is None else (written or 0) + (thought or 0),
            cached_input_tokens=self._told.get("cachedContentTokenCount"),
            reasoning_tokens=thought,
            image_tokens=self._told.get(_BY_MODALITY),
        )


def _of_images(details: object) -> int | None:
    """The tokens of a prompt that were made of images; ``None`` = not told."""
    if not isinstance(details, list):
        return None
    told = (each.get("tokenCount") for each in details if isinstance(each, dict) and each.get("modality") == "IMAGE")
    return count(next(told, None))
