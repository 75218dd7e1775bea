"""The request that a talk shows, from the key that sends it to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.desk import Run
    from llmdesk.tui.screens.outgoing import Queued


@dataclass(slots=True, eq=False, repr=False)
class UnderWay:
    """A request under way; a talk that shows another one by now knows that by its identity.

    ``item`` comes back into the editor if it is stopped. ``run`` is ``None`` until the desk has it, ``unsent`` =
    it is still to be handed over. ``cancelled`` = the user stopped it, and what still comes of it is not shown.
    ``by_itself`` = the desk asks it again, and nobody pressed a key for it.
    """

    item: Queued
    run: Run | None = None
    unsent: bool = False
    cancelled: bool = False
    by_itself: bool = False
