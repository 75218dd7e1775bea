"""Keys taken out of a text that comes in pieces: an answer must not carry them into files, screens, or other origins.

Only keys that are known and cannot be meant for anything else are looked for. What is merely shaped like one may be the
very thing that was asked for, and so may the word ``lm-studio``, which is a key too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.text import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable


class StreamMask:
    """Masks secrets in a text, wherever it is cut into pieces. What may be the beginning of one is held back.

    Args:
        secrets: every spelling that must not pass.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._beginnings = {each[:size] for each in self._secrets for size in range(1, len(each))}
        self._longest = max(map(len, self._secrets), default=1) - 1
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what can be passed on now."""
        text = self._held + text
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        sizes = range(min(len(text), self._longest), 0, -1)
        held = next((size for size in sizes if text[len(text) - size :] in self._beginnings), 0)
        passed, self._held = text[: len(text) - held], text[len(text) - held :]
        return passed

    def finish(self) -> str:
        """Return what was held back and became no secret."""
        held, self._held = self._held, ""
        return held
