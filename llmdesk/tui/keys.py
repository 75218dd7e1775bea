"""What a terminal sends for keys that Textual 8.2.8 misreads, put right in its table of sequences.

``ESC 1`` is alt+1 on an ordinary terminal and in tmux, but Textual reads it as the character option+1 types on an
American Mac keyboard, and ``ESC CR`` (alt+enter) as plain enter. A really typed ``¡`` comes as its own UTF-8 bytes and
never passes this table, so it stays text. To be dropped when Textual reads both as keys with a modifier.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, cast

from textual import _ansi_sequences

if TYPE_CHECKING:
    from textual.keys import Keys

MODIFY_OTHER_KEYS_ENTER = "shift+\r"
"""The key name Textual gives xterm's ``CSI 27;2;13~`` (shift+enter with modifyOtherKeys)."""


class AltKey(Enum):
    """Keys that Textual's own ``Keys`` lacks; the value is the name a binding uses."""

    DIGIT_0 = "alt+0"
    DIGIT_1 = "alt+1"
    DIGIT_2 = "alt+2"
    DIGIT_3 = "alt+3"
    DIGIT_4 = "alt+4"
    DIGIT_5 = "alt+5"
    DIGIT_6 = "alt+6"
    DIGIT_7 = "alt+7"
    DIGIT_8 = "alt+8"
    DIGIT_9 = "alt+9"
    ENTER = "alt+enter"


SEQUENCES = {
    **{f"\x1b{digit}": AltKey(f"alt+{digit}") for digit in range(10)},
    "\x1b\r": AltKey.ENTER,
    "\x1b\n": AltKey.ENTER,
}
"""Bytes of the terminal and the key they are."""


def correct_sequences() -> None:
    """Teach Textual's parser the sequences; saying it twice changes nothing."""
    table = cast("dict[str, tuple[Keys, ...]]", _ansi_sequences.ANSI_SEQUENCES_KEYS)
    for sequence, key in SEQUENCES.items():
        table[sequence] = (cast("Keys", key),)
