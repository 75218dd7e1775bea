"""``llmdesk conversations``: what was said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from llmdesk.cli.new_file import slug, write_new
from llmdesk.cli.options import TEXT, desk_command, desk_group
from llmdesk.cli.report import conversation_line_report, conversation_report
from llmdesk.cli.shelving import COMMANDS as SHELVING
from llmdesk.cli.times import since, stamp
from llmdesk.core.errors import UsageError
from llmdesk.core.types import Role

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.views import ConversationView, StoredMessage
    from llmdesk.desk import Desk


@desk_group("conversations", default="list")
def command() -> None:
    """Conversations kept on disk; without a command: list."""


@desk_command("list", short_help="Conversations, most recently used first.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many.")
@click.option("--archived", is_flag=True, help="Those that were put away.")
@click.pass_obj
def list_conversations(session: Session, limit: int = 200, archived: bool = False) -> int:
    """List the conversations: the pinned ones, then the most recently used."""

    async def show(desk: Desk, _signals: Signals) -> int:
        found = await desk.conversations(limit=limit, archived=archived)
        _show_list(session, desk, found, "None was put away." if archived else "No conversations yet.")
        return 0

    return session.run(show)


@desk_command("search", short_help="Ranked full-text search over every message.")
@click.argument("query", type=TEXT, metavar="Q")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.pass_obj
def search(session: Session, query: str, limit: int) -> int:
    """Search every message, best hit first; tag:WORD and lane:NAME look in such conversations only."""
    if not query.strip():
        raise UsageError("There is nothing to search for.")

    async def find(desk: Desk, _signals: Signals) -> int:
        _show_list(session, desk, await desk.search(query, limit=limit), "Nothing found.")
        return 0

    return session.run(find)


def _show_list(session: Session, desk: Desk, views: tuple[ConversationView, ...], nothing: str) -> None:
    if session.json:
        for view in views:
            session.out.record(conversation_line_report(view))
    elif views:
        session.out.table(
            ("id", "used", "lane", "messages", "title"),
            [
                (v.id, stamp(v.updated_at), v.lane, v.messages, _told(v) + (f": {v.snippet}" if v.snippet else ""))
                for v in views
            ],
        )
    else:
        session.nothing(desk, nothing)


def _told(view: ConversationView) -> str:
    """The title of a conversation with what is special about it, or about the message that was found."""
    marks = [word for word, is_so in (("pinned", view.pinned), ("archived", view.archived)) if is_so]
    marks += [f"#{tag}" for tag in view.tags]
    marks += ["an earlier version"] if view.earlier else []
    return f"{view.title} [{', '.join(marks)}]" if marks else view.title


@desk_command("show", short_help="One conversation with its messages.")
@click.argument("conversation", type=TEXT, metavar="ID")
@click.pass_obj
def show_conversation(session: Session, conversation: str) -> int:
    """Show one conversation with its messages, oldest first, earlier versions too."""

    async def show(desk: Desk, _signals: Signals) -> int:
        found = await desk.conversation(conversation)
        if session.json:
            session.out.record(conversation_report(found))
            return 0
        session.out.line(f"{found.title} ({found.id}, {found.lane})")
        for message in found.messages:
            session.out.line()
            for seam in message.seams:
                session.out.line(f"failover: {seam}")
            session.out.line(_heading(message))
            session.out.line(message.content)
        return 0

    return session.run(show)


def _heading(message: StoredMessage) -> str:
    role = "summary of all above" if message.role is Role.SYSTEM else message.role.value
    parts = [role, stamp(message.created_at)]
    if message.superseded_by is not None:
        parts.append("an earlier version")
    if message.target is not None:
        parts.append(str(message.target))
    if message.completeness is not None and message.completeness != "full":
        parts.append(message.completeness)
    parts += [f"attached {attachment.name}" for attachment in message.attachments]
    return f"[{', '.join(parts)}]"


@desk_command("export", short_help="A conversation as Markdown or JSON.")
@click.argument("conversation", type=TEXT, metavar="ID")
@click.option("--format", "form", type=click.Choice(["md", "json"]), help="Markdown (the default) or JSON.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="A new file, or a folder for one.")
@click.pass_obj
def export(session: Session, conversation: str, form: str | None, output: Path | None) -> int:
    """Write a conversation to stdout, or to a new private file; an existing file is never overwritten."""
    wanted: Literal["md", "json"] = "json" if form == "json" or (form is None and session.json) else "md"

    into_folder = output is not None and output.is_dir()

    async def write(desk: Desk, _signals: Signals) -> int:
        text = await desk.export_conversation(conversation, wanted)
        if output is None:
            if session.json and wanted == "json":
                session.out.record(json.loads(text))
            else:
                session.out.document(text)
            return 0
        path = output
        if into_folder:
            found = await desk.conversation(conversation)
            path = output / f"{slug(found.title) or slug(found.id) or 'conversation'}.{wanted}"
        write_new(path, text)
        if session.json:
            session.out.record({"path": str(path), "format": wanted})
        session.out.say(f"Written: {path}")
        return 0

    return session.run(write)


@desk_command("rm", short_help="Delete a conversation, or all that are old.")
@click.argument("conversation", type=TEXT, metavar="[ID]", required=False)
@click.option("--older-than", "age", type=TEXT, metavar="SPAN", help="All last used before: 90d, 26w or a date.")
@click.option("--archived", is_flag=True, help="With --older-than: only those that were put away.")
@click.pass_obj
def remove(session: Session, conversation: str | None, age: str | None, archived: bool) -> int:
    """Delete a conversation and its messages for good; asks first, unless --yes.

    With --older-than all that were not used since then; pinned ones are never among them.
    """
    if (conversation is None) == (age is None):
        raise UsageError("Say which: an ID, or --older-than 90d.")
    if conversation is not None:
        if archived:
            raise UsageError("--archived goes with --older-than.")
        return _remove_one(session, conversation)
    return _remove_old(session, age or "", archived=archived)


def _remove_old(session: Session, age: str, *, archived: bool) -> int:
    before = since(age, session.now())
    if before > session.now():
        raise UsageError(f"--older-than {age} lies in the future.")

    async def delete(desk: Desk, _signals: Signals) -> int:
        found = await desk.shelf.unused(before=before, archived=archived)
        if not found:
            session.nothing(desk, f"None is that old: all were used since {stamp(before)}, or are pinned.")
            return 0
        if not session.confirm(f"Delete {_counted(found)} not used since {stamp(before)}, for good?"):
            session.out.complain(f"Not deleted: {_counted(found)}. Add --yes to delete.")
            return 1
        removed = await desk.shelf.remove_unused(found, before=before)
        if session.json:
            for each in removed:
                session.out.record({"id": each, "deleted": True})
        session.out.say(f"Deleted {_counted(removed)}.")
        return 0

    return session.run(delete)


def _counted(ids: tuple[str, ...]) -> str:
    return "1 conversation" if len(ids) == 1 else f"{len(ids)} conversations"


def _remove_one(session: Session, conversation: str) -> int:
    async def delete(desk: Desk, _signals: Signals) -> int:
        found = await desk.conversation(conversation)
        if not session.confirm(f"Delete '{found.title}' with {len(found.messages)} messages?"):
            session.out.complain(f"Not deleted: {found.id}. Add --yes to delete it.")
            return 1
        await desk.remove_conversation(found.id)
        if session.json:
            session.out.record({"id": found.id, "deleted": True})
        session.out.say(f"Deleted {found.id}.")
        return 0

    return session.run(delete)


for _sub in (list_conversations, show_conversation, search, export, *SHELVING, remove):
    command.add_command(_sub)
