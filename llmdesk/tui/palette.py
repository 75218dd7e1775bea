"""The command palette: everything that can be done on the screen that is on top, by name.

Actions of the desk, of the chat or the panel, lanes, themes, slash commands, the user's prompts, recent conversations.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from textual.app import SystemCommand

from llmdesk.core.text import one_line
from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from textual.dom import DOMNode
    from textual.screen import Screen

    from llmdesk.core.views import ConversationView
    from llmdesk.tui.actions import Action
    from llmdesk.tui.keymap import Keymap
    from llmdesk.tui.screens.chat import ChatScreen


class Actor(Protocol):
    """What the palette needs of the app."""

    keymap: Keymap
    prompts: Path | None

    async def run_action(self, action: str, default_namespace: DOMNode | None = None) -> bool:
        """Do what an action says."""
        ...

    def palette_names(self) -> list[str]:
        """The themes there are."""
        ...

    def use_theme(self, name: str) -> None:
        """Change the colours."""
        ...


def commands(
    app: Actor, chat: ChatScreen, *, top: Screen[object], panel: str, recent: Sequence[ConversationView] = ()
) -> Iterable[SystemCommand]:
    """What can be done now.

    Args:
        app: the app.
        chat: the chat below everything.
        top: the screen that is on top.
        panel: its scope; empty = it is the chat.
        recent: conversations used last.
    """
    for action in _actions(panel):
        node = None if action.scope == "desk" else top
        yield SystemCommand(
            _plain(action.help),
            _plain(app.keymap.keys_of(action) or "no key"),
            partial(app.run_action, action.call.removeprefix("screen."), node),
        )
    if not panel:
        for lane in chat.lanes:
            targets = ", ".join(str(status.target) for status in lane.targets)
            yield SystemCommand(_plain(f"Lane {lane.name}"), _plain(targets), partial(chat.go_to_lane, lane.name))
        for command in COMMANDS:
            run = partial(chat.run_command, command, "") if not command.needs_argument else None
            begin = partial(chat.talk.pane.prompt.put, f"/{command.name} ")
            yield SystemCommand(f"/{command.name}", _plain(command.help), run or begin)
        for view in recent:
            title = _plain(f"Conversation {one_line(view.title, 60)}")
            yield SystemCommand(title, _plain(f"lane {view.lane}"), partial(chat.open_conversation, view.id))
        for name in _prompts(app.prompts):
            yield SystemCommand(_plain(f"Prompt {name}"), "From your library", partial(chat.use_prompt, name))
    for name in app.palette_names():
        yield SystemCommand(_plain(f"Theme {name}"), "Change the colours", partial(app.use_theme, name))


def _actions(panel: str) -> Iterable[Action]:
    """The actions that are offered: those of the panel first, where one is on top."""
    if panel:
        yield from (action for action in ACTIONS if action.scope == panel)
    for action in ACTIONS:
        if action.palette and (action.scope == "desk" or (action.scope == "chat" and not panel)):
            yield action


def _prompts(folder: Path | None) -> list[str]:
    """The names of the user's prompts: one look into a folder, and none into a file."""
    try:
        return sorted(path.stem for path in folder.glob("*.md")) if folder is not None else []
    except OSError:
        return []


def _plain(text: str) -> str:
    """The palette reads markup: names that come from elsewhere must not be any."""
    return one_line(text).replace("[", "(").replace("]", ")")
