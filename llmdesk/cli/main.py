"""The parser's root: which command is meant, and what is said of one that cannot be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmdesk.cli.face import COMPLETING, EXIT_INTERRUPTED, OpenDesk, open_face
from llmdesk.cli.options import NAME, TEXT, LazyGroup
from llmdesk.cli.session import EXIT_OK, EXIT_USAGE, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.cli.face import Ending

_HOME = "llmdesk.cli.commands."

COMMANDS = {
    "exec": (_HOME + "exec", "Ask once; the answer goes to stdout."),
    "check": (_HOME + "check", "A critic judges an output by its task."),
    "demo": (_HOME + "demo", "Open the desk against a simulated cloud and local Ollama."),
    "serve": (_HOME + "serve", "The desk in a browser, on this machine only."),
    "outbox": (_HOME + "outbox", "The paused requests: list, show, retry, drop."),
    "failovers": (_HOME + "failovers", "What failed over, from where to where, and why."),
    "stats": (_HOME + "stats", "What was used and what it cost, by day, lane, job or model."),
    "metrics": (_HOME + "metrics", "How fast and how reliably targets answered: summary, export."),
    "budgets": (_HOME + "budgets", "Each budget: spent, reserved, left, when it resets."),
    "providers": (_HOME + "providers", "Every provider and how it is; check calls them."),
    "lanes": (_HOME + "lanes", "The lanes and the targets each would ask."),
    "models": (_HOME + "models", "List, show, pull, push, copy, create and remove models."),
    "conversations": (_HOME + "conversations", "List, show, search, export and remove conversations."),
    "config": (_HOME + "config", "Write, check and show the configuration."),
    "doctor": (_HOME + "doctor", "Look at everything once, with a hint for each problem."),
    "version": (_HOME + "version", "Print the version."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, invoke_without_command=True)
@click.option("--lane", type=NAME, metavar="LANE", help="Start in this lane.")
@click.option("--conversation", type=TEXT, metavar="ID", help="Open this conversation.")
@click.option("--continue", "latest", is_flag=True, help="Open the newest conversation.")
@click.option("--theme", type=TEXT, metavar="THEME", help="Use this theme.")
@click.option("--demo", is_flag=True, help="Against a simulated cloud and local Ollama; nothing is kept.")
@click.option("--plain", is_flag=True, help="Line by line, without a screen.")
@click.option("--version", is_flag=True, help="Print the version.")
@click.pass_context
def root(
    ctx: click.Context,
    *,
    lane: str | None,
    conversation: str | None,
    latest: bool,
    theme: str | None,
    demo: bool,
    plain: bool,
    version: bool,
) -> Ending:
    """Ask language models from the terminal: cloud first, local next, nothing lost.

    Without a command the desk opens; without a terminal, or with --plain, it talks line by line.
    """
    if ctx.invoked_subcommand is not None:
        misplaced = {"--lane": lane, "--conversation": conversation, "--continue": latest, "--theme": theme,
                     "--demo": demo, "--plain": plain, "--version": version}  # fmt: skip
        for option, value in misplaced.items():
            if value:
                ctx.fail(f"{option} before a command means nothing; write it after '{ctx.invoked_subcommand}'.")
        return EXIT_OK
    if version:
        from llmdesk.cli.commands.version import command

        return int(ctx.invoke(command))
    return open_face(
        ctx.find_object(Session) or Session(),
        lane=lane,
        conversation=conversation,
        latest=latest,
        theme=theme,
        demo=demo,
        plain=plain,
    )


def invoke(argv: Sequence[str], session: Session) -> Ending:
    """Run the command that is meant; what cannot be understood is said, with what to try.

    Raises:
        DeskError, SinkClosed: the command ended so.
    """
    if wanted := session.env.get(COMPLETING):
        from click.shell_completion import shell_complete

        return shell_complete(root, {"obj": session}, "llmdesk", COMPLETING, wanted)
    try:
        with root.make_context("llmdesk", list(argv), obj=session) as ctx:
            ending = root.invoke(ctx)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        session.out.complain(_fault(error))
        return EXIT_USAGE
    return ending if isinstance(ending, int | OpenDesk) else EXIT_OK


def _fault(error: click.ClickException) -> str:
    """The words for a command line that cannot be understood."""
    if not isinstance(error, click.UsageError):
        return f"llmdesk: {error.format_message()}"
    where = error.ctx.command_path if error.ctx is not None else "llmdesk"
    takes_words = error.ctx is not None and any(isinstance(p, click.Argument) for p in error.ctx.command.params)
    return f"{where}: {_sentence(error.format_message(), takes_words=takes_words)} Try: {where} --help"


def _sentence(text: str, *, takes_words: bool) -> str:
    """What click says, ended like a sentence; several words for a prompt lack their quotes."""
    if takes_words and text.startswith("Got unexpected extra argument"):
        text = f"{text}. More than one word needs quotes"
    return text if text.endswith((".", "!", "?", "?)")) else f"{text}."
