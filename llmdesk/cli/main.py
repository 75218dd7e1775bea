"""The parser's root and the outermost frame: every way a command can end becomes one line and an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from llmdesk.cli.options import NAME, TEXT, LazyGroup
from llmdesk.cli.session import EXIT_FAILED, EXIT_OK, EXIT_USAGE, Session
from llmdesk.cli.sink import SinkClosed
from llmdesk.core.errors import ConfigurationError, DeskError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from llmdesk.desk import Desk

T = TypeVar("T")

EXIT_INTERRUPTED = 130

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDesk:
    """A wish that the command line cannot fulfil by itself: open the screen."""

    open_desk: Callable[[], AbstractAsyncContextManager[Desk]]
    lane: str | None = None
    conversation: str | None = None
    latest: bool = False
    theme: str | None = None
    demo: bool = False
    colours: bool = True


Ending = int | OpenDesk


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


def open_face(
    session: Session,
    *,
    lane: str | None = None,
    conversation: str | None = None,
    latest: bool = False,
    theme: str | None = None,
    demo: bool = False,
    plain: bool = False,
) -> Ending:
    """Choose between the screen and the linear conversation, which needs no terminal."""
    if latest and conversation:
        raise UsageError("--continue and --conversation exclude each other.")
    if plain or not (session.on_page or session.has_screen):
        from llmdesk.cli.linear import talk

        if session.reads_terminal and not (plain or session.plain_terminal) and (encoding := session.foreign_encoding):
            session.out.say(f"note: the screen needs UTF-8, and this terminal's encoding is {encoding}: lines instead.")
        return talk(session, lane=lane, conversation=conversation, latest=latest, demo=demo)
    return OpenDesk(
        open_desk=lambda: session.desk(demo=demo, scene=demo),
        lane=lane,
        conversation=conversation,
        latest=latest,
        theme=theme,
        demo=demo,
        colours=not session.no_color,
    )


def run(argv: Sequence[str], session: Session) -> Ending:
    """Run one command line and return its exit code, or the wish to open the screen. Never raises."""
    return guarded(lambda: _invoke(list(argv), session), session)


def guarded(face: Callable[[], T], session: Session) -> T | int:
    """Run ``face``; whatever escapes it becomes one line on stderr and an exit code, never a traceback."""
    try:
        return face()
    except (click.exceptions.Exit, SinkClosed) as ended:
        if isinstance(ended, SinkClosed) and ended.exit_code == EXIT_FAILED:
            session.out.complain(f"llmdesk: {ended}")
        return ended.exit_code
    except (KeyboardInterrupt, click.Abort):
        return EXIT_INTERRUPTED
    except (click.ClickException, DeskError) as error:
        session.out.complain(_fault(error))
        wrong_use = not isinstance(error, DeskError) or isinstance(error, UsageError | ConfigurationError)
        return EXIT_USAGE if wrong_use else EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - the outermost frame: a traceback never reaches the user
        session.out.complain(f"llmdesk: unexpected: {type(error).__name__}: {error}{_kept(error, session)}")
        return EXIT_FAILED


def _invoke(argv: list[str], session: Session) -> Ending:
    if wanted := session.env.get("_LLMDESK_COMPLETE"):
        from click.shell_completion import shell_complete

        return shell_complete(root, {"obj": session}, "llmdesk", "_LLMDESK_COMPLETE", wanted)
    with root.make_context("llmdesk", argv, obj=session) as ctx:
        ending = root.invoke(ctx)
    return ending if isinstance(ending, int | OpenDesk) else EXIT_OK


def _fault(error: click.ClickException | DeskError) -> str:
    """The words for an error that somebody meant to raise; several lines only for several faults of a file."""
    match error:
        case ConfigurationError():
            return str(error)
        case click.UsageError():
            where = error.ctx.command_path if error.ctx is not None else "llmdesk"
            takes_words = error.ctx is not None and any(isinstance(p, click.Argument) for p in error.ctx.command.params)
            return f"{where}: {_sentence(error.format_message(), takes_words=takes_words)} Try: {where} --help"
        case click.ClickException():
            return f"llmdesk: {error.format_message()}"
        case DeskError():
            return f"llmdesk: {error}"


def _sentence(text: str, *, takes_words: bool) -> str:
    """What click says, ended like a sentence; several words for a prompt lack their quotes."""
    if takes_words and text.startswith("Got unexpected extra argument"):
        text = f"{text}. More than one word needs quotes"
    return text if text.endswith((".", "!", "?", "?)")) else f"{text}."


def _kept(error: Exception, session: Session) -> str:
    """Write the traceback, without locals and redacted, to the log; say where it went, if it went anywhere."""
    from contextlib import suppress

    with suppress(Exception):  # the log must not hide the error that it was to keep
        from llmdesk import logs
        from llmdesk.paths import find_paths

        try:
            path = logs.record_crash(error)
        except DeskError:  # it broke before the log was open
            logs.open_log(find_paths(session.config, session.env).log_file)
            path = logs.record_crash(error)
        return f" (details: {path})"
    return ""
