"""Signs spelled in ASCII where a stream cannot hold them, so that tables and lines stay readable (policy X7)."""

from __future__ import annotations

import codecs
import unicodedata

NAME = "llmdesk.spelled"
"""The error handler's name, for ``str.encode``."""

SPELLED = {  # the escapes are dashes and quotation marks that look like ASCII
    "·": "-", "•": "*", "…": "...", "\u2013": "-", "—": "-", "\u2010": "-", "\u2011": "-", "\u2212": "-",
    "\u2018": "'", "\u2019": "'", "\u201a": ",", "“": '"', "”": '"', "„": '"', "«": "<<", "»": ">>",
    "→": "->", "←": "<-", "⤷": "->", "↳": "->", "▸": ">", "▾": "v", "▼": "v", "▲": "^",
    "✔": "v", "✓": "v", "✗": "x", "✘": "x", "\u00d7": "x", "●": "*", "○": "o", "◔": "~", "◆": "*",
    "▓": "#", "█": "#", "▒": "=", "░": ".", "€": "EUR", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
    **dict.fromkeys("─━═╌┄", "-"), **dict.fromkeys("│┃║╎┆", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰╔╗╚╝╠╣╦╩╬", "+"),
    **dict(zip("▁▂▃▄▅▆▇", ".:-=+*#", strict=True)),
}  # fmt: skip
"""What stands for a sign that a stream's encoding lacks; letters keep what they are without their accents."""


def spell(error: UnicodeError) -> tuple[str, int]:
    """Say what stands for the part that could not be encoded: a question mark where nothing does."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = "".join(map(_spelled, error.object[error.start : error.end]))
    try:
        text.encode(error.encoding)
    except UnicodeEncodeError:  # what stands for it may be too much as well
        text = "?" * (error.end - error.start)
    return text, error.end


def _spelled(char: str) -> str:
    if (known := SPELLED.get(char)) is not None:
        return known
    bare = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    return bare if bare.isascii() and bare else "?"


def encoded(text: str, encoding: str) -> bytes:
    """Encode ``text``; what cannot be is spelled out."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        codecs.register_error(NAME, spell)
        return text.encode(encoding, NAME)
