"""Every action of the desk as data: its id, default keys and help; and what the user's ``ui.keys`` make of them.

Textual takes unknown ids and nonsense keys without a word and resolves clashes silently, so it is all checked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from textual.binding import Binding
from textual.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Scope = Literal["desk", "chat", "prompt", "list", "failovers", "outbox", "providers", "models", "metrics"]
"""Where an action works: everywhere, on the chat screen, in the prompt, in every full-screen panel, in one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something a key does. ``keys`` are comma separated, as Textual writes them; empty = unbound by default.

    ``call`` is the Textual action. ``priority`` = the key is taken before a focused widget may type it.
    ``listed`` = shown in help; ``palette`` = offered in the command palette.
    """

    id: str
    keys: str
    help: str
    call: str
    scope: Scope
    priority: bool = True
    listed: bool = True
    palette: bool = True


def _lane(number: int) -> Action:
    return Action(
        id=f"lane_{number}", keys=f"alt+{number}", help=f"Go to lane {number}", call=f"lane({number})", scope="chat",
        listed=number == 1, palette=False,
    )  # fmt: skip


def _row(action_id: str, keys: str, help_line: str, call: str, scope: Scope) -> Action:
    return Action(id=action_id, keys=keys, help=help_line, call=call, scope=scope, priority=False, palette=False)


ACTIONS: tuple[Action, ...] = (
    Action(id="help", keys="f1", help="Keys of this screen", call="open_panel('help')", scope="desk"),
    Action(
        id="palette", keys="ctrl+p", help="All actions by name", call="command_palette", scope="desk", palette=False
    ),
    Action(id="providers", keys="f3", help="Providers", call="open_panel('providers')", scope="desk"),
    Action(id="budgets", keys="f4", help="Budgets: spent, left, when they reset", call="open_panel('budgets')",
           scope="desk"),
    Action(id="metrics", keys="f5", help="Metrics: speed, first token, cost, errors", call="open_panel('metrics')",
           scope="desk"),
    Action(id="failovers", keys="f6", help="Failover history", call="open_panel('failovers')", scope="desk"),
    Action(id="outbox", keys="f7", help="Outbox: paused requests", call="open_panel('outbox')", scope="desk"),
    Action(id="models", keys="f8", help="Models", call="open_panel('models')", scope="desk"),
    Action(
        id="conversations", keys="ctrl+o", help="Conversations: list and search", call="open_panel('conversations')",
        scope="desk",
    ),
    Action(id="theme_next", keys="", help="Next theme", call="theme_next", scope="desk"),
    Action(id="quit", keys="ctrl+q", help="Quit", call="leave", scope="desk"),
    # --- chat
    *(_lane(number) for number in range(1, 10)),
    Action(id="lane_next", keys="ctrl+pagedown", help="Next lane", call="lane_step(1)", scope="chat"),
    Action(id="lane_previous", keys="ctrl+pageup", help="Previous lane", call="lane_step(-1)", scope="chat"),
    Action(id="lane_picker", keys="f2", help="Pick a lane: then a digit or letters", call="pick_lane", scope="chat"),
    Action(id="new", keys="ctrl+n", help="New conversation", call="new_conversation", scope="chat"),
    Action(id="cancel", keys="escape", help="Cancel the answer", call="cancel", scope="chat", palette=False),
    Action(
        id="interrupt", keys="ctrl+c", help="Copy the selection, else clear the text, else cancel; twice quits",
        call="interrupt", scope="chat", palette=False,
    ),
    Action(id="retry_now", keys="alt+r", help="While waiting: retry now", call="retry_now", scope="chat"),
    Action(id="next_target", keys="alt+n", help="While waiting: next target", call="next_target", scope="chat"),
    Action(id="consent_yes", keys="alt+y", help="Consent: ask the next target", call="consent(True)", scope="chat"),
    Action(id="consent_no", keys="alt+p", help="Consent: no, pause the request", call="consent(False)", scope="chat"),
    Action(id="go", keys="alt+g", help="Send the queued prompts", call="go", scope="chat"),
    Action(id="unqueue", keys="alt+u", help="Take the last queued prompt back", call="unqueue", scope="chat"),
    Action(id="regenerate", keys="", help="Ask the last prompt again", call="regenerate", scope="chat"),
    Action(id="copy_answer", keys="alt+c", help="Copy the last answer", call="copy_answer", scope="chat"),
    Action(id="sidebar", keys="", help="Show or hide the sidebar", call="toggle_sidebar", scope="chat"),
    Action(id="hide_warning", keys="alt+w", help="Put the warning of a budget away until its next period",
           call="hide_warning", scope="chat"),
    Action(id="find", keys="ctrl+f", help="Find in this conversation", call="find", scope="chat"),
    Action(id="recall", keys="ctrl+r", help="Search the prompts sent before", call="recall", scope="chat"),
    Action(id="scroll_up", keys="pageup", help="Scroll up", call="scroll_transcript(-1)", scope="chat", palette=False),
    Action(
        id="scroll_down", keys="pagedown", help="Scroll down", call="scroll_transcript(1)", scope="chat", palette=False
    ),
    Action(id="scroll_home", keys="ctrl+home", help="To the beginning", call="scroll_transcript(-9)", scope="chat"),
    Action(id="scroll_end", keys="ctrl+end", help="To the end", call="scroll_transcript(9)", scope="chat"),
    # --- prompt
    Action(id="send", keys="enter", help="Send (queue, while an answer comes)", call="send", scope="prompt",
           palette=False),
    Action(
        id="newline", keys="ctrl+j,shift+enter,alt+enter,ctrl+enter", help="New line", call="newline", scope="prompt",
        palette=False,
    ),
    Action(id="editor", keys="ctrl+g", help="Write in your own editor", call="editor", scope="prompt", palette=False),
    Action(id="complete", keys="tab", help="Complete a / command", call="complete", scope="prompt", palette=False),
    # --- full-screen lists
    Action(id="close", keys="escape", help="Close", call="close_panel", scope="list", palette=False),
    Action(id="filter", keys="slash", help="Filter: words, lane:NAME, provider:NAME, reason:NAME", call="filter",
           scope="list", priority=False, palette=False),
    Action(id="reload", keys="ctrl+r", help="Read again", call="reload", scope="list", palette=False),
    _row("discarded", "d", "Show or hide the discarded text", "toggle_discarded", "failovers"),
    _row("outbox_retry", "t", "Ask again", "retry(False)", "outbox"),
    _row("outbox_retry_now", "n", "Ask again now, cooldowns ignored", "retry(True)", "outbox"),
    _row("outbox_drop", "x", "Drop for good (press twice)", "drop", "outbox"),
    _row("providers_check", "c", "Call every provider now", "check", "providers"),
    _row("metrics_hour", "h", "The last hour", "look_back('1 h')", "metrics"),
    _row("metrics_day", "d", "The last 24 hours", "look_back('24 h')", "metrics"),
    _row("metrics_week", "w", "The last 7 days", "look_back('7 d')", "metrics"),
    _row("metrics_month", "m", "The last 30 days", "look_back('30 d')", "metrics"),
    _row("metrics_lane", "l", "This lane, or all of them", "widen", "metrics"),
    _row("metrics_group", "g", "One row for each provider, lane, model or agent", "group", "metrics"),
    _row("model_pull", "p", "Fetch a model", "pull", "models"),
    _row("model_copy", "y", "Copy under a new name", "copy", "models"),
    _row("model_delete", "x", "Delete from disk (press twice)", "delete", "models"),
)  # fmt: skip

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

_CHAT: frozenset[Scope] = frozenset({"desk", "chat", "prompt"})
_PANELS: tuple[Scope, ...] = ("failovers", "outbox", "providers", "models", "metrics")
_TOGETHER: Mapping[Scope, frozenset[Scope]] = {
    "desk": _CHAT | {"list", *_PANELS},
    "chat": _CHAT,
    "prompt": _CHAT,
    "list": frozenset({"desk", "list", *_PANELS}),
    **{panel: frozenset({"desk", "list", panel}) for panel in _PANELS},
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


def bindings_for(scope: Scope) -> list[Binding]:
    """The bindings of one scope, each with its action's id."""
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
