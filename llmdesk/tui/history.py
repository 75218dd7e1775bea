"""The prompts sent so far, of this session and the ones before: what up, down and ctrl+r go through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 500
"""How many prompts are kept here."""


class PromptHistory:
    """Prompts, each once, in the order in which they were last used; all lanes share them."""

    def __init__(self) -> None:
        self._prompts: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._prompts)

    def remember(self, text: str) -> None:
        """Put a prompt at the end."""
        if text.strip():
            self._prompts.pop(text, None)
            self._prompts[text] = None
            if len(self._prompts) > LIMIT:
                del self._prompts[next(iter(self._prompts))]

    def put_before(self, newest_first: Sequence[str]) -> None:
        """Add the prompts of earlier sessions, before those of this one."""
        older = dict.fromkeys(text for text in reversed(newest_first) if text.strip() and text not in self._prompts)
        self._prompts = {**older, **self._prompts}

    def all(self) -> tuple[str, ...]:
        """Every prompt, the newest last."""
        return tuple(self._prompts)

    def search(self, words: str) -> list[str]:
        """Return the prompts that hold every one of the words, whatever their case; the newest first."""
        wanted = words.lower().split()
        return [text for text in reversed(self._prompts) if all(word in text.lower() for word in wanted)]
