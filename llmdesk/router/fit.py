"""Whether a request fits a target (window, images, abilities; policy R15), and which targets a small one prefers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.lanes import window_for
from llmdesk.core.model_names import is_cloud_name
from llmdesk.router.route import Unfit

if TYPE_CHECKING:
    from llmdesk.core.lanes import Lane
    from llmdesk.core.policy import ProviderRules
    from llmdesk.core.types import Message, ModelInfo, ModelRef
    from llmdesk.router.route import Route
    from llmdesk.router.targets import Targets


def runs_here(rules: ProviderRules, name: str) -> bool:
    """Whether llmdesk chooses the window: the model runs where its Ollama does."""
    return rules.local_models and not is_cloud_name(name)


def capacity_tokens(targets: Targets, ref: ModelRef, name: str, model: ModelInfo | None) -> int | None:
    """The largest window a target has: what the user wrote, else what its provider lists; ``None`` = unknown."""
    written = targets.windows.get(f"{ref.provider}/{name}") or targets.windows.get(str(ref))
    return written or (model.context_tokens if model is not None else None)


def local_window(needed: int, capacity: int | None, model: ModelInfo | None, outgrown: int | None) -> int:
    """The window to ask a local server for (policy R15b).

    Args:
        needed: the estimate and the output limit, tokens.
        capacity: the model's own limit, tokens; ``None`` = unknown.
        model: what the server lists of it.
        outgrown: a window that was too small for this request, tokens.
    """
    return window_for(
        max(needed, (outgrown or 0) + 1),
        loaded_tokens=model.loaded_context_tokens if model else None,
        model_tokens=capacity,
    )


def check_abilities(target: ModelRef, model: ModelInfo | None, messages: tuple[Message, ...], *, chats: bool) -> None:
    """Refuse a model that is known not to see an attached image, or not to chat.

    Args:
        target: the model.
        model: what its provider lists of it; ``None``, or without any ability listed = unknown.
        messages: what is to be sent.
        chats: the request wants an answer, not numbers.

    Raises:
        Unfit: with the reason.
    """
    if model is None or not model.capabilities:
        return
    if chats and "embedding" in model.capabilities and "completion" not in model.capabilities:
        raise Unfit(f"{target}: this model makes embeddings and does not chat.")
    if "vision" not in model.capabilities and any(message.images for message in messages):
        raise Unfit(f"{target}: this model does not read images.")


def check_outgrown(target: ModelRef, capacity: int | None, outgrown: int | None) -> None:
    """Refuse a target whose window is known to be no larger than one that was too small (policy, row request).

    Raises:
        Unfit: with the reason.
    """
    if outgrown is not None and capacity is not None and capacity <= outgrown:
        raise Unfit(
            f"{target}: the prompt was too long for {outgrown} tokens, and this model's context is no larger "
            f"({capacity} tokens)."
        )


def preferred(targets: Targets, route: Route) -> tuple[ModelRef, ...]:
    """The model refs that go before the lane's own, because the prompt is small; none where no such rule applies."""
    rule = targets.small_prompt
    if rule is None or route.pinned or route.endpoint == "embed":
        return ()
    return rule.prefer if route.sizes.tokens(route.messages) < rule.below_tokens else ()


def in_order(lane: Lane, first: tuple[ModelRef, ...]) -> Lane:
    """The lane with ``first`` before its own targets, each target once."""
    order = tuple(dict.fromkeys((*first, *lane.targets)))
    return lane if order == lane.targets else replace(lane, targets=order)
