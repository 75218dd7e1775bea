"""One request under way, as its asker holds it."""

from __future__ import annotations

import asyncio

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import Failure, Finished, Outcome, Status, TextDelta, Waiting
from llmdesk.desk.run import JOIN_ABOVE, Run
from tests.support.desk_world import CLOUD


async def test_events_come_in_order_and_pieces_that_nobody_took_are_joined_without_loss() -> None:
    run = Run("id")
    text = [f"piece {n}, " for n in range(50_000)]
    for piece in text[:20]:
        run.tell(TextDelta(piece))
    run.tell(Waiting(until=0.0, reason="server", target=CLOUD))
    for piece in text[20:]:
        run.tell(TextDelta(piece))
    run.tell(Finished(outcome=Outcome(request_id="id", status=Status.COMPLETED)))
    events = [event async for event in run]
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "".join(text)
    assert [type(e) for e in events[:21]] == [TextDelta] * 20 + [Waiting]
    assert JOIN_ABOVE < len(events) < JOIN_ABOVE + 500


async def test_pieces_that_carry_their_wire_object_are_never_joined() -> None:
    run = Run("id")
    for n in range(JOIN_ABOVE * 3):
        run.tell(TextDelta("x", wires=({"n": n},)))
    run.tell(Finished(outcome=Outcome(request_id="id", status=Status.COMPLETED)))
    assert [wire["n"] async for e in run if isinstance(e, TextDelta) for wire in e.wires] == list(range(JOIN_ABOVE * 3))


async def test_a_reader_that_keeps_up_gets_every_piece_as_it_came() -> None:
    run = Run("id")
    seen: list[str] = []

    async def read() -> None:
        seen.extend([event.text async for event in run if isinstance(event, TextDelta)])

    reader = asyncio.create_task(read())
    for n in range(2_000):
        run.tell(TextDelta(str(n)))
        await asyncio.sleep(0)
    failure = Failure(kind=ErrorKind.CANCELLED, message="stopped")
    run.tell(Finished(outcome=Outcome(request_id="id", status=Status.CANCELLED, error=failure)))
    await reader
    assert seen == [str(n) for n in range(2_000)]
