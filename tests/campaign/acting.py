"""A symbol as the play for one request: with a text and counts that no other answer has, and the target's own key.

Where an answer has text, the request's own words are put in front of its first piece; where it tells tokens, they
become the request's own. What a refusal echoes of a key is the key that came. Everything else stays as the scene has
it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.campaign.told import told
from tests.support.plays import steps_of
from tests.support.wire import CANARY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.campaign.alphabet import Symbol
    from tests.support.plays import Play, Step

_WORDS, _READ, _OUTPUT, _TOTAL = b"<\x01words>", b"<\x01read>", b"<\x01output>", b"<\x01total>"

_TEXTS = {
    "ollama": (rb'"content":\s*"',),
    "openai": (rb'"content":\s*"',),
    "anthropic": (rb'"text_delta", "text":\s*"', rb'"text":\s*"'),
    "google": (rb'"text":\s*"',),
    "command": (rb'"delta":\s*"',),
}
_COUNTS = {
    "ollama": (rb'"prompt_eval_count":\s*(\d+)', rb'"eval_count":\s*(\d+)', rb"(?!)"),
    "openai": (rb'"prompt_tokens":\s*(\d+)', rb'"completion_tokens":\s*(\d+)', rb'"total_tokens":\s*(\d+)'),
    "anthropic": (rb'"input_tokens":\s*(\d+)', rb'"output_tokens":\s*(\d+)', rb"(?!)"),
    "google": (rb'"promptTokenCount":\s*(\d+)', rb'"candidatesTokenCount":\s*(\d+)', rb'"totalTokenCount":\s*(\d+)'),
    "command": (rb'"in":\s*(\d+)', rb'"out":\s*(\d+)', rb"(?!)"),
}


_PLAYS: dict[str, Play] = {}
"""By name, each made once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What one request's answer has alone: its words, its counts, and the key that came with it."""

    words: str
    read: int
    output: int
    key: str = ""

    def fill(self, data: bytes) -> bytes:
        """Put it in where a scene left room for it."""
        words = json.dumps(self.words)[1:-1].encode()
        data = data.replace(_WORDS, words).replace(_READ, b"%d" % self.read).replace(_OUTPUT, b"%d" % self.output)
        data = data.replace(_TOTAL, b"%d" % (self.read + self.output))
        return data.replace(CANARY.encode(), json.dumps(self.key)[1:-1].encode()) if self.key else data


def own_words(provider: str, serial: int) -> str:
    """Words that no other answer of a sequence has; odd ones, each of which a careless hand would change."""
    return f"[{provider}:{serial}] \u00e9e\u0301\u2028\u00df\r\n\U0001f642 "


def act(symbol: Symbol, own: Own) -> Play:
    """What the server does with the request."""
    play = _roomy(symbol)
    if callable(play.body):
        return play
    body = tuple(own.fill(step) if isinstance(step, bytes) else step for step in play.body)
    return replace(play, body=body)


def act_steps(symbol: Symbol, own: Own) -> list[Step]:
    """The same for what a program prints, each piece as bytes."""
    return [own.fill(step) if isinstance(step, bytes) else step for step in _roomy_steps(symbol)]


def _roomy(symbol: Symbol) -> Play:
    if symbol.name not in _PLAYS:
        _PLAYS[symbol.name] = _make_roomy(symbol)
    return _PLAYS[symbol.name]


def _make_roomy(symbol: Symbol) -> Play:
    """The play of a symbol with room for what is the request's own."""
    play = symbol.scene.play
    assert play is not None
    if play.status != 200 or play.raw is not None or callable(play.body) or "Content-Encoding" in play.headers:
        return play
    return replace(play, body=tuple(with_room(symbol.wire, list(steps_of(play.body)))))


def _roomy_steps(symbol: Symbol) -> tuple[Step, ...]:
    printed = [step["out"].encode() for step in symbol.scene.steps if "out" in step]  # type: ignore[attr-defined]
    return tuple(with_room(symbol.wire, printed))


def with_room(wire: str, steps: Sequence[Step]) -> list[Step]:
    """Mark in a body where a request's own words and counts go."""
    body = b"".join(step for step in steps if isinstance(step, bytes))
    edits: list[tuple[int, int, bytes]] = []
    read, output, total = _COUNTS[wire]
    edits += [(*found.span(1), _READ) for found in re.finditer(read, body)]
    outputs = list(re.finditer(output, body))
    edits += [(*found.span(1), _OUTPUT) for found in outputs[-1:]]
    edits += [(*found.span(1), _TOTAL) for found in re.finditer(total, body)]
    if (at := _text_begins(wire, body)) is not None:
        edits.append((at, at, _WORDS))
    made = list(steps)
    for start, end, new in sorted(edits, reverse=True):
        made = _edited(made, start, end, new)
    return made


def _text_begins(wire: str, body: bytes) -> int | None:
    """Where the answer's text begins; ``None`` = it has none that can be seen."""
    text = told(wire, body).text
    if not text.strip():
        return None
    for pattern in _TEXTS[wire]:
        for found in re.finditer(pattern, body):
            tried = body[: found.end()] + b"@" + body[found.end() :]
            if told(wire, tried).text == f"@{text}":
                return found.end()
    raise AssertionError(f"no place for words in {body!r}")


def _edited(steps: Sequence[Step], start: int, end: int, new: bytes) -> list[Step]:
    """Replace bytes of a body where they are, whatever steps they are cut into."""
    made: list[Step] = []
    at = 0
    placed = False
    for step in steps:
        if not isinstance(step, bytes):
            made.append(step)
            continue
        first, last = max(0, start - at), max(0, end - at)
        at += len(step)
        if first > len(step) or (placed and last == 0):
            made.append(step)
            continue
        made.append(step[:first] + (b"" if placed else new) + step[last:])
        placed = True
    return made
