"""What arrives from the terminal, put right before Textual 8.2.8 reads it.

Its driver dies of a byte that is no UTF-8, as a paste in another encoding or a report of an old mouse protocol holds.
Its parser takes an escape within a bracketed paste for a key: what follows is typed in front of the rest, and control
characters in it act as keys. Many terminals take escapes out of a paste; tmux (``paste-buffer -p``) does not.
To be dropped when Textual decodes with replacement, and reads a paste up to its end as text.
"""

from __future__ import annotations

import codecs
from functools import partial
from typing import TYPE_CHECKING

from llmdesk.core.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN, END = "\x1b[200~", "\x1b[201~"
"""Around a paste (xterm: ctlseqs, Bracketed Paste Mode)."""


class PasteFilter:
    """Makes the escapes of a paste visible (policy S1), wherever the input is cut; what is typed stays as it is."""

    def __init__(self) -> None:
        self._inside = False
        self._before = ""
        """The end of what was typed, which may hold the beginning of a mark."""
        self._held = ""
        """What may be the beginning of the end."""

    def take(self, data: str) -> str:
        """Return what arrived, with every escape between the marks of a paste as a sign."""
        taken: list[str] = []
        while data:
            data = self._pasted(data, taken) if self._inside else self._typed(data, taken)
        return "".join(taken)

    def _typed(self, data: str, taken: list[str]) -> str:
        whole = self._before + data
        at = whole.find(BEGIN)
        if at < 0:
            self._before = whole[-len(BEGIN) + 1 :]
            taken.append(data)
            return ""
        upto = at + len(BEGIN) - len(self._before)
        taken.append(data[:upto])
        self._inside, self._before = True, ""
        return data[upto:]

    def _pasted(self, data: str, taken: list[str]) -> str:
        data, self._held = self._held + data, ""
        at = data.find(END)
        if at >= 0:
            taken.append(_shown(data[:at]) + END)
            self._inside = False
            return data[at + len(END) :]
        part = next((size for size in range(len(END) - 1, 0, -1) if data.endswith(END[:size])), 0)
        self._held = data[len(data) - part :]
        taken.append(_shown(data[: len(data) - part]))
        return ""


def _shown(text: str) -> str:
    return text.replace("\x1b", sanitise("\x1b"))


def decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """What stands in for ``codecs.getincrementaldecoder``: bytes that are no text become U+FFFD."""
    return partial(codecs.getincrementaldecoder(encoding), "replace")
