"""Lanes and what fits them: target order, the largest local model, context windows, history by whole turns."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from llmdesk.core.model_names import is_cloud_name, same_model
from llmdesk.core.types import Params, Role
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmdesk.core.types import Failover, Json, Message, ModelInfo, ModelRef, Resume

LARGEST = "largest"
"""The model name that stands for the chain of policy R15."""

DEFAULT_LANES = ("chat", "codegen", "repair", "critic", "planner", "clarifier", "reviewer")

SMALL_DEFAULT = "gemma3:4b"
"""What to pull when nothing is there and nothing is configured: small enough for most laptops."""

WINDOWS = (8_192, 16_384, 32_768, 65_536, 131_072)
"""The context sizes llmdesk asks a local model for, tokens (policy R15b)."""

DEFAULT_OUTPUT_TOKENS = 2_048
"""Room kept for the answer where a lane sets no limit, tokens."""

CHARS_PER_TOKEN = 3.5
TOKENS_PER_MESSAGE = 4
TOKENS_PER_IMAGE = 800
"""What a prompt is guessed by before any server has counted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A purpose: ordered targets and everything that applies to a request made in it.

    ``max_wait_s`` is the longest a request waits for a provider's own-side rate limit, seconds.
    """

    name: str
    targets: tuple[ModelRef, ...]
    params: Params = field(default_factory=Params)
    system: str | None = None
    schema: Json | None = None
    schema_name: str = ""
    schema_repairs: int = 1
    failover: Failover = "auto"
    resume: Resume = "ask"
    max_wait_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallPrompt:
    """A cost rule: prompts estimated below ``below_tokens`` go to ``prefer`` before the lane's own targets."""

    below_tokens: int
    prefer: tuple[ModelRef, ...]


def estimate_tokens(messages: Iterable[Message]) -> int:
    """Guess the tokens of ``messages``; about 3.5 characters each, CJK one each, images a flat 800."""
    total = 0.0
    for message in messages:
        text = message.content
        wide = 0 if text.isascii() else sum(1 for char in text if char >= "\u2e80")
        total += (len(text) - wide) / CHARS_PER_TOKEN + wide
        total += TOKENS_PER_MESSAGE + TOKENS_PER_IMAGE * len(message.images)
    return round(total)


# --- the largest local model (policy R15) ---------------------------------------------------------------------------

_SIZE = re.compile(r"(?:(\d+)x)?(\d+(?:\.\d+)?)\s*([kmbt])(?![a-z])", re.IGNORECASE)
_UNIT = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def parse_parameter_size(text: str) -> float | None:
    """Read ``7.6B``, ``460K``, ``8x7b`` as a count of parameters; ``None`` if there is no such thing in it."""
    if not (found := _SIZE.search(text)):
        return None
    return int(found[1] or 1) * float(found[2]) * _UNIT[found[3].lower()]


def _can_chat(model: ModelInfo) -> bool:
    if model.remote or is_cloud_name(model.name):
        return False
    if model.capabilities:
        return "completion" in model.capabilities
    return not re.search(r"embed|bge-|minilm|rerank", model.name.lower()) and "bert" not in model.family.lower()


def _named_size(name: str) -> float | None:
    """The size a name tells: of its tag, else of the rest. Thousands are a context length (``phi3:mini-128k``)."""
    for part in (name.rpartition(":")[2], name):
        if (count := parse_parameter_size(part)) is not None and count >= 1e6:
            return count
    return None


def _size_key(model: ModelInfo) -> tuple[float, int, str]:
    count = model.parameters if model.parameters is not None else _named_size(model.name)
    size = model.size_bytes or 0
    # Without a count, bytes stand in for it: a 4-bit model has about two parameters a byte.
    return (count if count is not None else size * 2.0, size, model.name)


def largest_chain(
    models: Sequence[ModelInfo],
    *,
    fallback_models: Sequence[str] = (),
    memory_bytes: int | None = None,
) -> tuple[ModelInfo, ...]:
    """The models ``local/largest`` stands for, in the order in which they are tried.

    Args:
        models: what the server lists.
        fallback_models: the user's own order; those that are pulled come first.
        memory_bytes: this machine's total memory when the server is this machine; larger models are passed over,
            and if none fits the smallest one stands alone. ``None`` = size does not matter.
    """
    chatty = [model for model in models if _can_chat(model)]
    chosen = [model for name in fallback_models for model in chatty if same_model(name, model.name)]
    chosen = list(dict.fromkeys(chosen))
    rest = sorted((m for m in chatty if m not in chosen), key=_size_key, reverse=True)
    if memory_bytes is not None:
        fitting = [m for m in rest if m.size_bytes is None or m.size_bytes <= memory_bytes]
        rest = fitting or ([] if chosen else rest[-1:])
    return (*chosen, *rest)


def no_local_model_message(fallback_models: Sequence[str]) -> str:
    """What to say when nothing local can chat."""
    return f"No local model. Run: ollama pull {next(iter(fallback_models), SMALL_DEFAULT)}"


# --- windows and history ---------------------------------------------------------------------------------------------


def window_for(needed_tokens: int, *, loaded_tokens: int | None = None, model_tokens: int | None = None) -> int:
    """The ``num_ctx`` to ask for: the smallest step that holds ``needed_tokens`` (policy R15b).

    Never below what is loaded (that would reload the model), never above what the model was trained for.
    """
    window = next((step for step in WINDOWS if step >= needed_tokens), WINDOWS[-1])
    window = max(window, loaded_tokens or 0)
    return min(window, model_tokens) if model_tokens else window


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedHistory:
    """What goes to a target; ``left_out_turns`` counts whole turns dropped from the front."""

    messages: tuple[Message, ...]
    left_out_turns: int


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    turns: list[list[Message]] = []
    for message in messages:
        if message.role is Role.SYSTEM:
            continue
        if message.role is Role.USER or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _newest(messages: Sequence[Message]) -> int:
    """Where the newest turn begins."""
    return next((n for n in range(len(messages) - 1, -1, -1) if messages[n].role is Role.USER), 0)


def indispensable(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What is never left out: the system messages, and the newest turn."""
    system = Role.SYSTEM  # looked up once: an enum's members are no plain attributes
    newest = [m for m in messages[_newest(messages) :] if m.role is not system]
    return (*(m for m in messages if m.role is system), *newest)


def fit_history(
    messages: Sequence[Message], *, window_tokens: int | None, output_tokens: int, total_tokens: int | None = None
) -> FittedHistory:
    """Leave out the oldest whole turns until the rest fits; what is ``indispensable`` always goes, fit or not.

    Args:
        messages: everything, oldest first.
        window_tokens: the target's window; ``None`` = unknown, so everything is sent.
        output_tokens: room to keep for the answer.
        total_tokens: the estimate of all of them, where it is known already.
    """
    as_it_is = FittedHistory(messages=tuple(messages), left_out_turns=0)
    if window_tokens is None:
        return as_it_is
    room = window_tokens - min(output_tokens, window_tokens // 2)
    if (estimate_tokens(messages) if total_tokens is None else total_tokens) <= room:
        return as_it_is
    system = [m for m in messages if m.role is Role.SYSTEM]
    turns = _turns(messages)
    room -= estimate_tokens(system)
    kept: list[list[Message]] = []
    for turn in reversed(turns):
        room -= estimate_tokens(turn)
        if kept and room < 0:
            break
        kept.insert(0, turn)
    if len(kept) == len(turns):
        return as_it_is  # in the caller's order, wherever its system messages stand
    return FittedHistory(messages=(*system, *(m for turn in kept for m in turn)), left_out_turns=len(turns) - len(kept))
