"""Conversations put in order and taken in: the commands of ``llmdesk conversations`` that change what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import TEXT, desk_command
from llmdesk.cli.report import conversation_line_report, shelf_report

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.views import Conversation
    from llmdesk.desk import Desk

_ID = click.argument("conversation", type=TEXT, metavar="ID")


def _change(
    session: Session,
    conversation: str,
    change: Callable[[Desk, str], Awaitable[None]],
    told: Callable[[Conversation], str],
) -> int:
    """Change one conversation (an unambiguous beginning of its id will do) and say how it is now."""

    async def work(desk: Desk, _signals: Signals) -> int:
        found = await desk.conversation(conversation)
        await change(desk, found.id)
        now = await desk.conversation(found.id)
        if session.json:
            session.out.record(shelf_report(now))
        session.out.say(told(now))
        return 0

    return session.run(work)


@desk_command("rename", short_help="Give a conversation another title.")
@_ID
@click.argument("title", type=TEXT, metavar="TITLE")
@click.pass_obj
def rename(session: Session, conversation: str, title: str) -> int:
    """Give a conversation another title."""
    return _change(
        session,
        conversation,
        lambda desk, found: desk.shelf.rename(found, title),
        lambda now: f"Renamed {now.id}: {now.title}",
    )


@desk_command("pin", short_help="Keep a conversation above the others.")
@_ID
@click.pass_obj
def pin(session: Session, conversation: str) -> int:
    """Keep a conversation above the others in every list."""
    return _change(
        session, conversation, lambda desk, found: desk.shelf.pin(found), lambda now: f"Pinned {now.id}: {now.title}"
    )


@desk_command("unpin", short_help="Keep it there no longer.")
@_ID
@click.pass_obj
def unpin(session: Session, conversation: str) -> int:
    """List a conversation by its use again."""
    return _change(
        session,
        conversation,
        lambda desk, found: desk.shelf.pin(found, False),
        lambda now: f"Pinned no longer: {now.id}, {now.title}",
    )


@desk_command("tag", short_help="Give a conversation tags; without any, take them away.")
@_ID
@click.argument("tags", type=TEXT, metavar="[TAG]...", nargs=-1)
@click.pass_obj
def tag(session: Session, conversation: str, tags: tuple[str, ...]) -> int:
    """Give a conversation these tags and no others; search finds them as tag:WORD."""
    return _change(
        session,
        conversation,
        lambda desk, found: desk.shelf.tag(found, tags),
        lambda now: f"Tags of {now.id}: {' '.join(f'#{each}' for each in now.tags) or 'none'}",
    )


@desk_command("archive", short_help="Put a conversation away; search still finds it.")
@_ID
@click.pass_obj
def archive(session: Session, conversation: str) -> int:
    """Put a conversation away: it is listed with --archived only, and search still finds it."""
    return _change(
        session,
        conversation,
        lambda desk, found: desk.shelf.archive(found),
        lambda now: f"Put away {now.id}: {now.title}",
    )


@desk_command("unarchive", short_help="Take it back.")
@_ID
@click.pass_obj
def unarchive(session: Session, conversation: str) -> int:
    """Take a conversation back that was put away."""
    return _change(
        session,
        conversation,
        lambda desk, found: desk.shelf.archive(found, False),
        lambda now: f"Taken back {now.id}: {now.title}",
    )


@desk_command("import", short_help="Import conversations of ChatGPT, oterm or llmdesk.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.pass_obj
def import_file(session: Session, file: Path) -> int:
    """Import what another program has kept, once.

    FILE is conversations.json of a ChatGPT export or its zip file, oterm's store.db, a conversation exported as JSON,
    or a list of {role, content} messages.
    """

    async def take_in(desk: Desk, _signals: Signals) -> int:
        views = await desk.import_conversations(file)
        if session.json:
            for view in views:
                session.out.record(conversation_line_report(view))
        count = "1 conversation" if len(views) == 1 else f"{len(views)} conversations"
        session.out.say(f"Imported {count}." if views else "Nothing new in it.")
        return 0

    return session.run(take_in)


COMMANDS = (rename, pin, unpin, tag, archive, unarchive, import_file)
