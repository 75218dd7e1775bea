"""What a screen may ask of the app it is shown in, so that screens need not know the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmdesk.core.views import OutboxEntry
    from llmdesk.desk import Desk
    from llmdesk.tui.keymap import Keymap
    from llmdesk.tui.pulls import Pulls


@dataclass(frozen=True, slots=True, kw_only=True)
class Talked:
    """A stored conversation, by what it is called."""

    id: str
    title: str


class Chat(Protocol):
    """What a panel asks of the chat below it."""

    demo: bool

    @property
    def lane(self) -> str:
        """The lane that is shown."""
        ...

    @property
    def talked(self) -> Talked | None:
        """The conversation that is open; ``None`` = it has not begun."""
        ...

    async def open_conversation(self, conversation_id: str, message: int | None = None) -> None:
        """Show a stored conversation, and the message that was searched for."""
        ...

    @property
    def last_deleted(self) -> Talked | None:
        """The conversation that can be had back next; ``None`` = none."""
        ...

    async def delete_conversation(self, conversation: Talked) -> None:
        """Delete a conversation, and close it where it is open."""
        ...

    async def undelete_conversation(self) -> Talked | None:
        """Have the conversation back that was deleted last; ``None`` = there is none any more."""
        ...

    def conversation_renamed(self, conversation: str, title: str) -> None:
        """Show another title where the conversation is open."""
        ...

    async def resume_request(self, entry: OutboxEntry, *, probe: bool) -> None:
        """Ask a paused request again; ``probe`` = whatever cools."""
        ...

    async def edit_request(self, entry: OutboxEntry) -> None:
        """Put a paused request back into the editor of its lane; it waits no longer."""
        ...

    def send_elsewhere(self, entry: OutboxEntry) -> None:
        """Let a lane be picked, and send a paused request there; it waits no longer."""
        ...


class House(Protocol):
    """The app, as its screens see it."""

    title: str
    keymap: Keymap

    @property
    def pulls(self) -> Pulls:
        """The models being fetched."""
        ...

    @property
    def chat(self) -> Chat:
        """The chat, below every panel."""
        ...

    async def desk(self) -> Desk:
        """The desk, as soon as it is open."""
        ...

    def say(self, text: str, *, severity: str = "information", instead_of: str = "") -> None:
        """Show a short message at the edge of the screen, in place of another one that may still be there."""
        ...

    def copy(self, text: str, what: str) -> None:
        """Copy a text and say how far it went; ``what`` = what it is."""
        ...

    @property
    def to_terminal(self) -> Callable[[str], None] | None:
        """Takes bytes to the terminal as they are; ``None`` = there is none: a test, or a browser."""
        ...

    def call_user(self, words: str) -> None:
        """Have the terminal call the user, where the settings want that: something happened that is not looked at."""
        ...

    def leave(self, *, asked: bool) -> None:
        """Quit; an answer under way is paused, after the user has confirmed it."""
        ...

    def action_open_panel(self, name: str) -> None:
        """Show a full-screen panel, one of ``screens.panels.SCREENS``."""
        ...

    def show_conversations(self, query: str) -> None:
        """Show the conversations, searched for these words."""
        ...

    def show_raw(self, request_id: str) -> None:
        """Show what was sent and received for a request (its whole id), on top of whatever is shown."""
        ...

    def close_panel(self) -> None:
        """Take away what is on top; the chat stays, whoever closes late."""
        ...

    @property
    def user_keys(self) -> Mapping[str, str]:
        """The keys of the user that hold now, by action."""
        ...

    def use_keys(self, user: Mapping[str, str]) -> None:
        """Let keys of the user's own hold at once."""
        ...

    async def settings_read(self, desk: Desk) -> None:
        """The configuration was read again: take over what concerns the screen."""
        ...

    def use_theme(self, name: str) -> None:
        """Change the colours, if there is such a palette."""
        ...

    def palette_names(self) -> list[str]:
        """The palettes there are, ours and the user's own."""
        ...

    def action_theme_next(self) -> None:
        """Go to the next palette."""
        ...
