"""``llmdesk check``: a critic judges an output by its task; the verdict goes to stdout, and decides the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import FILE, NAME, SECONDS, TEXT, desk_command
from llmdesk.cli.reading import as_text, read_file, read_prompt
from llmdesk.core.errors import UsageError
from llmdesk.core.types import ModelRef

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.views import Verdict
    from llmdesk.desk import Desk

STDIN = "-"

EXIT_PASSED = 0
EXIT_NOT_PASSED = 1


@desk_command("check", short_help="A critic judges an output by its task.")
@click.option("--task", type=FILE, required=True, metavar="FILE", help="What was to be done; - reads it from stdin.")
@click.option("--output", type=FILE, required=True, metavar="FILE", help="What came of it; - reads it from stdin.")
@click.option("--lane", type=NAME, metavar="LANE", default="critic", show_default=True, help="Who judges.")
@click.option("--agent", type=NAME, metavar="NAME", help="Ask in the name of this agent.")
@click.option("--job", type=NAME, metavar="NAME", help="Count this request to a job.")
@click.option("--model", type=TEXT, metavar="REF", help="Ask this provider/model instead of the lane's targets.")
@click.option("--timeout", type=SECONDS, metavar="S", help="Escalate after this many seconds.")
@click.pass_obj
def command(  # noqa: PLR0917 - one parameter an option, passed by name
    session: Session,
    task: str,
    output: str,
    lane: str,
    agent: str | None,
    job: str | None,
    model: str | None,
    timeout: float | None,
) -> int:
    """Let a critic judge whether an output does what its task asks.

    Prints one JSON object: {"pass", "issues", "confidence", "escalate"}; --json adds who judged. Exit codes: 0 it
    passes, 1 it does not, or no verdict came ("escalate": true), 2 usage, 130 interrupted.
    """
    if task == output == STDIN:
        raise UsageError("Standard input cannot be both the task and the output.")
    ref = ModelRef.parse(model) if model is not None else None
    read = {name: _read(session, given) for name, given in (("task", task), ("output", output))}

    async def judge(desk: Desk, _: Signals) -> int:
        from llmdesk.cli.narration import Narrator

        session.tell((*desk.warnings, *desk.lane_notes(lane)))
        verdict = await desk.critique(
            task=read["task"],
            output=read["output"],
            lane=lane,
            agent=agent,
            job=job,
            model=ref,
            timeout_s=timeout,
            consent=session.yes,
            notice=Narrator(session.out, session.now).notice,
        )
        _narrate(session, verdict)
        session.out.record(_report(verdict, lane, who=session.json))
        return EXIT_PASSED if verdict.passed else EXIT_NOT_PASSED

    return session.run(judge)


def _read(session: Session, given: str) -> str:
    return read_prompt(session) if given == STDIN else as_text(read_file(Path(given)))


def _narrate(session: Session, verdict: Verdict) -> None:
    if verdict.target is None:
        session.out.complain("critic: not passed, as there is no verdict; somebody has to look at it")
    else:
        judged = "passed" if verdict.passed else "not passed"
        look = "; somebody has to look at it" if verdict.escalate else ""
        session.out.say(f"critic: {judged} by {verdict.target} (confidence {verdict.confidence:g}){look}")
    for issue in verdict.issues:
        session.out.say(f"issue: {issue}")


def _report(verdict: Verdict, lane: str, *, who: bool) -> dict[str, object]:
    report: dict[str, object] = {
        "pass": verdict.passed,
        "issues": list(verdict.issues),
        "confidence": verdict.confidence,
        "escalate": verdict.escalate,
    }
    if who:
        target = verdict.target
        report |= {
            "id": verdict.request_id,
            "lane": lane,
            "provider": target.provider if target else None,
            "model": target.model if target else None,
            "cost_usd": verdict.cost_usd,
        }
    return report
