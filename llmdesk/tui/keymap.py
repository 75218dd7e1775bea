"""What the user's ``ui.keys`` make of the actions and their default keys.

Textual takes unknown ids and nonsense keys without a word and resolves clashes silently, so it is all checked here.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.keys import Keys

from llmdesk.core.values import dataclass
from llmdesk.tui.actions import ACTIONS, BY_ID, PANEL_SCOPES, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmdesk.tui.actions import Action

_CHAT: frozenset[Scope] = frozenset({"desk", "chat", "prompt", "turn"})
APART: frozenset[Scope] = frozenset({"compare", "image", "queue"})
"""Screens that are no panels: the keys of panels do not work there."""

_TOGETHER: Mapping[Scope, frozenset[Scope]] = {
    "desk": _CHAT | {"list", *PANEL_SCOPES},
    "chat": _CHAT,
    "prompt": frozenset({"desk", "chat", "prompt"}),
    "turn": frozenset({"desk", "chat", "turn"}),
    "list": frozenset[Scope]({"desk", "list", *PANEL_SCOPES}) - APART,
    **{panel: frozenset({"desk", panel} if panel in APART else {"desk", "list", panel}) for panel in PANEL_SCOPES},
}
"""Scopes whose keys are live at the same time."""

_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "hyper", "meta"})
_NAMED = frozenset(key.value.rpartition("+")[2] for key in Keys) | {
    "enter",
    "tab",
    "space",
    "backspace",
    "minus",
    "plus",
}
_UNICODE_NAME = re.compile(r"[a-z]+(_[a-z]+)+|[a-z]{3,}")


def bindings_for(scope: str) -> list[Binding]:
    """The bindings of one scope, each with its action's id; none for a panel without actions of its own."""
    return [
        Binding(
            action.keys or f"unbound_{action.id}", action.call, action.help, show=False, priority=action.priority,
            id=action.id,
        )
        for action in ACTIONS
        if action.scope == scope
    ]  # fmt: skip


def is_key(name: str) -> bool:
    """Tell whether ``name`` is something Textual can ever report as a pressed key."""
    *modifiers, key = name.split("+") if name != "+" else ["+"]
    if not set(modifiers) <= _MODIFIERS or len(set(modifiers)) != len(modifiers):
        return False
    if len(key) == 1:
        return key.isprintable() and not key.isspace()
    return key in _NAMED or _is_character_name(key)


def _is_character_name(key: str) -> bool:
    import unicodedata

    from textual.keys import KEY_NAME_REPLACEMENTS

    if not _UNICODE_NAME.fullmatch(key):
        return False
    if key in KEY_NAME_REPLACEMENTS.values():
        return True
    try:
        unicodedata.lookup(key.replace("_", " "))
    except KeyError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Keymap:
    """The user's keys, checked: ``overrides`` go to Textual, ``notes`` say what was not taken and why."""

    overrides: Mapping[str, str]
    notes: tuple[str, ...]

    def keys_of(self, action: Action) -> str:
        """The keys that work now, comma separated; empty = none."""
        keys = self.overrides.get(action.id, action.keys)
        return "" if keys.startswith("unbound_") else keys


def read_keymap(user: Mapping[str, str]) -> Keymap:
    """Check the user's ``ui.keys`` and lay them over the defaults; a wrong entry leaves its action as it was."""
    wanted: dict[str, str] = {}
    notes: list[str] = []
    for action_id, text in user.items():
        if action_id not in BY_ID:
            close = get_close_matches(action_id, BY_ID, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            notes.append(f"ui.keys: there is no action '{action_id}'.{hint}")
            continue
        if text.strip().lower() == "none":
            wanted[action_id] = f"unbound_{action_id}"
            continue
        keys = [key.strip() for key in text.split(",") if key.strip()]
        wrong = [key for key in keys if not is_key(key)]
        if wrong or not keys:
            notes.append(
                f"ui.keys.{action_id}: '{wrong[0] if wrong else text}' is not a key; kept {_shown(action_id)}."
            )
            continue
        wanted[action_id] = ",".join(keys)
    overrides, clashes = _without_clashes(wanted)
    return Keymap(overrides=overrides, notes=(*notes, *clashes))


def clashing(action: Action, key: str, keymap: Keymap) -> Action | None:
    """Another action that has ``key`` and is live at the same time as this one."""
    together = _TOGETHER[action.scope]
    return next(
        (
            each
            for each in ACTIONS
            if each.id != action.id and each.scope in together and key in keymap.keys_of(each).split(",")
        ),
        None,
    )


def _without_clashes(wanted: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Drop every wanted key that another action, live at the same time, keeps; each drop may cause the next."""
    notes: list[str] = []
    while True:
        clash = _first_clash(wanted)
        if clash is None:
            return wanted, notes
        key, loser, winner = clash
        notes.append(f"ui.keys.{loser}: {key} already belongs to {winner}; kept {_shown(loser)}.")
        del wanted[loser]


def _first_clash(wanted: Mapping[str, str]) -> tuple[str, str, str] | None:
    owners: dict[str, list[Action]] = {}
    for action in ACTIONS:
        for key in filter(None, wanted.get(action.id, action.keys).split(",")):
            owners.setdefault(key, []).append(action)
    for key, actions in owners.items():
        for first, second in _pairs(actions):
            if second.scope in _TOGETHER[first.scope]:
                loser, winner = (first, second) if first.id in wanted and second.id not in wanted else (second, first)
                if loser.id in wanted:
                    return key, loser.id, winner.id
    return None


def _pairs(actions: list[Action]) -> Iterable[tuple[Action, Action]]:
    return ((first, second) for at, first in enumerate(actions) for second in actions[at + 1 :])


def _shown(action_id: str) -> str:
    return BY_ID[action_id].keys or "no key"
