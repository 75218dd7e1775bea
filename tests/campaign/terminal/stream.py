"""The judge of a byte stream: a closed list of sequences that may be written, and of signs that may be shown.

The list is written down from what Textual 8.2 (``drivers/linux_driver.py``, ``_compositor.py``, ``strip.py``,
``app.py``) and llmdesk itself send; it does not ask the program what it finds harmless. Whatever is not in it is a
violation of I13.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.terminal.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.terminal.tokens import Token

MODES = frozenset({7, 25, 1000, 1003, 1004, 1006, 1015, 1016, 1049, 2004, 2026, 2048})
"""Private modes that may be set and reset."""

POINTERS = frozenset(
    {b"", b"default", b"pointer", b"text", b"wait", b"not-allowed", b"grab", b"grabbing", b"ew-resize"}
)

HIDDEN = frozenset(
    {
        0x061C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF,
        *range(0xFFF9, 0xFFFC), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE0080),
    }
)  # fmt: skip
"""What turns the direction, breaks the line or is not seen at all; joiners between letters (U+200C, U+200D), the soft
hyphen and variation selectors are part of words and pictures."""

MARKS = 8
"""How many combining marks may follow one another (policy X9)."""

_SINGLE = frozenset({*range(5), 7, 9, 39, 49, *range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)})
"""Attributes: no blinking (5, 6), nothing that hides (8)."""

_MODE = re.compile(rb"\x1b\[\?([0-9;]+)[hl]")
_MOVE = re.compile(rb"\x1b\[[1-9][0-9]{0,3};[1-9][0-9]{0,3}H")
_SGR = re.compile(rb"\x1b\[([0-9;]*)m")
_KEYS = frozenset({b"\x1b[>25u", b"\x1b[<u"})
_ASKED = frozenset({b"\x1b[?2026$p", b"\x1b[?2048$p"})
_PICTURE_ASKED = frozenset({b"\x1b[>0q", b"\x1b[16t", b"\x1b[c"})
_PICTURE_CSI = re.compile(rb"\x1b\[[1-9][0-9]{0,3}D")
_KITTY = re.compile(rb"\x1b_G(?:[a-zA-Z]=[a-zA-Z0-9]+,?)*(?:;[A-Za-z0-9+/=]*)?\x1b\\")
_SIXEL = re.compile(rb'\x1bP0;1q"1;1;[0-9;#!$\-?-~]*\x1b\\')


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the user did that lets more be written.

    Args:
        screen: the desk paints; otherwise lines are written, and only colours and the line of progress are allowed.
        copied: how the texts begin that were copied by a key; each may be sent once by OSC 52.
        pictures: an image was opened, so that the terminal may be asked for its ways, and told the picture.
        control: the characters that may stand alone.
        torn: the terminal or the program was gone in the middle of a write, so the last sequence may be a part.
    """

    screen: bool = True
    copied: tuple[str, ...] = ()
    pictures: bool = False
    control: bytes = b"\r\n"
    torn: bool = False


def judge(data: bytes, allowed: Allowed | None = None) -> list[Violation]:
    """Search a stream for what may not be in it; at most ten findings, each once, with what stands around it."""
    rules = allowed or Allowed()
    found: list[Violation] = []
    told: set[str] = set()
    sent = data.count(b"\x1b]52;")
    if sent > len(rules.copied):
        found.append(Violation(rule="I13", words=f"{sent} texts sent to the clipboard, {len(rules.copied)} copied"))
    for token in tokens(data):
        if rules.torn and token.at + len(token.raw) == len(data):
            break
        for words in _faults(token, rules, data):
            if words in told:
                continue
            told.add(words)
            around = data[max(token.at - 40, 0) : token.at + 60]
            found.append(Violation(rule="I13", words=f"{words} in {around!r}"))
        if len(found) >= 10:
            break
    return found


def _faults(token: Token, rules: Allowed, data: bytes) -> Iterator[str]:
    match token.kind:
        case "text":
            yield from text_faults(token.raw)
        case "control":
            if token.raw not in rules.control or (token.raw == b"\r" and not _returns(data[token.at :], rules)):
                yield f"control {token.raw!r}"
        case "csi":
            if not _csi(token.raw, rules):
                yield f"sequence {token.raw!r}"
        case "osc":
            if not _osc(token.raw, rules):
                yield f"sequence {token.raw[:60]!r}"
        case "dcs" | "apc":
            if not (rules.pictures and (_SIXEL if token.kind == "dcs" else _KITTY).fullmatch(token.raw)):
                yield f"sequence {token.raw[:60]!r}"
        case "escape":
            if not (rules.pictures and token.raw in (b"\x1b7", b"\x1b8")):
                yield f"sequence {token.raw!r}"
        case "pm" | "sos" | "cut":
            yield f"sequence {token.raw[:60]!r}"


def _returns(data: bytes, rules: Allowed) -> bool:
    """A return ends a line, or begins the line of progress again; alone it would write over what stands there."""
    return data.startswith((b"\r\n", b"\r\r\n") if rules.screen else (b"\r\n", b"\r\x1b[K"))


def text_faults(raw: bytes) -> Iterator[str]:
    """What a text may not hold; one finding of each kind."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        yield f"bytes that are no UTF-8 {raw[error.start : error.start + 8]!r}"
        text = raw.decode(errors="ignore")
    if text.isascii() and text.isprintable():
        return
    wrong = {char for char in set(text) if ord(char) in HIDDEN or unicodedata.category(char) in ("Cc", "Cs")}
    if wrong:
        yield f"signs {sorted(f'U+{ord(char):04X}' for char in wrong)}"
    run = 0
    for char in text:
        run = run + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if run > MARKS:
            yield f"more than {MARKS} combining marks"
            return


def _csi(raw: bytes, rules: Allowed) -> bool:
    if found := _SGR.fullmatch(raw):
        return _attributes(found[1], screen=rules.screen)
    if not rules.screen:
        return raw == b"\x1b[K"
    if found := _MODE.fullmatch(raw):
        return all(int(mode) in MODES for mode in found[1].split(b";"))
    if _MOVE.fullmatch(raw) or raw in _KEYS or raw in _ASKED:
        return True
    return rules.pictures and (raw in _PICTURE_ASKED or _PICTURE_CSI.fullmatch(raw) is not None)


def _attributes(listed: bytes, *, screen: bool) -> bool:
    """Attributes and colours; of an index or of three parts."""
    if not screen:
        return listed in (b"0", b"1", b"2", b"31", b"32", b"33")
    numbers = [int(part or 0) for part in listed.split(b";")]
    while numbers:
        first = numbers.pop(0)
        if first in (38, 48):
            size = {5: 1, 2: 3}.get(numbers.pop(0) if numbers else -1, 99)
            if len(numbers) < size or any(part > 255 for part in numbers[:size]):
                return False
            del numbers[:size]
        elif first not in _SINGLE:
            return False
    return True


def _osc(raw: bytes, rules: Allowed) -> bool:
    body = raw[2:].removesuffix(b"\x07").removesuffix(b"\x1b\\")
    if not rules.screen:
        return False
    if body.startswith(b"22;"):
        return body[3:] in POINTERS
    return body.startswith(b"52;c;") and _copied(body[5:], rules.copied)


def _copied(coded: bytes, beginnings: tuple[str, ...]) -> bool:
    """A text that was copied, and nothing in it that steers the program it is pasted into."""
    try:
        text = base64.b64decode(coded, validate=True)
    except ValueError:
        return False
    clean = not list(text_faults(text.translate(None, b"\n\t")))
    return clean and any(text.startswith(beginning.encode()) for beginning in beginnings)
