"""Requests, attempts and answers as rows; every function here runs inside its caller's transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmdesk.core.budget import Account
from llmdesk.core.errors import UsageError
from llmdesk.core.money import to_nano_usd
from llmdesk.core.text import redact, storable
from llmdesk.core.types import Role, Status, Usage
from llmdesk.core.views import OutboxEntry, RequestView
from llmdesk.storage.attachments import attachment_names, attachments_of, write_attachments
from llmdesk.storage.booking import book
from llmdesk.storage.columns import to_attempt, to_error_kind, to_ms, to_s
from llmdesk.storage.forgetting import forget_text
from llmdesk.storage.records import StoredRequest
from llmdesk.storage.versions import end_what_was_replaced, reinstate, supersede

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from llmdesk.core.periods import Calendar
    from llmdesk.core.types import Attempt, Outcome
    from llmdesk.storage.records import StoredAnswer

_OPEN = "status IN ('accepted', 'running', 'paused')"
_FINAL = (Status.COMPLETED, Status.REFUSED, Status.FAILED, Status.BLOCKED, Status.CANCELLED)


def insert(connection: sqlite3.Connection, request: StoredRequest, owner: str) -> None:
    """Write a new request, its files, and its message where it belongs to a conversation."""
    created = to_ms(request.created_at)
    connection.execute(
        """INSERT INTO requests
               (id, status, owner, lane, agent, job, conversation, title, prompt, payload, record_text, run, resumed,
                created_at)
           VALUES (?, 'accepted', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            request.id,
            owner,
            request.lane,
            request.agent,
            request.job,
            request.conversation,
            storable(request.title),
            storable(request.prompt),
            storable(request.payload),
            request.record_text,
            request.run,
            request.resumed,
            created,
        ),
    )
    write_attachments(connection, request.id, request.attachments)
    if request.conversation is not None and request.summarises is None:
        _begin_turn(connection, request, request.conversation, created_ms=created)


def _begin_turn(connection: sqlite3.Connection, request: StoredRequest, conversation: str, *, created_ms: int) -> None:
    """Write the prompt of a request as the next message of its conversation."""
    for meant in (request.replaces, request.continues):
        if meant is not None and not _is_in(connection, conversation, meant):
            raise UsageError("That prompt is not in the conversation any more.")
    touch_conversation(connection, conversation, title=request.title, lane=request.lane, at_ms=created_ms)
    # A turn is named after its first message, whose id is known only now.
    message = connection.execute(
        "INSERT INTO messages (conversation, turn, request, role, content, continues, created_at) "
        "VALUES (?, 0, ?, ?, ?, ?, ?)",
        (conversation, request.id, Role.USER.value, storable(request.prompt), request.continues, created_ms),
    ).lastrowid
    connection.execute("UPDATE messages SET turn = id WHERE id = ?", (message,))
    if request.replaces is not None:
        supersede(connection, conversation, request.replaces, by=request.id)


def _is_in(connection: sqlite3.Connection, conversation: str, request_id: str) -> bool:
    return bool(
        connection.execute(
            "SELECT 1 FROM messages WHERE conversation = ? AND request = ? AND role = 'user'",
            (conversation, request_id),
        ).fetchall()
    )


def touch_conversation(connection: sqlite3.Connection, conversation: str, *, title: str, lane: str, at_ms: int) -> None:
    """Make a conversation the most recently used one; begin it if there is none, have it back if it was deleted."""
    connection.execute(
        """INSERT INTO conversations (id, title, lane, created_at, updated_at, used)
           VALUES (?1, ?2, ?3, ?4, ?4, (SELECT coalesce(max(used), 0) + 1 FROM conversations))
           ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at, used = excluded.used,
               deleted_at = NULL""",
        (conversation, storable(title), lane, at_ms),
    )


def insert_attempts(
    connection: sqlite3.Connection, request_id: str, attempts: Iterable[Attempt], *, calendar: Calendar
) -> None:
    """Book those attempts of a request that are not there yet."""
    request = connection.execute(
        "SELECT run, record_text, lane, agent, job, conversation FROM requests WHERE id = ?", (request_id,)
    ).fetchone()
    if request is None:
        return
    account = Account(
        request=request_id,
        lane=request["lane"],
        agent=request["agent"],
        job=request["job"],
        conversation=request["conversation"],
    )
    for attempt in attempts:
        book(
            connection,
            account,
            attempt,
            calendar=calendar,
            run=request["run"],
            record_text=bool(request["record_text"]),
        )


def finish(
    connection: sqlite3.Connection,
    request_id: str,
    outcome: Outcome,
    answer: StoredAnswer | None,
    *,
    owner: str,
    now_ms: int,
    calendar: Calendar,
) -> bool:
    """End this run of a request, if ``owner`` still has it open; returns whether that was so."""
    request = connection.execute(
        f"SELECT conversation, record_text FROM requests WHERE id = ? AND owner = ? AND {_OPEN}",  # noqa: S608 - constant
        (request_id, owner),
    ).fetchone()
    if request is None:
        return False
    conversation, record_text = request
    final = outcome.status in _FINAL
    insert_attempts(connection, request_id, outcome.attempts, calendar=calendar)
    provider, model = outcome.target or (None, None)
    connection.execute(
        """UPDATE requests SET status = ?, finished_at = ?, reason = ?, error_kind = ?, next_try_at = ?,
               provider = ?, model = ?, payload = CASE WHEN ? THEN '' ELSE payload END
           WHERE id = ?""",
        (
            outcome.status.value,
            now_ms if final else None,
            "" if outcome.error is None else redact(storable(outcome.error.message)),
            None if outcome.error is None else outcome.error.kind.value,
            None if final else to_ms(outcome.next_try_at),
            provider,
            model,
            final,
            request_id,
        ),
    )
    if answer is not None and conversation is None:
        connection.execute("UPDATE requests SET answer = ? WHERE id = ?", (storable(answer.content), request_id))
    elif answer is not None:
        _write_answer(connection, request_id, conversation, answer)
        if final:
            end_what_was_replaced(connection, request_id, now_ms=now_ms)
    elif final:
        reinstate(connection, request_id)
    if final and not record_text:
        forget_text(connection, request_id, attachments=conversation is None)
    return True


def _write_answer(connection: sqlite3.Connection, request_id: str, conversation: str, answer: StoredAnswer) -> None:
    """Put an answer behind its question in place of an earlier one, or a summary behind what it sums up."""
    behind = connection.execute(
        "SELECT turn, superseded_by FROM messages WHERE conversation = ? AND request = ? AND role = 'user'",
        (conversation, answer.behind or request_id),
    ).fetchone()
    if behind is None:
        return
    connection.execute("DELETE FROM messages WHERE request = ? AND role <> 'user'", (request_id,))
    usage = answer.usage or Usage()
    provider, model = answer.target or (None, None)
    at_ms = to_ms(answer.created_at)
    connection.execute(
        """INSERT INTO messages
               (conversation, turn, request, role, superseded_by, content, thinking, completeness, provider, model,
                served_model, latency_ms, first_token_ms, input_tokens, output_tokens, estimated, cost_nano_usd, seams,
                created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            conversation,
            behind["turn"],
            request_id,
            (Role.ASSISTANT if answer.behind is None else Role.SYSTEM).value,
            behind["superseded_by"],
            storable(answer.content),
            storable(answer.thinking),
            answer.completeness if answer.behind is None else None,
            provider,
            model,
            storable(answer.served_model),
            to_ms(answer.latency_s),
            to_ms(answer.first_token_s),
            usage.input_tokens,
            usage.output_tokens,
            usage.estimated,
            to_nano_usd(answer.cost_usd),
            json.dumps([redact(storable(seam)) for seam in answer.seams]),
            at_ms,
        ),
    )
    connection.execute(
        "UPDATE conversations SET updated_at = ?, used = (SELECT max(used) + 1 FROM conversations) WHERE id = ?",
        (at_ms, conversation),
    )


def owners_of_open(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The instances that have requests under way."""
    rows = connection.execute("SELECT DISTINCT owner FROM requests WHERE status IN ('accepted', 'running')")
    return tuple(owner for (owner,) in rows)


def pause_all_of(connection: sqlite3.Connection, owners: Iterable[str], reason: str) -> tuple[str, ...]:
    """Pause what the instances ``owners`` have under way; returns the ids, oldest first."""
    found: list[tuple[int, str]] = []
    for owner in owners:
        rows = connection.execute(
            "UPDATE requests SET status = 'paused', reason = ?, error_kind = NULL, next_try_at = NULL "
            "WHERE owner = ? AND status IN ('accepted', 'running') RETURNING position, id",
            (reason, owner),
        )
        found += [(position, request_id) for position, request_id in rows]
    return tuple(request_id for _, request_id in sorted(found))


def load(connection: sqlite3.Connection, request_id: str) -> StoredRequest | None:
    """A request as it was accepted."""
    row = connection.execute("SELECT * FROM requests WHERE id = ?", (request_id,)).fetchone()
    if row is None:
        return None
    return StoredRequest(
        id=row["id"],
        lane=row["lane"],
        agent=row["agent"],
        job=row["job"],
        conversation=row["conversation"],
        title=row["title"],
        prompt=row["prompt"],
        attachments=attachments_of(connection, request_id),
        payload=row["payload"],
        created_at=to_s(row["created_at"]),
        record_text=bool(row["record_text"]),
        run=row["run"],
        resumed=row["resumed"],
    )


def outbox(connection: sqlite3.Connection) -> tuple[OutboxEntry, ...]:
    """The paused requests, in the order in which they were accepted."""
    rows = connection.execute(
        """SELECT r.*, (SELECT count(*) FROM attempts a WHERE a.request = r.id AND a.outcome <> 'skipped') AS calls
           FROM requests r WHERE r.status = 'paused' ORDER BY r.position"""
    ).fetchall()
    return tuple(
        OutboxEntry(
            id=row["id"],
            created_at=to_s(row["created_at"]),
            lane=row["lane"],
            agent=row["agent"],
            job=row["job"],
            conversation=row["conversation"],
            prompt=row["prompt"],
            attachments=attachment_names(connection, row["id"]),
            reason=row["reason"],
            error_kind=to_error_kind(row["error_kind"]),
            next_try_at=to_s(row["next_try_at"]),
            attempts=row["calls"],
            resumed=row["resumed"],
        )
        for row in rows
    )


def view(connection: sqlite3.Connection, request_id: str) -> RequestView | None:
    """One request with all its attempts."""
    row = connection.execute(
        """SELECT r.*, coalesce(
               (SELECT content FROM messages m WHERE m.request = r.id AND m.role <> 'user'), r.answer) AS given
           FROM requests r WHERE r.id = ?""",
        (request_id,),
    ).fetchone()
    if row is None:
        return None
    attempts = connection.execute("SELECT * FROM attempts WHERE request = ? ORDER BY number", (request_id,))
    return RequestView(
        id=row["id"],
        status=Status(row["status"]),
        created_at=to_s(row["created_at"]),
        finished_at=to_s(row["finished_at"]),
        lane=row["lane"],
        agent=row["agent"],
        job=row["job"],
        conversation=row["conversation"],
        prompt=row["prompt"],
        answer=row["given"],
        attempts=tuple(to_attempt(each) for each in attempts),
        reason=row["reason"],
        error_kind=to_error_kind(row["error_kind"]),
        next_try_at=to_s(row["next_try_at"]),
    )
