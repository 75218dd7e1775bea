"""One request on its way through the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.core.lanes import Lane
    from llmdesk.core.views import Ask
    from llmdesk.prices import PriceBook
    from llmdesk.router import Router


@dataclass(slots=True, kw_only=True)
class Job:
    """One request inside the desk.

    ``router`` and ``prices`` are those of the settings that it began under; it ends under them.

    ``kept``: it is to be on disk; ``on_disk``: it is there. ``payload`` is what the outbox needs to ask again;
    ``again``: it was taken out of the outbox; ``first_number`` then goes on with the attempts of earlier runs, and
    ``resumed`` counts those that began without the user.
    ``left_out_turns``: so many of the oldest turns did not go along to the target that was asked last.
    """

    id: str
    ask: Ask
    lane: Lane
    router: Router
    prices: PriceBook
    created_at: float
    conversation: str | None
    kept: bool
    payload: str = ""
    on_disk: bool = False
    again: bool = False
    first_number: int = 1
    resumed: int = 0
    warned: int = 0
    left_out_turns: int = 0
