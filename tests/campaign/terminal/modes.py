"""What a terminal is like after a stream: its modes, screens, keyboard, and what must be as it was at the end.

The kitty keyboard protocol keeps a stack of its own for each of the two screens
(sw.kovidgoyal.net/kitty/keyboard-protocol), so what is pushed on the alternate one has to be popped before it is left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.terminal.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.campaign.terminal.tokens import Token

AT_HOME: Mapping[int, bool] = {
    7: True, 25: True, 1000: False, 1002: False, 1003: False, 1004: False, 1005: False, 1006: False, 1015: False,
    1016: False, 1049: False, 2004: False, 2026: False, 2048: False,
}  # fmt: skip
"""Private modes of a terminal in which a shell runs (xterm: ctlseqs, DEC Private Mode)."""

_NAMES = {
    7: "lines wrap", 25: "the cursor", 1000: "the mouse", 1003: "every movement of the mouse", 1004: "focus",
    1006: "the mouse's SGR form", 1015: "the mouse's urxvt form", 1016: "the mouse in pixels",
    1049: "the alternate screen", 2004: "bracketed paste", 2026: "a frame that is not over", 2048: "sizes in band",
}  # fmt: skip

_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_PUSH = re.compile(rb"\x1b\[>[0-9]+u")
_POP = re.compile(rb"\x1b\[<[0-9]*u")
_SGR = re.compile(rb"\x1b\[[0-9;]*m")


class Modes:
    """A terminal that only remembers how it is set."""

    def __init__(self) -> None:
        self.private: dict[int, bool] = dict(AT_HOME)
        self.keyboards = {False: 0, True: 0}
        """How many settings of the keyboard lie on each screen's stack; true = the alternate screen."""
        self.painted = False
        """Attributes or colours are on."""
        self.pointer = b""
        self.entered = False
        """The alternate screen was shown at some time."""

    def take(self, token: Token) -> None:
        """Do what a token says."""
        raw = token.raw
        if found := _MODE.fullmatch(raw):
            for mode in map(int, found[1].split(b";")):
                self.private[mode] = found[2] == b"h"
                self.entered = self.entered or (mode == 1049 and found[2] == b"h")
        elif _PUSH.fullmatch(raw):
            self.keyboards[self.private[1049]] += 1
        elif _POP.fullmatch(raw):
            here = self.private[1049]
            self.keyboards[here] = max(self.keyboards[here] - 1, 0)
        elif _SGR.fullmatch(raw):
            self.painted = raw not in (b"\x1b[m", b"\x1b[0m")
        elif raw.startswith(b"\x1b]22;"):
            self.pointer = raw[5:].removesuffix(b"\x07").removesuffix(b"\x1b\\")

    def left_behind(self) -> list[str]:
        """What is not as it was."""
        wrong = [
            f"{_NAMES.get(mode, str(mode))} ({mode}) {'on' if on else 'off'}"
            for mode, on in self.private.items()
            if on != AT_HOME.get(mode, False)
        ]
        wrong += [f"{count} settings of the keyboard" for count in self.keyboards.values() if count]
        wrong += ["colours"] if self.painted else []
        return wrong + ([f"the pointer as {self.pointer!r}"] if self.pointer else [])


def modes_after(data: bytes) -> Modes:
    """How a terminal is after a stream."""
    modes = Modes()
    for token in tokens(data):
        modes.take(token)
    return modes


def judge_end(data: bytes, *, screen: bool = True) -> list[Violation]:
    """Search the end of a stream for what was not put back; ``screen`` = the alternate screen was to be seen."""
    modes = modes_after(data)
    found = [Violation(rule="I13", words=f"left behind: {each}") for each in modes.left_behind()]
    if screen and not modes.entered:
        found.append(Violation(rule="I13", words="the screen was never shown, so nothing is proven"))
    return found
