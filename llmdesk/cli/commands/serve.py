"""``llmdesk serve``: the desk in a browser, for a machine reached over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import NAME, TEXT, desk_command
from llmdesk.core.errors import UsageError

if TYPE_CHECKING:
    from llmdesk.cli.session import Session

PORT = 8000


@desk_command("serve", short_help="The desk in a browser, on this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, metavar="N", help="Listen on this port (8000).")
@click.option("--host", type=TEXT, default="127.0.0.1", metavar="HOST", help="127.0.0.1 or ::1; others are refused.")
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
@click.option("--lane", type=NAME, metavar="LANE", help="Start in this lane.")
@click.option("--theme", type=TEXT, metavar="THEME", help="Use this theme.")
@click.option("--demo", is_flag=True, help="Against a simulated cloud and local Ollama; nothing is kept.")
@click.pass_obj
def command(
    session: Session, *, port: int, host: str, open_page: bool, lane: str | None, theme: str | None, demo: bool
) -> int:
    """Serve the desk as a page on loopback; each open page is a desk of its own. Ctrl+C ends them all.

    It has no login. From another machine, go through ssh: ssh -L 8000:127.0.0.1:8000 USER@MACHINE
    """
    from llmdesk.cli.browser.address import listening_address

    address = listening_address(host, port or PORT)
    try:
        from llmdesk.cli.browser.serving import desk_argv, run
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.startswith("llmdesk"):
            raise
        raise UsageError('llmdesk serve needs textual-serve. Install it with: pip install "llmdesk[web]"') from None

    def ready(url: str) -> None:
        session.out.line(url)
        session.out.say("No login: every program and user of this machine can open it. Ctrl+C ends it.")
        if open_page:
            _open(url, session)

    config = str(session.config.absolute()) if session.config is not None else None
    return run(
        desk_argv(config=config, lane=lane, theme=theme, demo=demo),
        host=address,
        port=port,
        title="llmdesk · DEMO" if demo else "llmdesk",
        out=session.out,
        ready=ready,
    )


def _open(url: str, session: Session) -> None:
    import webbrowser

    if not webbrowser.open(url):
        session.out.say("No browser could be opened here.")
