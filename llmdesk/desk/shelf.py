"""The shelf: conversations put in order by their user, and had back when that was a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.views import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmdesk.desk.parts import Parts

TITLE_CHARS = 200
"""The longest title a user can give, characters."""

HAD_BACK_S = 600.0
"""How long a deleted conversation can be had back, seconds; after that it goes for good."""


class Shelf:
    """What can be done to conversations as a whole."""

    def __init__(self, parts: Parts, changed: Callable[[Topic], None]) -> None:
        self._parts = parts
        self._changed = changed
        self._deleted: set[str] = set()
        """Those that were deleted at this desk; another instance has its own, and its user their time to think."""

    async def rename(self, conversation: str, title: str) -> None:
        """Give a conversation another title.

        Raises:
            UsageError: the title is empty, or there is no such conversation.
        """
        if not (told := one_line(title, TITLE_CHARS).strip()):
            raise UsageError("A title needs at least one character.")
        self._done(await self._parts.conversations.rename(conversation, told), conversation)

    async def pin(self, conversation: str, pinned: bool = True) -> None:
        """Keep a conversation above the others, or no longer.

        Raises:
            UsageError: there is no such conversation.
        """
        self._done(await self._parts.conversations.pin(conversation, pinned), conversation)

    async def archive(self, conversation: str, archived: bool = True) -> None:
        """Put a conversation away, or take it back; it can still be searched.

        Raises:
            UsageError: there is no such conversation.
        """
        self._done(await self._parts.conversations.archive(conversation, archived), conversation)

    async def tag(self, conversation: str, tags: Sequence[str]) -> None:
        """Give a conversation these tags (single words, without #) and no others.

        Raises:
            UsageError: there is no such conversation.
        """
        words = [one_line(tag.strip().lstrip("#"), 40).replace(" ", "-").lower() for tag in tags]
        given = dict.fromkeys(word for word in words if word)
        self._done(await self._parts.conversations.tag(conversation, given), conversation)

    async def delete(self, conversation: str) -> None:
        """Hide a conversation; it can be had back for ten minutes or until the desk is closed, then it is gone.

        Raises:
            UsageError: there is no such conversation.
        """
        self._done(await self._parts.conversations.set_aside(conversation, True), conversation)
        self._deleted.add(conversation)

    async def undelete(self, conversation: str) -> None:
        """Have a deleted conversation back.

        Raises:
            UsageError: it is gone for good.
        """
        self._done(await self._parts.conversations.set_aside(conversation, False), conversation)
        self._deleted.discard(conversation)

    async def purge(self, *, at_close: bool = False) -> None:
        """Remove for good what was deleted long enough ago; ``at_close`` also what was deleted at this desk.

        Raises:
            StorageError: it could not be written; it is tried again at the next start.
        """
        if at_close and not self._deleted:
            return
        conversations = self._parts.conversations
        due = set(await conversations.set_aside_ids(before=self._parts.clock() - HAD_BACK_S))
        if at_close:
            due |= self._deleted & set(await conversations.set_aside_ids())
        for conversation in due:
            await conversations.remove(conversation)

    async def unused(self, *, before: float, archived: bool = False) -> tuple[str, ...]:
        """The ids of conversations last used before an instant (UTC epoch seconds), never of pinned ones.

        Args:
            before: the instant.
            archived: only those that were put away.
        """
        return await self._parts.conversations.unused(before=before, archived=archived)

    async def remove_unused(self, conversations: Sequence[str], *, before: float) -> tuple[str, ...]:
        """Remove conversations for good and at once; one that was used or pinned meanwhile stays.

        Returns:
            The ids of those removed.
        """
        removed = await self._parts.conversations.remove_unused(conversations, before=before)
        self._changed(Topic.CONVERSATIONS)
        return removed

    # --- turns ---

    async def remove_turn(self, conversation: str, request: str) -> None:
        """Delete a prompt with its answer for good, and cancel it if it is paused.

        Turns that go on with it, and a summary that speaks for it, stay as they are. What it had replaced becomes an
        earlier version of the turn that follows; where none follows, it stands again.

        Raises:
            UsageError: the request is not in the conversation, or its answer or a summary is still coming.
        """
        await self._parts.conversations.remove_turn(conversation, request)
        for topic in (Topic.CONVERSATIONS, Topic.REQUESTS, Topic.OUTBOX):
            self._changed(topic)

    async def keep(self, conversation: str, kept_request: str, other_requests: Sequence[str]) -> None:
        """Of several answers to the same prompt let one stand; the other turns become earlier versions of it.

        Raises:
            UsageError: one of the requests is not in the conversation.
        """
        await self._parts.conversations.prefer(conversation, kept_request, other_requests)
        self._changed(Topic.CONVERSATIONS)

    async def stand(self, conversation: str, request: str) -> None:
        """Let an earlier version of a turn, with all that followed it then, stand again in place of what stands now.

        Raises:
            UsageError: that request's turn is no earlier version.
        """
        if not await self._parts.conversations.stand_again(conversation, request):
            raise UsageError("That turn is no earlier version.")
        self._changed(Topic.CONVERSATIONS)

    def _done(self, found: bool, conversation: str) -> None:
        if not found:
            raise UsageError(f"No conversation {conversation}. List them with: llmdesk conversations list")
        self._changed(Topic.CONVERSATIONS)
