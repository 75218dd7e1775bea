"""What an Ollama server says: chat streams, model lists, errors; and the answers of a healthy one.

The shapes follow ``api/types.go`` and ``server/routes.go`` of ollama/ollama (v0.33).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.plays import Mark, Play, error, json_answer, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.support.plays import Step

CREATED_AT = "2026-11-20T12:00:00.123456789Z"
NDJSON = {"Content-Type": "application/x-ndjson"}


def line(value: object) -> bytes:
    """Print one object as the server does: one line, ended by a newline."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def chat_chunk(content: str = "", *, model: str = "gemma3:4b", thinking: str = "", **more: object) -> dict[str, object]:
    """One object of a chat stream; ``tool_calls`` goes into the message, everything else beside it."""
    message: dict[str, object] = {"role": "assistant", "content": content}
    if thinking:
        message["thinking"] = thinking
    if "tool_calls" in more:
        message["tool_calls"] = more.pop("tool_calls")
    return {"model": model, "created_at": CREATED_AT, "message": message, "done": False, **more}


def done_chunk(
    content: str = "",
    *,
    model: str = "gemma3:4b",
    reason: str | None = "stop",
    input_tokens: int | None = 12,
    output_tokens: int | None = 5,
    **more: object,
) -> dict[str, object]:
    """The last object of a chat stream; a count of ``None`` is left out, as the server does with zero."""
    chunk = chat_chunk(content, model=model, **more)
    chunk |= {"done": True, "total_duration": 120_000_000, "load_duration": 1_000_000}
    if reason is not None:
        chunk["done_reason"] = reason
    if input_tokens is not None:
        chunk |= {"prompt_eval_count": input_tokens, "prompt_eval_duration": 20_000_000}
    if output_tokens is not None:
        chunk |= {"eval_count": output_tokens, "eval_duration": 90_000_000}
    return chunk


def pieces_of(text: str, size: int = 8) -> list[str]:
    """Cut a text into token-like pieces."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def chat_answer(
    text: str = "Hello from Ollama.",
    *,
    model: str = "gemma3:4b",
    thinking: str = "",
    done: bool = True,
    reason: str | None = "stop",
    input_tokens: int | None = 12,
    output_tokens: int | None = 5,
    pause_s: float = 0.0,
    size: int = 8,
    end: Mark | None = None,
    tail: Sequence[Step] = (),
) -> Play:
    """Stream ``text`` as ``/api/chat`` does.

    Args:
        text: the answer.
        model: the model the chunks name.
        thinking: reasoning text, sent before the answer.
        done: whether the last line with ``done: true`` comes; without it the stream just ends, cleanly.
        reason: ``done_reason``; ``None`` leaves it out.
        input_tokens: ``prompt_eval_count``; ``None`` leaves it out.
        output_tokens: ``eval_count``; ``None`` leaves it out.
        pause_s: seconds between two chunks.
        size: characters in a chunk.
        end: a mark played after the last line.
        tail: steps between the text and the end.
    """
    chunks = [chat_chunk(thinking=piece, model=model) for piece in pieces_of(thinking, size)]
    chunks += [chat_chunk(piece, model=model) for piece in pieces_of(text, size)]
    if done:
        chunks.append(done_chunk(model=model, reason=reason, input_tokens=input_tokens, output_tokens=output_tokens))
    return stream(chunks, pause_s=pause_s, end=end, tail=tail)


def stream(
    chunks: Iterable[Mapping[str, object]],
    *,
    pause_s: float = 0.0,
    end: Mark | None = None,
    tail: Sequence[Step] = (),
) -> Play:
    """Stream objects as NDJSON."""
    steps: list[Step] = []
    for chunk in chunks:
        steps += [line(chunk), pause_s] if pause_s else [line(chunk)]
    steps += tail
    if end is not None:
        # The reset must not overtake what was written before it.
        steps += [0.05, end] if end is Mark.RST else [end]
    return Play(headers=NDJSON, body=tuple(steps))


def generate_answer(
    text: str = "Hello.", *, model: str = "gemma3:4b", thinking: str = "", reason: str = "stop"
) -> Play:
    """Stream ``text`` as ``/api/generate`` does."""
    base = {"model": model, "created_at": CREATED_AT}
    chunks: list[dict[str, object]] = []
    if thinking:
        chunks.append({**base, "response": "", "thinking": thinking, "done": False})
    chunks += [{**base, "response": piece, "done": False} for piece in pieces_of(text)]
    last = {**base, "response": "", "done": True, "done_reason": reason, "context": [1, 2, 3]}
    chunks.append({**last, "prompt_eval_count": 4, "eval_count": 2})
    return stream(chunks)


def embeddings(vectors: Sequence[Sequence[float]], *, model: str = "embeddinggemma:latest") -> Play:
    """Answer ``/api/embed``."""
    return json_answer({"model": model, "embeddings": vectors, "total_duration": 5_000_000, "prompt_eval_count": 3})


def model_entry(
    name: str,
    *,
    size: int = 4_000_000_000,
    parameters: str = "4.3B",
    capabilities: Sequence[str] | None = ("completion",),
    context: int | None = 8192,
    family: str = "gemma3",
    remote: bool = False,
) -> dict[str, object]:
    """One entry of ``/api/tags``; ``remote`` makes it a stub of a cloud model."""
    details: dict[str, object] = {
        "parent_model": "", "format": "gguf", "family": family, "families": [family],
        "parameter_size": parameters, "quantization_level": "Q4_K_M",
    }  # fmt: skip
    entry: dict[str, object] = {
        "name": name, "model": name, "modified_at": CREATED_AT, "size": size,
        "digest": "a" * 64, "details": details,
    }  # fmt: skip
    if context is not None:
        details["context_length"] = context
    if capabilities is not None:
        entry["capabilities"] = list(capabilities)
    if remote:
        entry |= {"size": 384, "remote_model": name.partition(":")[0], "remote_host": "https://ollama.com:443"}
    return entry


def tags(models: Sequence[Mapping[str, object] | str]) -> Play:
    """Answer ``/api/tags``; a plain name stands for an ordinary entry."""
    return json_answer({"models": [model_entry(m) if isinstance(m, str) else m for m in models]})


def ps(models: Sequence[Mapping[str, object]] = ()) -> Play:
    """Answer ``/api/ps`` with what is in memory: ``loaded(...)`` entries."""
    return json_answer({"models": list(models)})


def loaded(name: str, *, context: int = 8192, size: int = 5_000_000_000) -> dict[str, object]:
    """One entry of ``/api/ps``."""
    return {
        "name": name, "model": name, "size": size, "digest": "a" * 64, "details": {},
        "expires_at": "2026-11-20T12:05:00Z", "size_vram": size, "context_length": context,
    }  # fmt: skip


def version(number: str = "0.33.0") -> Play:
    """Answer ``/api/version``."""
    return json_answer({"version": number})


def show(name: str, *, context: int = 8192, capabilities: Sequence[str] = ("completion",)) -> Play:
    """Answer ``/api/show``."""
    return json_answer({
        "modelfile": f"FROM {name}", "parameters": "temperature 1", "template": "{{ .Prompt }}",
        "details": {"family": "gemma3", "parameter_size": "4.3B", "quantization_level": "Q4_K_M"},
        "model_info": {"general.architecture": "gemma3", "gemma3.context_length": context},
        "tensors": [{"name": "t", "type": "F32", "shape": [1]}], "capabilities": list(capabilities),
        "modified_at": CREATED_AT,
    })  # fmt: skip


def progress(*lines: Mapping[str, object]) -> Play:
    """Stream progress lines as pull and create do."""
    return stream(lines)


def healthy(path: str, method: str, body: Mapping[str, object], *, models: Sequence[Mapping[str, object]],
            running: Sequence[Mapping[str, object]], reply: str) -> Play:  # fmt: skip
    """What a healthy server answers; ``reply`` is what its models say."""
    model = str(body.get("model", "gemma3:4b"))
    pull = (
        {"status": "pulling manifest"},
        {"status": "pulling aa", "digest": "sha256:aa", "total": 10, "completed": 10},
    )
    answers = {
        "/": lambda: plain(200, "Ollama is running"),
        "/api/version": version,
        "/api/tags": lambda: tags(models),
        "/api/ps": lambda: ps(running),
        "/api/show": lambda: show(model),
        "/api/chat": lambda: chat_answer(reply, model=model),
        "/api/generate": lambda: generate_answer(reply, model=model),
        "/api/embed": lambda: embeddings([[0.6, 0.8]] * len(list(_inputs(body))), model=model),
        "/api/me": lambda: json_answer({"id": "1", "email": "a@example.com", "name": "ada", "plan": "free"}),
        "/api/pull": lambda: progress(*pull, {"status": "success"}),
        "/api/push": lambda: progress({"status": "retrieving manifest"}, {"status": "success"}),
        "/api/create": lambda: progress({"status": "using existing layer"}, {"status": "success"}),
        "/api/copy": lambda: Play(framing="length"),
        "/api/delete": lambda: Play(framing="length"),
    }
    if path not in answers:
        return plain(404, "404 page not found")
    if path == "/api/chat" and not body.get("messages"):
        return json_answer(done_chunk(model=model, reason="load", input_tokens=None, output_tokens=None))
    if method != "DELETE" and path == "/api/delete":
        return plain(405, "405 method not allowed")
    return answers[path]()


def _inputs(body: Mapping[str, object]) -> Iterator[object]:
    given = body.get("input", ())
    if isinstance(given, str):
        yield given
    elif isinstance(given, list):
        yield from given


__all__ = [
    "NDJSON", "chat_answer", "chat_chunk", "done_chunk", "embeddings", "error", "generate_answer", "healthy", "line",
    "loaded", "model_entry", "pieces_of", "progress", "ps", "show", "stream", "tags", "version",
]  # fmt: skip
