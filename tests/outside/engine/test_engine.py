"""A real inference engine, over the wire of OpenAI: ``llama-cpp-python``'s server on a model of random weights."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ErrorKind, ProviderError
from llmdesk.core.types import Completed, FinishReason, Params, Status, TextDelta
from llmdesk.core.views import Ask
from tests.outside.asking import (
    KEY,
    KEY_VARIABLE,
    Told,
    configuration,
    open_desk,
    open_provider,
    request,
    write_configuration,
)
from tests.outside.engine.tiny_model import CONTEXT_TOKENS, END_TOKEN, write_tiny_model
from tests.outside.programs import Program
from tests.support.exec_world import exec_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmdesk.core.types import ChatRequest

pytestmark = pytest.mark.engine

MODEL = "tiny"
NEVER_END = {"logit_bias": {str(END_TOKEN): -100}}
"""Without its end mark the model speaks until the limit."""

WEATHER = {
    "type": "object",
    "properties": {"sunny": {"type": "boolean"}, "degrees": {"type": "integer"}},
    "required": ["sunny", "degrees"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The engine with its model loaded."""
    absent = [name for name in ("llama_cpp", "gguf", "numpy") if find_spec(name) is None]
    if absent:
        pytest.fail(f"{', '.join(absent)} missing: uv run --locked --group engine pytest -m engine", pytrace=False)
    path = tmp_path_factory.mktemp("engine") / "tiny.gguf"
    write_tiny_model(path, seed=1)
    server = Program(
        [
            sys.executable, "-m", "llama_cpp.server", "--model", path, "--model_alias", MODEL,
            "--n_ctx", str(CONTEXT_TOKENS), "--n_threads", "1", "--host", "127.0.0.1", "--port", "0",
            "--verbose", "false", "--api_key", KEY,
        ],
        says=r"running on (http://\S+)",
    )  # fmt: skip
    yield server
    server.close()


def asked(prompt: str, *, tokens: int, **params: object) -> ChatRequest:
    return request("openai", prompt, model=MODEL, params=Params(max_output_tokens=tokens, **params))  # type: ignore[arg-type]


async def said_by(engine: Program, question: ChatRequest) -> tuple[str, Completed]:
    async with open_provider("openai", f"{engine.url}/v1") as provider:
        events = [event async for event in provider.stream(question)]
    last = events[-1]
    assert isinstance(last, Completed)
    return "".join(event.text for event in events if isinstance(event, TextDelta)), last


async def test_an_answer_streams_to_its_limit(engine: Program) -> None:
    text, completed = await said_by(engine, asked("Say something.", tokens=40, seed=7, extra=NEVER_END))
    assert text
    assert completed.finish_reason is FinishReason.LENGTH
    assert completed.served_model == MODEL


async def test_the_same_seed_says_the_same(engine: Program) -> None:
    first, _ = await said_by(engine, asked("Say something.", tokens=60, seed=7, extra=NEVER_END))
    again, _ = await said_by(engine, asked("Say something.", tokens=60, seed=7, extra=NEVER_END))
    other, _ = await said_by(engine, asked("Say something.", tokens=60, seed=8, extra=NEVER_END))
    assert first == again
    assert first != other


async def test_the_model_is_listed_and_the_key_is_tried(engine: Program) -> None:
    async with open_provider("openai", f"{engine.url}/v1") as provider:
        assert [model.name for model in await provider.list_models()] == [MODEL]
        assert (await provider.check()).key_tried


async def test_leaving_the_stream_ends_the_answer_at_the_engine(engine: Program) -> None:
    async with open_provider("openai", f"{engine.url}/v1") as provider:
        stream = provider.stream(asked("Never stop.", tokens=CONTEXT_TOKENS - 200, seed=7, extra=NEVER_END))
        async for event in stream:
            if isinstance(event, TextDelta) and event.text:
                break
        await stream.aclose()
    engine.wait_until_said(r"Disconnected from client")
    text, _ = await said_by(engine, asked("Still there?", tokens=5, seed=7, extra=NEVER_END))
    assert text


async def test_a_grammar_makes_even_random_weights_meet_the_schema(engine: Program, tmp_path: Path) -> None:
    """This server takes the schema in a field of its own; the answer is checked here like any other."""
    native = {"response_format": {"type": "json_object", "schema": WEATHER}}
    told = Told(name="engine", kind="openai", base_url=f"{engine.url}/v1", model=MODEL, more={"native_schema": False})
    async with open_desk(tmp_path, told) as desk:
        outcome = await desk.send(
            Ask(prompt="The weather?", schema=WEATHER, params=Params(max_output_tokens=200, seed=7, extra=native))
        ).outcome()
        unbound = await desk.send(
            Ask(prompt="The weather?", schema=WEATHER, params=Params(max_output_tokens=30, seed=7))
        ).outcome()
    assert outcome.status is Status.COMPLETED
    assert isinstance(outcome.data, dict)
    assert set(outcome.data) == {"sunny", "degrees"}
    assert unbound.status is Status.FAILED
    assert unbound.error is not None
    assert unbound.error.kind is ErrorKind.SCHEMA


async def test_a_prompt_beyond_the_context_is_never_an_answer(engine: Program) -> None:
    """In a stream this server says nothing of the overflow: an empty 200, which is an answer cut off (policy R1)."""
    with pytest.raises(ProviderError) as caught:
        await said_by(engine, asked("x" * (CONTEXT_TOKENS + 1), tokens=5))
    assert caught.value.kind is ErrorKind.TRUNCATED


def test_exec_prints_what_the_engine_said(engine: Program, tmp_path: Path) -> None:
    write_configuration(
        tmp_path, configuration(Told(name="engine", kind="openai", base_url=f"{engine.url}/v1", model=MODEL))
    )
    world = exec_world(tmp_path, **{KEY_VARIABLE: KEY})
    ran = world.run("exec", "--json", "--seed", "7", "--max-tokens", "20", "Say something.")
    assert ran.code == 0, ran.err
    assert ran.answer["model"] == MODEL
    assert ran.answer["text"]
    assert ran.answer["usage"]["output_tokens"] > 0
