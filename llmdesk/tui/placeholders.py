"""The gaps in a prompt of the library: ``{topic}`` is one, ``{{topic}}`` is those letters, other braces are braces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_GAP = re.compile(r"\{(\{?)([A-Za-z_][A-Za-z0-9_]*)\}(\}?)")
"""A word in braces. A dollar or an odd brace beside it makes it something else: ``${HOME}``, ``{{name}}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A prompt with what is known filled in; ``gaps`` are the places of the rest, as (start, end), in order."""

    text: str
    gaps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A gap that is being filled: its name, and the text before and behind it."""

    name: str
    before: str
    behind: str


def names_in(template: str) -> tuple[str, ...]:
    """The names of the gaps, each once, in order."""
    return tuple(dict.fromkeys(name for name in (_name(found) for found in _GAP.finditer(template)) if name))


def fill(template: str, known: Mapping[str, str]) -> Filled:
    """Fill in what is known; what is filled in is not looked through again."""
    parts: list[str] = []
    gaps: list[tuple[int, int]] = []
    length = at = 0
    for found in _GAP.finditer(template):
        name = _name(found)
        if name is None and not (found[1] and found[3]):
            continue
        value = f"{{{found[2]}}}" if name is None or name not in known else known[name]
        before = template[at : found.start()] + ("" if name is None else found[1])
        length += len(before)
        if name is not None and name not in known:
            gaps.append((length, length + len(value)))
        after = "" if name is None else found[3]
        parts += [before, value, after]
        length += len(value) + len(after)
        at = found.end()
    return Filled(text="".join((*parts, template[at:])), gaps=tuple(gaps))


def _name(found: re.Match[str]) -> str | None:
    """The name of the gap that was found; ``None`` = it is none."""
    if found[1] and found[3]:
        return None
    if not found[1] and found.start() and found.string[found.start() - 1] == "$":
        return None
    return found[2]


def gap_after(text: str, at: int, names: frozenset[str]) -> tuple[int, int] | None:
    """Find the next gap from ``at`` on, then from the beginning; ``None`` = none is left."""
    places = [
        (found.start() + len(found[1]), found.end() - len(found[3]))
        for found in _GAP.finditer(text)
        if found[2] in names
    ]
    return next((place for place in places if place[0] >= at), places[0] if places else None)


def typed_into(gap: Gap, text: str) -> str | None:
    """What now stands where the gap was; ``None`` = the text around it is another one too."""
    if len(text) < len(gap.before) + len(gap.behind) or not text.startswith(gap.before):
        return None
    if not text.endswith(gap.behind):
        return None
    return text[len(gap.before) : len(text) - len(gap.behind)]
