"""Conversations of other programs, and those exported from here, taken in from a file.

A conversation has the same id each time it is read, so that what was taken in before is left alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from llmdesk.core.text import one_line
from llmdesk.core.views import ConversationView

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.views import Conversation
    from llmdesk.desk.parts import Parts


async def take_in(parts: Parts, path: Path) -> tuple[ConversationView, ...]:
    """Write the conversations of a file that are not here yet, each in a transaction of its own.

    They stand below those that were used here. What was left out is told in the desk's warnings.

    Returns:
        Those that are new, the most recently used first.

    Raises:
        UsageError: the file cannot be read, is too large, or is none that is known.
        StorageError: it could not be written; what was until then is there.
    """
    from llmdesk.desk.importing.files import read_file

    found = await asyncio.to_thread(read_file, path, lane=parts.default_lane, now=parts.clock())
    newest_first = sorted(found.conversations, key=lambda each: each.updated_at, reverse=True)
    new = [_view(each) for each in newest_first if await parts.conversations.put(each, newest=False)]
    if found.left_out:
        entries = "1 entry that is" if found.left_out == 1 else f"{found.left_out} entries that are"
        parts.warnings.append(one_line(f"{path.name}: left out {entries} no message of a conversation."))
    return tuple(new)


def _view(conversation: Conversation) -> ConversationView:
    return ConversationView(
        id=conversation.id,
        title=conversation.title,
        lane=conversation.lane,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
        messages=sum(message.superseded_by is None for message in conversation.messages),
        pinned=conversation.pinned,
        archived=conversation.archived,
        tags=conversation.tags,
    )
