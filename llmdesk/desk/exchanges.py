"""The last calls of this desk as they were, in memory: what to show whoever asks what really happened.

See docs/decisions/0015-raw-exchanges-in-memory.md for why there is no file of them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from llmdesk.core.exchange import Exchange, Recording, clipped
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llmdesk.core.exchange import Tap
    from llmdesk.core.types import ModelRef

MOST = 50
"""How many exchanges are kept; the oldest goes first."""

MOST_BYTES = 8 * 1024 * 1024
"""How many bytes of all of them together are kept."""


class Exchanges:
    """Keeps the last exchanges of a desk.

    Args:
        clock: UTC epoch seconds.
        elapsed: a clock for durations, seconds.
    """

    def __init__(self, clock: Callable[[], float], elapsed: Callable[[], float]) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._kept: dict[int, Recording] = {}
        """By identity, the oldest first."""
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes are kept now."""
        return self._size

    def tap(self, request: str, attempt: int, target: ModelRef) -> Tap:
        """What takes the calls of one attempt."""
        return _AttemptTap(self, request, attempt, target)

    async def of(self, request: str) -> tuple[Exchange, ...]:
        """The calls made for a request, in order, without secrets; empty = none is kept (any more)."""
        found = [recording for recording in self._kept.values() if recording.begun.request == request]
        # Taking secrets out of megabytes takes longer than a frame of the screen lasts.
        return tuple([await asyncio.to_thread(recording.shown) for recording in found])

    def begin(self, begun: Exchange) -> Recording:
        """Keep one more."""
        recording = Recording(begun=begun, elapsed=self._elapsed, grown=self._grown)
        self._kept[id(recording)] = recording
        recording.size = len(begun.sent)
        self._grown(recording, len(begun.sent))
        return recording

    def at(self) -> float:
        """The time, UTC epoch seconds."""
        return self._clock()

    def _grown(self, recording: Recording, count: int) -> None:
        if id(recording) not in self._kept:
            return  # it was left out while it was going on
        self._size += count
        while self._size > MOST_BYTES or len(self._kept) > MOST:
            oldest = next(iter(self._kept))
            self._size -= self._kept.pop(oldest).size


@dataclass(frozen=True, slots=True)
class _AttemptTap:
    exchanges: Exchanges
    request: str
    attempt: int
    target: ModelRef

    def call(self, *, method: str, url: str, body: bytes) -> Recording:
        return self._begin(body, method=method, url=url)

    def run(self, *, argv: Sequence[str], environment: Iterable[str], stdin: bytes) -> Recording:
        return self._begin(stdin, argv=tuple(argv), environment=tuple(sorted(environment)))

    def _begin(
        self,
        body: bytes,
        *,
        method: str = "",
        url: str = "",
        argv: tuple[str, ...] = (),
        environment: tuple[str, ...] = (),
    ) -> Recording:
        sent, head, cut = clipped(body)
        return self.exchanges.begin(
            Exchange(
                request=self.request,
                attempt=self.attempt,
                target=self.target,
                at=self.exchanges.at(),
                method=method,
                url=url,
                argv=argv,
                environment=environment,
                sent=sent,
                sent_head=head,
                sent_cut=cut,
            )
        )
