"""A pseudo-terminal that answers what it is asked, as terminals of several kinds do, and follows how it is set."""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.campaign.terminal.modes import Modes
from tests.campaign.terminal.starved import OWN_S, Impatient, Starved, asleep
from tests.campaign.terminal.tokens import Tokeniser
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """What a terminal says of itself.

    Args:
        frames: it paints frames at once (mode 2026).
        sizes: it reports its size in band (mode 2048), and with it the mouse in pixels.
        name: the answer to XTVERSION; empty = none.
        attributes: the answer to DA1; empty = none.
    """

    frames: bool = False
    sizes: bool = False
    name: str = ""
    attributes: str = ""


SILENT = Persona()
KITTY = Persona(frames=True, sizes=True, name="kitty(0.40.1)", attributes="62;52")
SIXEL = Persona(frames=True, name="foot(1.20.0)", attributes="62;4;22")
PERSONAS: Mapping[str, Persona] = {"silent": SILENT, "kitty": KITTY, "sixel": SIXEL}


class Watched(Terminal):
    """A terminal of one kind; ``modes`` is how it is set by now."""

    def __init__(
        self, argv: Sequence[str], *, env: dict[str, str], rows: int = 40, columns: int = 130, persona: Persona = SILENT
    ) -> None:
        super().__init__(argv, env=env, rows=rows, columns=columns)
        self.persona = persona
        self.modes = Modes()
        self.size = (rows, columns)
        self._tokeniser = Tokeniser()
        self._read = 0

    def pump(self, seconds: float = 0.05) -> None:
        """Take what the program has written, and answer it."""
        super().pump(seconds)
        new = bytes(self.raw[self._read :])
        self._read = len(self.raw)
        for token in self._tokeniser.feed(new):
            self.modes.take(token)
            if answer := self._answer(token.raw):
                self.send(answer)

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size, and say so where that was asked for."""
        self.size = (rows, columns)
        self.child.setwinsize(rows, columns)
        if rows and columns:
            self.screen.resize(rows, columns)
        if self.modes.private[2048]:
            self.send(self._in_band())

    def _in_band(self) -> str:
        rows, columns = self.size
        return f"\x1b[48;{rows};{columns};{rows * 20};{columns * 10}t"

    def _answer(self, raw: bytes) -> str:
        known = self.persona
        match raw:
            case b"\x1b[?2026$p" if known.frames:
                return "\x1b[?2026;2$y"
            case b"\x1b[?2048$p" if known.sizes:
                return "\x1b[?2048;2$y"
            case b"\x1b[?2048h" if known.sizes:
                return self._in_band()
            case b"\x1b[>0q" if known.name:
                return f"\x1bP>|{known.name}\x1b\\"
            case b"\x1b[16t" if known.name:
                return "\x1b[6;20;10t"
            case b"\x1b[c" if known.attributes:
                return f"\x1b[?{known.attributes}c"
            case _:
                return ""

    @property
    def text(self) -> str:
        """What stands on the screen; pyte's own reading of it stumbles over some marks without a letter."""
        screen = self.screen
        rows = ("".join(screen.buffer[y][x].data for x in range(screen.columns)) for y in range(screen.lines))
        return "\n".join(row.rstrip() for row in rows)

    def wait_until(self, holds: object, what: str = "it", seconds: float = OWN_S) -> str:
        """Wait until the screen is like this, as long as the program has time of its own; see `Starved`."""

        def over() -> bool:
            return not self._alive or holds(self.text)  # type: ignore[operator]

        try:
            Starved(self.child.pid).until(over, self.pump, max(seconds, OWN_S))
        except Impatient as error:
            raise Impatient(f"{what}: {error}; the screen:\n{self.text}") from None
        if holds(self.text):  # type: ignore[operator]
            return self.text
        raise AssertionError(f"{what} never came{self._state()}; the screen:\n{self.text}")

    def wait_exit(self, seconds: float = OWN_S, starved: Starved | None = None) -> int:
        """Wait for the end; the exit code, or minus the signal. ``starved`` is looked at all the while."""
        if not (starved or Starved(self.child.pid)).until(self._over, lambda: None, seconds):
            raise AssertionError(f"the program did not end{self._state()}; the screen:\n{self.text}")
        return super().wait_exit()

    def _over(self) -> bool:
        if self._alive:
            self.pump(0.02)
        else:
            time.sleep(0.005)
        return not self.child.isalive()

    def _state(self) -> str:
        return "" if self._alive and self.child.isalive() else ", as the program had ended"

    # --- somebody in front of it ----------------------------------------------------------------------------------

    def see(self, mark: str, seconds: float = OWN_S) -> str:
        """Wait for a mark and what is behind it: the sign of an escape (as JSON spells it, too), or its markup."""
        return self.wait_for(rf"zq{mark}(␛|\ufffd|\\u001b|\[@)", seconds)

    def press(self, *keys: str) -> None:
        """Press keys by name; any other word is typed."""
        for key in keys:
            self.send(KEYS.get(key, key))

    def paste(self, text: str) -> None:
        """Paste as a terminal does that takes nothing out of it."""
        self.send(b"\x1b[200~" + text.encode("utf-8", "replace") + b"\x1b[201~")

    def slash(self, command: str) -> None:
        """Give a command of the prompt."""
        self.paste(command)
        self.wait_for(re.escape(command.split(maxsplit=1)[0]))
        self.press("enter")

    def settle(self, seconds: float = 0.15) -> str:
        """Read until nothing comes for a moment, and the program has nothing to do."""
        before = -1

        def still() -> bool:
            return before == len(self.raw) and asleep(self.child.pid)

        def read() -> None:
            nonlocal before
            before = len(self.raw)
            self.pump(seconds)

        Starved(self.child.pid).until(still, read)
        return self.text


KEYS: Mapping[str, str] = {
    "enter": "\r", "escape": "\x1b", "up": "\x1b[A", "down": "\x1b[B", "tab": "\t", "backspace": "\x7f",
    "f1": "\x1bOP", "f2": "\x1bOQ",
    "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~", "f7": "\x1b[18~", "f8": "\x1b[19~",
    "f9": "\x1b[20~", "ctrl+c": "\x03", "ctrl+f": "\x06", "ctrl+g": "\x07", "ctrl+n": "\x0e", "ctrl+o": "\x0f",
    "ctrl+p": "\x10", "ctrl+q": "\x11", "ctrl+r": "\x12", "ctrl+u": "\x15", "alt+up": "\x1b[1;3A",
    **{f"alt+{letter}": f"\x1b{letter}" for letter in "abcdefghijklmnpqrstuvwxyz0123456789"},
}  # fmt: skip


@contextmanager
def watched(
    *words: str, env: dict[str, str], persona: Persona = SILENT, rows: int = 40, columns: int = 130
) -> Iterator[Watched]:
    """The real program in such a terminal; it is killed at the end if it still runs."""
    terminal = Watched([sys.executable, "-m", "llmdesk", *words], env=env, rows=rows, columns=columns, persona=persona)
    try:
        yield terminal
    finally:
        terminal.close()
