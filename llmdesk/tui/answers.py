"""What the terminal answers when it is asked what it can: its name, its attributes, the size of a cell.

Textual's parser takes answers it does not know for typed text, so they are taken out of what is read before it sees
them. Asked are XTVERSION, the size of a cell (``CSI 16 t``) and primary device attributes (DA1), all described in
"XTerm Control Sequences"; every terminal answers the last one, so that ends the waiting.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual._xterm_parser import XTermParser

from llmdesk.core.values import dataclass
from llmdesk.tui.arriving import PasteFilter, decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from textual.events import Key
    from textual.message import Message

QUESTION = "\x1b[>0q\x1b[16t\x1b[c"

LIMIT_S = 0.6
"""How long an answer is waited for, seconds; one that comes later counts the next time."""

SIXEL_ATTRIBUTE = "4"

_NAME = re.compile(r"\x1bP>\|([^\x1b]*)\x1b\\")
_CELL = re.compile(r"\x1b\[6;(\d+);(\d+)t")
_ATTRIBUTES = re.compile(r"\x1b\[\?([\d;]*)c")
_BEGUN = re.compile(r"(\x1b\[\?[\d;]*|\x1b\[6;[\d;]*|\x1bP[^\x1b]*\x1b?)\Z")
"""An answer of which the rest has not come yet."""

_DEAF = ("dumb", "linux")
"""Values of ``TERM`` whose terminals print what they do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a terminal said of itself. ``cell`` = width and height of a cell, pixels; ``None`` = not told."""

    name: str = ""
    sixel: bool = False
    cell: tuple[int, int] | None = None


class _Listening:
    """Takes answers out of what is typed, until the last one is there."""

    def __init__(self, heard: Callable[[Answers], None]) -> None:
        self._heard = heard
        self._held = ""
        self._answers = Answers()

    def take(self, data: str) -> tuple[str, bool]:
        """Return what was typed, and whether all was answered."""
        data, self._held = self._held + data, ""
        if found := _NAME.search(data):
            self._answers = replace(self._answers, name=found[1])
        if found := _CELL.search(data):
            self._answers = replace(self._answers, cell=(int(found[2]), int(found[1])))
        done = _ATTRIBUTES.search(data)
        if done:
            self._answers = replace(self._answers, sixel=SIXEL_ATTRIBUTE in done[1].split(";")[1:])
        for each in (_NAME, _CELL, _ATTRIBUTES):
            data = each.sub("", data)
        if done:
            self._heard(self._answers)
        elif begun := _BEGUN.search(data):
            self._held, data = begun[0], data[: begun.start()]
        return data, done is not None


class ListeningParser(XTermParser):
    """Textual's parser, which does not see answers while they are waited for, nor the escapes of a paste."""

    listening: ClassVar[_Listening | None] = None

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._paste = PasteFilter()

    def feed(self, data: str) -> Iterable[Message]:
        """Pass on what was typed; nothing at all is the end of the input, as Textual means it."""
        if data and (listening := ListeningParser.listening) is not None:
            data, done = listening.take(data)
            if done:
                ListeningParser.listening = None
            if not data:
                return ()
        if data and not (data := self._paste.take(data)):
            return ()
        return super().feed(data)

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[Key]:
        """The keys of a sequence; one that tells a character there is none of is no key."""
        try:
            return list(super()._sequence_to_key_events(sequence, alt))
        except (ValueError, OverflowError):
            return ()


def let_answer() -> None:
    """Let our parser read; said before Textual does. On Windows it reads no bytes, so not there."""
    try:
        from textual.drivers import linux_driver
    except ImportError:
        return
    linux_driver.XTermParser = ListeningParser  # type: ignore[attr-defined]
    vars(linux_driver)["getincrementaldecoder"] = decoder


async def ask(write: Callable[[str], None], env: Mapping[str, str]) -> Answers:
    """Ask the terminal, and wait a moment for what it says; nothing is asked of one that would print the question.

    Args:
        write: takes bytes to the terminal, which has to be read by ``ListeningParser``.
        env: the environment of the terminal.
    """
    if env.get("TERM", "") in _DEAF or env.get("STY"):
        return Answers()
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Answers] = loop.create_future()

    def settle(answers: Answers) -> None:
        if not answered.done():
            answered.set_result(answers)

    def heard(answers: Answers) -> None:
        loop.call_soon_threadsafe(settle, answers)

    ListeningParser.listening = _Listening(heard)
    write(QUESTION)
    try:
        async with asyncio.timeout(LIMIT_S):
            return await answered
    except TimeoutError:
        return Answers()
