"""From a command line to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli.face import COMPLETING, guarded, open_face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.cli.face import Ending
    from llmdesk.cli.session import Session


def run(argv: Sequence[str], session: Session) -> Ending:
    """Run one command line and return its exit code, or the wish to open the screen. Never raises."""
    return guarded(lambda: _run(argv, session), session)


def _run(argv: Sequence[str], session: Session) -> Ending:
    if not argv and not session.env.get(COMPLETING):
        return open_face(session)  # without a word there is nothing to understand, and no parser to load
    from llmdesk.cli.main import invoke

    return invoke(argv, session)
