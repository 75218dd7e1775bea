"""What is being written, on disk, so that a crash loses no more than the last words typed."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.text import storable
from llmdesk.core.types import ModelRef
from llmdesk.core.views import Attachment, Draft, DraftedPrompt
from llmdesk.storage.attachments import attachment_columns
from llmdesk.storage.columns import to_ms, to_s

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from llmdesk.storage.database import Database


_EDITOR = -1
"""The place of the text in the editor among the prompts of a draft."""

_Files = dict[int, tuple[Attachment, ...]]


class DraftStore:
    """The drafts of one database, written for one instance.

    Args:
        database: where they are.
        owner: the id of this instance.
        is_alive: whether the instance of that id still runs.
        clock: UTC epoch seconds.
    """

    def __init__(
        self,
        database: Database,
        owner: str,
        is_alive: Callable[[str], bool],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._owner = owner
        self._is_alive = is_alive
        self._clock = clock
        self._files: dict[str, _Files] = {}
        """What is on disk of each lane: files can be large, and most of what changes is text."""

    async def keep(self, draft: Draft) -> None:
        """Write what a lane's user has written so far; an empty draft is forgotten.

        Raises:
            StorageError: it could not be written.
        """
        saved_ms = to_ms(self._clock())
        files = _files_of(draft)
        known = self._files.get(draft.lane, {})

        def work(connection: sqlite3.Connection) -> None:
            if draft:
                _write(connection, self._owner, draft, saved_ms, files if files != known else None)
            else:
                connection.execute("DELETE FROM drafts WHERE owner = ? AND lane = ?", (self._owner, draft.lane))

        self._files.pop(draft.lane, None)
        await self._database.write(work, purge=True)
        self._files[draft.lane] = files

    async def claim(self) -> tuple[Draft, ...]:
        """Take over what instances that are gone have left behind, one draft a lane; one instance gets it.

        Where several have left something in a lane, the newest is the draft. The texts of the others are put aside, and
        those with files, which have no other place, wait in the queue like what is queued anyway. It is on disk as this
        instance's own when this returns.
        """
        saved_ms = to_ms(self._clock())

        def work(connection: sqlite3.Connection) -> tuple[Draft, ...]:
            owners = [owner for (owner,) in connection.execute("SELECT DISTINCT owner FROM drafts")]
            gone = [owner for owner in owners if owner != self._owner and not self._is_alive(owner)]
            found = [draft for owner in gone for draft in _read(connection, owner)]
            found.sort(key=lambda draft: draft.saved_at, reverse=True)
            for owner in gone:
                connection.execute("DELETE FROM drafts WHERE owner = ?", (owner,))
            own = {draft.lane: draft for draft in _read(connection, self._owner)}
            lanes = dict.fromkeys(draft.lane for draft in found)
            claimed = tuple(_together([draft for draft in found if draft.lane == lane]) for lane in lanes)
            for draft in claimed:
                whole = _together([own[draft.lane], draft]) if draft.lane in own else draft
                _write(connection, self._owner, whole, saved_ms, _files_of(whole))
            return claimed

        claimed = await self._database.write(work, purge=True)
        for draft in claimed:
            self._files.pop(draft.lane, None)
        return claimed


def _together(drafts: Iterable[Draft]) -> Draft:
    """One draft of several of a lane, the newest first; nothing of the others is lost."""
    first, *others = drafts
    queue, aside = list(first.queue), list(first.aside)
    for other in others:
        if other.attachments:
            queue.append(DraftedPrompt(text=other.text, attachments=other.attachments))
        elif other.text:
            aside.append(other.text)
        queue += other.queue
        aside += other.aside
    return replace(first, queue=tuple(queue), aside=tuple(dict.fromkeys(aside)))


def _files_of(draft: Draft) -> _Files:
    files = {_EDITOR: draft.attachments, **{at: item.attachments for at, item in enumerate(draft.queue)}}
    return {at: those for at, those in files.items() if those}


def _write(
    connection: sqlite3.Connection, owner: str, draft: Draft, saved_ms: int | None, files: _Files | None
) -> None:
    """Write a draft in place of what is there of its lane; ``files`` = ``None``: they are there already."""
    queue = [
        storable(item.text) if item.model is None else {"text": storable(item.text), "model": str(item.model)}
        for item in draft.queue
    ]
    aside = [storable(text) for text in draft.aside]
    connection.execute(
        """INSERT INTO drafts (owner, lane, conversation, text, queue, saved_at, aside) VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (owner, lane) DO UPDATE SET conversation = excluded.conversation, text = excluded.text,
               queue = excluded.queue, saved_at = excluded.saved_at, aside = excluded.aside""",
        (
            owner,
            draft.lane,
            draft.conversation,
            storable(draft.text),
            json.dumps(queue),
            saved_ms,
            json.dumps(aside),
        ),
    )
    if files is None:
        return
    connection.execute("DELETE FROM draft_files WHERE owner = ? AND lane = ?", (owner, draft.lane))
    connection.executemany(
        "INSERT INTO draft_files (owner, lane, prompt, position, name, text, image) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (owner, draft.lane, prompt, at, *attachment_columns(file))
            for prompt, those in files.items()
            for at, file in enumerate(those)
        ],
    )


def _read(connection: sqlite3.Connection, owner: str) -> list[Draft]:
    files: dict[tuple[str, int], list[Attachment]] = {}
    for row in connection.execute("SELECT * FROM draft_files WHERE owner = ? ORDER BY prompt, position", (owner,)):
        attachment = Attachment(name=row["name"], text=row["text"], image=row["image"])
        files.setdefault((row["lane"], row["prompt"]), []).append(attachment)
    return [
        Draft(
            lane=row["lane"],
            text=row["text"],
            queue=tuple(
                _prompt(item, files.get((row["lane"], at), ())) for at, item in enumerate(json.loads(row["queue"]))
            ),
            conversation=row["conversation"],
            saved_at=to_s(row["saved_at"]),
            attachments=tuple(files.get((row["lane"], _EDITOR), ())),
            aside=tuple(json.loads(row["aside"])),
        )
        for row in connection.execute("SELECT * FROM drafts WHERE owner = ?", (owner,)).fetchall()
    ]


def _prompt(item: str | dict[str, str], files: Iterable[Attachment]) -> DraftedPrompt:
    if isinstance(item, str):
        return DraftedPrompt(text=item, attachments=tuple(files))
    return DraftedPrompt(text=item["text"], attachments=tuple(files), model=ModelRef.parse(item["model"]))
