"""What came together is passed on as one piece, and what broke it comes after it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.errors import AnswerCut, RateLimited
from llmdesk.core.types import Completed, FinishReason, ReasoningDelta, TextDelta, ToolCall, Usage
from llmdesk.providers.ndjson import FrameBroken
from llmdesk.providers.together import joined, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmdesk.core.types import ProviderEvent

CALL = ToolCall(name="now", arguments={})
END = Completed(finish_reason=FinishReason.STOP, usage=Usage())


def broken(why: str) -> AnswerCut:
    return AnswerCut(f"cut: {why}")


def test_neighbours_of_one_kind_are_one_piece() -> None:
    said = [ReasoningDelta("Let "), ReasoningDelta("me see"), TextDelta("4"), TextDelta("2"), CALL, TextDelta("!"), END]
    assert joined(said) == [ReasoningDelta("Let me see"), TextDelta("42"), CALL, TextDelta("!"), END]


def test_a_piece_carries_every_object_it_came_in() -> None:
    (piece,) = joined([TextDelta("a", ({"n": 1},)), TextDelta("b"), TextDelta("c", ({"n": 2},))])
    assert isinstance(piece, TextDelta)
    assert piece.wires == ({"n": 1}, {"n": 2})


def test_what_was_read_before_the_frames_broke_comes_first() -> None:
    def read() -> Iterator[ProviderEvent]:
        yield TextDelta("Hel")
        yield TextDelta("lo")
        raise FrameBroken("a line is not JSON")

    made, problem = together(read(), broken)
    assert made == [TextDelta("Hello")]
    assert isinstance(problem, AnswerCut)
    assert str(problem) == "cut: a line is not JSON"


def test_an_error_in_the_stream_comes_behind_the_text_before_it() -> None:
    limited = RateLimited("cloud: too many requests.")

    def read() -> Iterator[ProviderEvent]:
        yield TextDelta("Hello")
        raise limited

    assert together(read(), broken) == ([TextDelta("Hello")], limited)


EVENTS = st.lists(
    st.one_of(st.text(max_size=3).map(TextDelta), st.text(max_size=3).map(ReasoningDelta), st.just(CALL)), max_size=12
)


@given(EVENTS)
def test_nothing_is_lost_and_the_order_stays(events: list[ProviderEvent]) -> None:
    def told(made: list[ProviderEvent]) -> list[tuple[type, str]]:
        return [(type(each), letter) for each in made for letter in getattr(each, "text", each)]

    assert [each for each in joined(events) if each is CALL] == [each for each in events if each is CALL]
    spoken = [each for each in events if each is not CALL]
    assert told(joined(spoken)) == told(spoken)
    assert all(type(one) is not type(two) or one is CALL for one, two in pairwise(joined(events)))
