"""Which entry is at which line: heights, some of them guessed, their running sums, and bisection."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Heights:
    """Heights in lines, by position. A change costs nothing; the next question sums anew from the changed place on."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = list(heights)
        self._ends: list[int] = []

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, index: int) -> int:
        return self._heights[index]

    def __setitem__(self, index: int, height: int) -> None:
        if self._heights[index] != height:
            self._heights[index] = height
            del self._ends[index:]

    def append(self, height: int) -> None:
        """Add one entry at the end."""
        self._heights.append(height)

    def pop(self, index: int) -> None:
        """Take one entry out."""
        del self._heights[index]
        del self._ends[index:]

    @property
    def total(self) -> int:
        """All lines."""
        self._sum()
        return self._ends[-1] if self._ends else 0

    def top(self, index: int) -> int:
        """Return the first line of an entry; of one past the end: the number of lines."""
        self._sum()
        return self._ends[index - 1] if index else 0

    def at(self, line: int) -> tuple[int, int]:
        """Return the entry that holds a line, and the line within it; clamped to what there is.

        Raises:
            IndexError: there is no entry.
        """
        self._sum()
        if not self._ends:
            raise IndexError("an empty transcript has no line")
        line = min(max(line, 0), max(self._ends[-1] - 1, 0))
        index = min(bisect_right(self._ends, line), len(self._ends) - 1)
        return index, line - self.top(index)

    def _sum(self) -> None:
        known = len(self._ends)
        if known == len(self._heights):
            return
        end = self._ends[-1] if known else 0
        for height in self._heights[known:]:
            end += height
            self._ends.append(end)
