"""Choose a face, run it, return its exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with ``argv`` (default: the process's own arguments)."""
    os.umask(0o077)  # whatever is written here is the user's own (policy S8)
    try:
        from llmdesk.cli.main import OpenDesk, guarded, run
        from llmdesk.cli.session import Session
        from llmdesk.paths import process_environment

        session = Session(env=process_environment(), stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr)
        ending = run(sys.argv[1:] if argv is None else argv, session)
        if not isinstance(ending, OpenDesk):
            return ending
        return guarded(lambda: _open(ending), session)
    except KeyboardInterrupt:
        return 130


def _open(wish: object) -> int:
    from llmdesk.cli.main import OpenDesk
    from llmdesk.tui.app import run_app

    assert isinstance(wish, OpenDesk)
    return run_app(
        wish.open_desk,
        lane=wish.lane,
        conversation=wish.conversation,
        theme=wish.theme,
        demo=wish.demo,
        latest=wish.latest,
        colours=wish.colours,
    )


if __name__ == "__main__":
    sys.exit(main())
