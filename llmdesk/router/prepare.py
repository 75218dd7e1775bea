"""What exactly goes to a target: the model behind ``largest``, the context window, the history that fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import ModelGone, ProviderError
from llmdesk.core.lanes import (
    DEFAULT_OUTPUT_TOKENS,
    LARGEST,
    estimate_tokens,
    fit_history,
    is_cloud_name,
    largest_chain,
    no_local_model_message,
    same_model,
    window_for,
)
from llmdesk.core.types import ChatRequest, Message, ModelInfo, Params
from llmdesk.router.route import Place, Route, Unfit

if TYPE_CHECKING:
    from llmdesk.router.targets import Targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request ready for one target; ``model`` is what its server lists of it, ``None`` = unknown."""

    request: ChatRequest
    model: ModelInfo | None
    left_out_turns: int


async def prepare(targets: Targets, route: Route, place: Place) -> Prepared:
    """Fit ``route`` to the target at ``place``.

    Raises:
        Unfit: the target cannot hold or read it.
        ProviderError: the server that must name its models could not be asked, or has none.
    """
    model = await _resolve(targets, place)
    if targets.local_only and (model is None or model.remote):
        why = "it is not known to run here" if model is None else "it runs elsewhere"
        raise Unfit(f"{place.target}: not asked, because {why} and privacy.network is local-only.", reason="privacy")
    messages = (*route.messages, *place.extra_messages)
    _check_modality(place, model, messages)
    wanted = route.lane.params.over(place.rules.params)
    output = wanted.max_output_tokens or DEFAULT_OUTPUT_TOKENS
    window = targets.windows.get(str(place.target)) or targets.windows.get(str(place.ref))
    params = replace(wanted, context_tokens=None)
    if place.rules.local_models and route.endpoint != "embed" and not is_cloud_name(place.target.model):
        window = _local_window(wanted, estimate_tokens(messages) + output, model)
        params = replace(params, context_tokens=window)
    fitted = fit_history(messages, window_tokens=window, output_tokens=output)
    if not fitted.fits:
        raise Unfit(f"{place.target}: the prompt is longer than this model's context ({window} tokens).")
    schema = route.lane.schema if place.rules.local_models else None
    request = ChatRequest(
        model=place.target.model,
        messages=fitted.messages,
        params=params,
        format=route.format if route.format is not None else schema,
        tools=route.tools,
        extra=route.extra,
        endpoint=route.endpoint,
        keep_wire=route.keep_wire,
    )
    return Prepared(request=request, model=model, left_out_turns=fitted.left_out_turns)


async def _resolve(targets: Targets, place: Place) -> ModelInfo | None:
    """Find out what is known of the model; for ``largest`` choose it (policy R15)."""
    if place.chain:
        return place.chain[0]
    if place.ref.model != LARGEST:
        if not place.rules.local_models:
            return None
        try:
            listed = await targets.models(place.ref.provider)
        except ProviderError:
            return None  # the call itself will meet, classify and record whatever is wrong
        return next((m for m in listed if same_model(place.ref.model, m.name)), None)
    listed = await targets.models(place.ref.provider, fresh=place.tries > 1)
    place.chain = largest_chain(
        listed,
        fallback_models=place.rules.fallback_models,
        memory_bytes=targets.memory_bytes if place.rules.loopback else None,
    )
    if not place.chain:
        raise ModelGone(no_local_model_message(place.rules.fallback_models))
    return place.chain[0]


def _local_window(params: Params, needed: int, model: ModelInfo | None) -> int:
    """The window to ask a local server for (policy R15b); what the user set wins."""
    return params.context_tokens or window_for(
        needed,
        loaded_tokens=model.loaded_context_tokens if model else None,
        model_tokens=model.context_tokens if model else None,
    )


def _check_modality(place: Place, model: ModelInfo | None, messages: tuple[Message, ...]) -> None:
    blind = model is not None and bool(model.capabilities) and "vision" not in model.capabilities
    if blind and any(message.images for message in messages):
        raise Unfit(f"{place.target}: this model does not read images.")
