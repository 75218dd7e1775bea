"""The simulated Ollama, held against the wire of the real one by raw requests."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from llmdesk.demo.catalogue import CLOUD_MODELS, LOCAL_MODELS
from llmdesk.demo.ollama_sim import OllamaSim
from llmdesk.demo.server import HttpServer
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = "demo-key"
LARGE = "demo-large:27b"
CLOUD = "demo-cloud:120b"
HELLO = [{"role": "user", "content": "hello"}]


class Clock:
    """A wall clock that moves only when told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def local(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        HttpServer(OllamaSim(LOCAL_MODELS, now=clock)) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=PATIENCE_S) as client,
    ):
        yield client


@pytest.fixture
async def cloud() -> AsyncIterator[httpx.AsyncClient]:
    async with (
        HttpServer(OllamaSim(CLOUD_MODELS, key=KEY)) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=PATIENCE_S) as client,
    ):
        yield client


def _lines(reply: httpx.Response) -> list[dict[str, object]]:
    return [json.loads(line) for line in reply.text.splitlines()]


# --- looking ------------------------------------------------------------------------------------------------------


async def test_root_version_and_status(local: httpx.AsyncClient) -> None:
    assert (await local.get("/")).text == "Ollama is running"
    assert (await local.head("/")).status_code == 200
    assert (await local.get("/api/version")).json()["version"]
    assert (await local.get("/api/status")).json() == {"cloud": {"disabled": False, "source": "none"}}


async def test_an_unknown_path_and_a_wrong_method_are_plain_text(local: httpx.AsyncClient) -> None:
    absent, wrong = await local.get("/api/nope"), await local.get("/api/chat")
    assert (absent.status_code, absent.text) == (404, "404 page not found")
    assert (wrong.status_code, wrong.text) == (405, "405 method not allowed")
    assert absent.headers["content-type"] == wrong.headers["content-type"] == "text/plain"


async def test_a_foreign_host_header_is_refused_with_an_empty_body(local: httpx.AsyncClient) -> None:
    reply = await local.get("/api/tags", headers={"Host": "evil.example"})
    assert (reply.status_code, reply.content) == (403, b"")


async def test_the_list_has_chat_models_an_embedding_model_and_a_cloud_stub(local: httpx.AsyncClient) -> None:
    models = (await local.get("/api/tags")).json()["models"]
    by_name = {model["name"]: model for model in models}
    assert models[0]["name"] == LARGE
    assert by_name[LARGE]["details"]["parameter_size"] == "27.4B"
    assert by_name[LARGE]["details"]["context_length"] == 131_072
    assert by_name["demo-embed:latest"]["capabilities"] == ["embedding"]
    assert by_name["demo-cloud:120b-cloud"]["remote_model"] == CLOUD
    assert by_name["demo-cloud:120b-cloud"]["size"] < 1000
    assert all("DEMO" in name.upper() for name in by_name)
    assert len(by_name[LARGE]["digest"]) == 64


async def test_show_gives_capabilities_and_context_length(local: httpx.AsyncClient) -> None:
    shown = (await local.post("/api/show", json={"model": LARGE})).json()
    architecture = shown["model_info"]["general.architecture"]
    assert shown["model_info"][f"{architecture}.context_length"] == 131_072
    assert shown["capabilities"] == ["completion", "vision", "tools"]
    absent = await local.post("/api/show", json={"model": "nope"})
    assert (absent.status_code, absent.json()) == (404, {"error": "model 'nope:latest' not found"})


async def test_the_cloud_needs_its_key_for_everything_but_the_list(cloud: httpx.AsyncClient) -> None:
    assert (await cloud.get("/api/tags")).status_code == 200
    for path, body in (("/api/chat", {"model": CLOUD, "messages": HELLO}), ("/api/show", {"model": CLOUD})):
        refused = await cloud.post(path, json=body)
        assert (refused.status_code, refused.json()) == (401, {"error": "unauthorized"})
        wrong = await cloud.post(path, json=body, headers={"Authorization": "Bearer other"})
        assert wrong.status_code == 401
        assert (await cloud.post(path, json=body, headers={"Authorization": f"Bearer {KEY}"})).status_code == 200


async def test_me_tells_a_signed_in_user_from_none(cloud: httpx.AsyncClient, local: httpx.AsyncClient) -> None:
    assert (await cloud.post("/api/me")).status_code == 401
    assert (await local.post("/api/me")).status_code == 401
    me = await cloud.post("/api/me", headers={"Authorization": f"Bearer {KEY}"})
    assert me.json()["plan"] == "free"


# --- answering ----------------------------------------------------------------------------------------------------


async def test_a_chat_streams_lines_and_ends_with_the_figures(local: httpx.AsyncClient) -> None:
    reply = await local.post("/api/chat", json={"model": LARGE, "messages": HELLO})
    lines = _lines(reply)
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert all(line["model"] == LARGE for line in lines)
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    last = lines[-1]
    assert last["message"] == {"role": "assistant", "content": ""}
    assert last["done_reason"] == "stop"
    assert last["eval_count"] == len(lines) - 1
    assert isinstance(last["eval_duration"], int)
    text = "".join(str(line["message"]["content"]) for line in lines)  # type: ignore[index]
    assert "DEMO" in text
    assert len(lines) > 50


async def test_stream_false_gives_the_same_text_in_one_object(local: httpx.AsyncClient) -> None:
    body = {"model": LARGE, "messages": HELLO}
    streamed = _lines(await local.post("/api/chat", json=body))
    reply = await local.post("/api/chat", json={**body, "stream": False})
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    whole = reply.json()
    assert whole["done"] is True
    assert whole["message"]["content"] == "".join(line["message"]["content"] for line in streamed)  # type: ignore[index]


async def test_generate_answers_in_its_own_field(local: httpx.AsyncClient) -> None:
    lines = _lines(await local.post("/api/generate", json={"model": LARGE, "prompt": "show me code", "system": "x"}))
    assert "```python" in "".join(str(line["response"]) for line in lines)
    assert "message" not in lines[0]


async def test_go_escapes_angle_brackets(local: httpx.AsyncClient) -> None:
    body = {"model": LARGE, "messages": [{"role": "user", "content": "<b> & so on"}], "stream": False}
    raw = (await local.post("/api/chat", json=body)).text
    assert "\\u003cb\\u003e" in raw
    assert "<b>" in json.loads(raw)["message"]["content"]


async def test_a_model_that_thinks_does_so_unless_told_not_to(cloud: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"model": CLOUD, "messages": HELLO, "stream": False}
    assert (await cloud.post("/api/chat", json=body, headers=headers)).json()["message"]["thinking"]
    quiet = (await cloud.post("/api/chat", json={**body, "think": False}, headers=headers)).json()
    assert "thinking" not in quiet["message"]
    bad = await cloud.post("/api/chat", json={**body, "think": "hard"}, headers=headers)
    assert bad.status_code == 400
    assert bad.json()["error"].startswith('invalid think value: "hard"')


async def test_an_output_limit_ends_with_reason_length(local: httpx.AsyncClient) -> None:
    body = {"model": LARGE, "messages": HELLO, "options": {"num_predict": 5}}
    last = _lines(await local.post("/api/chat", json=body))[-1]
    assert (last["done_reason"], last["eval_count"]) == ("length", 5)


async def test_a_prompt_beyond_the_window_is_quietly_cut_to_half_of_it(local: httpx.AsyncClient) -> None:
    messages = [{"role": "user", "content": "word " * 4000}]
    body = {"model": LARGE, "messages": messages, "stream": False}
    assert (await local.post("/api/chat", json=body)).json()["prompt_eval_count"] == 2048
    wide = {**body, "options": {"num_ctx": 16_384}}
    assert (await local.post("/api/chat", json=wide)).json()["prompt_eval_count"] > 5000


async def test_a_schema_is_answered_with_an_object_that_meets_it(local: httpx.AsyncClient) -> None:
    schema = {
        "type": "object",
        "required": ["pass", "issues", "confidence", "level"],
        "properties": {
            "pass": {"type": "boolean"},
            "issues": {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/issue"}},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "level": {"enum": ["low", "high"]},
            "count": {"type": "integer", "minimum": 3},
        },
        "$defs": {"issue": {"type": "string", "minLength": 6}},
    }
    import jsonschema

    body = {"model": LARGE, "messages": HELLO, "stream": False, "format": schema}
    value = json.loads((await local.post("/api/chat", json=body)).json()["message"]["content"])
    jsonschema.validate(value, schema)
    plain = (await local.post("/api/chat", json={**body, "format": "json"})).json()
    assert json.loads(plain["message"]["content"])["demo"] is True


async def test_images_go_to_models_that_see(local: httpx.AsyncClient) -> None:
    image = base64.b64encode(b"\x89PNG" + b"0" * 2048).decode()
    messages = [{"role": "user", "content": "what is it?", "images": [image]}]
    seen = await local.post("/api/chat", json={"model": LARGE, "messages": messages, "stream": False})
    assert "one image** (2.1 kB)" in seen.json()["message"]["content"]
    blind = await local.post("/api/chat", json={"model": "demo-small:4b", "messages": messages})
    assert blind.status_code == 400
    assert "image input is not supported" in json.loads(blind.json()["error"])["error"]["message"]
    messages[0]["images"] = ["%%%"]
    assert (await local.post("/api/chat", json={"model": LARGE, "messages": messages})).status_code == 400


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"messages": HELLO}, 400, "model is required"),
        ({"model": "nope", "messages": HELLO}, 404, "model 'nope' not found"),
        ({"model": "demo-embed", "messages": HELLO}, 400, '"demo-embed" does not support chat'),
        ({"model": "demo-cloud:120b-cloud", "messages": HELLO}, 401, "unauthorized"),
        ({"model": LARGE, "messages": HELLO, "think": True}, 400, f'"{LARGE}" does not support thinking'),
        (
            {"model": LARGE, "messages": HELLO, "options": {"temperature": "hot"}},
            500,
            'option "temperature" must be of type float32',
        ),
        (
            {"model": LARGE, "messages": HELLO, "keep_alive": "300"},
            400,
            'time: missing unit in duration "300"',
        ),
        ({"model": LARGE, "messages": HELLO, "keep_alive": "soon"}, 400, 'time: invalid duration "soon"'),
        (
            {"model": "demo-small:4b", "messages": HELLO, "tools": [{}]},
            400,
            "registry.ollama.ai/library/demo-small:4b does not support tools",
        ),
    ],
)
async def test_refusals_have_the_status_and_words_of_the_real_server(
    local: httpx.AsyncClient, body: dict[str, object], status: int, error: str
) -> None:
    reply = await local.post("/api/chat", json=body)
    assert (reply.status_code, reply.json()["error"]) == (status, error)


async def test_bodies_that_are_no_request_are_refused(local: httpx.AsyncClient) -> None:
    assert (await local.post("/api/chat")).json() == {"error": "missing request body"}
    for content in (b"{", b"[]", b"\xff"):
        assert (await local.post("/api/chat", content=content)).status_code == 400
    assert (await local.post("/api/chat", json={"model": LARGE, "messages": "x"})).status_code == 400
    bad_format = await local.post("/api/chat", json={"model": LARGE, "messages": HELLO, "format": "xml"})
    assert bad_format.status_code == 500


# --- memory -------------------------------------------------------------------------------------------------------


async def test_an_empty_request_loads_and_unloads(local: httpx.AsyncClient) -> None:
    loaded = (await local.post("/api/generate", json={"model": LARGE})).json()
    assert (loaded["done"], loaded["done_reason"]) == (True, "load")
    running = (await local.get("/api/ps")).json()["models"]
    assert [(model["name"], model["context_length"]) for model in running] == [(LARGE, 4096)]
    unloaded = (await local.post("/api/chat", json={"model": LARGE, "messages": [], "keep_alive": 0})).json()
    assert unloaded["done_reason"] == "unload"
    assert (await local.get("/api/ps")).json() == {"models": []}


@pytest.mark.parametrize(
    ("keep_alive", "stays_s"), [(None, 300), ("10m", 600), (42, 42), ("1h30m", 5400), ("1.5s", 1.5)]
)
async def test_a_model_stays_in_memory_as_long_as_it_was_kept_alive(
    local: httpx.AsyncClient, clock: Clock, keep_alive: object, stays_s: float
) -> None:
    body = {"model": LARGE, "messages": HELLO, "stream": False, "keep_alive": keep_alive}
    assert (await local.post("/api/chat", json=body)).json()["done"] is True
    clock.at += timedelta(seconds=stays_s - 0.5)
    assert len((await local.get("/api/ps")).json()["models"]) == 1
    clock.at += timedelta(seconds=1)
    assert (await local.get("/api/ps")).json() == {"models": []}


@pytest.mark.parametrize("keep_alive", [-1, "-1m"])
async def test_negative_means_for_ever(local: httpx.AsyncClient, keep_alive: object) -> None:
    await local.post("/api/generate", json={"model": LARGE, "keep_alive": keep_alive})
    assert (await local.get("/api/ps")).json()["models"][0]["expires_at"] > "2300"


async def test_a_window_is_lowered_to_what_the_model_knows(local: httpx.AsyncClient) -> None:
    await local.post("/api/generate", json={"model": "demo-small:4b", "options": {"num_ctx": 1_000_000}})
    assert (await local.get("/api/ps")).json()["models"][0]["context_length"] == 32_768


# --- the model store ----------------------------------------------------------------------------------------------


async def test_a_pull_shows_progress_and_the_model_is_there(local: httpx.AsyncClient) -> None:
    lines = _lines(await local.post("/api/pull", json={"model": "demo-medium:9b"}))
    assert lines[0] == {"status": "pulling manifest"}
    assert lines[-1] == {"status": "success"}
    completed = [int(str(line["completed"])) for line in lines if line.get("completed") and line["total"] != 8_432]
    assert completed == sorted(completed)
    assert completed[-1] == next(line["total"] for line in lines if "total" in line)
    names = [model["name"] for model in (await local.get("/api/tags")).json()["models"]]
    assert "demo-medium:9b" in names


async def test_a_pull_of_what_is_not_there_fails_after_200(local: httpx.AsyncClient) -> None:
    reply = await local.post("/api/pull", json={"model": "gemma3:4b"})
    assert reply.status_code == 200
    assert "pull model manifest: file does not exist" in str(_lines(reply)[-1]["error"])


async def test_copy_create_and_delete(local: httpx.AsyncClient) -> None:
    assert (await local.post("/api/copy", json={"source": LARGE, "destination": "demo-copy"})).status_code == 200
    created = await local.post("/api/create", json={"model": "demo-pirate", "from": LARGE, "system": "Arr"})
    assert _lines(created)[-1] == {"status": "success"}
    assert (await local.post("/api/show", json={"model": "demo-pirate"})).json()["system"] == "Arr"
    assert (await local.request("DELETE", "/api/delete", json={"model": "demo-copy"})).status_code == 200
    again = await local.request("DELETE", "/api/delete", json={"model": "demo-copy"})
    assert (again.status_code, again.json()) == (404, {"error": "model 'demo-copy' not found"})
    quiet = await local.post("/api/create", json={"model": "demo-x", "from": "nope", "stream": False})
    assert "error" in quiet.json()


async def test_embeddings_are_of_length_one_and_depend_on_the_text(local: httpx.AsyncClient) -> None:
    body = {"model": "demo-embed", "input": ["a", "b", "a"]}
    first, second, third = (await local.post("/api/embed", json=body)).json()["embeddings"]
    assert first == third != second
    assert sum(value * value for value in first) == pytest.approx(1)
    assert (await local.post("/api/embed", json={**body, "input": ""})).json()["embeddings"] == []
    assert (await local.post("/api/embed", json={**body, "model": LARGE})).status_code == 501
    absent = await local.post("/api/embed", json={**body, "model": "nope"})
    assert absent.json() == {"error": 'model "nope" not found, try pulling it first'}
    old = await local.post("/api/embeddings", json={"model": "demo-embed", "prompt": "a"})
    assert old.json()["embedding"] == first
