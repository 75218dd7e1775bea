"""Recorded streams through a reader, without a server: whole, or cut at any place."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.types import ReasoningDelta, TextDelta
from llmdesk.providers.sse import EventSplitter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llmdesk.core.types import ProviderEvent
    from llmdesk.providers.exchange import Reader

RECORDED = Path(__file__).parent.parent / "providers" / "recorded"


def cut(data: bytes, points: Iterable[int]) -> list[bytes]:
    """Cut ``data`` at these places."""
    edges = [0, *sorted(point % (len(data) + 1) for point in points), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def read(pieces: Iterable[bytes], make: Callable[[], Reader], *, cap: int = 1 << 20) -> list[ProviderEvent]:
    """What a reader makes of a stream that comes in these pieces."""
    reader, splitter = make(), EventSplitter(cap)
    found: list[ProviderEvent] = []
    for piece in pieces:
        for event in splitter.feed(piece):
            found += reader.read(event)
    for event in splitter.finish():
        found += reader.read(event)
    return [*found, *reader.end()]


def told(events: Sequence[ProviderEvent]) -> tuple[str, str]:
    """The text and the reasoning of an answer."""
    return (
        "".join(event.text for event in events if isinstance(event, TextDelta)),
        "".join(event.text for event in events if isinstance(event, ReasoningDelta)),
    )
