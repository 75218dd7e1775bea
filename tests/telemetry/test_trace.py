"""An outcome as a trace: names, times and numbers, and not one word of what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import (
    Attempt,
    AttemptOutcome,
    FailoverStep,
    Failure,
    FinishReason,
    ModelRef,
    Outcome,
    Params,
    Status,
    Usage,
)
from llmdesk.telemetry.trace import Asked, trace_of
from llmdesk.telemetry.vendors import Vendor

if TYPE_CHECKING:
    from llmdesk.telemetry.trace import Span, Trace

BIG, SMALL = ModelRef("cloud", "big:120b"), ModelRef("local", "small:4b")
VENDORS = {
    "cloud": Vendor(name="openai", address="api.openai.com", port=443, params=Params(temperature=0.1, top_p=0.9)),
    "local": Vendor(name="command", streams=False),
}


def attempt(**changes: Any) -> Attempt:
    fields: dict[str, Any] = {
        "number": 1,
        "target": BIG,
        "outcome": AttemptOutcome.COMPLETED,
        "at": 1000.0,
        "elapsed_s": 2.0,
    }
    return Attempt(**{**fields, **changes})


def told(*attempts: Attempt, asked: Asked | None = None, **changes: Any) -> Trace:
    fields: dict[str, Any] = {"request_id": "id-1", "status": Status.COMPLETED, "lane": "chat", "latency_s": 3.0}
    outcome = Outcome(**{**fields, "attempts": attempts, **changes})
    return trace_of(outcome, asked or Asked(endpoint="chat", params=Params(), ended_at=1003.0), VENDORS)


def readings(trace: Trace, name: str) -> list[float]:
    return [reading.value for reading in trace.readings if reading.name == name]


def test_a_request_spans_its_attempts_whatever_the_clocks_say() -> None:
    found = told(attempt(at=990.0), attempt(number=2, at=1002.0, elapsed_s=5.0), latency_s=3.0)
    assert (found.request.started_at, found.request.ended_at) == (990.0, 1007.0)
    assert [(a.started_at, a.ended_at) for a in found.attempts] == [(990.0, 992.0), (1002.0, 1007.0)]
    backwards = told(attempt(elapsed_s=-1.0)).attempts[0]
    assert backwards.ended_at == backwards.started_at


def test_what_a_provider_reports_beside_the_totals_is_told() -> None:
    usage = Usage(
        input_tokens=100,
        output_tokens=20,
        cached_input_tokens=60,
        cache_write_tokens=5,
        reasoning_tokens=12,
        image_tokens=0,
    )
    fields = told(attempt(usage=usage, cost_usd="0.25"), finish_reason=FinishReason.LENGTH).attempts[0].attributes
    assert {name.removeprefix("gen_ai.usage."): value for name, value in fields.items() if "gen_ai.usage" in name} == {
        "input_tokens": 100,
        "output_tokens": 20,
        "cache_read.input_tokens": 60,
        "cache_creation.input_tokens": 5,
        "reasoning.output_tokens": 12,
        "image.input_tokens": 0,
    }
    assert fields["llmdesk.cost_usd"] == 0.25
    assert fields["gen_ai.response.finish_reasons"] == ("length",)


def test_what_nobody_knows_is_left_out() -> None:
    found = told(attempt(usage=Usage(output_tokens=3), cost_usd=None), cost_usd=None)
    assert "llmdesk.cost_usd" not in found.attempts[0].attributes
    assert "llmdesk.cost_usd" not in found.request.attributes
    assert "gen_ai.usage.input_tokens" not in found.attempts[0].attributes
    assert readings(found, "llmdesk.cost") == []
    assert readings(found, "gen_ai.client.token.usage") == [3]


def test_the_parameters_of_a_provider_lie_under_those_of_the_lane() -> None:
    asked = Asked(endpoint="chat", params=Params(temperature=0.7), ended_at=1003.0)
    fields = told(attempt(), asked=asked).attempts[0].attributes
    assert (fields["gen_ai.request.temperature"], fields["gen_ai.request.top_p"]) == (0.7, 0.9)


def test_a_program_has_no_address_and_does_not_stream() -> None:
    found = told(attempt(target=SMALL, first_token_s=0.5))
    fields = found.attempts[0].attributes
    assert fields["gen_ai.provider.name"] == "command"
    assert not {"server.address", "server.port", "gen_ai.request.stream", "gen_ai.response.time_to_first_chunk"} & {
        *fields
    }
    assert readings(found, "gen_ai.client.operation.time_to_first_chunk") == []


def test_a_model_that_declines_has_not_failed() -> None:
    declined = attempt(outcome=AttemptOutcome.REFUSED, error_kind=ErrorKind.REFUSED, reason="refused")
    failure = Failure(kind=ErrorKind.REFUSED, message="canary")
    found = told(declined, status=Status.REFUSED, error=failure)
    assert (found.request.error, found.attempts[0].error) == ("", "")
    assert found.request.attributes["llmdesk.outcome"] == found.attempts[0].attributes["llmdesk.outcome"] == "refused"


@pytest.mark.parametrize(
    ("outcome", "kind", "status"),
    [
        (AttemptOutcome.CANCELLED, ErrorKind.CANCELLED, Status.CANCELLED),
        (AttemptOutcome.FAILED, ErrorKind.SERVER, Status.PAUSED),
        (AttemptOutcome.FAILED, ErrorKind.SCHEMA, Status.FAILED),
    ],
)
def test_every_other_end_is_told_by_its_class(outcome: AttemptOutcome, kind: ErrorKind, status: Status) -> None:
    found = told(attempt(outcome=outcome, error_kind=kind), status=status, error=Failure(kind=kind, message="canary"))
    for span in (found.request, *found.attempts):
        assert (span.error, span.attributes["error.type"]) == (kind.value, kind.value)
    assert found.readings[0].attributes["error.type"] == kind.value


def test_a_blocked_request_has_no_attempt_and_says_which_class_blocked_it() -> None:
    skip = attempt(outcome=AttemptOutcome.SKIPPED, error_kind=ErrorKind.BUDGET, reason="budget", elapsed_s=0.0)
    found = told(skip, status=Status.BLOCKED, error=Failure(kind=ErrorKind.BUDGET, message="canary"))
    assert (found.attempts, found.readings) == ((), ())
    assert found.request.attributes["error.type"] == "budget"
    assert [(e.name, dict(e.attributes)) for e in found.request.events] == [
        ("llmdesk.skip", {"llmdesk.target": "cloud/big:120b", "llmdesk.reason": "budget"})
    ]


def test_what_was_waited_in_line_before_a_skip_is_told_with_it() -> None:
    found = told(attempt(outcome=AttemptOutcome.SKIPPED, reason="busy", elapsed_s=4.0), status=Status.PAUSED)
    assert found.request.events[0].attributes["llmdesk.waited_s"] == 4.0


def test_a_series_is_told_apart_by_names_that_do_not_grow() -> None:
    found = told(attempt(usage=Usage(input_tokens=1, output_tokens=1)), job="job-7", conversation="c", agent="dev")
    names = {name for reading in found.readings for name in reading.attributes}
    assert not names & {"llmdesk.job", "gen_ai.conversation.id", "llmdesk.request.id", "llmdesk.attempt.number"}
    assert "llmdesk.agent" in names


@pytest.mark.parametrize(
    ("endpoint", "operation"), [("chat", "chat"), ("generate", "text_completion"), ("embed", "embeddings")]
)
def test_each_endpoint_is_an_operation_of_the_conventions(endpoint: Any, operation: str) -> None:
    asked = Asked(endpoint=endpoint, params=Params(temperature=0.5), ended_at=1003.0)
    found = told(attempt(first_token_s=0.1, usage=Usage(input_tokens=4, output_tokens=0)), asked=asked)
    (span,) = found.attempts
    assert span.name == f"{operation} big:120b"
    assert span.attributes["gen_ai.operation.name"] == operation
    assert ("gen_ai.request.temperature" in span.attributes) == (endpoint != "embed")
    assert len(readings(found, "gen_ai.client.token.usage")) == (1 if endpoint == "embed" else 2)


SAID = "canary-said"


def said(span: Span) -> str:
    return repr([span.name, span.error, span.attributes, [(e.name, e.attributes) for e in span.events]])


@given(
    kind=st.sampled_from(ErrorKind),
    outcome=st.sampled_from(AttemptOutcome),
    status=st.sampled_from([s for s in Status if s not in (Status.ACCEPTED, Status.RUNNING)]),
    known=st.booleans(),
    elapsed_s=st.floats(0, 1e6),
    cost_usd=st.sampled_from([None, "0", "12.000000001"]),
    count=st.integers(0, 3),
)
def test_whatever_happened_no_word_of_it_is_told(
    kind: ErrorKind,
    outcome: AttemptOutcome,
    status: Status,
    known: bool,
    elapsed_s: float,
    cost_usd: str | None,
    count: int,
) -> None:
    made = [
        attempt(
            number=number, target=BIG if number % 2 else ModelRef("unknown", "m"), outcome=outcome, error_kind=kind,
            message=SAID, details=SAID, discarded_text=SAID, elapsed_s=elapsed_s, cost_usd=cost_usd,
            usage=Usage(input_tokens=1) if known else None,
        )
        for number in range(count)
    ]  # fmt: skip
    found = told(
        *made, status=status, text=SAID, reasoning=SAID, data={SAID: SAID}, warnings=(SAID,), advice=(SAID,),
        error=Failure(kind=kind, message=SAID, violations=(SAID,)) if known else None, cost_usd=cost_usd,
        failovers=tuple(
            FailoverStep(source=BIG, target=SMALL, reason=kind.value, message=SAID, at=1001.0) for _ in made
        ),
    )  # fmt: skip
    assert SAID not in "".join(said(span) for span in (found.request, *found.attempts))
    assert SAID not in repr(found.readings)
    assert all(value is not None for span in (found.request, *found.attempts) for value in span.attributes.values())
