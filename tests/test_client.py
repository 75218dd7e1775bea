"""The client for programs, against real servers: who is asked, what comes back, what is kept."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ollama
import pytest

from llmdesk import LLMConfig, LLMUnavailableError, OllamaClient, load_config
from llmdesk.config.settings import Settings
from llmdesk.core.errors import ConfigurationError, DeskError, StorageError, UsageError
from llmdesk.core.types import Status
from llmdesk.wiring import make_desk
from tests.support.fault_server import (
    FaultServer,
    Mark,
    chat_answer,
    chat_chunk,
    done_chunk,
    embeddings,
    error,
    generate_answer,
    model_entry,
    no_answer,
    stream,
)
from tests.support.slowness import PATIENCE_S, allowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from llmdesk import Desk

    Make = Callable[..., OllamaClient]

KEY = "canary-key-0123456789"
HELLO = [{"role": "user", "content": "Hello"}]
CLOUD_TEXT = "The cloud says hello."
LOCAL_TEXT = "This machine says hello."


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OLLAMA_API_KEY", "OLLAMA_HOST", "LLMDESK_CONFIG", "LLMDESK_NETWORK", "LLMDESK_RECORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LLMDESK_HOME", str(tmp_path / "home"))


@pytest.fixture
async def cloud() -> AsyncIterator[FaultServer]:
    async with FaultServer(reply=CLOUD_TEXT) as server:
        yield server


@pytest.fixture
async def local() -> AsyncIterator[FaultServer]:
    async with FaultServer(reply=LOCAL_TEXT, models=[model_entry("gemma3:4b")]) as server:
        yield server


@pytest.fixture
async def make(cloud: FaultServer, local: FaultServer, tmp_path: Path) -> AsyncIterator[Make]:
    """Makes clients of the two servers that share one home, and closes them."""
    async with contextlib.AsyncExitStack() as stack:

        def made(**fields: Any) -> OllamaClient:
            given = {
                "cloud_endpoint": cloud.url,
                "cloud_api_key": KEY,
                "local_endpoint": local.url,
                "retry_delay_seconds": 0.0,
                **fields,
            }
            client = OllamaClient(LLMConfig(**given), home=tmp_path / "home")
            stack.push_async_callback(client.aclose)
            return client

        yield made


def _outbox_ids(entries: Any) -> list[str]:
    return [entry.id for entry in entries]


async def _desk_of(client: OllamaClient) -> Desk:
    return client._calls.desk


# --- cloud first --------------------------------------------------------------------------------------------------


async def test_the_cloud_answers_with_the_packages_own_object(
    make: Make, cloud: FaultServer, local: FaultServer
) -> None:
    client = make()
    assert client.current_provider == "cloud"
    answer = await client.chat(model="gpt-oss:120b", messages=HELLO)
    assert isinstance(answer, ollama.ChatResponse)
    assert answer.message.role == "assistant"
    assert answer.message.content == answer["message"]["content"] == CLOUD_TEXT
    assert (answer.model, answer.done, answer.done_reason) == ("gpt-oss:120b", True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (12, 5)
    (sent,) = cloud.seen("/api/chat")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.json["model"] == "gpt-oss:120b"
    assert sent.json["messages"] == HELLO
    assert local.count() == 0
    assert client.current_provider == "cloud"


async def test_without_a_model_the_default_one_is_asked(make: Make, cloud: FaultServer) -> None:
    await make().chat(messages=HELLO)
    assert cloud.seen("/api/chat")[0].json["model"] == "gpt-oss:120b"


async def test_a_429_rests_the_cloud_on_disk_before_this_machine_is_asked(
    make: Make, cloud: FaultServer, local: FaultServer, tmp_path: Path
) -> None:
    state = tmp_path / "home" / "state" / "llm_state.json"
    stored: list[bool] = []
    local.on_request = lambda _: stored.append("cloud_cooldown_until" in json.loads(state.read_text()))
    cloud.always("/api/chat", error(429, "you (Jane Doe) have reached your weekly usage limit"))
    client = make()
    answer = await client.chat(model="gpt-oss:120b", messages=HELLO)
    assert answer.message.content == LOCAL_TEXT
    assert answer.model == "gemma3:4b"
    assert client.current_provider == "local"
    assert not client.is_cloud_available()
    assert stored
    assert all(stored)
    other = make()
    assert not other.is_cloud_available()
    assert other.current_provider == "local"
    for asked in (client, other, client):
        assert (await asked.chat(messages=HELLO)).message.content == LOCAL_TEXT
    assert cloud.count("/api/chat") == 1
    assert all("authorization" not in request.headers for request in local.seen())


async def test_the_cloud_is_asked_again_when_its_rest_is_over(make: Make, cloud: FaultServer) -> None:
    cloud.play("/api/chat", error(429, "rate limit exceeded"))
    client = make(rate_limit_cooldown_seconds=0.2)
    assert (await client.chat(messages=HELLO)).message.content == LOCAL_TEXT
    async with asyncio.timeout(PATIENCE_S):
        while not client.is_cloud_available():
            await asyncio.sleep(0.01)
    assert (await client.chat(messages=HELLO)).message.content == CLOUD_TEXT


async def test_server_errors_are_tried_three_times_and_never_rest_the_cloud(make: Make, cloud: FaultServer) -> None:
    cloud.play("/api/chat", *[error(503, "Server overloaded")] * 3)
    client = make()
    assert (await client.chat(messages=HELLO)).message.content == LOCAL_TEXT
    assert cloud.count("/api/chat") == 3
    assert client.is_cloud_available()
    assert (await client.chat(messages=HELLO)).message.content == CLOUD_TEXT


async def test_tries_and_silence_are_what_the_configuration_says(make: Make, cloud: FaultServer) -> None:
    client = make(retry_max_attempts=2, request_timeout_seconds=allowed(2))  # long enough for this machine to answer in
    cloud.play("/api/chat", error(500, "broken"), error(500, "broken"), no_answer())
    assert (await client.chat(messages=HELLO)).message.content == LOCAL_TEXT
    assert (await client.chat(messages=HELLO)).message.content == LOCAL_TEXT
    assert cloud.count("/api/chat") == 3


@pytest.mark.parametrize(
    ("endpoint", "model", "asked"),
    [
        ("https://ollama.com", "gpt-oss:120b", "gpt-oss:120b"),
        ("https://ollama.com", "gpt-oss:120b-cloud", "gpt-oss:120b"),
        ("https://ollama.com", "glm-5:cloud", "glm-5"),
        ("http://127.0.0.1:11434", "gpt-oss:120b-cloud", "gpt-oss:120b-cloud"),
    ],
)
def test_names_of_cloud_models_are_those_of_the_server_that_is_asked(endpoint: str, model: str, asked: str) -> None:
    client = OllamaClient(LLMConfig(cloud_endpoint=endpoint, cloud_api_key=KEY))
    assert [str(ref) for ref in client._calls.targets(model)] == [f"cloud/{asked}", "local/largest"]


async def test_without_a_key_only_this_machine_is_asked(make: Make, cloud: FaultServer) -> None:
    client = make(cloud_api_key="")
    assert client.current_provider == "local"
    assert not client.is_cloud_available()
    assert (await client.chat(messages=HELLO)).message.content == LOCAL_TEXT
    assert cloud.count() == 0


async def test_on_this_machine_the_users_models_come_before_the_largest(make: Make, local: FaultServer) -> None:
    local.models = [model_entry("big:70b", size=10**9, parameters="70B"), model_entry("mine:7b")]
    answer = await make(cloud_api_key="", local_models=("missing:1b", "mine:7b")).chat(messages=HELLO)
    assert answer.model == "mine:7b"
    answer = await make(cloud_api_key="").chat(messages=HELLO)
    assert answer.model == "big:70b"


async def test_calls_run_beside_each_other(make: Make, cloud: FaultServer) -> None:
    client = make()
    answers = await asyncio.gather(*(client.chat(messages=HELLO) for _ in range(8)))
    assert {answer.message.content for answer in answers} == {CLOUD_TEXT}
    assert cloud.count("/api/chat") == 8


# --- streams ------------------------------------------------------------------------------------------------------


async def test_a_stream_gives_every_chunk_as_it_came(make: Make, cloud: FaultServer) -> None:
    cloud.play("/api/chat", chat_answer("Hello there, world.", thinking="Hm."))
    chunks = [chunk async for chunk in await make().chat(messages=HELLO, stream=True)]
    assert all(isinstance(chunk, ollama.ChatResponse) for chunk in chunks)
    assert "".join(chunk.message.content or "" for chunk in chunks) == "Hello there, world."
    assert "".join(chunk.message.thinking or "" for chunk in chunks) == "Hm."
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].done_reason == "stop"
    assert chunks[-1].eval_count == 5


@pytest.mark.parametrize("size", [1, 5, 200])
async def test_a_key_in_the_answer_reaches_no_chunk(make: Make, cloud: FaultServer, size: int) -> None:
    cloud.always("/api/chat", chat_answer(f"You are {KEY}, a can", thinking=f"Who is {KEY}", size=size))
    client = make()
    chunks = [chunk async for chunk in await client.chat(messages=HELLO, stream=True)]
    assert "".join(chunk.message.content or "" for chunk in chunks) == "You are ***, a can"
    assert "".join(chunk.message.thinking or "" for chunk in chunks) == "Who is ***"
    whole = await client.chat(messages=HELLO)
    assert (whole.message.content, whole.message.thinking) == ("You are ***, a can", "Who is ***")


async def test_a_stream_that_breaks_says_restart_and_begins_anew(
    make: Make, cloud: FaultServer, local: FaultServer
) -> None:
    cloud.play("/api/chat", chat_answer("Half an ans", done=False))
    chunks = [chunk async for chunk in await make(retry_max_attempts=1).chat(messages=HELLO, stream=True)]
    reasons = [chunk.done_reason for chunk in chunks]
    restart = reasons.index("restart")
    assert restart > 0
    assert reasons.count("restart") == 1
    assert (chunks[restart].done, chunks[restart].message.content, chunks[restart].model) == (False, "", "gemma3:4b")
    assert "".join(chunk.message.content or "" for chunk in chunks[:restart]) == "Half an ans"
    assert "".join(chunk.message.content or "" for chunk in chunks[restart:]) == LOCAL_TEXT
    assert local.seen("/api/chat")[0].json["messages"] == HELLO


async def test_without_a_stream_only_the_whole_attempts_text_comes_back(make: Make, cloud: FaultServer) -> None:
    cloud.play(
        "/api/chat",
        chat_answer("Half an ans", done=False, thinking="lost"),
        stream([chat_chunk("So"), {"error": "an error was encountered while running the model"}]),
        chat_answer("All of it.", thinking="Kept."),
    )
    answer = await make().chat(messages=HELLO)
    assert (answer.message.content, answer.message.thinking) == ("All of it.", "Kept.")


async def test_a_failover_before_the_first_word_needs_no_restart(make: Make, cloud: FaultServer) -> None:
    cloud.play("/api/chat", error(429, "rate limit exceeded"))
    chunks = [chunk async for chunk in await make().chat(messages=HELLO, stream=True)]
    assert "restart" not in [chunk.done_reason for chunk in chunks]
    assert "".join(chunk.message.content or "" for chunk in chunks) == LOCAL_TEXT


async def test_leaving_a_stream_stops_the_server_at_once(make: Make, cloud: FaultServer) -> None:
    cloud.play("/api/chat", chat_answer("An answer without an end", done=False, end=Mark.HOLD))
    client = make()
    async with contextlib.aclosing(await client.chat(messages=HELLO, stream=True)) as chunks:
        async for chunk in chunks:
            assert chunk.message.content
            break
    async with asyncio.timeout(PATIENCE_S):
        while cloud.seen("/api/chat")[0].client_left_at is None:
            await asyncio.sleep(0.01)
    assert await (await _desk_of(client)).outbox() == ()


async def test_cancelling_a_call_stops_the_server_at_once(make: Make, cloud: FaultServer) -> None:
    cloud.play("/api/chat", no_answer())
    client = make()
    task = asyncio.create_task(client.chat(messages=HELLO))
    async with asyncio.timeout(PATIENCE_S):
        while not cloud.count("/api/chat"):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while cloud.seen("/api/chat")[0].client_left_at is None:
            await asyncio.sleep(0.01)
    assert await (await _desk_of(client)).outbox() == ()


# --- what is sent -------------------------------------------------------------------------------------------------


async def test_options_and_every_other_argument_reach_the_wire(make: Make, cloud: FaultServer) -> None:
    options = {"temperature": 0, "top_k": 4, "stop": ["END"], "num_predict": -1, "min_p": 0.1, "mirostat": 1}
    await make().chat(
        messages=HELLO, options=options, keep_alive="10m", think="low", logprobs=True, truncate=False, format="json"
    )
    sent = cloud.seen("/api/chat")[0].json
    assert {name: sent["options"][name] for name in options} == options
    assert sent["keep_alive"] == "10m"
    assert (sent["think"], sent["logprobs"], sent["truncate"], sent["format"]) == ("low", True, False, "json")


async def test_options_may_be_the_packages_object_and_formats_a_schema(make: Make, cloud: FaultServer) -> None:
    schema = {"type": "object", "required": ["a"]}
    cloud.play("/api/chat", chat_answer('{"a": 1}'))
    await make().chat(messages=HELLO, options=ollama.Options(seed=7, num_thread=2, stop=["x"]), format=schema)
    sent = cloud.seen("/api/chat")[0].json
    assert sent["options"]["seed"] == 7
    assert sent["options"]["num_thread"] == 2
    assert sent["options"]["stop"] == ["x"]
    assert sent["format"] == schema


async def test_an_option_of_a_wrong_type_is_left_to_the_server_to_refuse(make: Make, cloud: FaultServer) -> None:
    cloud.always("/api/chat", error(500, 'option "temperature" must be of type float32'))
    with pytest.raises(ollama.ResponseError) as caught:
        await make().chat(messages=HELLO, options={"temperature": "hot"})
    assert cloud.seen("/api/chat")[0].json["options"]["temperature"] == "hot"
    assert "temperature" in caught.value.error


async def test_messages_of_every_form_are_sent_as_they_are(make: Make, cloud: FaultServer) -> None:
    picture = b"\x89PNG\r\n\x1a\n picture"
    encoded = base64.b64encode(picture).decode()
    call = {"id": "call_1", "function": {"name": "add", "arguments": {"a": 1}}}
    await make().chat(
        messages=[
            ollama.Message(role="system", content="Be brief."),
            {"role": "user", "content": "Look", "images": [picture, encoded, ollama.Image(value=picture)]},
            {"role": "assistant", "content": "", "thinking": "Hm", "tool_calls": [call]},
            ollama.Message(
                role="assistant",
                tool_calls=[
                    ollama.Message.ToolCall(function=ollama.Message.ToolCall.Function(name="f", arguments={"x": [1]}))
                ],
            ),
            {"role": "tool", "content": "3", "tool_name": "add", "tool_call_id": "call_1"},
        ]
    )
    sent = cloud.seen("/api/chat")[0].json["messages"]
    assert sent[0] == {"role": "system", "content": "Be brief."}
    assert sent[1] == {"role": "user", "content": "Look", "images": [encoded] * 3}
    assert sent[2] == {"role": "assistant", "content": "", "thinking": "Hm", "tool_calls": [call]}
    assert sent[3]["tool_calls"] == [{"function": {"name": "f", "arguments": {"x": [1]}}}]
    assert sent[4] == {"role": "tool", "content": "3", "tool_name": "add", "tool_call_id": "call_1"}


async def test_a_path_among_images_is_never_read(make: Make, cloud: FaultServer, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"not to be sent")
    client = make()
    for image in (str(secret), secret, "./secret.png", ollama.Image(value=str(secret)), 5):
        with pytest.raises(UsageError, match="never read from its path"):
            await client.chat(messages=[{"role": "user", "content": "Look", "images": [image]}])
        with pytest.raises(UsageError, match="never read from its path"):
            await client.generate(prompt="Look", images=[image])  # type: ignore[list-item]
    assert cloud.count() == 0


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        (None, "messages is empty"),
        ([], "messages is empty"),
        ([{"role": "wizard", "content": "x"}], "role 'wizard'"),
        ([{"content": "x"}], "role None"),
        ([{"role": "user", "content": ["x"]}], "content of a message is text"),
        (["Hello"], "A message is a mapping"),
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "no json"}}]}], "A tool call"),
        ([{"role": "user", "content": "x", "images": "abcd"}], "images is a list"),
    ],
)
async def test_what_cannot_be_sent_is_refused_before_anything_is_asked(
    make: Make, cloud: FaultServer, messages: Any, fault: str
) -> None:
    with pytest.raises(UsageError, match=fault):
        await make().chat(messages=messages)
    assert cloud.count() == 0


async def test_tools_go_through_untouched_and_calls_come_back(make: Make, cloud: FaultServer) -> None:
    described = {
        "type": "function",
        "function": {
            "name": "add",
            "parameters": {"type": "object", "properties": {"a": {"minimum": 1, "$ref": "#/x"}}},
        },
    }

    def subtract(a: int, b: int) -> int:
        """Subtract two numbers.

        Args:
            a: the first number
            b: the second number
        """
        return a - b

    call = {"id": "call_1", "function": {"index": 0, "name": "add", "arguments": {"a": 2}}}
    cloud.play("/api/chat", stream([chat_chunk("Adding."), chat_chunk(tool_calls=[call]), done_chunk()]))
    answer = await make().chat(messages=HELLO, tools=[described, subtract])
    tools = cloud.seen("/api/chat")[0].json["tools"]
    assert tools[0] == described
    assert tools[1]["function"]["name"] == "subtract"
    assert tools[1]["function"]["parameters"]["required"] == ["a", "b"]
    assert answer.message.content == "Adding."
    assert answer.message.tool_calls is not None
    assert [(made.function.name, made.function.arguments) for made in answer.message.tool_calls] == [("add", {"a": 2})]


async def test_log_probabilities_of_every_chunk_come_back(make: Make, cloud: FaultServer) -> None:
    said = [chat_chunk(text, logprobs=[{"token": text, "logprob": -0.5}]) for text in ("a", "b")]
    cloud.play("/api/chat", stream([*said, done_chunk()]))
    answer = await make().chat(messages=HELLO, logprobs=True)
    assert [one.token for one in answer.logprobs or ()] == ["a", "b"]


# --- generate and embed -------------------------------------------------------------------------------------------


async def test_generate_completes_a_prompt(make: Make, cloud: FaultServer) -> None:
    client = make()
    answer = await client.generate("gpt-oss:20b", "def f(", "return x", system="Code.", images=[b"png"], raw=True)
    assert isinstance(answer, ollama.GenerateResponse)
    assert (answer.response, answer.done, answer.context) == (CLOUD_TEXT, True, [1, 2, 3])
    sent = cloud.seen("/api/generate")[0].json
    assert (sent["model"], sent["prompt"], sent["suffix"], sent["system"]) == (
        "gpt-oss:20b",
        "def f(",
        "return x",
        "Code.",
    )
    assert sent["images"] == [base64.b64encode(b"png").decode()]
    assert sent["raw"] is True
    with pytest.raises(UsageError, match="prompt is empty"):
        await client.generate(prompt=" ")


async def test_generate_streams_and_fails_over(make: Make, cloud: FaultServer) -> None:
    broken = generate_answer("Half")
    cloud.play("/api/generate", dataclasses.replace(broken, body=tuple(broken.body)[:1]))  # type: ignore[arg-type]
    client = make(retry_max_attempts=1)
    chunks = [chunk async for chunk in await client.generate(prompt="Go", stream=True)]
    restart = [chunk.done_reason for chunk in chunks].index("restart")
    assert chunks[restart].response == ""
    assert "".join(chunk.response or "" for chunk in chunks[restart:]) == LOCAL_TEXT
    cloud.play("/api/generate", generate_answer("Words.", thinking="Hm."))
    answer = await client.generate(prompt="Go")
    assert (answer.response, answer.thinking) == ("Words.", "Hm.")


async def test_embed_keeps_its_model_when_it_fails_over(make: Make, cloud: FaultServer, local: FaultServer) -> None:
    cloud.play("/api/embed", error(429, "rate limit exceeded"))
    client = make(embeddings_model="embeddinggemma")
    answer = await client.embed(input=["a", "b"], truncate=True, dimensions=2, options={"num_thread": 2})
    assert isinstance(answer, ollama.EmbedResponse)
    assert answer.embeddings == [[0.6, 0.8]] * 2
    assert client.current_provider == "local"
    for server in (cloud, local):
        (sent,) = server.seen("/api/embed")
        assert sent.json["model"] == "embeddinggemma"
        assert sent.json["input"] == ["a", "b"]
        assert (sent.json["truncate"], sent.json["dimensions"]) == (True, 2)
        assert sent.json["options"]["num_thread"] == 2
    assert local.count("/api/chat") == 0
    one = await client.embed("other:latest", "a")
    assert one.model == "other:latest"
    assert local.seen("/api/embed")[-1].json["input"] == "a"


async def test_a_model_the_cloud_does_not_have_is_embedded_here(
    make: Make, cloud: FaultServer, local: FaultServer
) -> None:
    cloud.always("/api/embed", error(404, 'model "nomic-embed-text" not found, try pulling it first'))
    local.play("/api/embed", embeddings([[1.0, 0.0]], model="nomic-embed-text"))
    assert (await make().embed(input="a")).embeddings == [[1.0, 0.0]]


async def test_embeddings_nobody_can_make_leave_no_trace_in_the_outbox(
    make: Make, cloud: FaultServer, local: FaultServer
) -> None:
    for server in (cloud, local):
        server.always("/api/embed", error(503, "Server overloaded"))
    client = make(retry_max_attempts=1)
    with pytest.raises(LLMUnavailableError) as caught:
        await client.embed(input="a")
    assert caught.value.request_id is None
    assert client.current_provider == "none"
    assert await (await _desk_of(client)).outbox() == ()


# --- nobody can answer --------------------------------------------------------------------------------------------


async def test_what_nobody_could_answer_waits_in_the_outbox(make: Make, cloud: FaultServer, local: FaultServer) -> None:
    for server in (cloud, local):
        server.always("/api/chat", error(503, "Server overloaded"))
    client = make(retry_max_attempts=2)
    with pytest.raises(LLMUnavailableError) as caught:
        await client.chat(messages=[{"role": "user", "content": "Keep this."}])
    failure = caught.value
    assert isinstance(failure, DeskError)
    assert failure.request_id
    assert failure.message == str(failure)
    assert "local" in failure.message
    assert "503" in failure.message
    assert client.current_provider == "none"
    assert (cloud.count("/api/chat"), local.count("/api/chat")) == (2, 2)
    (waiting,) = await (await _desk_of(client)).outbox()
    assert (waiting.id, waiting.prompt) == (failure.request_id, "Keep this.")
    for server in (cloud, local):
        server.forget()
    assert (await client.chat(messages=HELLO)).message.content == CLOUD_TEXT
    assert client.current_provider == "cloud"


async def test_the_outbox_asks_again_exactly_what_the_program_asked(
    make: Make, cloud: FaultServer, local: FaultServer, tmp_path: Path
) -> None:
    for server in (cloud, local):
        server.play("/api/chat", error(500, "broken"))
    client = make(retry_max_attempts=1)
    messages = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "Two"},
    ]
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    with pytest.raises(LLMUnavailableError) as caught:
        await client.chat(messages=messages, tools=[tool], think=False, options={"seed": 7, "min_p": 0.5})
    run = await (await _desk_of(client)).retry(str(caught.value.request_id))
    outcome = await run.outcome()
    assert (outcome.status, outcome.text) == (Status.COMPLETED, CLOUD_TEXT)
    first, again = (request.json for request in cloud.seen("/api/chat"))
    assert again == first


async def test_a_stream_nobody_can_finish_raises_after_what_came(
    make: Make, cloud: FaultServer, local: FaultServer
) -> None:
    for server in (cloud, local):
        server.always("/api/chat", chat_answer("Half", done=False))
    chunks = await make(retry_max_attempts=1).chat(messages=HELLO, stream=True)
    seen = [(await anext(chunks)) for _ in range(3)]
    assert [chunk.done_reason or chunk.message.content for chunk in seen] == ["Half", "restart", "Half"]
    with pytest.raises(LLMUnavailableError):
        await anext(chunks)


async def test_a_request_that_is_wrong_itself_raises_the_packages_error(make: Make, cloud: FaultServer) -> None:
    cloud.always("/api/chat", error(400, "invalid think value: very"))
    client = make()
    with pytest.raises(ollama.ResponseError) as caught:
        await client.chat(messages=HELLO, think="very")
    assert caught.value.status_code == 400
    assert "invalid think value" in caught.value.error
    assert await (await _desk_of(client)).outbox() == ()


async def test_no_key_stands_in_any_error(make: Make, cloud: FaultServer, local: FaultServer) -> None:
    for server in (cloud, local):
        server.always("/api/chat", error(401, f"bad key {KEY}"))
    with pytest.raises(LLMUnavailableError) as caught:
        await make().chat(messages=HELLO)
    assert KEY not in str(caught.value)


async def test_closing_the_client_keeps_what_still_runs(make: Make, cloud: FaultServer, tmp_path: Path) -> None:
    cloud.play("/api/chat", no_answer())
    client = make()
    task = asyncio.create_task(client.chat(messages=[{"role": "user", "content": "Still running"}]))
    async with asyncio.timeout(PATIENCE_S):
        while not cloud.count("/api/chat"):
            await asyncio.sleep(0.01)
        await client.aclose()
        with pytest.raises(LLMUnavailableError) as caught:
            await task
    async with make_desk(env={"LLMDESK_HOME": str(tmp_path / "home")}) as desk:
        assert _outbox_ids(await desk.outbox()) == [caught.value.request_id]
    with pytest.raises(UsageError, match="closed"):
        await client.chat(messages=HELLO)
    await client.aclose()


async def test_a_client_is_its_own_context(cloud: FaultServer, local: FaultServer, tmp_path: Path) -> None:
    config = LLMConfig(cloud_endpoint=cloud.url, cloud_api_key=KEY, local_endpoint=local.url)
    async with OllamaClient(config, home=tmp_path / "elsewhere") as client:
        assert (await client.chat(messages=HELLO)).message.content == CLOUD_TEXT
    assert (tmp_path / "elsewhere" / "data" / "llmdesk.db").exists()
    assert not (tmp_path / "home").exists()


async def test_failovers_are_logged_unless_switched_off(
    make: Make, cloud: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.always("/api/chat", error(503, "Server overloaded"))
    with caplog.at_level(logging.INFO):
        await make(retry_max_attempts=1).chat(messages=HELLO)
        (record,) = [record for record in caplog.records if record.name == "llmdesk.client"]
        assert record.levelno == logging.WARNING
        assert "cloud/gpt-oss:120b -> local/gemma3:4b" in record.getMessage()
        caplog.clear()
        await make(retry_max_attempts=1, failover_logging=False).chat(messages=HELLO)
        assert not [record for record in caplog.records if record.name.startswith("llmdesk")]


# --- configuration ------------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = LLMConfig()
    assert (bare.cloud_endpoint, bare.cloud_api_key) == ("https://ollama.com", "")
    assert bare.local_endpoint == "http://127.0.0.1:11434"
    assert (bare.retry_max_attempts, bare.retry_delay_seconds, bare.rate_limit_cooldown_seconds) == (3, 2.0, 600.0)
    assert (bare.request_timeout_seconds, bare.local_models, bare.failover_logging) == (None, (), True)
    monkeypatch.setenv("OLLAMA_API_KEY", f" {KEY} ")
    monkeypatch.setenv("OLLAMA_HOST", "0.0.0.0:1234")
    told = LLMConfig()
    assert (told.cloud_api_key, told.local_endpoint) == (KEY, "http://127.0.0.1:1234")
    assert dataclasses.replace(told, cloud_api_key="").cloud_api_key == ""


def test_the_key_is_not_shown() -> None:
    shown = repr(LLMConfig(cloud_api_key=KEY))
    assert KEY not in shown
    assert "cloud_api_key='***'" in shown


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"cloud_endpoint": "http://example.org"}, "cloud_endpoint must begin with https://"),
        ({"cloud_endpoint": ""}, "cloud_endpoint is an address"),
        ({"cloud_endpoint": "https://user:pass@example.org"}, "cloud_endpoint must hold no user name"),
        ({"cloud_api_key": "naïve"}, "cloud_api_key holds characters"),
        ({"cloud_api_key": 5}, "cloud_api_key is a text"),
        ({"local_endpoint": "ftp://x"}, "local_endpoint must be an address"),
        ({"request_timeout_seconds": 0}, "request_timeout_seconds is a number of seconds"),
        ({"request_timeout_seconds": float("nan")}, "request_timeout_seconds is a number of seconds"),
        ({"retry_max_attempts": 0}, "retry_max_attempts is a whole number from 1 to 20, not 0"),
        ({"retry_max_attempts": 1.5}, "retry_max_attempts is a whole number"),
        ({"retry_max_attempts": True}, "retry_max_attempts is a whole number"),
        ({"retry_delay_seconds": -1}, "retry_delay_seconds is a number of seconds from 0 to 600"),
        ({"rate_limit_cooldown_seconds": float("inf")}, "rate_limit_cooldown_seconds is a number"),
        ({"local_models": "gemma3"}, "local_models takes names of models"),
        ({"local_models": ("",)}, "local_models takes names of models"),
        ({"embeddings_model": ""}, "embeddings_model takes names of models"),
        ({"failover_logging": "no"}, "failover_logging is True or False"),
    ],
)
def test_an_impossible_value_is_one_line_that_names_the_field(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        LLMConfig(**fields)
    assert str(caught.value).startswith(fault)
    assert "\n" not in str(caught.value)


def test_nobody_to_ask_is_said_at_once() -> None:
    with pytest.raises(UsageError, match="nobody to ask"):
        OllamaClient(LLMConfig(cloud_api_key="", local_endpoint=""))


FILE = """\
version: 1
providers:
  cloud:
    kind: ollama
    base_url: {cloud}
    api_key: "${{OTHER_KEY}}"
    default_model: glm-5:cloud
    cooldown_s: 30
    retry: {{attempts: 2, delay_s: 0}}
    timeouts: {{first_token_s: 9}}
  local: {{kind: ollama, base_url: "{local}", fallback_models: [mine:7b], retry: {{attempts: 1}}}}
privacy: {{network: {network}}}
"""


def test_a_file_is_read_into_the_same_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "llmdesk.yaml"
    file.write_text(FILE.format(cloud="https://cloud.example", local="http://127.0.0.1:7", network="any"))
    without = load_config(file)
    assert without.cloud_api_key == ""
    monkeypatch.setenv("OTHER_KEY", KEY)
    config = load_config(str(file))
    assert config == LLMConfig(
        cloud_endpoint="https://cloud.example",
        cloud_api_key=KEY,
        local_endpoint="http://127.0.0.1:7",
        request_timeout_seconds=9.0,
        retry_max_attempts=2,
        retry_delay_seconds=0.0,
        rate_limit_cooldown_seconds=30.0,
        local_models=("mine:7b",),
    )


@pytest.mark.parametrize("template", ["$(no-such-program-at-all)", "${keyring:llmdesk-tests/nothing}"])
def test_a_key_that_has_to_be_fetched_is_not_fetched_before_the_cloud_is_asked(template: str) -> None:
    settings = Settings.model_validate(
        {
            "providers": {"cloud": {"kind": "ollama", "base_url": "https://ollama.com", "api_key": template}},
            "lanes": {"chat": {"targets": ["cloud/a"]}},
        }
    )
    assert LLMConfig(base=settings).cloud_api_key is None


def test_without_a_file_the_defaults_are_read() -> None:
    assert load_config() == LLMConfig()


def test_faults_of_a_file_and_other_kinds_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "llmdesk.yaml"
    with pytest.raises(ConfigurationError):
        load_config(file)
    file.write_text("version: 1\nproviders: {cloud: {kind: ollama, retrys: 1}}\n")
    with pytest.raises(ConfigurationError, match="retry"):
        load_config(file)
    file.write_text("version: 1\nproviders: {cloud: {kind: openai, base_url: https://x.example/v1}}\nlanes: {}\n")
    with pytest.raises(UsageError, match="kind openai"):
        load_config(file)


async def test_a_file_decides_how_the_servers_are_asked(
    cloud: FaultServer, local: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", KEY)
    file = tmp_path / "llmdesk.yaml"
    file.write_text(FILE.format(cloud=cloud.url, local=local.url, network="any"))
    cloud.always("/api/chat", error(500, "broken"))
    local.always("/api/chat", error(500, "broken"))
    async with OllamaClient(load_config(file)) as client:
        with pytest.raises(LLMUnavailableError):
            await client.chat(messages=HELLO)
    assert (cloud.count("/api/chat"), local.count("/api/chat")) == (2, 1)
    assert cloud.seen("/api/chat")[0].json["model"] == "glm-5:cloud"


async def test_a_file_that_keeps_everything_here_is_obeyed(
    local: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", KEY)
    file = tmp_path / "llmdesk.yaml"
    file.write_text(FILE.format(cloud="https://cloud.example", local=local.url, network="local-only"))
    async with OllamaClient(load_config(file)) as client:
        assert (await client.chat(messages=HELLO)).message.content == LOCAL_TEXT


def test_importing_the_client_loads_nothing_heavy() -> None:
    heavy = "{'httpx', 'ollama', 'pydantic', 'ruamel', 'sqlite3', 'structlog', 'jsonschema', 'textual'}"
    code = f"import sys, llmdesk; llmdesk.OllamaClient; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


# --- the page in docs ---------------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[1] / "docs" / "client.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
SAID = [
    f"{LOCAL_TEXT}\nanswered by: local\n",
    f"the cloud would be asked: True\n{CLOUD_TEXT}\n",
    "2 vectors from nomic-embed-text\n",
    f"{LOCAL_TEXT}\n",
    "local: connection refused at 127.0.0.1:9. Start it with: ollama serve\nkept as: ",
    "{'pass': True} from local/gemma3:4b\n",
]


def test_the_page_has_the_examples_that_are_tried_here() -> None:
    assert len(EXAMPLES) == len(SAID)


@pytest.mark.parametrize("number", range(len(SAID)))
def test_an_example_of_the_page_runs_as_it_stands(number: int, tmp_path: Path) -> None:
    with FaultServer.in_thread(reply=CLOUD_TEXT) as cloud, FaultServer.in_thread(reply=LOCAL_TEXT) as local:
        if "schema" in EXAMPLES[number]:
            local.always("/api/chat", chat_answer('{"pass": true}'))
        script = tmp_path / "example.py"
        script.write_text(EXAMPLES[number].replace("https://ollama.com", cloud.url))
        told = subprocess.run(
            [sys.executable, script],
            env={"LLMDESK_HOME": str(tmp_path), "OLLAMA_HOST": local.url, "PATH": ""},
            check=True,
            capture_output=True,
            text=True,
        )
    assert told.stdout.startswith(SAID[number])
    assert told.stderr == ""


def test_the_page_names_every_setting() -> None:
    page = PAGE.read_text()
    for field in dataclasses.fields(LLMConfig):
        assert field.name == "base" or f"| `{field.name}` |" in page


async def test_a_client_that_is_closed_while_its_first_call_opens_the_desk_leaves_nothing_open(make: Make) -> None:
    client = make()
    desk = await _desk_of(client)
    enter, opening, go = desk.__aenter__, asyncio.Event(), asyncio.Event()

    async def slow() -> Desk:
        opening.set()
        await go.wait()
        return await enter()

    desk.__aenter__ = slow  # type: ignore[method-assign]
    calls = [asyncio.create_task(client.chat("gpt-oss:120b", HELLO)) for _ in range(2)]
    await opening.wait()
    closing = asyncio.create_task(client.aclose())
    late = asyncio.create_task(client.chat("gpt-oss:120b", HELLO))
    go.set()
    await asyncio.wait_for(closing, PATIENCE_S)
    ended = await asyncio.gather(*calls, late, return_exceptions=True)
    assert all(isinstance(each, DeskError) for each in ended), ended
    with pytest.raises(StorageError, match="closed"):
        await desk.outbox()
