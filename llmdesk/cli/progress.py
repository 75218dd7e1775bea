"""Progress of long work: a bar on a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmdesk.cli.session import Session
    from llmdesk.providers.base import PullProgress

BAR = 24
"""Columns of the bar itself."""

STEP = 10
"""A plain line at most every so many per cent."""


async def show_progress(session: Session, steps: AsyncIterator[PullProgress]) -> None:
    """Show every step until the last one; bars and lines go to stderr, JSON to stdout."""
    out = session.out
    shown = ""
    try:
        async for step in steps:
            if session.json:
                out.record(
                    {
                        "status": step.status,
                        "digest": step.digest or None,
                        "total": step.total,
                        "completed": step.completed,
                    }
                )
            elif out.quiet:
                continue
            elif out.moves_cursor:
                out.status(bar_line(step))
            elif (line := plain_line(step)) != shown:
                shown = line
                out.say(line)
    finally:
        out.end_status()


def bar_line(step: PullProgress) -> str:
    """One line with a bar when the size is known."""
    share = _share(step)
    if share is None:
        return step.status
    filled = round(share * BAR)
    return f"{step.status} [{'#' * filled}{'.' * (BAR - filled)}] {share:.0%} of {size(step.total)}"


def plain_line(step: PullProgress) -> str:
    """One line that changes only every tenth of the way."""
    share = _share(step)
    return step.status if share is None else f"{step.status}: {int(share * 100) // STEP * STEP} % of {size(step.total)}"


def size(count: int | None) -> str:
    """Bytes for people, in powers of 1000 as Ollama counts them; a dash when unknown."""
    if count is None:
        return "-"
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1_000:
            break
        amount, unit = amount / 1_000, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def _share(step: PullProgress) -> float | None:
    if not step.total or step.completed is None:
        return None
    return min(max(step.completed / step.total, 0.0), 1.0)
