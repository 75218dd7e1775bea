"""The answer on stdout: written as it comes, and taken back when it turns out void."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli.sink import SinkClosed
from llmdesk.core.text import Sanitiser
from llmdesk.core.types import Status

if TYPE_CHECKING:
    from llmdesk.cli.output import Output
    from llmdesk.cli.signals import Signals
    from llmdesk.core.types import Outcome

SHOWN = (Status.COMPLETED, Status.REFUSED)
"""The outcomes whose text is an answer."""


class AnswerPrinter:
    """Puts the text of exactly one attempt on stdout.

    A regular file is cut back to where the answer began when an attempt fails; a terminal or a pipe, which cannot be
    taken back, gets a newline before what comes next. A reader that went away is noted, never raised: the request goes
    on without it.
    """

    def __init__(self, out: Output, signals: Signals) -> None:
        self._out = out
        self._signals = signals
        self._pieces: list[str] = []
        self._start: int | None = None
        self._written = 0
        self._line_open = False
        self._sanitiser = Sanitiser()

    @property
    def broken(self) -> SinkClosed | None:
        """Why nothing can be written any more, if so."""
        return self._out.stdout.failure

    async def feed(self, text: str) -> None:
        """Write the next piece of the answer."""
        if not text:
            return
        if not self._pieces:
            self._start = self._out.stdout.position()
        self._pieces.append(text)
        await self._put(self._shown(text))

    async def void(self) -> None:
        """Forget what was fed: the attempt failed."""
        if self._pieces and not self._taken_back():
            await self.break_line()
        self._pieces, self._written, self._sanitiser = [], 0, Sanitiser()

    async def break_line(self) -> None:
        """End an open line, so that what follows starts a new one."""
        if self._line_open:
            await self._put("\n")

    async def finish(self, outcome: Outcome, *, newline: bool) -> None:
        """Complete the answer: what never came as a piece, and the final newline if one is wanted and missing.

        What a cancelled request wrote stays; any other text that is no answer is void.
        """
        fed = "".join(self._pieces)
        if outcome.status not in (*SHOWN, Status.CANCELLED):
            await self.void()
        if outcome.status in SHOWN and fed != outcome.text:
            if not outcome.text.startswith(fed):
                await self.void()
                fed = ""
            await self.feed(outcome.text[len(fed) :])
        await self._put(self._sanitiser.finish() if self._cleans else "")
        if newline:
            await self.break_line()

    @property
    def _cleans(self) -> bool:
        return self._out.stdout.is_terminal and not self._out.raw

    def _shown(self, text: str) -> str:
        return self._sanitiser.feed(text) if self._cleans else text

    def _taken_back(self) -> bool:
        if self._start is None or not self._out.stdout.take_back(self._start, self._written):
            return False
        self._line_open = False
        return True

    async def _put(self, text: str) -> None:
        if not text or self.broken is not None:
            return
        try:
            self._written += await self._out.stdout.write_when_free(text, self._signals.stop)
        except SinkClosed:
            return
        self._line_open = not text.endswith("\n")
