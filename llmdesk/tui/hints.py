"""Keys worth knowing in what is going on now, as the user has bound them, in lines of falling length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llmdesk.core.values import dataclass
from llmdesk.tui.actions import BY_ID
from llmdesk.tui.keymap import Keymap

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["idle", "busy", "waiting", "asked", "paused", "marked", "held"]
"""Nothing goes on; an answer comes; something is waited for; a yes or no is; a request is in the outbox; a turn is
marked; the queue waits for a word."""

WORDS: Mapping[str, str] = {
    "lane_1": "lane", "failovers": "failovers", "help": "help", "palette": "all actions", "cancel": "cancel",
    "retry_now": "now", "next_target": "next target", "turn_copy": "copy", "turn_edit": "edit", "turn_again": "again",
    "turn_leave": "back", "go": "send the queue", "queue": "queue", "consent_yes": "ask the next",
    "consent_no": "pause it", "outbox": "outbox",
}  # fmt: skip

_WORTH: Mapping[State, tuple[tuple[str, ...], ...]] = {
    "idle": (("lane_1", "failovers", "help", "palette"), ("failovers", "help", "palette"), ("help", "palette"),
             ("help",)),
    "busy": (("lane_1", "help", "palette", "cancel"), ("help", "palette", "cancel"), ("help", "cancel"), ("cancel",)),
    "waiting": (("help", "palette", "retry_now", "next_target", "cancel"), ("retry_now", "next_target", "cancel"),
                ("retry_now", "cancel"), ("cancel",)),
    "asked": (("help", "consent_yes", "consent_no", "cancel"), ("consent_yes", "consent_no", "cancel"),
              ("consent_yes", "cancel"), ("cancel",)),
    "paused": (("help", "palette", "outbox", "retry_now"), ("help", "outbox", "retry_now"), ("help", "retry_now"),
               ("help",)),
    "marked": (("turn_copy", "turn_edit", "turn_again", "turn_leave", "help"), ("turn_copy", "turn_leave", "help"),
               ("turn_leave", "help"), ("turn_leave",)),
    "held": (("help", "palette", "queue", "go"), ("queue", "go"), ("go",)),
}  # fmt: skip
"""What is shown, the longest first."""

USUAL = Keymap(overrides={}, notes=())
"""The keys as nobody has changed them."""

_SHORT = {"escape": "Esc", "question_mark": "?", "slash": "/"}


def called(key: str) -> str:
    """A key as people call it, and as every line of keys does."""
    return _SHORT.get(key, key)


def key_name(keymap: Keymap, action_id: str) -> str:
    """The first key of an action as people call it; empty = it has none."""
    return called(keymap.keys_of(BY_ID[action_id]).partition(",")[0])


def keymap_of(app: object) -> Keymap:
    """The keys as they are bound now in an app; the usual ones where it has none of the user's."""
    found = getattr(app, "keymap", None)
    return found if isinstance(found, Keymap) else USUAL


def with_key(keymap: Keymap, action_id: str, words: str) -> str:
    """What is shown where an action can be clicked: its key and what it does; the words alone where it has no key."""
    return f"{key_name(keymap, action_id)} {words}".strip()


def press_again(keymap: Keymap, action_id: str) -> str:
    """What is said to somebody who has to do something twice, as the beginning of a sentence."""
    key = key_name(keymap, action_id)
    return f"Press {key} again" if key else "Do it again"


@dataclass(frozen=True, slots=True)
class Hint:
    """One key and what it does. ``action_id`` = the action that a click runs."""

    text: str
    action_id: str


def hints(state: State, keymap: Keymap) -> tuple[tuple[Hint, ...], ...]:
    """The lines for one state, the longest first, one key alone last; an action without a key is left out."""
    lines = [tuple(filter(None, (_hint(keymap, each) for each in ids))) for ids in _WORTH[state]]
    (least,) = _WORTH[state][-1]
    if key := key_name(keymap, least):
        lines.append((Hint(key, least),))
    return tuple(line for line in lines if line)


def _hint(keymap: Keymap, action_id: str) -> Hint | None:
    key = key_name(keymap, action_id)
    if action_id == "lane_1" and key == "alt+1":
        return Hint("alt+1…9 lane", "lane_picker")
    return Hint(f"{key} {WORDS[action_id]}", action_id) if key else None
