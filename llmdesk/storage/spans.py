"""Stretches of time as conditions on rows that have a local day and an instant.

An attempt belongs to the day it is booked to, and within that day to the hour in which it began (policy B6, K6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.hours import end_of_hour, hour_of
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.measures import Selection
    from llmdesk.core.periods import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Local days between two (exclusive), or the hours of one day from an instant until another (exclusive).

    Instants are UTC epoch seconds; ``None`` = open. An ``exact`` one is made of instants alone.
    """

    after: str | None = None
    before: str | None = None
    day: str | None = None
    since: float | None = None
    until: float | None = None
    exact: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is made of whole days."""
        return self.since is None and self.until is None

    def where(self, clock: str, unit: int) -> tuple[str, list[object]]:
        """The condition, and its values.

        Args:
            clock: the column of the instant.
            unit: so many of that column's units are a second.
        """
        parts = (
            ("day > ?", self.after),
            ("day < ?", self.before),
            ("day = ?", self.day),
            (f"{clock} >= ?", None if self.since is None else round(self.since * unit)),
            (f"{clock} < ?", None if self.until is None else round(self.until * unit)),
        )
        told = [(condition, value) for condition, value in parts if value is not None]
        return " AND ".join(condition for condition, _ in told) or "TRUE", [value for _, value in told]


def spans(selection: Selection, calendar: Calendar) -> tuple[Span, ...]:
    """The time of a selection, taken to whole hours: what is left of a first day, whole days, and a last day's part."""
    if selection.exact:
        return (Span(since=selection.since, until=selection.until, exact=True),)
    first = last = since = until = None
    if selection.since is not None:
        hour = hour_of(calendar, selection.since)
        first = calendar.day(hour)
        since = hour if hour > calendar.begins_at("day", hour) else None
    if selection.until is not None:
        hour = hour_of(calendar, selection.until)
        end = hour if hour == selection.until else end_of_hour(calendar, hour)
        last = calendar.day(end - 1)
        until = end if end < calendar.ends_at("day", end - 1) else None
    if first is not None and last is not None and first >= last:
        return (Span(day=first, since=since, until=until),) if first == last else ()
    found = []
    if first is not None:
        found.append(Span(day=first, since=since))
    found.append(Span(after=first, before=last))
    if last is not None:
        found.append(Span(day=last, until=until))
    return tuple(found)


def anywhere(several: Sequence[Span]) -> tuple[str, list[object]]:
    """The condition that a row of ``attempts`` lies in one of ``several``, and its values."""
    parts = [span.where("at", 1000) for span in several]
    return f"({' OR '.join(part for part, _ in parts) or 'FALSE'})", [value for _, values in parts for value in values]
