"""Conversations put in order from the chat: the open one renamed, tagged, pinned, put away, deleted, written out."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.tui.house import Talked
from llmdesk.tui.own_files import write_new
from llmdesk.tui.screens.lanes import LanedScreen
from llmdesk.tui.words import counted

if TYPE_CHECKING:
    from llmdesk.core.views import Conversation
    from llmdesk.desk import Desk
    from llmdesk.tui.screens.talk import Talk

HAD_BACK_S = 600.0
"""How long a deleted conversation can be had back, seconds; the desk keeps it for as long."""

NAMED = 40
"""How much of a title names a conversation in a message, characters."""


class ShelvingScreen(LanedScreen):
    """A screen whose talks show conversations that can be put in order, here and on the screen that lists them."""

    def __init__(self, *, lane: str) -> None:
        super().__init__(lane=lane)
        self._deleted: list[tuple[float, Talked]] = []

    def showing(self, conversation: str) -> list[Talk]:
        """The talks in which a conversation is open."""
        return [talk for talk in self.talks.values() if talk.conversation == conversation]

    async def delete_conversation(self, conversation: Talked) -> None:
        """Delete a conversation, and close it where it is open.

        Raises:
            UsageError: it is being answered, or there is no such conversation.
        """
        talks = self.showing(conversation.id)
        if busy := next((talk for talk in talks if talk.busy), None):
            raise UsageError(f"It is being answered in lane {busy.lane}: cancel that with Esc, then delete it.")
        desk = await self.desk()
        await desk.shelf.delete(conversation.id)
        self._deleted.append((time.monotonic(), conversation))
        for talk in talks:
            talk.clear()

    async def undelete_conversation(self) -> Talked | None:
        """Have the conversation back that was deleted last; ``None`` = there is none any more.

        Raises:
            UsageError: it is gone for good.
        """
        if self.last_deleted is None:
            return None
        _, conversation = self._deleted.pop()
        desk = await self.desk()
        await desk.shelf.undelete(conversation.id)
        return conversation

    @property
    def last_deleted(self) -> Talked | None:
        """The conversation that can be had back next; ``None`` = none."""
        oldest = time.monotonic() - HAD_BACK_S
        self._deleted = [each for each in self._deleted if each[0] > oldest]
        return self._deleted[-1][1] if self._deleted else None

    def conversation_renamed(self, conversation: str, title: str) -> None:
        """Show another title where the conversation is open."""
        for talk in self.showing(conversation):
            talk.title = title
        self.show_talk()


async def write_out(desk: Desk, conversation: str, form: Literal["md", "json"]) -> Path:
    """Write a conversation to a new file in this folder.

    Raises:
        UsageError: there is no such conversation, or the file cannot be written.
    """
    text = await desk.export_conversation(conversation, form)
    try:
        return await asyncio.to_thread(write_new, text, stem=f"llmdesk-{conversation[:8]}", form=form)
    except OSError as error:
        raise UsageError(f"The file could not be written: {error.strerror or error}.") from None


async def take_in(desk: Desk, path: str) -> str:
    """Import the conversations of an export and say what came of it.

    Raises:
        DeskError: the file cannot be read, or what it holds cannot be written.
    """
    before = len(desk.warnings)
    taken = await desk.import_conversations(_named(path))
    told = f"Imported {counted(len(taken), 'conversation')}." if taken else "Nothing new in it."
    return " ".join([told, *desk.warnings[before:]])


def _named(path: str) -> Path:
    return Path(path.strip().strip("'\"")).expanduser()


# --- slash commands, for the conversation that is open ------------------------------------------------------------


async def _open_one(chat: LanedScreen) -> tuple[Desk, Conversation]:
    if chat.talk.conversation is None:
        raise UsageError("There is no conversation here yet.")
    desk = await chat.desk()
    return desk, await desk.conversation(chat.talk.conversation)


def _shelves(chat: LanedScreen) -> ShelvingScreen:
    assert isinstance(chat, ShelvingScreen)
    return chat


async def rename(chat: LanedScreen, title: str) -> None:
    """``/rename TITLE``."""
    desk, conversation = await _open_one(chat)
    if not title:
        raise UsageError("/rename needs a title.")
    await desk.shelf.rename(conversation.id, title)
    _shelves(chat).conversation_renamed(conversation.id, title)


async def tag(chat: LanedScreen, words: str) -> None:
    """``/tag WORD …``: these and no others."""
    desk, conversation = await _open_one(chat)
    await desk.shelf.tag(conversation.id, words.replace(",", " ").split())
    tags = (await desk.conversation(conversation.id)).tags
    chat.say(f"Tagged {', '.join(tags)}." if tags else "It has no tags now.")


async def pin(chat: LanedScreen, _: str) -> None:
    """``/pin``: above the others, or no longer."""
    desk, conversation = await _open_one(chat)
    await desk.shelf.pin(conversation.id, not conversation.pinned)
    chat.say("No longer above the others." if conversation.pinned else "It stands above the others in ctrl+o.")


async def archive(chat: LanedScreen, _: str) -> None:
    """``/archive``: away, or back."""
    desk, conversation = await _open_one(chat)
    await desk.shelf.archive(conversation.id, not conversation.archived)
    chat.say("Taken back." if conversation.archived else "Put away: ctrl+o, then alt+w shows it; it is still found.")


async def delete(chat: LanedScreen, _: str) -> None:
    """``/delete``: with a way back."""
    _desk, conversation = await _open_one(chat)
    await _shelves(chat).delete_conversation(Talked(id=conversation.id, title=conversation.title))
    title = one_line(conversation.title, NAMED)
    chat.say(f"Deleted “{title}”. For ten minutes ctrl+o, then alt+z has it back.")


async def import_(chat: LanedScreen, path: str) -> None:
    """``/import PATH``."""
    if not path:
        raise UsageError("/import needs the path of an export.")
    chat.say(await take_in(await chat.desk(), path))
