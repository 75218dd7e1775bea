"""The command palette: everything that can be done on the screen that is on top, by name.

Actions of the panel or of the chat, and of the desk; lanes, the user's prompts, recent conversations, slash commands,
themes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from textual.app import SystemCommand
from textual.command import DiscoveryHit
from textual.system_commands import SystemCommandsProvider

from llmdesk.core.text import one_line
from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from textual.command import Hits
    from textual.dom import DOMNode
    from textual.screen import Screen

    from llmdesk.core.views import ConversationView
    from llmdesk.tui.actions import Action
    from llmdesk.tui.keymap import Keymap
    from llmdesk.tui.screens.chat import ChatScreen


MOST_USED = (
    "new", "conversations", "lane_picker", "target_picker", "compare", "regenerate", "edit_last", "copy_answer",
    "copy_code", "find", "recall", "prompt_library", "queue", "continue_answer", "fork", "providers", "models",
    "failovers", "outbox", "budgets", "metrics", "help",
)  # fmt: skip
"""The actions that come first where nothing is typed; the others follow by screen."""


class InOrder(SystemCommandsProvider):
    """Offers what there is in the order in which it is listed, where Textual's own provider goes by the alphabet."""

    async def discover(self) -> Hits:
        """Everything that is offered where nothing is typed."""
        for command in self.app.get_system_commands(self.screen):
            if command.discover:
                yield DiscoveryHit(command.title, command.callback, help=command.help)


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
    """What can be done now, the most useful first.

    A slash command that stands for an action is told in that action's line, and has its own only in a search.

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
            _plain(_ways(app.keymap.keys_of(action), action.command)),
            partial(app.run_action, action.call.removeprefix("screen."), node),
        )
    if not panel:
        for lane in chat.lanes:
            targets = ", ".join(str(status.target) for status in lane.targets)
            yield SystemCommand(_plain(f"Lane {lane.name}"), _plain(targets), partial(chat.go_to_lane, lane.name))
        for view in recent:
            title = _plain(f"Conversation {one_line(view.title, 60)}")
            yield SystemCommand(title, _plain(f"lane {view.lane}"), partial(chat.open_conversation, view.id))
        for name in _prompts(app.prompts):
            yield SystemCommand(_plain(f"Prompt {name}"), "From your library", partial(chat.use_prompt, name))
        told = {action.command for action in _actions("")}
        for command in COMMANDS:
            run = partial(chat.run_command, command, "") if not command.needs_argument else None
            begin = partial(chat.talk.pane.prompt.put, f"/{command.name} ")
            yield SystemCommand(f"/{command.name}", _plain(command.help), run or begin, command.name not in told)
    for name in app.palette_names():
        yield SystemCommand(_plain(f"Theme {name}"), "Change the colours", partial(app.use_theme, name))


def _actions(panel: str) -> Iterable[Action]:
    """The actions that are offered: those of the panel, or what is used most in the chat; those of the desk last."""
    if panel:
        yield from (action for action in ACTIONS if action.scope == panel)
    offered = [
        action for action in ACTIONS
        if action.palette and (action.scope == "desk" or (action.scope == "chat" and not panel))
    ]  # fmt: skip
    place = {action_id: at for at, action_id in enumerate(MOST_USED)}
    yield from sorted(offered, key=lambda action: (place.get(action.id, len(place)), action.scope == "desk"))


def _ways(keys: str, command: str) -> str:
    """The keys of an action, and the slash command that does the same."""
    ways = [keys.replace(",", ", "), f"/{command}" if command else ""]
    return " · ".join(filter(None, ways)) or "no key"


def _prompts(folder: Path | None) -> list[str]:
    """The names of the user's prompts: one look into a folder, and none into a file."""
    try:
        return sorted(path.stem for path in folder.glob("*.md")) if folder is not None else []
    except OSError:
        return []


def _plain(text: str) -> str:
    """The palette reads markup: names that come from elsewhere must not be any."""
    return one_line(text).replace("[", "(").replace("]", ")")
