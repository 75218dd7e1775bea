"""What providers tell of the tokens behind the two totals, each in its own words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.types import Completed, Usage
from llmdesk.providers.openai.usage import usage_of
from tests.support import anthropic_answers, google_answers, openai_answers
from tests.support.anthropic_asking import anthropic_at
from tests.support.anthropic_asking import events_of as claude_says
from tests.support.fault_server import FaultServer
from tests.support.google_asking import events_of as gemini_says
from tests.support.google_asking import google_at
from tests.support.openai_asking import PATH, events_of, openai_at

# --- the OpenAI format, vendor by vendor ---


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        pytest.param(
            {
                "prompt_tokens": 9_657, "completion_tokens": 78, "total_tokens": 9_735,
                "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 9_654, "image_tokens": 85},
                "completion_tokens_details": {"reasoning_tokens": 37, "accepted_prediction_tokens": 0},
            },
            Usage(
                input_tokens=9_657, output_tokens=78, cached_input_tokens=3, cache_write_tokens=9_654,
                reasoning_tokens=37, image_tokens=85,
            ),
            id="openai",
        ),
        pytest.param(
            {
                "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "prompt_cache_hit_tokens": 64,
                "prompt_cache_miss_tokens": 36, "completion_tokens_details": {"reasoning_tokens": 12},
            },
            Usage(input_tokens=100, output_tokens=20, cached_input_tokens=64, reasoning_tokens=12),
            id="deepseek",
        ),
        pytest.param(
            {
                "prompt_tokens": 10_120, "completion_tokens": 1_499, "total_tokens": 14_428,
                "prompt_tokens_details": {"text_tokens": 10_000, "image_tokens": 120, "cached_tokens": 128},
                "completion_tokens_details": {"reasoning_tokens": 2_809},
            },
            Usage(
                input_tokens=10_120, output_tokens=4_308, cached_input_tokens=128, reasoning_tokens=2_809,
                image_tokens=120,
            ),
            id="xai, whose answer leaves its reasoning out",
        ),
        pytest.param(
            {"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623},
            Usage(input_tokens=20, output_tokens=603),
            id="gemini in this format, which tells its thoughts in the total only",
        ),
        pytest.param(
            {
                "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "cost": 0.95,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 40},
                "cost_details": {"upstream_inference_cost": 19},
            },
            Usage(input_tokens=100, output_tokens=20, cached_input_tokens=0, cache_write_tokens=40),
            id="openrouter, whose own sum of money is not taken",
        ),
        pytest.param(
            {
                "queue_time": 0.01, "prompt_tokens": 12, "prompt_time": 0.002, "completion_tokens": 5,
                "completion_time": 0.01, "total_tokens": 17, "total_time": 0.02,
                "prompt_tokens_details": {"cached_tokens": 8},
            },
            Usage(input_tokens=12, output_tokens=5, cached_input_tokens=8),
            id="groq",
        ),
        pytest.param(
            {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "cached_tokens": 60},
            Usage(input_tokens=100, output_tokens=20, cached_input_tokens=60),
            id="moonshot, together",
        ),
        pytest.param(
            {
                "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "cache_read_input_tokens": 30,
                "cache_creation_input_tokens": 50,
            },
            Usage(input_tokens=100, output_tokens=20, cached_input_tokens=30, cache_write_tokens=50),
            id="a gateway to anthropic",
        ),
        pytest.param(
            {
                "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_creation_input_tokens": 80},
            },
            Usage(input_tokens=100, output_tokens=20, cached_input_tokens=0, cache_write_tokens=80),
            id="alibaba",
        ),
        pytest.param(
            {
                "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 190,
                "completion_tokens_details": {"reasoning_tokens": 12},
            },
            Usage(input_tokens=100, output_tokens=20, reasoning_tokens=12),
            id="a total that says something else",
        ),
        pytest.param(
            {"prompt_tokens": 4, "completion_tokens": 2, "prompt_tokens_details": None},
            Usage(input_tokens=4, output_tokens=2),
            id="only totals",
        ),
        pytest.param({"prompt_tokens": 4, "total_tokens": 4}, Usage(input_tokens=4), id="only a prompt"),
    ],
)  # fmt: skip
async def test_each_dialect_is_read_in_its_own_words(usage: dict[str, object], told: Usage) -> None:
    assert usage_of(usage) == told
    chunks = [openai_answers.chunk("Hi"), openai_answers.chunk(finish="stop"), openai_answers.usage_chunk(usage)]
    async with FaultServer() as server, openai_at(server.url) as provider:
        server.play(PATH, openai_answers.events(chunks))
        ended = (await events_of(provider))[-1]
    assert isinstance(ended, Completed)
    assert ended.usage == told


async def test_usage_that_groq_puts_aside_is_read_as_any_other() -> None:
    last = openai_answers.chunk(finish="stop", x_groq={"id": "r", "usage": openai_answers.tokens(8, 3, cached=6)})
    async with FaultServer() as server, openai_at(server.url, preset="groq") as provider:
        server.play(PATH, openai_answers.events([openai_answers.chunk("Hi"), last]))
        ended = (await events_of(provider))[-1]
    assert isinstance(ended, Completed)
    assert ended.usage == Usage(input_tokens=8, output_tokens=3, cached_input_tokens=6)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details",
    "cached_tokens", "cache_write_tokens", "reasoning_tokens", "image_tokens", "prompt_cache_hit_tokens",
    "cache_read_input_tokens", "cache_creation_input_tokens",
)  # fmt: skip


@given(usage=st.dictionaries(st.sampled_from(NAMES), values | st.dictionaries(st.sampled_from(NAMES), values)))
def test_nonsense_is_no_count(usage: dict[str, object]) -> None:
    found = usage_of(json.loads(json.dumps(usage)))
    for number in (found.input_tokens, found.output_tokens, found.cached_input_tokens, found.cache_write_tokens):
        assert number is None or 0 <= number < 1 << 55


# --- Anthropic and Google ---


async def test_what_claude_reads_from_and_writes_to_its_cache_is_part_of_the_input() -> None:
    begun = anthropic_answers.begun(input_tokens=11, cache_read_input_tokens=1_000, cache_creation_input_tokens=200)
    body = [begun, *anthropic_answers.text_block("Hi"), anthropic_answers.stopped(), anthropic_answers.END]
    async with FaultServer() as server, anthropic_at(server.url) as provider:
        server.play(anthropic_answers.PATH, anthropic_answers.played(body))
        ended = (await claude_says(provider))[-1]
    assert isinstance(ended, Completed)
    assert ended.usage == Usage(input_tokens=1_211, output_tokens=6, cached_input_tokens=1_000, cache_write_tokens=200)


@pytest.mark.parametrize(
    ("details", "images"),
    [
        ([{"modality": "TEXT", "tokenCount": 3}, {"modality": "IMAGE", "tokenCount": 258}], 258),
        ([{"modality": "TEXT", "tokenCount": 3}], None),
        ([{"modality": "IMAGE"}, 7, None], None),
        ({"modality": "IMAGE", "tokenCount": 258}, None),
    ],
)
async def test_gemini_tells_thoughts_beside_its_answer_and_images_by_modality(
    details: object, images: int | None
) -> None:
    usage = {
        "promptTokenCount": 261, "candidatesTokenCount": 6, "thoughtsTokenCount": 30, "cachedContentTokenCount": 4,
        "totalTokenCount": 297, "promptTokensDetails": details,
    }  # fmt: skip
    last = google_answers.response({"text": "Hi"}, reason="STOP", usageMetadata=usage)
    async with FaultServer() as server, google_at(server.url) as provider:
        server.play(google_answers.PATH, google_answers.played([last]))
        ended = (await gemini_says(provider))[-1]
    assert isinstance(ended, Completed)
    assert ended.usage == Usage(
        input_tokens=261, output_tokens=36, cached_input_tokens=4, reasoning_tokens=30, image_tokens=images
    )
