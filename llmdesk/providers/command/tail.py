"""The end of what a program printed, kept to tell why it failed."""

from __future__ import annotations

from llmdesk.core.text import redact

TAIL = 64 * 1024
"""How much is kept, bytes: the end, which tells the cause."""

EDGE = 4096
"""What is left out behind a cut, characters: the cut may go through a secret, and none is longer than this."""


class Tail:
    """Holds the last bytes of a stream."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._is_cut = False

    def add(self, data: bytes) -> None:
        """Note what came next."""
        self._held += data
        self._is_cut = self._is_cut or len(self._held) > TAIL
        del self._held[:-TAIL]

    @property
    def text(self) -> str:
        """What is held, without secrets and halves of them; undecodable bytes are replaced."""
        text = redact(self._held.decode("utf-8", "replace"))
        return text[EDGE:] if self._is_cut else text
