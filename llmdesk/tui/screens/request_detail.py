"""One request with everything that happened to it, as text: used by failovers and outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from llmdesk.core.text import one_line, sanitise
from llmdesk.core.types import AttemptOutcome
from llmdesk.tui.reasons import reason_words
from llmdesk.tui.words import clock, cost, seconds

if TYPE_CHECKING:
    from llmdesk.core.types import Attempt
    from llmdesk.core.views import RequestView

_STYLES = {
    AttemptOutcome.COMPLETED: "$success",
    AttemptOutcome.FAILED: "$error",
    AttemptOutcome.SKIPPED: "$muted",
    AttemptOutcome.CANCELLED: "$muted",
    AttemptOutcome.REFUSED: "$warning",
}


def request_text(view: RequestView, *, discarded: bool) -> Content:
    """The prompt, every attempt with its message, and the answer; on demand what failed attempts had said."""
    who = f" · agent {one_line(view.agent)}" if view.agent else ""
    lines = [
        Content.styled(f"request {view.id[:12]} · {view.status.value} · lane {one_line(view.lane)}{who}", "bold"),
        Content.styled(f"{clock(view.created_at)}", "$muted"),
        Content(""),
        Content.styled("prompt", "bold $accent"),
        Content(sanitise(view.prompt) or "(not kept)"),
        Content(""),
        Content.styled("attempts", "bold $accent"),
    ]
    for attempt in view.attempts:
        lines += _attempt(attempt, discarded=discarded)
    if not view.attempts:
        lines.append(Content.styled("none", "$muted"))
    if view.advice:
        lines += [Content(""), Content.styled("what would help", "bold $accent")]
        lines += [Content(f"     {one_line(each)}") for each in view.advice]
    if view.answer:
        lines += [Content(""), Content.styled("answer", "bold $accent"), Content(sanitise(view.answer))]
    return Content("\n").join(lines)


def _attempt(attempt: Attempt, *, discarded: bool) -> list[Content]:
    reason = reason_words(attempt.error_kind.value if attempt.error_kind is not None else attempt.reason)
    facts = [clock(attempt.at), seconds(attempt.elapsed_s)]
    if attempt.http_status is not None:
        facts.append(f"HTTP {attempt.http_status}")
    if attempt.usage is not None and attempt.usage.output_tokens is not None:
        facts.append(f"{'~' if attempt.usage.estimated else ''}{attempt.usage.output_tokens} tok")
    if attempt.outcome is AttemptOutcome.COMPLETED:
        estimated = attempt.usage is not None and attempt.usage.estimated
        facts.append(cost(attempt.cost_usd, estimated=estimated))
    if attempt.probe:
        facts.append("probe")
    lines = [
        Content.assemble(
            f"{attempt.number:>3}  {one_line(str(attempt.target))}  ",
            (f"{attempt.outcome.value}{': ' + reason if reason else ''}", _STYLES[attempt.outcome]),
            (f"  {' · '.join(facts)}", "$muted"),
        )
    ]
    if attempt.message:
        lines.append(Content(f"     {one_line(attempt.message)}"))
    if attempt.details:
        lines.append(Content.styled(f"     {one_line(attempt.details, 2000)}", "$muted"))
    if attempt.discarded_text:
        if discarded:
            lines.append(Content.styled("     discarded text:", "$warning"))
            lines += [
                Content.styled(f"     │ {line}", "$muted") for line in sanitise(attempt.discarded_text).split("\n")
            ]
        else:
            count = len(attempt.discarded_text)
            lines.append(Content.styled(f"     {count} characters were discarded; d shows them", "$warning"))
    return lines
