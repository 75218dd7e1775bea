"""What a terminal sends for keys that Textual 8.2.8 misreads, put right in its table of sequences.

``ESC 1`` is alt+1 on an ordinary terminal and in tmux, but Textual reads it as the character option+1 types on an
American Mac keyboard, and ``ESC CR`` (alt+enter) as plain enter. A really typed ``¡`` comes as its own UTF-8 bytes and
never passes this table, so it stays text. ``ESC y`` it knows only by waiting a tenth of a second: when a movement of
the mouse or another key comes sooner, it types ``^y``. To be dropped when Textual reads all of them as keys with a
modifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import _ansi_sequences

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from textual.keys import Keys

MODIFY_OTHER_KEYS_ENTER = "shift+\r"
"""The key name Textual gives xterm's ``CSI 27;2;13~`` (shift+enter with modifyOtherKeys)."""


@dataclass(frozen=True, slots=True)
class AltKey:
    """A key that Textual's own ``Keys`` lacks; ``value`` is the name a binding uses."""

    value: str


SEQUENCES = {
    **{f"\x1b{digit}": AltKey(f"alt+{digit}") for digit in range(10)},
    **{f"\x1b{letter}": AltKey(f"alt+{letter}") for letter in "acdeghijklmnopqrstuvwxyz"},  # b and f go by words
    "\x1b\r": AltKey("alt+enter"),
    "\x1b\n": AltKey("alt+enter"),
}
"""Bytes of the terminal and the key they are."""


def correct_sequences() -> None:
    """Teach Textual's parser the sequences; saying it twice changes nothing."""
    table = cast("dict[str, tuple[Keys, ...]]", _ansi_sequences.ANSI_SEQUENCES_KEYS)
    for sequence, key in SEQUENCES.items():
        table[sequence] = (cast("Keys", key),)
