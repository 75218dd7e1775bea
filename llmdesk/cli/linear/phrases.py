"""Pieces of an answer put together to what can be spoken: whole sentences, whole lines."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 2.0
"""After this whole words are passed on as well, so that a slow model is heard, seconds."""

_END = re.compile(r"\n|[.!?:;…][\"'”\u2019)\]*_`]*\s|[。\uff01\uff1f]")
_WORD = re.compile(r"\s")


class Phrases:
    """Holds back what is not yet a phrase.

    A screen reader speaks what is written at once: tokens would come out as broken words and letters (the first
    complaint in google-gemini/gemini-cli#1553 and its like).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held = ""
        self._last = clock()

    def feed(self, text: str) -> str:
        """Take the next piece; returns what can be spoken now, often nothing."""
        self._held += text
        end = _last_end(_END, self._held)
        if not end and self._clock() - self._last >= PATIENCE_S:
            end = _last_end(_WORD, self._held)
        return self._pass_on(end) if end else ""

    def rest(self) -> str:
        """What is held: nothing more comes."""
        return self._pass_on(len(self._held))

    def _pass_on(self, end: int) -> str:
        self._last = self._clock()
        spoken, self._held = self._held[:end], self._held[end:]
        return spoken


def _last_end(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match ends; 0 = there is none."""
    return max((match.end() for match in pattern.finditer(text)), default=0)
