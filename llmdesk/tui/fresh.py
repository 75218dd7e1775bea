"""Reading again what has changed: at once, never twice at a time, and once more for whatever changed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.tui.beside import beside

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.dom import DOMNode


class Fresh:
    """Keeps something in step with what it is read from.

    Args:
        node: beside which it is read; when that goes, the reading ends.
        read: fetches and shows; raises nothing that a user causes.
    """

    def __init__(self, node: DOMNode, read: Callable[[], Awaitable[None]]) -> None:
        self._node = node
        self._read = read
        self._wanted = False
        self._reading = False

    def again(self) -> None:
        """Something has changed."""
        self._wanted = True
        if not self._reading:
            self._reading = True
            beside(self._node, self._run, group="fresh")

    async def _run(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self._read()
        finally:
            self._reading = False
