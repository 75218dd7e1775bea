"""What waiting looks like: what for, until when, and every way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import RATE_LIMIT, AttemptFailed, AttemptStarted, ConsentNeeded, Waiting
from tests.support.fake_desk import CLOUD, LOCAL, failed
from tests.support.figures import NOON
from tests.support.looks import LookedAt, looking, still

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.support.fake_desk import Step

Size = tuple[int, int]

WAITS: dict[str, list[Step]] = {
    "asking": [AttemptStarted(number=1, target=CLOUD, try_number=2)],
    "loading": [AttemptStarted(number=1, target=LOCAL, loading=True, size_bytes=17_000_000_000, input_tokens=3_200)],
    "reading": [AttemptStarted(number=1, target=LOCAL, loading=False, input_tokens=3_200)],
    "retry": [AttemptFailed(attempt=failed()), Waiting(until=NOON + 20, reason="server", target=CLOUD)],
    "place": [Waiting(until=NOON + 90, reason=RATE_LIMIT, target=CLOUD, ahead=2)],
    "consent": [ConsentNeeded(target=LOCAL, failed=failed())],
}
"""The events of a request that waits, by what for."""


@pytest.mark.parametrize("what", WAITS)
async def test_a_wait_says_what_for_until_when_and_the_ways_out(
    what: str, size: Size, snapshot: SnapshotAssertion
) -> None:
    async with looking(LookedAt(scripts=[[*WAITS[what], "control"]]), size=size) as seat:
        await seat.ask("Which plan costs less?")
        await seat.see("Esc cancel")
        assert await still(seat) == snapshot
