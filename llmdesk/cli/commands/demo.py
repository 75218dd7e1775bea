"""``llmdesk demo``: the desk against simulated servers on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import TEXT, desk_command

if TYPE_CHECKING:
    from llmdesk.cli.face import Ending
    from llmdesk.cli.session import Session


@desk_command("demo", short_help="Open the desk against a simulated cloud and local Ollama.")
@click.option("--lane", type=TEXT, metavar="LANE", help="Start in this lane.")
@click.option("--theme", type=TEXT, metavar="THEME", help="Use this theme.")
@click.option("--plain", is_flag=True, help="Line by line, without a screen.")
@click.pass_obj
def command(session: Session, lane: str | None, theme: str | None, plain: bool) -> Ending:
    """Open the desk against a simulated cloud and local Ollama on loopback; needs no network and keeps nothing."""
    from llmdesk.cli.face import open_face

    return open_face(session, lane=lane, theme=theme, demo=True, plain=plain)
