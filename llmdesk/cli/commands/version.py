"""``llmdesk version``."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import desk_command
from llmdesk.core.version import __version__

if TYPE_CHECKING:
    from llmdesk.cli.session import Session


@desk_command("version", short_help="Print the version.")
@click.pass_obj
def command(session: Session) -> int:
    """Print the version; with --verbose the interpreter's too."""
    if session.json:
        session.out.record({"version": __version__, "python": platform.python_version()})
        return 0
    session.out.line(f"llmdesk {__version__}")
    if session.verbose:
        session.out.detail(f"Python {platform.python_version()} on {platform.platform()}")
    return 0
