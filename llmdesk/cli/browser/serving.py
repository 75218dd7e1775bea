"""Listening until a signal comes: open the port, say where, end every desk, close the port."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from aiohttp import web

from llmdesk.cli.browser.server import DeskServer
from llmdesk.cli.signals import Signals
from llmdesk.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmdesk.cli.output import Output

CLOSE_S = 12.0
"""For what is still open after every desk was told to end, seconds; longer than a desk is given."""


async def serve(
    argv: Sequence[str], *, host: str, port: int, title: str, out: Output, ready: Callable[[str], None]
) -> int:
    """Serve desks until SIGINT or SIGTERM; return the exit code.

    Args:
        argv: the command line that opens a desk.
        host: the loopback address to listen on.
        port: the port; 0 = a free one.
        title: what the page is called.
        out: where it is told what happens.
        ready: called with the page's address once it is there.

    Raises:
        UsageError: the port cannot be had.
    """
    server = DeskServer(argv, title=title, complain=out.complain)
    runner = web.AppRunner(await server.application(), access_log=None, shutdown_timeout=CLOSE_S)
    with Signals() as signals, signals.handled_by(lambda _number: None):
        await runner.setup()
        try:
            await _listen(runner, host, port)
            shown = f"[{host}]" if ":" in host else host
            ready(f"http://{shown}:{runner.addresses[0][1]}/")
            await signals.stop.wait()
            out.say("Ending the open desks; what is under way waits in the outbox.")
        finally:
            await runner.cleanup()
        return 0 if signals.received == signal.SIGINT else signals.exit_code


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise UsageError(f"Port {port} cannot be had ({error.strerror or error}). Another one: --port N.") from None


def desk_argv(*, config: str | None, lane: str | None, theme: str | None, demo: bool) -> list[str]:
    """The command line that opens a desk as this one is."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "llmdesk"]
    named = {"--config": config, "--lane": lane, "--theme": theme}
    options = [f"{option}={value}" for option, value in named.items() if value is not None]
    return [*program, *options, *(["--demo"] if demo else [])]


def run(argv: Sequence[str], *, host: str, port: int, title: str, out: Output, ready: Callable[[str], None]) -> int:
    """Do what ``serve`` does, in an event loop of its own."""
    return asyncio.run(serve(argv, host=host, port=port, title=title, out=out, ready=ready))
