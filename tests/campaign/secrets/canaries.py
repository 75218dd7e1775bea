"""Texts that must be nowhere but where they belong, and the search for them in every spelling.

A canary is drawn anew in each round, so that no rule of the program can know it; what it looks like differs too: some
have the shape of a known vendor's key, others are full of the characters that URLs, JSON and shells write differently.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, quote_plus

from tests.support.word_search import parts, spellings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ANY = f"{_LETTERS}{_LETTERS.upper()}0123456789"
_HEX = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One text and what it is.

    ``name`` says whose it is, as a report prints it; the text itself is never printed. Of a ``key`` no spelling may
    show anywhere; of ``words`` (prompts, answers) it depends on what is recorded.
    """

    name: str
    text: str
    kind: Literal["key", "words"]


def key(rng: Random, name: str) -> Canary:
    """A key for the provider or variable of this name; printable ASCII, as every header value must be."""
    body = "".join(rng.choices(_ANY, k=28))
    shape = rng.choice(("vendor", "plain", "base64", "awkward", "long"))
    text = {
        "vendor": rng.choice(("sk-", "sk-ant-", "AIza", "ghp_")) + body,
        "plain": body,
        "base64": f"{body[:11]}+{body[11:19]}/{body[19:]}==",
        "awkward": f'{body[:6]}&{body[6:12]}%41"{body[12:17]}\\{body[17:22]}<~>{body[22:]}',
        "long": f"ey{body}.{''.join(rng.choices(_ANY, k=90))}.{body[::-1]}",
    }[shape]
    return Canary(name=name, text=text, kind="key")


def words(rng: Random, name: str) -> Canary:
    """A sentence that nobody else says."""
    tail = " ".join("".join(rng.choices(_LETTERS, k=rng.randint(5, 9))) for _ in range(3))
    return Canary(name=name, text=f'Käfer-{name} {rng.randrange(10**9)} {tail} "&" <ß>', kind="words")


def written(text: str) -> dict[str, str]:
    """The ways in which a careless other side may repeat a text, by name."""
    raw = text.encode()
    lower = _HEX.sub(lambda found: found[0].lower(), quote(text, safe=""))
    return {
        "plain": text,
        "URL": quote(text, safe=""),
        "url": lower,
        "URL with plus": quote_plus(text),
        "JSON": json.dumps(text)[1:-1],
        "base64": base64.b64encode(raw).decode(),
        "base64 behind a scheme": base64.b64encode(b"Bearer " + raw).decode(),
        "base64 behind a user": base64.b64encode(b"ab:" + raw + b"\n").decode(),
        "base64 inside": base64.urlsafe_b64encode(b"token=" + b"x" + raw + b"&").decode(),
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
    }


def _sought(text: str) -> set[bytes]:
    found: set[bytes] = set()
    for part in parts(text):
        found |= spellings(part)
        raw = part.encode()
        quoted = [quote(part), quote(part, safe=""), quote_plus(part)]
        found |= {_HEX.sub(lambda each: each[0].lower(), each).encode() for each in quoted}
        found |= {raw.hex().upper().encode(), repr(part)[1:-1].encode(), repr(raw)[2:-1].encode()}
    return found


class Search:
    """Looks for canaries; what it looks for is worked out once.

    Args:
        canaries: all of a round.
    """

    def __init__(self, canaries: list[Canary]) -> None:
        self._sought = [(canary, re.compile(b"|".join(map(re.escape, _sought(canary.text))))) for canary in canaries]

    def found(self, content: bytes) -> list[Canary]:
        """Those of which any spelling stands in ``content``."""
        return [canary for canary, pattern in self._sought if pattern.search(content)]

    def below(self, folder: Path, keep: Callable[[Path], bool] = lambda _: True) -> list[tuple[Canary, str]]:
        """Those in the files below ``folder``, in their names too, with the path of the file."""
        told = []
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if keep(name) and path.is_file():
                told += [(canary, str(name)) for canary in self.found(str(name).encode() + b"\n" + path.read_bytes())]
        return told
