"""Earlier versions of turns: the way through a conversation that leads to one of its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.types import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.views import StoredMessage


def line_up_to(stored: Sequence[StoredMessage], request: str | None) -> tuple[StoredMessage, ...]:
    """What was said up to and with the turn of a request, as it stood when that turn was the newest.

    Args:
        stored: the conversation with all versions, oldest first.
        request: the turn, which may be an earlier version; ``None`` = all that stands.

    Returns:
        The messages, oldest first; none where there is no such turn.
    """
    if request is None:
        return tuple(message for message in stored if message.superseded_by is None)
    places = _places(stored)
    if request not in places:
        return ()
    line = _line_of(stored, places, stored[places[request]].superseded_by)
    last = max(at for at in line if stored[at].request == request)
    return tuple(stored[at] for at in line if at <= last)


def _places(stored: Sequence[StoredMessage]) -> dict[str, int]:
    """Where the turn of each request begins."""
    return {m.request: at for at, m in reversed(list(enumerate(stored))) if m.role is Role.USER and m.request}


def _line_of(stored: Sequence[StoredMessage], places: dict[str, int], by: str | None) -> list[int]:
    """The places of the messages that a version consists of: its own, and what stood before them."""
    versions = [by]
    while by in places and (by := stored[places[by]].superseded_by) not in versions:  # no circle, whoever wrote it
        versions.append(by)
    line: list[int] = []
    for version in reversed(versions):
        own = [at for at, message in enumerate(stored) if message.superseded_by == version]
        begins = min([*own[:1], places.get(version or "", len(stored))])
        line = [at for at in line if at < begins] + own
    return line
