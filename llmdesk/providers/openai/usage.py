"""The tokens an OpenAI-compatible endpoint reports, in the words of each.

Shapes: openai-python, ``types/completion_usage.py``. Beyond them:

- read from a cache: ``prompt_cache_hit_tokens`` (api-docs.deepseek.com, kv_cache), ``cached_tokens`` at the top
  (platform.moonshot.ai, Together), ``cache_read_input_tokens`` (Databricks, gateways to Anthropic);
- written to one: ``cache_write_tokens`` among the details (OpenAI, OpenRouter), ``cache_creation_input_tokens`` there
  (Alibaba) or at the top (gateways to Anthropic);
- reasoning beside the answer, not in it: ``completion_tokens`` of xAI leave it out, ``total_tokens`` do not
  (docs.x.ai, consumption and rate limits), nor do those of Gemini's endpoint of this format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.types import Usage
from llmdesk.providers.answer_log import count

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROMPT = "prompt_tokens_details"
_ANSWER = "completion_tokens_details"


def usage_of(usage: Mapping[str, object] | None) -> Usage:
    """Read the token counts of a reply; ``None`` where there is nothing, or no number."""
    if usage is None:
        return Usage()
    read, written = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    reasoning = _first(usage, (_ANSWER, "reasoning_tokens"), ("", "reasoning_tokens"))
    return Usage(
        input_tokens=read,
        output_tokens=_whole_output(read, written, reasoning, count(usage.get("total_tokens"))),
        cached_input_tokens=_first(
            usage,
            (_PROMPT, "cached_tokens"),
            ("", "prompt_cache_hit_tokens"),
            ("", "cached_tokens"),
            ("", "cache_read_input_tokens"),
        ),
        cache_write_tokens=_first(
            usage,
            (_PROMPT, "cache_write_tokens"),
            (_PROMPT, "cache_creation_input_tokens"),
            ("", "cache_creation_input_tokens"),
        ),
        reasoning_tokens=reasoning,
        image_tokens=_first(usage, (_PROMPT, "image_tokens")),
    )


def _whole_output(read: int | None, written: int | None, reasoning: int | None, total: int | None) -> int | None:
    """The output with its reasoning: what the total has beyond prompt and answer is that."""
    if read is None or written is None or total is None:
        return written
    beside = total - read - written
    return written + beside if beside > 0 and reasoning in (None, beside) else written


def _first(usage: Mapping[str, object], *places: tuple[str, str]) -> int | None:
    """The first count that is told, by group (empty = at the top) and name."""
    for group, name in places:
        holder = usage.get(group) if group else usage
        if isinstance(holder, dict) and (number := count(holder.get(name))) is not None:
            return number
    return None
