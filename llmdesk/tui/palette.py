"""The command palette: every action, every lane and every theme, by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from textual.app import SystemCommand

from llmdesk.core.text import one_line
from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.dom import DOMNode

    from llmdesk.tui.keymap import Keymap
    from llmdesk.tui.screens.chat import ChatScreen


class Actor(Protocol):
    """What the palette needs of the app."""

    keymap: Keymap

    async def run_action(self, action: str, default_namespace: DOMNode | None = None) -> bool:
        """Do what an action says."""
        ...

    def palette_names(self) -> list[str]:
        """The themes there are."""
        ...

    def use_theme(self, name: str) -> None:
        """Change the colours."""
        ...


def commands(app: Actor, chat: ChatScreen, *, on_chat: bool) -> Iterable[SystemCommand]:
    """What can be done now: actions of the desk always, those of the chat when it is on top."""
    for action in ACTIONS:
        if action.palette and (action.scope == "desk" or (on_chat and action.scope == "chat")):
            keys = app.keymap.keys_of(action)
            node = chat if action.scope == "chat" else None
            yield SystemCommand(
                _plain(action.help), _plain(keys or "no key"), partial(app.run_action, action.call, node)
            )
    if on_chat:
        for lane in chat.lanes:
            targets = ", ".join(str(status.target) for status in lane.targets)
            yield SystemCommand(_plain(f"Lane {lane.name}"), _plain(targets), partial(chat.go_to_lane, lane.name))
        for command in COMMANDS:
            if not command.needs_argument:
                run = partial(chat.run_command, command, "")
                yield SystemCommand(f"/{command.name}", _plain(command.help), run)
    for name in app.palette_names():
        yield SystemCommand(_plain(f"Theme {name}"), "Change the colours", partial(app.use_theme, name))


def _plain(text: str) -> str:
    """The palette reads markup: names that come from elsewhere must not be any."""
    return one_line(text).replace("[", "(").replace("]", ")")
