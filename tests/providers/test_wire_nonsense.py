"""Whatever a server says in Anthropic's or Gemini's words, only errors of the house come of it."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import ProviderError
from llmdesk.core.text import sanitise
from llmdesk.core.types import Completed
from llmdesk.providers.answer_log import AnswerLog
from llmdesk.providers.anthropic import errors as anthropic_errors
from llmdesk.providers.anthropic.blocks import Spent
from llmdesk.providers.anthropic.reader import AnswerReader as AnthropicReader
from llmdesk.providers.base import Endpoint
from llmdesk.providers.google import errors as google_errors
from llmdesk.providers.google.reader import AnswerReader as GoogleReader
from llmdesk.providers.ndjson import FrameBroken
from llmdesk.providers.sse import ServerEvent
from tests.support.wire_readers import RECORDED

if TYPE_CHECKING:
    from llmdesk.providers.exchange import Reader

RECORDINGS = tuple(
    [
        [json.loads(line.removeprefix("data: ")) for line in path.read_text().splitlines() if line.startswith("data: ")]
        for path in sorted((RECORDED / kind).glob("*.sse"))
    ]
    for kind in ("anthropic", "google")
)
ENDPOINT = Endpoint(name="there", base_url="https://example.com")
KEYS = (
    "type", "index", "message", "delta", "usage", "content_block", "content", "error", "stop_reason", "text",
    "thinking", "partial_json", "input", "name", "id", "model", "input_tokens", "output_tokens", "stop_details", "to",
    "output_tokens_details", "details", "error_code", "candidates", "parts", "finishReason", "finishMessage", "code",
    "functionCall", "args", "thought", "usageMetadata", "promptTokenCount", "promptFeedback", "blockReason", "status",
    "reason", "violations", "quotaId", "metadata", "quota_limit", "retryDelay",
)  # fmt: skip
WORDS = (
    "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "error",
    "message_stop", "text", "tool_use", "fallback", "text_delta", "input_json_delta", "end_turn", "pause_turn",
    "refusal", "STOP", "SAFETY", "MAX_TOKENS", "{", "34s", "9" * 40 + "s", "rate_limit_error", "RESOURCE_EXHAUSTED",
    '{"error": {}}', "regain access on 9999-99-99 at 00:00 UTC", "\x1b[31m", "",
)  # fmt: skip
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 5), st.just(1 << 70), st.sampled_from(WORDS),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=20,
)  # fmt: skip
statuses = st.sampled_from([400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 418, 422, 429, 499, 500, 503, 529])


def readers() -> tuple[Reader, ...]:
    log = AnswerLog(ENDPOINT)
    return (
        AnthropicReader(ENDPOINT, "m", log=log, spent=Spent(), keep_blocks=True, keep_wire=True, now=lambda: 1e9),
        GoogleReader(ENDPOINT, "m", keep_wire=True),
    )


@given(st.lists(values, max_size=6))
def test_nonsense_in_a_stream_is_an_error_of_the_house_or_nothing(stream: list[object]) -> None:
    for reader in readers():
        with contextlib.suppress(ProviderError, FrameBroken):
            for value in stream:
                reader.read(ServerEvent("", json.dumps(value).encode()))
            assert all(isinstance(event, Completed) for event in reader.end())


def places(value: object) -> list[tuple[Any, Any]]:
    """Every place in a tree: its owner, and the key or number it has there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, part in inner for place in ((value, key), *places(part))]


@given(st.data())
def test_a_recorded_stream_with_something_else_in_one_place_is_an_error_of_the_house_or_an_answer(
    data: st.DataObject,
) -> None:
    kind = data.draw(st.integers(0, 1))
    events = data.draw(st.sampled_from(RECORDINGS[kind]))
    stream = json.loads(json.dumps(events))
    owner, key = data.draw(st.sampled_from(places(stream)))
    owner[key] = data.draw(values)
    reader = readers()[kind]
    with contextlib.suppress(ProviderError, FrameBroken):
        for value in stream:
            reader.read(ServerEvent("", json.dumps(value).encode()))
        assert all(isinstance(event, Completed) for event in reader.end())


@given(values)
def test_nonsense_as_a_document_is_an_error_of_the_house_or_an_answer(value: object) -> None:
    for reader in readers():
        with contextlib.suppress(ProviderError, FrameBroken):
            reader.read_whole(value)


@given(statuses, st.one_of(values.map(lambda value: json.dumps(value).encode()), st.binary(max_size=200)))
def test_any_refusal_is_one_short_line(status: int, body: bytes) -> None:
    found = (
        anthropic_errors.failure(ENDPOINT, anthropic_errors.read_error(status, body), model="m", now=1e9),
        google_errors.failure(ENDPOINT, google_errors.read_error(status, body), model="m"),
    )
    for problem in found:
        assert problem.http_status == status
        assert problem.message.startswith("there: ")
        assert len(problem.message) <= 200
        assert sanitise(problem.message) == problem.message.replace("\n", "")
        assert problem.hint_s is None or problem.hint_s >= 1
