"""``llmdesk providers``: every provider and how it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import SECONDS, desk_command, desk_group
from llmdesk.cli.report import provider_report
from llmdesk.cli.times import clock
from llmdesk.core.views import ProviderState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.cli.output import Paint
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.views import ProviderStatus
    from llmdesk.desk import Desk

_PAINT: Mapping[str, Paint] = {
    ProviderState.OK.value: "green",
    ProviderState.COOLING.value: "yellow",
    ProviderState.DOWN.value: "red",
    ProviderState.ATTENTION.value: "red",
    ProviderState.NO_KEY.value: "dim",
    ProviderState.UNKNOWN.value: "dim",
}


@desk_group("providers", default="list")
def command() -> None:
    """Every provider and how it is; without a command: list."""


@desk_command("list", short_help="What is known now; nothing is called.")
@click.pass_obj
def list_providers(session: Session) -> int:
    """List the providers as far as they are known; nothing is called."""

    async def show(desk: Desk, _signals: Signals) -> int:
        _show(session, desk.providers())
        return 0

    return session.run(show)


@desk_command("check", short_help="Call each provider and say who is usable.")
@click.option("--timeout", type=SECONDS, metavar="S", default=10.0, show_default=True, help="Limit for each, seconds.")
@click.pass_obj
def check(session: Session, timeout: float) -> int:
    """Call every provider that is not cooling down, in parallel; exit code 1 when none is usable."""

    async def call(desk: Desk, _signals: Signals) -> int:
        statuses = await desk.check_providers(timeout_s=timeout)
        _show(session, statuses)
        return 0 if any(status.state is ProviderState.OK for status in statuses) else 1

    return session.run(call)


def _show(session: Session, statuses: Sequence[ProviderStatus]) -> None:
    if session.json:
        for status in statuses:
            session.out.record(provider_report(status))
        return
    session.out.table(
        ("provider", "kind", "status", "latency", "models", "message"),
        [
            (s.provider, s.kind, s.state.value, _ms(s.latency_ms), s.models, _message(s, session.now()))
            for s in statuses
        ],
        paint=_PAINT,
    )


def _ms(latency_ms: int | None) -> str | None:
    return None if latency_ms is None else f"{latency_ms} ms"


def _message(status: ProviderStatus, now: float) -> str:
    if status.cooldown_until is None:
        return status.message or status.base_url
    return ", ".join(filter(None, (status.message.rstrip("."), f"until {clock(status.cooldown_until, now)}")))


command.add_command(list_providers)
command.add_command(check)
