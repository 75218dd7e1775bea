"""How each Claude model is told to think more or less, and which sampling parameters it still takes.

The forms follow the model's generation, which its name tells (``types/model_param.py`` and
``types/thinking_config_param.py`` of anthropics/anthropic-sdk-python 2.11; platform.claude.com/docs: "Adaptive
thinking", "Effort", "What's new in Opus 5", "What's new in Opus 5.5", "Sonnet 5.5"):

- up to 4.5, and models of other houses behind the same wire: a budget of tokens, off unless asked for;
- from 4.6: adaptive, with an effort; before 5 off unless asked for, from 5 on unless refused; a budget is an error;
- from 4.7: ``temperature``, ``top_p`` and ``top_k`` are an error, whatever the API version.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.core.types import Reasoning

Generation = tuple[int, int]

ANSWER_TOKENS = 8_192
"""Room for the answer where nobody set a limit, tokens. The wire demands one; this is what Anthropic's package lets
its older models write (``_constants.py``, MODEL_NONSTREAMING_TOKENS), and every model served today may write more."""

THINKING_TOKENS: Mapping[Reasoning, int] = {"off": 0, "low": 2_048, "medium": 8_192, "high": 16_384}
"""Room for thinking beside the answer, tokens: ``max_tokens`` counts both. Also the budgets of models that take one."""

LEAST_BUDGET = 1_024
"""The smallest budget that is taken, tokens (``types/thinking_config_enabled_param.py``)."""

_NAMED = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_DISABLED: Mapping[Generation, str] = {(5, 0): "opus sonnet haiku", (5, 5): "haiku"}
"""The models that think by default and take ``disabled``; Sonnet 5.5 has a form of its own, the others cannot stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """What a request says about thinking: fields of the body, and how much room to leave when nobody set a limit.

    ``sampling``: the model takes ``temperature``, ``top_p`` and ``top_k`` with it.
    """

    fields: Mapping[str, object] = field(default_factory=dict)
    effort: str | None = None
    room_tokens: int = 0
    sampling: bool = True


def generation(model: str) -> Generation | None:
    """Read the generation of a Claude model from its name; ``None`` = it tells none."""
    name = model.lower()
    if "claude-mythos-preview" in name:
        return (4, 7)
    found = _NAMED.search(name)
    return (int(found[1]), int(found[2] or 0)) if found else None


def thinking_of(
    model: str, reasoning: Reasoning | None, max_tokens: int | None, *, after_call: bool = False
) -> Thinking:
    """Say how ``model`` is told to think.

    Args:
        model: its name.
        reasoning: how much; ``None`` = as the model does by itself.
        max_tokens: the limit that the user set on the whole of thinking and answer; ``None`` = none.
        after_call: the turn goes on with the result of a call. With a budget it would have to begin with the thinking
            that led to the call (platform.claude.com/docs, "Extended thinking with tool use"), which is not kept.
    """
    since = generation(model)
    if since is None or since < (4, 6):
        return Thinking() if after_call else _by_budget(reasoning, max_tokens)
    sampling = since < (4, 7)
    by_itself = since >= (5, 0) or "mythos" in model.lower()
    # Since 4.7 what thinking says is left out unless asked for: minutes without a word, which look like a dead server.
    shown = {"thinking": {"type": "adaptive", "display": "summarized"}}
    if reasoning is None and by_itself:
        return Thinking(fields=shown, room_tokens=THINKING_TOKENS["medium"], sampling=sampling)
    if reasoning is None:
        return Thinking(sampling=sampling)
    if reasoning == "off":
        return _off(model.lower(), since) if by_itself else Thinking(sampling=sampling)
    return Thinking(fields=shown, effort=reasoning, room_tokens=THINKING_TOKENS[reasoning], sampling=False)


def _by_budget(reasoning: Reasoning | None, max_tokens: int | None) -> Thinking:
    if reasoning is None or reasoning == "off":
        return Thinking()
    budget = THINKING_TOKENS[reasoning]
    if max_tokens is not None:
        budget = min(budget, max_tokens // 2)  # what the user limits stays limited, and the answer needs room too
        if budget < LEAST_BUDGET:
            return Thinking()
    fields = {"thinking": {"type": "enabled", "budget_tokens": budget}}
    return Thinking(fields=fields, room_tokens=budget, sampling=False)


def _off(model: str, since: Generation) -> Thinking:
    if any(family in model for family in _DISABLED.get(since, "").split()):
        return Thinking(fields={"thinking": {"type": "disabled"}}, sampling=False)
    if since == (5, 5) and "sonnet" in model:
        return Thinking(fields={"thinking": {"type": "between_tools"}}, sampling=False)
    return Thinking(effort="low", room_tokens=THINKING_TOKENS["low"], sampling=False)
