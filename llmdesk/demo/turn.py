"""One chat or generate request of the simulated server: read and checked, then spoken piece by piece.

Source of the forms: ollama/ollama v0.33.0-rc2, api/types.go (ChatRequest, ChatResponse, Metrics), server/routes.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from llmdesk.core.values import dataclass
from llmdesk.demo.answers import compose
from llmdesk.demo.wire import NS, WireError, go_json, read_images, read_keep_alive, read_options

if TYPE_CHECKING:
    from llmdesk.core.types import Json
    from llmdesk.demo.answers import Answer
    from llmdesk.demo.catalogue import SimModel

THINK_LEVELS = ("low", "medium", "high", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is asked, after every check the real server makes.

    ``empty`` = nothing to answer: the request only loads the model (or unloads it, when ``keep_alive_s`` is 0).
    """

    endpoint: Literal["chat", "generate"]
    model: SimModel
    prompt: str
    prompt_tokens: int
    image_sizes: tuple[int, ...]
    thinks: bool
    format: str | Json | None
    context_tokens: int | None
    limit_tokens: int | None
    keep_alive_s: float
    stream: bool
    empty: bool

    def answer(self) -> Answer:
        """What the model says to it."""
        return compose(self.prompt, model=self.model.name, image_sizes=self.image_sizes, format_=self.format)

    def line(self, *, created_at: str, text: str = "", thinking: str = "", last: Json | None = None) -> Json:
        """One object of the answer; ``last`` holds the fields of the final one."""
        body: dict[str, object] = {"model": self.model.name, "created_at": created_at}
        thought = {"thinking": thinking} if thinking else {}
        if self.endpoint == "chat":
            body["message"] = {"role": "assistant", "content": text, **thought}
        else:
            body |= {"response": text, **thought}
        return {**body, "done": last is not None, **(last or {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The figures of a final line: counts in tokens, durations in seconds."""

    prompt_tokens: int
    output_tokens: int
    load_s: float
    prompt_s: float
    output_s: float

    def fields(self) -> Json:
        """As the wire has them: nanoseconds, and left out when zero."""
        return {
            name: value
            for name, value in {
                "total_duration": round((self.load_s + self.prompt_s + self.output_s) * NS),
                "load_duration": round(self.load_s * NS),
                "prompt_eval_count": self.prompt_tokens,
                "prompt_eval_duration": round(self.prompt_s * NS),
                "eval_count": self.output_tokens,
                "eval_duration": round(self.output_s * NS),
            }.items()
            if value
        }


def read_turn(endpoint: Literal["chat", "generate"], body: Json, model: SimModel) -> Turn:
    """Check a request against what ``model`` can do.

    Raises:
        WireError: the real server would refuse it, with its status and text.
    """
    if not model.can("completion"):
        raise WireError(400, f'"{body.get("model")}" does not support {endpoint}')
    messages = _messages(body) if endpoint == "chat" else _as_messages(body)
    user = next((message for message in reversed(messages) if message.get("role") == "user"), {})
    images = tuple(size for message in messages for size in read_images(message.get("images")))
    if images and not model.can("vision"):
        # The runner's own error object, passed on as text inside the error string.
        inner = {"error": {"code": 500, "message": "image input is not supported (DEMO)", "type": "server_error"}}
        raise WireError(400, go_json(inner).decode())
    if body.get("tools") and not model.can("tools"):
        raise WireError(400, f"registry.ollama.ai/library/{model.name} does not support tools")
    options = read_options(body.get("options"))
    limit = int(options.get("num_predict", -1))
    return Turn(
        endpoint=endpoint,
        model=model,
        prompt=str(user.get("content") or ""),
        prompt_tokens=_count_prompt(messages, len(images)),
        image_sizes=images,
        thinks=_read_think(body.get("think"), model),
        format=_read_format(body.get("format")),
        context_tokens=int(options["num_ctx"]) if "num_ctx" in options else None,
        limit_tokens=limit if limit > 0 else None,
        keep_alive_s=read_keep_alive(body.get("keep_alive")),
        stream=body.get("stream") is not False,
        empty=not messages,
    )


def _messages(body: Json) -> list[Json]:
    messages = body.get("messages") or []
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        raise WireError(400, "json: cannot unmarshal into Go struct field ChatRequest.messages of type []api.Message")
    return messages


def _as_messages(body: Json) -> list[Json]:
    """A generate request as the messages it stands for; none when there is no prompt."""
    if not body.get("prompt"):
        return []
    system: list[Json] = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    return [*system, {"role": "user", "content": body["prompt"], "images": body.get("images")}]


def _count_prompt(messages: list[Json], images: int) -> int:
    """About 3.5 bytes a token, four tokens of template around each message, 800 for an image."""
    size = sum(len(str(message.get("content") or "").encode("utf-8", "replace")) for message in messages)
    return round(size / 3.5) + 4 * len(messages) + 800 * images + 6


def _read_think(value: object, model: SimModel) -> bool:
    """Whether the answer starts with thoughts; unset means yes for a model that can."""
    if isinstance(value, str) and value not in THINK_LEVELS:
        raise WireError(400, f'invalid think value: "{value}" (must be "high", "medium", "low", "max", true, or false)')
    if value and not model.can("thinking"):
        raise WireError(400, f'"{model.name}" does not support thinking')
    return model.can("thinking") if value is None else bool(value)


def _read_format(value: object) -> str | Json | None:
    match value:
        case None | "":
            return None
        case "json":
            return "json"
        case Mapping():
            return value
        case _:
            raise WireError(500, f'invalid format: {value!r}; expected "json" or a valid JSON Schema object')
