"""``llmdesk lanes``: the lanes and the targets each would ask now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import desk_command
from llmdesk.cli.planned import target_note
from llmdesk.cli.report import lane_report

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.views import LaneView
    from llmdesk.desk import Desk


@desk_command("lanes", short_help="The lanes and the targets each would ask.")
@click.pass_obj
def command(session: Session) -> int:
    """List the lanes: targets in order, what would be skipped and why, and the rules of failover and resume."""

    async def show(desk: Desk, _signals: Signals) -> int:
        lanes = desk.lanes()
        if session.json:
            for lane in lanes:
                session.out.record(lane_report(lane))
            return 0
        session.out.table(
            ("lane", "failover", "resume", "with", "targets"),
            [
                (
                    f"{lane.name} *" if lane.default else lane.name,
                    lane.failover,
                    lane.resume,
                    _with(lane),
                    " > ".join(f"{t.target} {target_note(t, session.now())}".strip() for t in lane.targets),
                )
                for lane in lanes
            ],
        )
        return 0

    return session.run(show)


def _with(lane: LaneView) -> str:
    return ", ".join(word for word, there in (("system", lane.has_system), ("schema", lane.has_schema)) if there) or "-"
