"""How it went, from what is booked: sums and distributions over any selection, and the booked rows themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.storage.booking import HERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.measures import Grouping, Measures, Selection
    from llmdesk.core.periods import Calendar
    from llmdesk.storage.database import Database


class MeasureStore:
    """The measures of everything booked in one database.

    Args:
        database: where it is booked.
        calendar: the user's days.
    """

    def __init__(self, database: Database, *, calendar: Calendar = HERE) -> None:
        self._database = database
        self._calendar = calendar

    async def read(self, selection: Selection, by: Sequence[Grouping] = ()) -> tuple[Measures, ...]:
        """Measure the attempts of ``selection``, one row a group; without groupings one row for all of them.

        Raises:
            StorageError: the database cannot be read.
        """
        raise NotImplementedError
