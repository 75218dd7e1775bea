"""``llmdesk outbox``: the paused requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import TEXT, desk_command, desk_group
from llmdesk.cli.report import outbox_report, request_report
from llmdesk.cli.times import clock, stamp
from llmdesk.core.errors import UsageError
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.views import RequestView
    from llmdesk.desk import Desk


@desk_group("outbox", default="list")
def command() -> None:
    """The paused requests, kept on disk until somebody can answer; without a command: list."""


@desk_command("list", short_help="The paused requests, oldest first.")
@click.pass_obj
def list_outbox(session: Session) -> int:
    """List the paused requests, oldest first."""

    async def show(desk: Desk, _signals: Signals) -> int:
        entries = await desk.outbox()
        if session.json:
            for entry in entries:
                session.out.record(outbox_report(entry))
        elif entries:
            now = session.now()
            session.out.table(
                ("id", "created", "lane", "why", "next try", "tries", "prompt"),
                [
                    (
                        e.id,
                        stamp(e.created_at),
                        e.lane,
                        e.error_kind.value if e.error_kind else e.reason,
                        clock(e.next_try_at, now) if e.next_try_at is not None else None,
                        e.attempts,
                        e.prompt,
                    )
                    for e in entries
                ],
            )
        else:
            session.nothing(desk, "The outbox is empty.")
        return 0

    return session.run(show)


@desk_command("show", short_help="One request with every attempt.")
@click.argument("request", type=TEXT, metavar="ID")
@click.pass_obj
def show_request(session: Session, request: str) -> int:
    """Show one request, paused or not, with every attempt and every target that was passed over."""

    async def show(desk: Desk, _signals: Signals) -> int:
        view = await desk.request(request)
        if session.json:
            session.out.record(request_report(view))
        else:
            _print(session, view)
        return 0

    return session.run(show)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Retry:
    probe: bool
    stream: bool
    several: bool


@desk_command("retry", short_help="Ask again, one or all.")
@click.argument("request", type=TEXT, metavar="[ID]", required=False)
@click.option("--lane", type=TEXT, metavar="LANE", help="Ask only those of this lane again.")
@click.option("--now", "probe", is_flag=True, help="Ask even a provider that is cooling down.")
@click.option("--no-stream", is_flag=True, help="Print an answer when it is complete.")
@click.pass_obj
def retry(session: Session, request: str | None, lane: str | None, probe: bool, no_stream: bool) -> int:
    """Ask a paused request again; without ID all of them, oldest first.

    The exit code is that of exec; for several, that of the last one that was not completed.
    """
    if request is not None and lane is not None:
        raise UsageError("Give either an ID or --lane.")

    async def ask_again(desk: Desk, signals: Signals) -> int:
        entries = await desk.outbox()
        wanted = [e.id for e in entries if lane in (None, e.lane)]
        if request is not None:
            wanted = [await _paused(desk, request)]
        elif not wanted:
            session.nothing(desk, f"Nothing of lane {lane} is paused." if entries else "The outbox is empty.")
        how = _Retry(probe=probe, stream=not no_stream, several=len(wanted) > 1)
        return await _retry_each(session, desk, signals, wanted, how)

    return session.run(ask_again)


async def _retry_each(session: Session, desk: Desk, signals: Signals, wanted: list[str], how: _Retry) -> int:
    from llmdesk.cli.follow import Follower, exit_code

    follower = Follower(session, signals, stream=how.stream, newline=how.several)
    worst = 0
    for request_id in wanted:
        if how.several:
            session.out.say(f"retrying: {request_id}")
        try:
            run = await desk.retry(request_id, probe=how.probe, consent=session.yes)
        except UsageError as error:
            if not how.several:
                raise
            session.out.say(f"note: {error}")  # another instance took it meanwhile
            continue
        worst = exit_code(await follower.follow(run), session) or worst
        if signals.received is not None or session.out.stdout.failure is not None:
            break
    return worst


@desk_command("drop", short_help="Remove a paused request for good.")
@click.argument("request", type=TEXT, metavar="ID")
@click.pass_obj
def drop(session: Session, request: str) -> int:
    """Remove a paused request for good; its prompt is gone afterwards."""

    async def remove(desk: Desk, _signals: Signals) -> int:
        request_id = await _paused(desk, request)
        await desk.drop(request_id)
        if session.json:
            session.out.record({"id": request_id, "dropped": True})
        session.out.say(f"Dropped {request_id}.")
        return 0

    return session.run(remove)


async def _paused(desk: Desk, beginning: str) -> str:
    """The id of the one paused request that begins so."""
    ids = [entry.id for entry in await desk.outbox()]
    found = [beginning] if beginning in ids else [i for i in ids if beginning and i.startswith(beginning)]
    if len(found) != 1:
        many = f"{len(found)} paused requests begin with '{beginning}'." if found else None
        raise UsageError(many or f"There is no paused request '{beginning}'. See: llmdesk outbox list")
    return found[0]


def _print(session: Session, view: RequestView) -> None:
    out = session.out
    for label, value in (
        ("id", view.id),
        ("status", view.status.value),
        ("created", stamp(view.created_at)),
        ("lane", view.lane),
        ("agent", view.agent),
        ("job", view.job),
        ("conversation", view.conversation),
        ("reason", view.reason),
        ("next try", clock(view.next_try_at, session.now()) if view.next_try_at is not None else None),
    ):
        if value:
            out.line(f"{label}: {value}")
    for each in view.advice:
        out.line(f"advice: {each}")
    for attempt in view.attempts:
        told = f" ({attempt.message or attempt.reason})" if attempt.message or attempt.reason else ""
        out.line(f"attempt {attempt.number}: {attempt.target} {attempt.outcome.value}, {attempt.elapsed_s:.1f} s{told}")
    out.line("prompt:")
    out.line(view.prompt)
    if view.answer:
        out.line("answer:")
        out.line(view.answer)


for _sub in (list_outbox, show_request, retry, drop):
    command.add_command(_sub)
