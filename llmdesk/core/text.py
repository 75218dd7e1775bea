"""The two edges every foreign text passes: ``sanitise`` before a terminal, ``redact`` before anything that is kept.

Sources: ECMA-48 for C0/C1, Unicode 16 for bidi and tag characters; the rule itself is docs/policy.md, S1 and S2.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_COMBINING = 8
"""How many combining marks may follow one another."""

LINE_LIMIT = 200
"""The longest one-line message, characters (policy section 1)."""

REPLACEMENT = "\ufffd"


def _table() -> dict[int, str]:
    """Map every character that may steer a terminal to a visible one."""
    table = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
    table[0x7F] = "\u2421"
    hostile = [
        *range(0x80, 0xA0),  # C1
        0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF,  # invisible marks
        *range(0x202A, 0x202F),  # bidi; the rest of it stands among the invisible operators
        *range(0x2060, 0x2070),  # joiners of words, invisible operators, isolates, deprecated formatting
        *range(0xFFF9, 0xFFFC), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B),  # annotation, shorthand, music
        0x2028, 0x2029,  # line separators a terminal does not know
        *range(0xD800, 0xE000),  # lone surrogates
        *range(0xE0000, 0xE0080),  # tags
    ]  # fmt: skip
    table.update(dict.fromkeys(hostile, REPLACEMENT))
    return table


_TABLE = _table()

STEERING = frozenset(map(chr, _TABLE))
"""The characters that may steer a terminal, or hide what is written; line feeds and tabs are none of them here."""

_PLAIN = re.compile(r"[\n\t\x20-\x7e]*")


class Sanitiser:
    """Makes a stream of text harmless, chunk by chunk.

    Splitting the text anywhere changes nothing: a trailing carriage return and the length of the last run of combining
    marks are carried over.
    """

    def __init__(self) -> None:
        self._held_return = False
        self._run = 0

    def feed(self, text: str) -> str:
        """Return the harmless form of the next chunk."""
        if self._held_return:
            text = "\r" + text
            self._held_return = False
        if text.endswith("\r"):
            text, self._held_return = text[:-1], True
        if _PLAIN.fullmatch(text):
            self._run = 0 if text else self._run
            return text
        harmless, self._run = limit_marks(text.replace("\r\n", "\n").translate(_TABLE), self._run)
        return harmless

    def finish(self) -> str:
        """Return what was held back."""
        held, self._held_return = self._held_return, False
        return _TABLE[0x0D] if held else ""


def limit_marks(text: str, run: int = 0) -> tuple[str, int]:
    """Leave out the combining marks beyond ``MAX_COMBINING`` in a row.

    ``run`` = how many stood before; the second value is how many stand at the end.
    """
    if text.isascii():
        return text, 0 if text else run
    kept: list[str] = []
    for char in text:
        if char > "\u02ff" and (unicodedata.category(char) in ("Mn", "Me")):
            run += 1
            if run > MAX_COMBINING:
                continue
        else:
            run = 0
        kept.append(char)
    return "".join(kept), run


def sanitise(text: str) -> str:
    """Return ``text`` with everything that could steer a terminal made visible; line feeds and tabs stay."""
    sanitiser = Sanitiser()
    return sanitiser.feed(text) + sanitiser.finish()


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Return ``text`` as one sanitised line of at most ``limit`` characters; the cut is marked with an ellipsis."""
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text and text.strip() == text:
        return text  # most are harmless, and some pass here more than once
    head = text[: limit * 20]  # a megabyte of error page is not worth cleaning for one line
    line = " ".join(sanitise(head).split())
    return line if len(line) <= limit and len(head) == len(text) else line[: limit - 1].rstrip() + "…"


_VISIBLE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""A character that a reader sees; spaces, marks of direction and joiners are none (policy R10)."""


def has_visible(text: str) -> bool:
    """Whether a reader sees anything of ``text``."""
    return _VISIBLE.search(text) is not None


def storable(text: str) -> str:
    """Replace lone surrogates, which neither UTF-8, SQLite nor JSON can hold (policy Q4)."""
    if text.isascii():
        return text  # without encoding many megabytes only to see that it can be done
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


# --- secrets ------------------------------------------------------------------------------------------------------

MASK = "***"

# Repetitions that something must follow are bounded: these run over bodies that a hostile server wrote, and without a
# bound the time grows with the square of their length.
_PATTERNS = (
    re.compile(r"\b(sk-(?:ant-|proj-|or-)?)[A-Za-z0-9_\-*.…]{6,}"),
    re.compile(r"\b(AIza)[A-Za-z0-9_\-]{10,}"),
    re.compile(r"\b(gh[opsur]_|github_pat_)[A-Za-z0-9_]{10,}"),
    re.compile(r"(?i)\b(bearer\s+)[^\s\"',;]+"),
    re.compile(r"(?i)([?&;][a-z0-9_\-]{0,40}?(?:key|token|sig|secret|signin)[a-z0-9_\-]{0,40}=)[^&\s\"'<>]+"),
    re.compile(r"(?i)(\b[a-z][a-z0-9+.\-]{0,30}://)[^\s/?#\"']{1,400}@"),
)
_SIGNIN = re.compile(r"(?i)(https?://[^\s\"'?]{1,300}/connect)\?[^\s\"']*")
_HEX = re.compile(r"%[0-9A-F]{2}")
_ACCOUNT = re.compile(r"(?i)\b(you)\s{1,4}\(.{1,200}?\)(?=\s{1,4}have reached)")


def spellings(secret: str) -> set[str]:
    """A secret as it may turn up in what others wrote: quoted for URLs, JSON or Python, in hex, in base64 of anything.

    In base64 a text looks different at each of three offsets, and mixes with its neighbours in its first and last
    character: ``Basic`` packs a user before the password. Those characters are left out.
    """
    import json  # here alone: this module is on the way to the first paint

    raw = secret.encode("utf-8", "replace")
    found = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    found |= {raw.hex(), raw.hex().upper()}
    for quoted in (quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")):
        found |= {quoted, _HEX.sub(lambda each: each[0].lower(), quoted)}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        found.add(encode(raw).decode().rstrip("="))
        for offset in range(3 if len(secret) >= _PACKED else 0):
            packed = encode(b"\0" * offset + raw).decode()
            found.add(packed[(0, 2, 3)[offset] : len(packed) - (0, 3, 2)[(offset + len(raw)) % 3]])
    return found


_PACKED = 8
"""Shorter ones are so few characters in base64 that they may stand in any other."""

_STRONG = 16
"""From this length on, with letters and digits, a key is no word that an answer may hold by chance (``lm-studio``)."""


class Redactor:
    """Takes known secrets and anything shaped like one out of a string that is about to be kept or shown.

    Args:
        secrets: exact values that must never appear; each is also recognised in its other ``spellings``.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._exact: set[str] = set()
        self._strong: set[str] = set()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Remember one more secret value; values shorter than 6 characters would blank ordinary words."""
        if len(secret) < 6:
            return
        found = spellings(secret)
        self._exact |= found
        if len(secret) >= _STRONG and any(map(str.isalpha, secret)) and any(map(str.isdigit, secret)):
            self._strong |= found

    @property
    def strong(self) -> frozenset[str]:
        """The spellings of those secrets that cannot be meant for anything else, wherever they stand."""
        return frozenset(self._strong)

    def known(self, text: str) -> str:
        """Return ``text`` without ``strong`` secrets, and otherwise as it is."""
        for value in sorted(self._strong, key=len, reverse=True):
            if value in text:
                text = text.replace(value, MASK)
        return text

    def __call__(self, text: str) -> str:
        """Return ``text`` without secrets."""
        for value in sorted(self._exact, key=len, reverse=True):
            if value in text:
                text = text.replace(value, MASK)
        text = _SIGNIN.sub(rf"\1?{MASK}", text)
        text = _ACCOUNT.sub(r"\1", text)
        for pattern in _PATTERNS[:-1]:
            text = pattern.sub(rf"\1{MASK}", text)
        return _PATTERNS[-1].sub(rf"\1{MASK}@", text)


redact = Redactor()
"""The process-wide redactor: whoever resolves a key teaches it with ``redact.learn``."""
