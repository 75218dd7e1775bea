"""What was found at the start, put into the transcript: who answers here, what is missing and the command for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.text import sanitise
from llmdesk.core.views import Level as Found
from llmdesk.core.views import ProviderState
from llmdesk.tui.transcript.entries import Level
from llmdesk.tui.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmdesk.core.views import Discovery, Finding
    from llmdesk.desk import Desk
    from llmdesk.tui.screens.lanes import LanedScreen

SIGNS = {Found.OK: "●", Found.NOTE: "○", Found.PROBLEM: "✗"}
"""What stands before a finding of each level."""

DEMO_LINES = (
    "○ Ask anything, twice: the cloud refuses the second time, and the local model answers.",
    "○ Words that do more: code, table, long, think, slow, limit, overload, cut.",
)
"""What a demo is for, for somebody who has only just opened it."""


async def tell_of(discovery: Discovery, chat: LanedScreen, desk: Desk) -> None:
    """Tell what was found: as a card, unless the user is already talking; then only what concerns the lane."""
    waiting = len(await desk.outbox())
    talk = chat.talk
    if not talk.record.empty and discovery.can_answer:
        for finding in discovery.findings:
            if finding.level is Found.PROBLEM and _matters(chat, desk, finding):
                chat.say(sanitise(finding.text), severity="warning")  # the transcript belongs to the talk by now
        return
    lines = ["What is here" if discovery.can_answer else "Nobody can answer yet"]
    lines += _told(discovery.findings, {status.provider for status in desk.providers()})
    if waiting:
        lines.append(f"○ {counted(waiting, 'paused request')} in the outbox: f7")
    if chat.demo:
        lines += DEMO_LINES
    if chat.demo or not await desk.conversations(limit=1):
        lines.append("○ New here? /tour shows what there is, one thing at a time.")
    talk.record.note("\n".join(map(sanitise, lines)), Level.INFO if discovery.can_answer else Level.WARNING)


def _told(findings: Iterable[Finding], providers: set[str]) -> Iterator[str]:
    for finding in findings:
        of = f"{finding.topic}: " if finding.topic in providers and finding.topic not in finding.text else ""
        yield f"{SIGNS[finding.level]} {of}{finding.text}"
        if finding.hint:
            yield f"    {finding.hint}"


def _matters(chat: LanedScreen, desk: Desk, finding: Finding) -> bool:
    """Whether the lane that is shown would ask who is out of order."""
    asked = {status.target.provider for lane in chat.lanes if lane.name == chat.talk.lane for status in lane.targets}
    states = {status.provider: status.state for status in desk.providers()}
    if finding.topic in states:
        return finding.topic in asked
    broken = {name for name, state in states.items() if state in (ProviderState.DOWN, ProviderState.ATTENTION)}
    return not broken or not broken.isdisjoint(asked)
