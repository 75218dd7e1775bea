"""The faces there are, and the outermost frame: every way one can end becomes one line and an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from llmdesk.cli.session import EXIT_FAILED, EXIT_USAGE
from llmdesk.cli.sink import SinkClosed
from llmdesk.core.errors import ConfigurationError, DeskError, UsageError
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from llmdesk.cli.session import Session
    from llmdesk.desk import Desk

T = TypeVar("T")

EXIT_INTERRUPTED = 130

COMPLETING = "_LLMDESK_COMPLETE"
"""Variable by which a shell asks what could be written next."""


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


def guarded(face: Callable[[], T], session: Session) -> T | int:
    """Run ``face``; whatever escapes it becomes one line on stderr and an exit code, never a traceback."""
    try:
        return face()
    except SinkClosed as ended:
        if ended.exit_code == EXIT_FAILED:
            session.out.complain(f"llmdesk: {ended}")
        return ended.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except DeskError as error:
        session.out.complain(str(error) if isinstance(error, ConfigurationError) else f"llmdesk: {error}")
        return EXIT_USAGE if isinstance(error, UsageError | ConfigurationError) else EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - the outermost frame: a traceback never reaches the user
        session.out.complain(f"llmdesk: unexpected: {type(error).__name__}: {error}{_kept(error, session)}")
        return EXIT_FAILED


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
