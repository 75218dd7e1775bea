"""What exactly goes to a target: the model behind ``largest``, the context window, the history that fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import ModelGone, ProviderError
from llmdesk.core.lanes import DEFAULT_OUTPUT_TOKENS, LARGEST, fit_history, largest_chain, no_local_model_message
from llmdesk.core.model_names import same_model
from llmdesk.core.types import ChatRequest
from llmdesk.core.values import dataclass
from llmdesk.router.fit import capacity_tokens, check_abilities, check_outgrown, local_window, runs_here
from llmdesk.router.route import Unfit
from llmdesk.router.schema import takes_schema, told_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.policy import ProviderRules
    from llmdesk.core.types import ModelInfo
    from llmdesk.router.route import Place, Route
    from llmdesk.router.targets import Targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request ready for one target.

    ``model`` is what its server lists of it, ``None`` = unknown; so is ``window_tokens``, what it is asked with.
    """

    request: ChatRequest
    model: ModelInfo | None
    left_out_turns: int
    window_tokens: int | None = None


async def prepare(targets: Targets, route: Route, place: Place, *, outgrown_tokens: int | None = None) -> Prepared:
    """Fit ``route`` to the target at ``place``.

    Args:
        targets: what is known of it.
        route: the request.
        place: the target; a ref that stands for several models gets its chain here.
        outgrown_tokens: a window that was found too small for this request, tokens.

    Raises:
        Unfit: the target cannot hold or read it.
        ProviderError: the server that must name its models could not be asked, or has none.
    """
    model = await _resolve(targets, place)
    if targets.local_only and (model is None or model.remote):
        why = "it is not known to run here" if model is None else "it runs elsewhere"
        raise Unfit(f"{place.target}: not asked, because {why} and privacy.network is local-only.", reason="privacy")
    return fitted_to(targets, route, place, model, outgrown_tokens=outgrown_tokens)


def fitted_to(
    targets: Targets, route: Route, place: Place, model: ModelInfo | None, *, outgrown_tokens: int | None = None
) -> Prepared:
    """As ``prepare``, once it is known which model is asked.

    Raises:
        Unfit: the target cannot hold or read it.
    """
    target, chats = place.target, route.endpoint != "embed"
    messages = (*route.messages, *place.extra_messages) if place.extra_messages else route.messages
    check_abilities(target, model, messages, chats=chats)
    schema = route.lane.schema if chats and route.format is None else None
    if schema is not None and not takes_schema(place.rules, target.model, model):
        messages, schema = told_in_words(messages, schema), None
    mine, theirs = route.lane.params, place.rules.params
    output = mine.max_output_tokens or theirs.max_output_tokens or DEFAULT_OUTPUT_TOKENS
    window = capacity_tokens(targets, place.ref, target.model, model)
    check_outgrown(target, window, outgrown_tokens)
    here = chats and runs_here(place.rules, target.model)
    if here:
        wished = mine.context_tokens or theirs.context_tokens
        window = wished or local_window(route.sizes.tokens(messages) + output, window, model, outgrown_tokens)
    if window is not None and route.sizes.least(messages) > window:
        raise Unfit(f"{target}: the prompt is longer than this model's context ({window} tokens).")
    fitted = fit_history(
        messages, window_tokens=window, output_tokens=output, total_tokens=route.sizes.tokens(messages)
    )
    params = mine.over(theirs)
    if here or params.context_tokens is not None:
        params = replace(params, context_tokens=window if here else None)
    request = ChatRequest(
        model=target.model,
        messages=fitted.messages,
        params=params,
        format=route.format if route.format is not None else schema,
        tools=route.tools,
        extra=route.extra,
        endpoint=route.endpoint,
        keep_wire=route.keep_wire,
    )
    return Prepared(request=request, model=model, left_out_turns=fitted.left_out_turns, window_tokens=window)


async def _resolve(targets: Targets, place: Place) -> ModelInfo | None:
    """Find out what is known of the model; for ``largest`` choose it (policy R15)."""
    if place.chain:
        return place.chain[0]
    if place.ref.model != LARGEST:
        if not place.rules.local_models:
            return targets.listed(place.ref)
        try:
            listed = await targets.models(place.ref.provider)
        except ProviderError:
            return None  # the call itself will meet, classify and record whatever is wrong
        return next((m for m in listed if same_model(place.ref.model, m.name)), None)
    listed = await targets.models(place.ref.provider, fresh=place.tries > 1)
    place.chain = chain_of(targets, place.rules, listed)
    if not place.chain:
        raise ModelGone(no_local_model_message(place.rules.fallback_models))
    return place.chain[0]


def chain_of(targets: Targets, rules: ProviderRules, listed: Sequence[ModelInfo]) -> tuple[ModelInfo, ...]:
    """The models that ``largest`` stands for at a provider, the one to begin with first."""
    return largest_chain(
        listed,
        fallback_models=rules.fallback_models,
        memory_bytes=targets.memory_bytes if rules.loopback else None,
    )
