"""Where endpoints of the OpenAI format differ: one row for each, its source beside it.

An endpoint without a preset speaks the plain dialect: only what nearly every server of this format takes.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from llmdesk.core.values import dataclass
from llmdesk.providers.openai.strict import fits_strict

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.types import Json, Reasoning

Fields = dict[str, object]

RETIRED = "models.github.ai"
"""The address of GitHub Models, whichever way it was configured."""


# --- reasoning: what each dialect calls it --------------------------------------------------------------------------


def _plain_effort(_: str, level: Reasoning) -> Fields:
    """openai-python: ``types/shared/reasoning_effort.py`` (none, minimal, low, medium, high …)."""
    return {"reasoning_effort": "none" if level == "off" else level}


_NEVER_REASON = ("gpt-3", "gpt-4", "chatgpt", "gpt-5-chat")
_ALWAYS_REASON: tuple[tuple[str, str], ...] = (
    ("gpt-6-astra", "low"),
    *((f"gpt-5.{minor}-{kind}", "") for minor in range(1, 6) for kind in ("chat", "pro")),
    ("gpt-5.1-codex", "low"),
    ("gpt-5.", "none"),
    ("gpt-5", "minimal"),
    ("o1", "low"),
    ("o3", "low"),
    ("o4", "low"),
)
"""What stands for *off*, by the beginning of the name; the first match counts, empty = nothing can be said.

pydantic-ai: ``profiles/openai.py`` (its table of which models take ``none``, tried against the real API in July 2026);
openai-python: ``types/shared_params/reasoning_effort.py`` for ``minimal``.
"""


def _openai_effort(model: str, level: Reasoning) -> Fields:
    """Leave the wish out where the model has nothing to switch: it would refuse the whole request."""
    name = model.rpartition("/")[2].lower()
    if name.startswith(_NEVER_REASON):
        return {}
    if level != "off":
        return {"reasoning_effort": level}
    off = next((word for start, word in _ALWAYS_REASON if name.startswith(start)), "none")
    return {"reasoning_effort": off} if off else {}


def _openrouter(_: str, level: Reasoning) -> Fields:
    """openrouter.ai/docs/use-cases/reasoning-tokens."""
    return {"reasoning": {"enabled": False} if level == "off" else {"effort": level}}


def _groq(model: str, level: Reasoning) -> Fields:
    """console.groq.com/docs/reasoning: gpt-oss knows levels only, Qwen on and off, all others nothing."""
    if "gpt-oss" in model:
        return {"reasoning_effort": "low" if level == "off" else level}
    if "qwen" in model.lower():
        return {"reasoning_effort": "none" if level == "off" else "default", "reasoning_format": "parsed"}
    return {}


def _mistral(model: str, level: Reasoning) -> Fields:
    """docs.mistral.ai, reasoning: Large 4 knows levels, Small 4 and Medium 3.5 none and high, Magistral always does."""
    if "large-4" in model:
        return {"reasoning_effort": "none" if level == "off" else level}
    if not model.startswith("magistral") and ("small" in model or "medium" in model):
        return {"reasoning_effort": "none" if level == "off" else "high"}
    return {}


def _xai(model: str, level: Reasoning) -> Fields:
    """vercel/ai, ``@ai-sdk/xai`` changelog: Grok 4.3 takes every level, Grok 3 mini low and high, others none."""
    if "grok-3-mini" in model:
        return {"reasoning_effort": "high" if level == "high" else "low"}
    if "grok-4.3" in model or "grok-latest" in model:
        return _plain_effort(model, level)
    return {}


def _deepseek(_: str, level: Reasoning) -> Fields:
    """api-docs.deepseek.com/guides/thinking_mode."""
    if level == "off":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled"}, "reasoning_effort": level}


def _template(model: str, level: Reasoning) -> Fields:
    """ggml-org/llama.cpp: ``tools/server/README.md``, ``chat_template_kwargs``; templates know one of the words."""
    if "gpt-oss" in model:
        return {"chat_template_kwargs": {"reasoning_effort": "low" if level == "off" else level}}
    return {"chat_template_kwargs": {"enable_thinking": level != "off"}}


def _vllm(model: str, level: Reasoning) -> Fields:
    """vllm-project/vllm: ``entrypoints/openai/chat_completion/protocol.py``; words a template lacks are dropped."""
    if "gpt-oss" in model:
        return {"reasoning_effort": "low" if level == "off" else level}
    on = level != "off"
    fields: Fields = {"chat_template_kwargs": {"enable_thinking": on, "thinking": on}}
    return {**fields, "reasoning_effort": level} if on else fields


# --- answers in a given form ------------------------------------------------------------------------------------------


def _only_json(_: str, __: Json) -> Fields:
    """No schema is taken (api-docs.deepseek.com/guides/json_mode): the shape has to stand in the prompt."""
    return {"type": "json_object"}


def _json_schema(_: str, schema: Json) -> Fields:
    """openai-python: ``types/shared/response_format_json_schema.py``."""
    return _schema(schema, strict=fits_strict(schema))


def _groq_schema(model: str, schema: Json) -> Fields:
    """console.groq.com/docs/structured-outputs: only gpt-oss takes ``strict: true``."""
    return _schema(schema, strict="gpt-oss" in model and fits_strict(schema))


def _schema(schema: Json, *, strict: bool) -> Fields:
    return {"type": "json_schema", "json_schema": {"name": _name(schema), "schema": dict(schema), "strict": strict}}


def _name(schema: Json) -> str:
    """``a-z A-Z 0-9 _ -``, at most 64 characters, as the format wants it; from the title if there is one."""
    title = schema.get("title")
    words = "".join(c if c.isascii() and c.isalnum() else "_" for c in title) if isinstance(title, str) else ""
    return words.strip("_")[:64] or "answer"


# --- the rows -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one kind of endpoint wants it.

    ``output_limit`` and ``seed`` name fields; ``top_k`` says whether it is taken; ``stream_usage`` whether usage has to
    be asked for; ``any_json`` is the form of an answer that is JSON of any shape; ``thinking_back`` names the field in
    which the reasoning before a tool call goes back. ``key_path`` is a route that only answers to a good key;
    ``lists_with_key_only`` whether the list of models is one (``None`` = unknown). ``start_hint`` is the command that
    starts a server of this kind on this machine.
    """

    output_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: str = "seed"
    top_k: bool = False
    stream_usage: bool = True
    reasoning: Callable[[str, Reasoning], Fields] = _plain_effort
    schema: Callable[[str, Json], Fields] = _json_schema
    any_json: Json = field(default_factory=lambda: {"type": "json_object"})
    thinking_back: str = ""
    organization_header: str = ""
    key_path: str = ""
    lists_with_key_only: bool | None = None
    start_hint: str = ""
    retired: bool = False


PLAIN = Dialect()

DIALECTS: dict[str, Dialect] = {
    # openai-python: types/chat/completion_create_params.py (max_tokens is deprecated), _client.py (organization)
    "openai": Dialect(
        output_limit="max_completion_tokens", reasoning=_openai_effort, organization_header="OpenAI-Organization",
        lists_with_key_only=True,
    ),
    # docs.github.com/en/rest/models/inference; the organization is part of its address
    "github-models": Dialect(reasoning=_openai_effort, lists_with_key_only=True, retired=True),
    # openrouter.ai/docs/api-reference/parameters; …/get-current-key (the list of models is public)
    "openrouter": Dialect(top_k=True, reasoning=_openrouter, key_path="key", lists_with_key_only=False),
    # console.groq.com/docs/api-reference: max_tokens is deprecated; usage also in x_groq
    "groq": Dialect(
        output_limit="max_completion_tokens", reasoning=_groq, schema=_groq_schema, lists_with_key_only=True
    ),
    # mistralai/client-python: models/chatcompletionstreamrequest.py: random_seed; stream_options is refused
    "mistral": Dialect(seed="random_seed", stream_usage=False, reasoning=_mistral, lists_with_key_only=True),
    # api-docs.deepseek.com: guides/thinking_mode (reasoning goes back with tool calls), guides/json_mode
    "deepseek": Dialect(
        reasoning=_deepseek, schema=_only_json, thinking_back="reasoning_content", lists_with_key_only=True
    ),
    # docs.x.ai/docs/api-reference
    "xai": Dialect(output_limit="max_completion_tokens", reasoning=_xai, lists_with_key_only=True),
    # docs.together.ai/reference/chat-completions-1
    "together": Dialect(top_k=True, lists_with_key_only=True),
    # docs.fireworks.ai/api-reference/post-chatcompletions
    "fireworks": Dialect(top_k=True, lists_with_key_only=True),
    # inference-docs.cerebras.ai/api-reference/chat-completions
    "cerebras": Dialect(output_limit="max_completion_tokens", lists_with_key_only=True),
    # docs.api.nvidia.com/nim/reference/llm-apis
    "nvidia": Dialect(),
    # lmstudio.ai/docs/developer/openai-compat; json_object is refused (lmstudio-ai/lmstudio-bug-tracker#189)
    "lmstudio": Dialect(
        top_k=True, any_json=_schema({"type": "object"}, strict=False), start_hint="lms server start"
    ),
    # docs.vllm.ai: serving/openai_compatible_server, "Extra parameters" (top_k)
    "vllm": Dialect(top_k=True, reasoning=_vllm, start_hint="vllm serve MODEL"),
    # ggml-org/llama.cpp: tools/server/README.md; server-http.cpp (the list of models is public even with --api-key)
    "llamacpp": Dialect(
        top_k=True, reasoning=_template, thinking_back="reasoning_content", lists_with_key_only=False,
        start_hint="llama-server -m MODEL.gguf",
    ),
}  # fmt: skip


def dialect_of(options: Json) -> Dialect:
    """The dialect of an endpoint, from its ``preset``; an unknown preset is a plain endpoint."""
    preset = options.get("preset")
    return DIALECTS.get(preset, PLAIN) if isinstance(preset, str) else PLAIN
