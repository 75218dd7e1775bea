"""Conversations: found, opened, read out, put in order, written to files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llmdesk.cli.linear.files import file_of
from llmdesk.cli.linear.voice import label
from llmdesk.cli.new_file import slug, write_new
from llmdesk.cli.times import stamp
from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.types import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.cli.linear.conversation import Linear
    from llmdesk.core.views import ConversationView, StoredMessage

TOLD = 20
"""So many conversations are read out; words find the others."""


def opened(linear: Linear) -> str:
    """The conversation that is open.

    Raises:
        UsageError: it has not begun.
    """
    if linear.talk.conversation is None:
        raise UsageError("The conversation has not begun.")
    return linear.talk.conversation


async def new(linear: Linear, _argument: str) -> None:
    """Begin a new conversation in this lane."""
    talk = linear.talk
    talk.conversation, talk.outcome, talk.reasoning = None, None, ""
    linear.out.say("conversation: new")


async def conversations(linear: Linear, words: str) -> None:
    """List the conversations, or search them."""
    if words:
        await search(linear, words)
        return
    _tell(linear, await linear.desk.conversations(limit=TOLD), "No conversations yet.")


async def search(linear: Linear, words: str) -> None:
    """Search all conversations."""
    if not words:
        raise UsageError("/search: search for what?")
    _tell(linear, await linear.desk.search(words, limit=TOLD), "Nothing found.")


def _tell(linear: Linear, views: Sequence[ConversationView], nothing: str) -> None:
    linear.listed = tuple(view.id for view in views)
    for number, view in enumerate(views, start=1):
        marks = [word for word, on in (("pinned", view.pinned), ("archived", view.archived)) if on]
        parts = [view.title, f"lane {view.lane}", stamp(view.updated_at), *marks, *(f"#{tag}" for tag in view.tags)]
        found = f": {one_line(view.snippet)}" if view.snippet else ""
        linear.out.say(f"{number}: {', '.join(parts)}{found}")
    if views:
        linear.out.say("/open with a number goes on with one of them.")
    else:
        linear.session.nothing(linear.desk, nothing)


async def open_one(linear: Linear, which: str) -> None:
    """Go on with a conversation, in its own lane where that exists."""
    if not which:
        raise UsageError("/open: which one? /conversations lists them by number.")
    listed = which.isdecimal() and 0 < int(which) <= len(linear.listed)
    found = await linear.desk.conversation(linear.listed[int(which) - 1] if listed else which)
    if found.lane in [view.name for view in linear.desk.lanes()]:
        linear.lane = found.lane
    talk = linear.talk
    talk.conversation, talk.outcome, talk.reasoning = found.id, None, ""
    count = len(found.messages)
    linear.out.say(
        f"conversation: {found.title}, lane {linear.lane}, {count} message{'' if count == 1 else 's'}; "
        "/read reads the last turn out"
    )


async def read(linear: Linear, count: str) -> None:
    """Read the last turns out: who said it as a label, the text as it is."""
    if count and not count.isdecimal():
        raise UsageError(f"/read {count}: it must be a number of turns.")
    found = await linear.desk.conversation(opened(linear))
    standing = [message for message in found.messages if message.superseded_by is None]
    starts = [at for at, message in enumerate(standing) if message.role is Role.USER]
    wanted = starts[-int(count or 1) :] if count != "0" else []
    for message in standing[wanted[0] if wanted else len(standing) :]:
        linear.out.say(_speaker(message))
        linear.out.document(message.content if message.content.endswith("\n") else f"{message.content}\n")
        if message.completeness is not None and message.completeness != "full":
            linear.out.say(f"note: the answer is marked: {message.completeness}")


def _speaker(message: StoredMessage) -> str:
    match message.role:
        case Role.USER:
            return "you:"
        case Role.SYSTEM:
            return "summary:"
        case _:
            return label(message.target) if message.target is not None else "answer:"


async def rename(linear: Linear, title: str) -> None:
    """Give the conversation another title."""
    await linear.desk.shelf.rename(opened(linear), title)
    linear.out.say(f"renamed: {one_line(title)}")


async def tag(linear: Linear, words: str) -> None:
    """Give the conversation these tags and no others."""
    await linear.desk.shelf.tag(opened(linear), words.split())
    linear.out.say(f"tags: {', '.join(words.split()) or 'none'}")


async def pin(linear: Linear, _argument: str) -> None:
    """Keep the conversation above the others, or no longer."""
    found = await linear.desk.conversation(opened(linear))
    await linear.desk.shelf.pin(found.id, not found.pinned)
    linear.out.say("conversation: no longer pinned" if found.pinned else "conversation: pinned")


async def archive(linear: Linear, _argument: str) -> None:
    """Put the conversation away, or take it back."""
    found = await linear.desk.conversation(opened(linear))
    await linear.desk.shelf.archive(found.id, not found.archived)
    linear.out.say("conversation: taken back" if found.archived else "conversation: put away")


async def delete(linear: Linear, _argument: str) -> None:
    """Delete the conversation; it can be had back for a while."""
    conversation = opened(linear)
    await linear.desk.shelf.delete(conversation)
    await new(linear, "")
    linear.deleted = conversation
    linear.out.say("deleted: /undelete has it back, for ten minutes or until you leave")


async def undelete(linear: Linear, _argument: str) -> None:
    """Have the conversation that was deleted last back, and go on with it."""
    if linear.deleted is None:
        raise UsageError("Nothing was deleted.")
    conversation, linear.deleted = linear.deleted, None
    await linear.desk.shelf.undelete(conversation)
    await open_one(linear, conversation)


async def export(linear: Linear, argument: str) -> None:
    """Write the conversation to a new file: the one that is named, or one of its title in this folder."""
    first, _, rest = argument.partition(" ")
    form: Literal["md", "json"] = "json" if first == "json" else "md"
    named = rest.strip() if first in ("md", "json") else argument
    found = await linear.desk.conversation(opened(linear))
    path = file_of(named or f"{slug(found.title) or 'conversation'}.{form}")
    write_new(path, await linear.desk.export_conversation(found.id, form))
    linear.out.say(f"written: {path}")
