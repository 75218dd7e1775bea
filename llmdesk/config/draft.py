"""A configuration while it is being read: its values, where they stand, and everything that is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from llmdesk.config.yaml_tree import START, Place
from llmdesk.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path as FilePath

    from llmdesk.config.source import Source
    from llmdesk.config.yaml_tree import Path, Tree

MAX_LISTED = 12
"""How many known names a message lists when none is near."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """What the steps of loading work on, one after the other.

    ``data`` is merged with the defaults, ``tree`` is what the file said. ``disabled`` maps a provider that cannot be
    called to the reason; ``provider_notes`` maps a provider to a line for the user. ``named`` tells which variable of
    the environment a path came from, for what is not in the file.
    """

    file: FilePath | None
    env: Mapping[str, str]
    source: Source
    tree: Tree
    data: dict[str, Any]
    named: dict[Path, str] = field(default_factory=dict)
    disabled: dict[str, str] = field(default_factory=dict)
    provider_notes: dict[str, str] = field(default_factory=dict)
    _faults: list[tuple[Place, str]] = field(default_factory=list)

    def fault(self, path: Path, message: str, *, key: bool = False) -> None:
        """Note that something is wrong with the value (or ``key``) at ``path``."""
        if path in self.named:
            self._faults.append((Place(0, 0), f"${self.named[path]}: {message}"))
            return
        place = self.tree.place(path, key=key) or START
        label = dotted(path)
        text = f"{label}: {message}" if label else message
        self._faults.append((place, f"{self.file or 'defaults'}:{place.line}:{place.column}: {text}"))

    def disable(self, provider: str, reason: str, note: str) -> None:
        """Switch a provider off, and say so; the first reason stands."""
        if provider in self.disabled:
            return
        self.disabled[provider] = reason
        if note:
            self.provider_notes.setdefault(provider, note)

    def raise_faults(self) -> None:
        """End here if anything is wrong.

        Raises:
            ConfigurationError: with every fault, in the order of the file.
        """
        structural = [(f.place, f"{self.file}:{f.place.line}:{f.place.column}: {f.message}") for f in self.tree.faults]
        found = sorted(dict.fromkeys([*structural, *self._faults]), key=_order)
        if found:
            raise ConfigurationError(tuple(line for _, line in found))


def _order(found: tuple[Place, str]) -> Place:
    return found[0]


def dotted(path: Path) -> str:
    """Write a path as people do: ``budgets[0].limit_usd``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def nearest(name: str, known: Iterable[str]) -> str:
    """End a message with the nearest known name, or with all of them when they are few."""
    names = list(known)
    if near := get_close_matches(name, names, 1, 0.6):
        return f"; did you mean '{near[0]}'?"
    return f"; known are {', '.join(names)}" if 0 < len(names) <= MAX_LISTED else ""
