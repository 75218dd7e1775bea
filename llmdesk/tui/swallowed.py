"""Keys that never arrive, because the terminal, or what runs inside it, keeps them for itself; pure data.

Each table holds what the program documents as its defaults; the user may have changed them, and the tester of the key
screen tells what is true. Sources, by the names of their own documents:

- tmux: tmux(1), DEFAULT KEY BINDINGS (prefix C-b). GNU Screen: its manual, Default Key Bindings (C-a).
- Zellij: ``zellij-utils/assets/config/default.kdl``, the modes of the default preset and ``shared_except "locked"``.
- GNOME Terminal: its help, Keyboard shortcuts (and GTK's F10 for the menu bar).
- Konsole: The Konsole Handbook, Shortcuts. Xfce Terminal: its documentation, Shortcuts.
- Windows Terminal: ``defaults.json`` of microsoft/terminal.
- macOS: Mac keyboard shortcuts, Mission Control; Terminal User Guide, Keyboard shortcuts.
- iTerm2: documentation, Menu Items; and Mission Control.
- VS Code: Terminal Advanced, Keybindings and the shell (``terminal.integrated.commandsToSkipShell``).
- kitty: kitty.conf, Keyboard shortcuts (``kitty_mod`` is ctrl+shift). WezTerm: Default Key Assignments.
  foot: foot.ini(5).
- ssh: ssh(1), ESCAPE CHARACTERS (after a line break only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """A program that keeps keys.

    ``keys`` says what it does with each. ``signs`` are variables of the environment that tell that it is there: a name,
    or ``NAME=value`` for one that begins so. ``way_round`` says how the key can be had all the same.
    """

    name: str
    keys: Mapping[str, str]
    signs: tuple[str, ...] = ()
    way_round: str = ""


def _each(keys: str, does: str) -> dict[str, str]:
    return dict.fromkeys(keys.split(), does)


_ARROWS = ("up", "down", "left", "right")
_ZELLIJ_MODES = {
    "ctrl+g": "locks and unlocks", "ctrl+p": "pane mode", "ctrl+t": "tab mode", "ctrl+n": "resize mode",
    "ctrl+h": "move mode", "ctrl+s": "scroll mode", "ctrl+o": "session mode", "ctrl+q": "quits Zellij",
    "ctrl+b": "tmux mode",
}  # fmt: skip
_ZELLIJ_ALT = {
    **_each("alt+n", "new pane"), **_each("alt+f", "floating panes"), **_each("alt+p", "pane group"),
    **_each("alt+i alt+o", "moves the tab"), **_each("alt+h alt+j alt+k alt+l", "moves the focus"),
    **{f"alt+{arrow}": "moves the focus" for arrow in _ARROWS},
    **_each("alt+left_square_bracket alt+right_square_bracket", "swaps the layout"),
    **_each("alt+plus alt+equals_sign alt+minus", "resizes the pane"),
}  # fmt: skip

KEEPERS: tuple[Keeper, ...] = (
    Keeper(name="tmux", keys={"ctrl+b": "begins its commands"}, signs=("TMUX",), way_round="press it twice"),
    Keeper(name="GNU Screen", keys={"ctrl+a": "begins its commands"}, signs=("STY",), way_round="ctrl+a, then a"),
    Keeper(name="Zellij", keys={**_ZELLIJ_MODES, **_ZELLIJ_ALT}, signs=("ZELLIJ",),
           way_round="ctrl+g locks Zellij, then every other key arrives"),
    Keeper(name="GNOME Terminal", signs=("GNOME_TERMINAL_SCREEN", "GNOME_TERMINAL_SERVICE"), keys={
        "f1": "its help", "f10": "its menu", "shift+f10": "its menu", "f11": "full screen",
        **{f"alt+{number}": "goes to a tab" for number in range(10)},
        **_each("ctrl+pageup ctrl+pagedown", "changes the tab"),
        **_each("ctrl+shift+pageup ctrl+shift+pagedown", "moves the tab"),
        **_each("shift+pageup shift+pagedown shift+home shift+end", "scrolls"),
        **_each("ctrl+plus ctrl+minus ctrl+0", "text size"),
        **_each("alt+f alt+e alt+v alt+s alt+t alt+h", "opens a menu, where the menu bar shows"),
    }, way_round="its Preferences, Shortcuts"),
    Keeper(name="Konsole", signs=("KONSOLE_VERSION",), keys={
        "f11": "full screen", "shift+f1": "what is this", **_each("shift+left shift+right", "changes the tab"),
        **_each("shift+up shift+down shift+pageup shift+pagedown", "scrolls"),
        **_each("ctrl+alt+s ctrl+alt+u ctrl+alt+i ctrl+alt+m", "Konsole's own"),
        **_each("alt+f alt+e alt+v alt+b alt+p alt+s alt+h", "opens a menu, where the menu bar shows"),
    }, way_round="Settings, Configure Keyboard Shortcuts"),
    Keeper(name="Xfce Terminal", signs=("COLORTERM=xfce4-terminal",), keys={
        "f1": "its help", "f10": "its menu", "f11": "full screen",
        **_each("ctrl+pageup ctrl+pagedown", "changes the tab"),
        **{f"alt+{number}": "goes to a tab" for number in range(1, 10)},
        **_each("shift+up shift+down shift+pageup shift+pagedown", "scrolls"),
        **_each("alt+f alt+e alt+v alt+t alt+a alt+h", "opens a menu, where the menu bar shows"),
    }, way_round="its Preferences, Advanced: disable all menu access keys"),
    Keeper(name="Windows Terminal", signs=("WT_SESSION",), keys={
        "alt+enter": "full screen", "f11": "full screen", "alt+f4": "closes the window", "alt+space": "window menu",
        **{f"alt+{arrow}": "moves between panes" for arrow in _ARROWS},
        **{f"alt+shift+{arrow}": "resizes the pane" for arrow in _ARROWS},
        **_each("ctrl+tab ctrl+shift+tab", "changes the tab"), **_each("ctrl+comma", "its settings"),
        **{f"ctrl+alt+{number}": "goes to a tab" for number in range(1, 10)},
        **_each("ctrl+shift+a ctrl+shift+c ctrl+shift+v ctrl+shift+f ctrl+shift+p ctrl+shift+t", "its own"),
        **_each("ctrl+shift+up ctrl+shift+down ctrl+shift+pageup ctrl+shift+pagedown", "scrolls"),
        **_each("ctrl+plus ctrl+minus ctrl+0", "text size"),
    }, way_round="its settings, Actions"),
    Keeper(name="macOS Terminal", signs=("TERM_PROGRAM=Apple_Terminal",), keys={
        **{f"ctrl+{arrow}": "Mission Control" for arrow in _ARROWS}, "f11": "shows the desktop",
        **_each("shift+pageup shift+pagedown shift+home shift+end pageup pagedown home end", "scrolls"),
        **_each("ctrl+tab ctrl+shift+tab", "changes the tab"),
        **_each("ctrl+pageup ctrl+pagedown ctrl+home ctrl+end", "sends nothing as it comes"),
    }, way_round="Settings, Profiles, Keyboard: use Option as Meta key; fn with the f keys"),
    Keeper(name="iTerm2", signs=("TERM_PROGRAM=iTerm.app",), keys={
        **{f"ctrl+{arrow}": "Mission Control" for arrow in _ARROWS}, "f11": "shows the desktop",
        **_each("shift+pageup shift+pagedown", "scrolls"), **_each("ctrl+tab ctrl+shift+tab", "changes the tab"),
    }, way_round="Settings, Profiles, Keys: Option key sends Esc+"),
    Keeper(name="VS Code", signs=("TERM_PROGRAM=vscode",), keys={
        "f1": "its commands", "f3": "finds the next", "shift+f3": "finds the one before", "f5": "debugs",
        "shift+f5": "stops debugging", "f6": "debugs", "f9": "sets a breakpoint", "f10": "debugs", "f11": "debugs",
        "f8": "goes to a problem", "ctrl+p": "opens a file", "ctrl+f": "finds", "ctrl+n": "new file",
        "ctrl+o": "opens a file", "ctrl+q": "quits, on Linux", "ctrl+b": "side bar", "ctrl+e": "opens a file",
        "ctrl+k": "begins its commands", "ctrl+j": "panel", "ctrl+g": "goes to a line",
        "ctrl+w": "closes the editor", **_each("ctrl+pageup ctrl+pagedown ctrl+tab", "changes the editor"),
        **{f"alt+{number}": "goes to an editor" for number in range(10)},
        **_each("alt+left alt+right", "changes the terminal pane"), **_each("ctrl+up ctrl+down", "scrolls"),
        **_each("ctrl+home ctrl+end shift+pageup shift+pagedown", "scrolls"),
        **_each("alt+f alt+e alt+s alt+v alt+g alt+r alt+t alt+h", "opens a menu, where the menu bar shows"),
    }, way_round="terminal.integrated.sendKeybindingsToShell"),
    Keeper(name="kitty", signs=("KITTY_WINDOW_ID",), keys={
        **_each("ctrl+shift+c ctrl+shift+v ctrl+shift+t ctrl+shift+w ctrl+shift+enter ctrl+shift+f1 ctrl+shift+f2",
                "its own"),
        **_each("ctrl+shift+up ctrl+shift+down ctrl+shift+pageup ctrl+shift+pagedown ctrl+shift+home ctrl+shift+end",
                "scrolls"),
    }, way_round="map KEY no_op in kitty.conf"),
    Keeper(name="WezTerm", signs=("TERM_PROGRAM=WezTerm", "WEZTERM_PANE"), keys={
        "alt+enter": "full screen", **_each("shift+pageup shift+pagedown", "scrolls"),
        **_each("ctrl+pageup ctrl+pagedown ctrl+tab ctrl+shift+tab", "changes the tab"),
        **_each("ctrl+shift+c ctrl+shift+v ctrl+shift+f ctrl+shift+p ctrl+shift+t ctrl+shift+w", "its own"),
        **_each("ctrl+plus ctrl+minus ctrl+0", "text size"),
    }, way_round="config.keys: action = wezterm.action.DisableDefaultAssignment"),
    Keeper(name="foot", signs=("TERM=foot",), keys={
        **_each("shift+pageup shift+pagedown", "scrolls"),
        **_each("ctrl+shift+c ctrl+shift+v ctrl+shift+r ctrl+shift+n ctrl+shift+o ctrl+shift+u", "its own"),
        **_each("ctrl+plus ctrl+minus ctrl+0", "text size"),
    }, way_round="[key-bindings] in foot.ini: action=none"),
    Keeper(name="ssh", signs=("SSH_CONNECTION", "SSH_TTY"), keys={"tilde": "begins its commands, after a line break"},
           way_round="press it twice"),
)  # fmt: skip


def keepers_of(key: str) -> tuple[Keeper, ...]:
    """Who keeps a key for itself by default."""
    return tuple(keeper for keeper in KEEPERS if key in keeper.keys)


def keepers_here(environment: Mapping[str, str]) -> tuple[Keeper, ...]:
    """Those of them that this environment shows to be there."""
    return tuple(keeper for keeper in KEEPERS if any(_shown(sign, environment) for sign in keeper.signs))


def _shown(sign: str, environment: Mapping[str, str]) -> bool:
    name, equals, value = sign.partition("=")
    found = environment.get(name, "")
    return found.startswith(value) if equals else bool(found)


_CONVERSATIONS = (
    "conversation_rename", "conversation_tags", "conversation_pin", "conversation_archive", "conversations_away",
    "conversation_delete", "conversation_undelete", "conversation_export_md", "conversation_export_json",
    "conversations_import",
)  # fmt: skip

MOUSE: Mapping[str, str] = {
    **{f"compare_lane_{number}": "the lane's name at the top can be clicked" for number in range(1, 10)},
    **dict.fromkeys(_CONVERSATIONS, "it can be clicked in the line below the list"),
    "other_lane": "its words in the line above the prompt can be clicked",
    "scroll_up": "the wheel scrolls the transcript, and so does its scroll bar",
    "scroll_down": "the wheel scrolls the transcript, and so does its scroll bar",
    "scroll_home": "the scroll bar of the transcript can be dragged to its top",
    "scroll_end": "the scroll bar of the transcript can be dragged to its end",
}
"""Actions that the mouse does as well, by id, and how."""


def second_ways(action_id: str, keys: str, command: str) -> tuple[str, ...]:
    """How to do something in a terminal that keeps some of its keys: free keys, the slash command, the mouse."""
    free = [key for key in keys.split(",") if key and not keepers_of(key)]
    ways = [*free]
    if command:
        ways.append(f"/{command}")
    if action_id in MOUSE:
        ways.append(MOUSE[action_id])
    return tuple(ways)
