"""What an attempt used: what the provider reported, completed by our own estimate where it did not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.lanes import estimate_tokens
from llmdesk.core.types import Message, Role, Usage

if TYPE_CHECKING:
    from llmdesk.core.errors import ProviderError
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
    said = "".join(walk.text) + "".join(walk.reasoning)
    return replace(
        reported,
        input_tokens=guess if told is None else told,
        output_tokens=_said(said) if reported.output_tokens is None else reported.output_tokens,
        estimated=True,
    )


def cut_usage(walk: Walk, route: Route, text: str, *, begun: bool = False) -> Usage | None:
    """What an attempt used that was not answered to its end, as far as we can tell; ``None`` where nothing came.

    Args:
        walk: what came of it.
        route: the request.
        text: the answer so far.
        begun: the target had taken the prompt, so that this much is used whatever came.
    """
    if walk.completed is not None:
        return walk.usage
    if not (text or begun):
        return None
    said = text + "".join(walk.reasoning)
    return Usage(input_tokens=route.sizes.tokens(route.messages), output_tokens=_said(said), estimated=True)


TAKEN = frozenset({ErrorKind.SILENT, ErrorKind.TRUNCATED})
"""Failures of a target that had taken the prompt."""


def failed_usage(walk: Walk, route: Route, text: str, error: ProviderError) -> Usage | None:
    """What a failed attempt used: what the provider had reported, completed by our estimate.

    A target that refused at once used nothing. One that had taken the prompt used at least that (policy B5).
    """
    guess = cut_usage(walk, route, text, begun=error.kind in TAKEN)
    told = error.usage
    if told is None or walk.completed is not None:
        return guess
    if told.input_tokens is not None and told.output_tokens is not None and not told.estimated:
        return told
    said = (guess.output_tokens if guess is not None else None) or 0
    return replace(
        told,
        input_tokens=route.sizes.tokens(route.messages) if told.input_tokens is None else told.input_tokens,
        output_tokens=max(said, told.output_tokens or 0),
        estimated=True,
    )


def _said(text: str) -> int:
    return estimate_tokens([Message(role=Role.ASSISTANT, content=text)])
