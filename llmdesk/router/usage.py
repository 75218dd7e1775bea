"""What an attempt used: what the provider reported, completed by our own estimate where it did not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import Usage
from llmdesk.router.weight import prompt_tokens, said_tokens

if TYPE_CHECKING:
    from llmdesk.core.errors import ProviderError
    from llmdesk.core.types import ChatRequest
    from llmdesk.router.route import Sizes, Walk

PROMPT_CUT_SHARE = 0.6
"""Below this share of our own estimate the server has cut the prompt (policy O10)."""

PROMPT_CUT_FLOOR = 256
"""Shorter prompts are not judged: their estimate is too coarse, tokens."""

TAKEN = frozenset({ErrorKind.SILENT, ErrorKind.TRUNCATED})
"""Failures of a target that had taken the prompt."""


def settled_usage(walk: Walk, request: ChatRequest, reported: Usage, sizes: Sizes) -> Usage:
    """Complete what the provider reported, and notice a prompt that was cut without a word (policy O10)."""
    told = reported.input_tokens
    if request.endpoint == "embed":
        if told is not None:
            return reported
        return replace(reported, input_tokens=prompt_tokens(request, sizes), estimated=True)
    guess = sizes.tokens(request.messages)
    if told is not None and guess >= PROMPT_CUT_FLOOR and told < PROMPT_CUT_SHARE * guess:
        walk.warnings.append(f"The prompt was cut by the server: it read {told} tokens of about {guess}.")
    if told is not None and reported.output_tokens is not None:
        return reported
    return replace(
        reported,
        input_tokens=prompt_tokens(request, sizes) if told is None else told,
        output_tokens=said_tokens(walk) if reported.output_tokens is None else reported.output_tokens,
        estimated=True,
    )


def cut_usage(walk: Walk, request: ChatRequest | None, sizes: Sizes, *, begun: bool = False) -> Usage | None:
    """What an attempt used that was not answered to its end, as far as we can tell; ``None`` where nothing came.

    Args:
        walk: what came of it.
        request: what was sent; ``None`` = it never came to that.
        sizes: the estimates of its messages.
        begun: the target had taken the prompt, so that this much is used whatever came.
    """
    if walk.completed is not None:
        return walk.usage
    said = said_tokens(walk)
    if request is None or not (said or begun):
        return None
    return Usage(input_tokens=prompt_tokens(request, sizes), output_tokens=said, estimated=True)


def failed_usage(
    walk: Walk, request: ChatRequest | None, sizes: Sizes, error: ProviderError, *, sent: bool
) -> Usage | None:
    """What a failed attempt used: what the provider had reported, completed by our estimate.

    A target that refused at once used nothing. One that had taken the prompt used at least that (policy B5).

    Args:
        walk: what came of it.
        request: what was sent; ``None`` = it never came to that.
        sizes: the estimates of its messages.
        error: what it failed with.
        sent: the target was really asked.
    """
    guess = cut_usage(walk, request, sizes, begun=sent and _taken(error))
    told = error.usage
    if told is None or request is None or walk.completed is not None:
        return guess
    if told.input_tokens is not None and told.output_tokens is not None and not told.estimated:
        return told
    return replace(
        told,
        input_tokens=prompt_tokens(request, sizes) if told.input_tokens is None else told.input_tokens,
        output_tokens=max(said_tokens(walk), told.output_tokens or 0),
        estimated=True,
    )


def _taken(error: ProviderError) -> bool:
    """Whether the failure shows that the prompt was read: a model that declines has read it, a gate that does has not.

    A gate answers with a status of its own (400 ``content_policy_violation``), a model within an answer.
    """
    if error.kind is ErrorKind.REFUSED:
        return error.http_status is None or error.http_status < 400
    return error.kind in TAKEN
