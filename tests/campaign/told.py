"""What a server has told, read from the bytes that left it: text, end and tokens. Nothing of the program reads here.

The four wires in the shortest way that is right for what the scenes say; what is broken ends the reading, as nothing
behind it can count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(slots=True)
class Told:
    """What of an answer was told so far.

    Args:
        text: of the answer, without reasoning.
        marked: the wire's terminal marker came.
        read: input tokens, ``None`` = nothing of them.
        output: output tokens.
    """

    text: str = ""
    marked: bool = False
    read: int | None = None
    output: int | None = None

    @property
    def usage(self) -> tuple[int, int] | None:
        """Both counts; ``None`` where one is missing."""
        return None if self.read is None or self.output is None else (self.read, self.output)


def told(wire: str, body: bytes) -> Told:
    """Read what a body of a 200 tells."""
    found = Told()
    for value in _values(body):
        if isinstance(value, dict):
            _TAKE[wire](found, value)
    return found


def _values(body: bytes) -> Iterator[Any]:
    """The JSON values of a body: of a stream of lines or events, or the one document; a list is what is in it."""
    text = body.decode("utf-8", "replace")
    if text.lstrip()[:1] in ("{", "["):
        yield from _documents(text)
        return
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.startswith("data:"):
            try:
                yield from _listed(json.loads(line[5:]))
            except ValueError:
                if line[5:].strip() != "[DONE]":
                    return


def _documents(text: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(), 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield from _listed(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _ollama(found: Told, value: dict[str, Any]) -> None:
    found.text += value.get("message", {}).get("content", "")
    if value.get("done") is True and value.get("done_reason") not in ("load", "unload"):
        found.marked = True
        found.read, found.output = value.get("prompt_eval_count"), value.get("eval_count")


def _openai(found: Told, value: dict[str, Any]) -> None:
    for choice in value.get("choices") or ():
        said = choice.get("delta") or choice.get("message") or {}
        found.text += said.get("content") or ""
        found.marked = found.marked or choice.get("finish_reason") is not None
    if usage := value.get("usage"):
        found.read, found.output = usage.get("prompt_tokens"), usage.get("completion_tokens")


def _anthropic(found: Told, value: dict[str, Any]) -> None:
    match value.get("type"):
        case "message_start":
            _count(found, value["message"].get("usage"))
        case "content_block_delta":
            found.text += value["delta"].get("text", "")
        case "message_delta":
            _count(found, value.get("usage"))
        case "message_stop":
            found.marked = True
        case "message":
            found.text += "".join(block.get("text", "") for block in value["content"])
            found.marked = value.get("stop_reason") is not None
            _count(found, value.get("usage"))


def _count(found: Told, usage: dict[str, int] | None) -> None:
    usage = usage or {}
    found.read = usage.get("input_tokens", found.read)
    found.output = usage.get("output_tokens", found.output)


def _google(found: Told, value: dict[str, Any]) -> None:
    for candidate in value.get("candidates") or ():
        parts = candidate.get("content", {}).get("parts", ())
        texts = [part["text"] for part in parts if isinstance(part.get("text"), str) and not part.get("thought")]
        found.text += "".join(texts)
        found.marked = candidate.get("finishReason") is not None  # what goes on behind it had not ended
    if usage := value.get("usageMetadata"):
        found.read = usage.get("promptTokenCount", found.read)
        found.output = usage.get("candidatesTokenCount", found.output)


def _command(found: Told, value: dict[str, Any]) -> None:
    found.text += value.get("delta", "")
    if usage := value.get("usage"):
        found.read, found.output = usage.get("in"), usage.get("out")


_TAKE: dict[str, Callable[[Told, dict[str, Any]], None]] = {
    "ollama": _ollama,
    "openai": _openai,
    "anthropic": _anthropic,
    "google": _google,
    "command": _command,
}
