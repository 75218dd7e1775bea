"""What an attempt used: what the provider reported, completed by our own estimate where it did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.lanes import estimate_tokens
from llmdesk.core.types import Message, Role, Usage

if TYPE_CHECKING:
    from llmdesk.core.types import ChatRequest
    from llmdesk.router.route import Route, Sizes, Walk

PROMPT_CUT_SHARE = 0.6
"""Below this share of our own estimate the server has cut the prompt (policy O10)."""

PROMPT_CUT_FLOOR = 256
"""Shorter prompts are not judged: their estimate is too coarse, tokens."""


def settled_usage(walk: Walk, request: ChatRequest, reported: Usage, sizes: Sizes) -> Usage:
    """Complete what the provider reported, and notice a prompt that was cut without a word (policy O10)."""
    if request.endpoint == "embed":
        return reported
    guess, told = sizes.tokens(request.messages), reported.input_tokens
    if told is not None and guess >= PROMPT_CUT_FLOOR and told < PROMPT_CUT_SHARE * guess:
        walk.warnings.append(f"The prompt was cut by the server: it read {told} tokens of about {guess}.")
    if told is not None and reported.output_tokens is not None:
        return reported
    return Usage(
        input_tokens=guess if told is None else told,
        output_tokens=_said("".join(walk.text)) if reported.output_tokens is None else reported.output_tokens,
        estimated=True,
    )


def cut_usage(walk: Walk, route: Route, text: str) -> Usage | None:
    """What a failed attempt used, as far as we can tell; ``None`` where nothing came."""
    if walk.completed is not None:
        return walk.usage
    if not text:
        return None
    return Usage(input_tokens=route.sizes.tokens(route.messages), output_tokens=_said(text), estimated=True)


def _said(text: str) -> int:
    return estimate_tokens([Message(role=Role.ASSISTANT, content=text)])
