"""What the simulated cloud does with each chat request: the script of the demo, counted, never timed or random."""

from __future__ import annotations

import re
from enum import StrEnum


class Beat(StrEnum):
    """One thing the cloud can do with a request."""

    ANSWER = "answer"
    LIMIT = "limit"
    """429, as when a plan's hourly limit is reached."""
    OVERLOAD = "overload"
    """503, as when the service has more than it can do."""
    CUT = "cut"
    """The connection breaks off in the middle of the answer."""


_PROVOKED = (
    (Beat.LIMIT, re.compile(r"\b(?:limit|limits|limited|429)\b", re.IGNORECASE)),
    (Beat.OVERLOAD, re.compile(r"\b(?:overload|overloaded|503)\b", re.IGNORECASE)),
    (Beat.CUT, re.compile(r"\bcut\b", re.IGNORECASE)),
)
_AGAIN = re.compile(r"\bdemo again\b", re.IGNORECASE)

REFUSALS: dict[Beat, tuple[int, str]] = {
    Beat.LIMIT: (429, "you've reached your hourly usage limit, please wait or upgrade to continue (DEMO)"),
    Beat.OVERLOAD: (503, "Server overloaded, please retry shortly (ref: DEMO)"),
}
"""Status and text of the beats that refuse, worded as ollama.com words them (ollama/ollama#15934,
continuedev/continue#9233)."""


class Scene:
    """The cloud's part.

    It answers the first prompt, refuses the next one once with a 429, and from then on answers for good. The words of a
    prompt come before the script and can provoke any beat at any time; ``demo again`` starts the script anew.

    Args:
        limit_once: play the 429; without it only the words of a prompt provoke anything.
    """

    def __init__(self, *, limit_once: bool = True) -> None:
        self._limit_once = limit_once
        self._answered = False
        self._limit_due = limit_once

    def next_beat(self, prompt: str) -> Beat:
        """Decide what happens to the next request, whose last user message is ``prompt``."""
        if _AGAIN.search(prompt):
            self._answered, self._limit_due = True, self._limit_once
            return Beat.ANSWER
        for beat, words in _PROVOKED:
            if words.search(prompt):
                return beat
        if self._answered and self._limit_due:
            self._limit_due = False
            return Beat.LIMIT
        self._answered = True
        return Beat.ANSWER
