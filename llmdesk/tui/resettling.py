"""Settings that were read again while the desk is on the screen: what of it changes here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.text import one_line
from llmdesk.tui.keymap import read_keymap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.core.views import ScreenSettings
    from llmdesk.desk import Desk
    from llmdesk.tui.keymap import Keymap


class Settled(Protocol):
    """The app, as settings change it."""

    keymap: Keymap
    calls_by: str

    def set_keymap(self, keymap: Mapping[str, str]) -> None:
        """Textual's own: let these keys hold instead of the defaults."""
        ...

    def use_theme(self, name: str) -> None:
        """Change the colours."""
        ...

    def use_motion(self, motion: str) -> None:
        """Let things move, or not."""
        ...

    def show_sidebar(self, shown: bool | None) -> None:
        """Show it, or as it fits."""
        ...

    def say(self, text: str, *, severity: str = "information") -> None:
        """Show a short message."""
        ...


@dataclass(slots=True, eq=False, repr=False)
class Worn:
    """What the configuration said of the screen last, and the keys of this sitting."""

    screen: ScreenSettings
    keys: dict[str, str]


def use_keys(app: Settled, user: Mapping[str, str]) -> tuple[str, ...]:
    """Let the user's keys hold at once; returns what of them was not taken, and why."""
    app.keymap = read_keymap(user)
    app.set_keymap(dict(app.keymap.overrides))
    return app.keymap.notes


def take_settings(app: Settled, desk: Desk, worn: Worn) -> Worn:
    """Take over what was read again, or tell in one line why nothing was.

    What the user chose for this sitting stays, unless the file says something else than before.
    """
    reread = desk.configuration.last
    if reread is None:
        return worn
    if reread.faults:
        more = len(reread.faults) - 1
        rest = f" And {more} more: llmdesk config validate" if more else ""
        app.say(one_line(f"The settings stay as they were. {reread.faults[0]}{rest}", 400), severity="error")
        return worn
    now = desk.screen
    if now.keys != worn.screen.keys:
        for note in use_keys(app, now.keys):
            app.say(note, severity="warning")
        worn.keys = dict(now.keys)
    if now.theme != worn.screen.theme:
        app.use_theme(now.theme)
    if now.sidebar != worn.screen.sidebar:
        app.show_sidebar({"on": True, "off": False}.get(now.sidebar))
    app.use_motion(now.motion)
    app.calls_by = now.notify
    for note in reread.notes:
        app.say(note, severity="warning")
    app.say("Settings read again.")
    return Worn(screen=now, keys=worn.keys)
