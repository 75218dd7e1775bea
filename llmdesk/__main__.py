"""Choose a face, run it, return its exit code."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from llmdesk.cli.face import OpenDesk


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with ``argv`` (default: the process's own arguments)."""
    os.umask(0o077)  # whatever is written here is the user's own (policy S8)
    _dump_no_core()
    try:
        from llmdesk.cli.face import OpenDesk, guarded
        from llmdesk.cli.session import Session
        from llmdesk.cli.start import run
        from llmdesk.paths import process_environment

        session = Session(env=process_environment(), stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr)
        ending = run(sys.argv[1:] if argv is None else argv, session)
        if not isinstance(ending, OpenDesk):
            return ending
        return guarded(lambda: _open(ending), session)
    except KeyboardInterrupt:
        return 130


def command() -> NoReturn:
    """Be the program: run it, and end the process with its exit code."""
    code = main()
    try:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is over: ctrl+c while Python tidies up has nothing to end
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _dump_no_core() -> None:
    """Let a crash leave no image of the memory behind, which holds every key and prompt (POSIX)."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _open(wish: OpenDesk) -> int:
    """Run the screen."""
    gc.disable()  # collecting while a start makes little but what stays would be a tenth of it
    from llmdesk.tui.app import import_desk, run_app

    demo = wish.demo

    def prepare() -> None:
        import_desk(demo=demo)
        gc.freeze()  # what has been loaded stays: nothing looks through it again, not even once for the little in it
        gc.enable()

    return run_app(
        wish.open_desk,
        lane=wish.lane,
        conversation=wish.conversation,
        theme=wish.theme,
        demo=demo,
        latest=wish.latest,
        prepare=prepare,
        colours=wish.colours,
    )


if __name__ == "__main__":
    command()
