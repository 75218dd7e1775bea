"""``llmdesk doctor``: look at everything once, with a hint for each problem."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import desk_command
from llmdesk.cli.report import finding_report
from llmdesk.cli.session import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from llmdesk.core.errors import ConfigurationError, DeskError
from llmdesk.core.version import __version__
from llmdesk.core.views import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.cli.output import Paint
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.desk import Desk

_MARKS: Mapping[Level, tuple[str, Paint]] = {
    Level.OK: ("ok", "green"),
    Level.NOTE: ("note", "yellow"),
    Level.PROBLEM: ("PROBLEM", "red"),
}


@desk_command("doctor", short_help="Look at everything once, with a hint for each problem.")
@click.pass_obj
def command(session: Session) -> int:
    """Look at versions, paths, permissions, providers, keys, cooldowns, database and terminal.

    Exit code 1 when there is a problem, 2 when the configuration is broken.
    """

    async def look(desk: Desk, _signals: Signals) -> int:
        findings = (*await desk.doctor(), terminal_finding(session))
        session.told.update(desk.warnings)  # they are among the findings
        _show(session, findings)
        return EXIT_FAILED if any(f.level is Level.PROBLEM for f in findings) else EXIT_OK

    try:
        return session.run(look)
    except DeskError as error:
        _show(session, without_desk(session, error))
        return EXIT_USAGE if isinstance(error, ConfigurationError) else EXIT_FAILED


def without_desk(session: Session, error: DeskError) -> tuple[Finding, ...]:
    """What can be told when no desk opens: the versions and why it does not."""
    faults = error.faults if isinstance(error, ConfigurationError) else (str(error),)
    topic, hint = ("configuration", "Correct it and run: llmdesk config validate")
    if not isinstance(error, ConfigurationError):
        topic, hint = "desk", "See the message; the data folder must be writable."
    return (
        Finding(topic="version", level=Level.OK, text=f"llmdesk {__version__}, Python {platform.python_version()}"),
        *(
            Finding(topic=topic, level=Level.PROBLEM, text=fault, hint=hint if number == len(faults) else "")
            for number, fault in enumerate(faults, start=1)
        ),
        terminal_finding(session),
    )


def terminal_finding(session: Session) -> Finding:
    """What the terminal can do, as far as the streams and the environment tell."""
    out = session.out
    places = [name for name, sink in (("stdout", out.stdout), ("stderr", out.stderr)) if sink.is_terminal]
    if session.reads_terminal:
        places.insert(0, "stdin")
    term = session.env.get("TERM") or "not set"
    on = ", ".join(places) or "none of the streams"
    text = f"TERM {term}; terminal: {on}; encoding {out.stdout.encoding}"
    if not out.stdout.encoding.lower().replace("-", "").startswith("utf8"):
        return Finding(topic="streams", level=Level.NOTE, text=text, hint="Set a UTF-8 locale, such as LANG=C.UTF-8.")
    if session.plain_terminal:
        return Finding(topic="streams", level=Level.NOTE, text=f"{text}; the linear mode is used")
    return Finding(topic="streams", level=Level.OK, text=text)


def _show(session: Session, findings: Sequence[Finding]) -> None:
    out = session.out
    if session.json:
        for finding in findings:
            out.record(finding_report(finding))
        return
    width = max(len(finding.topic) for finding in findings)
    for finding in findings:
        word, color = _MARKS[finding.level]
        out.stdout.write(out.paint(f"{word:<8}", color))
        out.line(f"{finding.topic:<{width}}  {finding.text}")
        if finding.hint:
            out.line(f"{'':<8}{'':<{width}}  -> {finding.hint}")
