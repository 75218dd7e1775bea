"""The linear mode: a conversation line by line, for screen readers, ``TERM=dumb``, and wherever there is no terminal.

Prompts come from stdin, answers go to stdout and everything else, as labelled lines, to stderr. Nothing is ever written
twice or rewritten, nothing moves the cursor, and no colour says anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.desk import Desk


def talk(
    session: Session,
    *,
    lane: str | None = None,
    conversation: str | None = None,
    latest: bool = False,
    demo: bool = False,
) -> int:
    """Hold a conversation line by line until the input ends; returns 0."""
    from llmdesk.cli.linear.conversation import Linear

    async def begin(desk: Desk, signals: Signals) -> int:
        linear = Linear(session, desk, signals, lane=lane)
        if latest or conversation is not None:
            await linear.resume(conversation)
        await linear.run()
        if signals.received is not None:
            return signals.exit_code
        return 0 if session.out.stdout.failure is None else session.out.stdout.failure.exit_code

    return session.run(begin, demo=demo, scene=demo)
