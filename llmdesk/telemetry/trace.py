"""What is told of a request: one span for it, one for each attempt, and what they add to the metrics.

Made from the outcome when it is there, so that nothing is measured on the way to an answer. A trace holds numbers and
names; nothing here reads a prompt, an answer or a message (not even that of an error), so nothing can leak one.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.text import one_line
from llmdesk.core.types import AttemptOutcome, Status
from llmdesk.core.values import dataclass
from llmdesk.telemetry import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmdesk.core.types import Attempt, Endpoint, Outcome, Params, Usage
    from llmdesk.telemetry.vendors import Vendor

Value = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, Value]

OPERATIONS: Mapping[Endpoint, str] = {"chat": "chat", "generate": "text_completion", "embed": "embeddings"}

SHORTEST_WAIT_S = 0.25
"""A pause between two attempts that is worth an event, seconds; a shorter one may be our own work."""

NAME_LIMIT = 200
"""Letters of a name that a server sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a span. ``at`` is UTC epoch seconds."""

    name: str
    at: float
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time. Both times are UTC epoch seconds; ``error`` is the class of a failure, empty = none."""

    name: str
    started_at: float
    ended_at: float
    attributes: Attributes
    events: tuple[Event, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value for the metric ``name``, in its unit: tokens, seconds, failovers, US dollars."""

    name: str
    value: float
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A request, the attempts in it, and their readings."""

    request: Span
    attempts: tuple[Span, ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a request was asked: which operation, with which parameters. ``ended_at`` is UTC epoch seconds."""

    endpoint: Endpoint
    params: Params
    ended_at: float


def trace_of(outcome: Outcome, asked: Asked, vendors: Mapping[str, Vendor], *, with_conversation: bool = True) -> Trace:
    """Tell what became of a request.

    Args:
        outcome: its end.
        asked: its beginning.
        vendors: who is behind each provider.
        with_conversation: name the conversation it belongs to.
    """
    conversation = outcome.conversation if with_conversation else None
    made = [attempt for attempt in outcome.attempts if attempt.outcome is not AttemptOutcome.SKIPPED]
    spans: list[Span] = []
    readings: list[Reading] = []
    for attempt in made:
        about = _about(attempt, outcome, asked, vendors)
        spans.append(
            _attempt_span(attempt, outcome, asked, vendors, {**about, **_known(names.CONVERSATION, conversation)})
        )
        readings += _readings(attempt, asked, about, _streams(attempt, asked, vendors))
    for step in outcome.failovers:
        fields = {
            **_caller(outcome),
            names.FROM: str(step.source),
            names.TO: str(step.target),
            names.REASON: step.reason,
        }
        readings.append(Reading(name=names.FAILOVERS, value=1, attributes=fields))
    return Trace(
        request=_request_span(outcome, asked, made, conversation), attempts=tuple(spans), readings=tuple(readings)
    )


# --- the request ------------------------------------------------------------------------------------------------------


def _request_span(outcome: Outcome, asked: Asked, made: list[Attempt], conversation: str | None) -> Span:
    begun = [asked.ended_at - outcome.latency_s, *(attempt.at for attempt in outcome.attempts)]
    ended = [asked.ended_at, *(attempt.at + attempt.elapsed_s for attempt in outcome.attempts)]
    fine = outcome.status in (Status.COMPLETED, Status.REFUSED)
    error = "" if fine or outcome.error is None else outcome.error.kind.value
    fields = {
        names.REQUEST: outcome.request_id,
        names.OUTCOME: outcome.status.value,
        **_caller(outcome),
        **_known(names.JOB, outcome.job),
        **_known(names.CONVERSATION, conversation),
        **_cost(outcome.cost_usd),
        **_known(names.ERROR_TYPE, error),
    }
    if outcome.target is not None:
        fields[names.TARGET] = str(outcome.target)
    events = sorted([*_skips(outcome), *_waits(made), *_failovers(outcome)], key=lambda event: event.at)
    return Span(
        name=names.REQUEST_SPAN,
        started_at=min(begun),
        ended_at=max(ended),
        attributes=fields,
        events=tuple(events),
        error=error,
    )


def _skips(outcome: Outcome) -> Iterator[Event]:
    for attempt in outcome.attempts:
        if attempt.outcome is AttemptOutcome.SKIPPED:
            fields: dict[str, Value] = {names.TARGET: str(attempt.target), names.REASON: attempt.reason}
            if attempt.elapsed_s:
                fields[names.WAITED] = attempt.elapsed_s
            yield Event(name=names.SKIP_EVENT, at=attempt.at, attributes=fields)


def _waits(made: list[Attempt]) -> Iterator[Event]:
    """The pauses between attempts: before a target is asked again, or until somebody consented to the next."""
    for before, after in pairwise(made):
        from_s = before.at + before.elapsed_s
        waited_s = after.at - from_s
        if waited_s >= SHORTEST_WAIT_S:
            fields: Attributes = {
                names.TARGET: str(after.target),
                names.REASON: before.reason,
                names.WAITED: waited_s,
            }
            yield Event(name=names.WAIT_EVENT, at=from_s, attributes=fields)


def _failovers(outcome: Outcome) -> Iterator[Event]:
    for step in outcome.failovers:
        fields: Attributes = {
            names.FROM: str(step.source),
            names.TO: str(step.target),
            names.REASON: step.reason,
            names.LOST: step.lost_s,
        }
        yield Event(name=names.FAILOVER_EVENT, at=step.at, attributes=fields)


# --- an attempt -------------------------------------------------------------------------------------------------------


def _attempt_span(
    attempt: Attempt, outcome: Outcome, asked: Asked, vendors: Mapping[str, Vendor], about: Attributes
) -> Span:
    vendor = vendors.get(attempt.target.provider)
    params = asked.params.over(vendor.params) if vendor else asked.params
    error = _error(attempt)
    fields: dict[str, Value] = {
        **about,
        names.REQUEST: outcome.request_id,
        names.ATTEMPT: attempt.number,
        names.OUTCOME: attempt.outcome.value,
        **_params(params, asked.endpoint),
        **_usage(attempt.usage),
        **_cost(attempt.cost_usd),
        **_known(names.ERROR_TYPE, error),
        **_known(names.HTTP_STATUS, attempt.http_status),
    }
    if attempt.cooldown_s:
        fields[names.COOLDOWN] = attempt.cooldown_s
    if attempt.outcome is AttemptOutcome.COMPLETED and outcome.finish_reason is not None:
        fields[names.FINISH_REASONS] = (outcome.finish_reason.value,)
    if _streams(attempt, asked, vendors):
        fields[names.REQUEST_STREAM] = True
        fields |= _known(names.FIRST_CHUNK, attempt.first_token_s)
    return Span(
        name=f"{OPERATIONS[asked.endpoint]} {attempt.target.model}",
        started_at=attempt.at,
        ended_at=attempt.at + max(0.0, attempt.elapsed_s),
        attributes=fields,
        error=error,
    )


def _about(attempt: Attempt, outcome: Outcome, asked: Asked, vendors: Mapping[str, Vendor]) -> dict[str, Value]:
    """What spans and metrics both say of an attempt: few values each, because every combination is a series."""
    vendor = vendors.get(attempt.target.provider)
    fields: dict[str, Value] = {
        names.OPERATION: OPERATIONS[asked.endpoint],
        names.VENDOR: vendor.name if vendor else attempt.target.provider,
        names.PROVIDER: attempt.target.provider,
        names.REQUEST_MODEL: attempt.target.model,
        **_known(names.RESPONSE_MODEL, one_line(attempt.served_model, NAME_LIMIT)),
        **_caller(outcome),
    }
    if vendor is not None and vendor.address:
        fields |= {names.SERVER_ADDRESS: vendor.address, **_known(names.SERVER_PORT, vendor.port)}
    return fields


def _readings(attempt: Attempt, asked: Asked, about: Attributes, streamed: bool) -> Iterator[Reading]:
    fields = {**about, **_known(names.ERROR_TYPE, _error(attempt))}
    yield Reading(name=names.DURATION, value=max(0.0, attempt.elapsed_s), attributes=fields)
    if streamed and attempt.first_token_s is not None:
        yield Reading(name=names.TIME_TO_FIRST_CHUNK, value=attempt.first_token_s, attributes=about)
    usage = attempt.usage
    if usage is not None and not usage.estimated:  # the conventions want reported tokens or none
        counted = [("input", usage.input_tokens)]
        counted += [] if asked.endpoint == "embed" else [("output", usage.output_tokens)]
        for kind, tokens in counted:
            if tokens is not None:
                yield Reading(name=names.TOKEN_USAGE, value=tokens, attributes={**about, names.TOKEN_TYPE: kind})
    if attempt.cost_usd is not None:
        yield Reading(name=names.SPENT, value=float(attempt.cost_usd), attributes=about)


def _error(attempt: Attempt) -> str:
    """The class of a failure; a model that declined has answered."""
    kind = attempt.error_kind
    return "" if kind is None or kind is ErrorKind.REFUSED else kind.value


def _streams(attempt: Attempt, asked: Asked, vendors: Mapping[str, Vendor]) -> bool:
    vendor = vendors.get(attempt.target.provider)
    return asked.endpoint != "embed" and (vendor is None or vendor.streams)


def _params(params: Params, endpoint: Endpoint) -> dict[str, Value]:
    """The numbers among the parameters; where to stop is text, and may be anybody's."""
    if endpoint == "embed":
        return {}
    return {
        **_known(names.REQUEST_TEMPERATURE, params.temperature),
        **_known(names.REQUEST_TOP_P, params.top_p),
        **_known(names.REQUEST_TOP_K, None if params.top_k is None else float(params.top_k)),
        **_known(names.REQUEST_SEED, params.seed),
        **_known(names.REQUEST_MAX_TOKENS, params.max_output_tokens),
    }


def _usage(usage: Usage | None) -> dict[str, Value]:
    if usage is None:
        return {}
    return {
        **_known(names.INPUT_TOKENS, usage.input_tokens),
        **_known(names.OUTPUT_TOKENS, usage.output_tokens),
        **_known(names.CACHE_READ_TOKENS, usage.cached_input_tokens),
        **_known(names.CACHE_CREATION_TOKENS, usage.cache_write_tokens),
        **_known(names.IMAGE_TOKENS, usage.image_tokens),
        **_known(names.REASONING_TOKENS, usage.reasoning_tokens),
        names.ESTIMATED: usage.estimated,
    }


# --- what several say -------------------------------------------------------------------------------------------------


def _caller(outcome: Outcome) -> dict[str, Value]:
    return {**_known(names.LANE, outcome.lane), **_known(names.AGENT, outcome.agent)}


def _cost(cost_usd: str | None) -> dict[str, Value]:
    return {} if cost_usd is None else {names.COST: float(cost_usd)}


def _known(name: str, value: Value | None) -> dict[str, Value]:
    """An attribute, or none where there is nothing to say."""
    return {} if value is None or value == "" else {name: value}
