"""What each event of a request does to its lane on the screen: seams, waits, the growing answer, a pause explained."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmdesk.core.addresses import is_loopback
from llmdesk.core.model_names import is_cloud_name
from llmdesk.core.text import one_line
from llmdesk.core.types import (
    RATE_LIMIT,
    Accepted,
    AttemptFailed,
    AttemptOutcome,
    AttemptStarted,
    Completed,
    ConsentNeeded,
    FailedOver,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    Waiting,
)
from llmdesk.tui.reasons import attempt_line, reason_words, seam
from llmdesk.tui.screens.record import Record
from llmdesk.tui.transcript.entries import Level
from llmdesk.tui.widgets.lanes_bar import Badge
from llmdesk.tui.widgets.wait_line import Offer, Wait
from llmdesk.tui.words import clock, counted, size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmdesk.core.types import (
        DeskEvent,
        ModelRef,
        Outcome,
    )
    from llmdesk.core.views import BudgetView, ProviderStatus
    from llmdesk.desk import Desk
    from llmdesk.tui.widgets.lane_pane import LanePane

RETRY = Offer(label="retry now", action="retry_now", does="retry_now")
LONG = 1_000
"""A prompt from so many tokens on takes a while to be read."""

NEXT = Offer(label="next target", action="next_target", does="next_target")
OTHER = Offer(label="other lane", action="other_lane", does="other_lane")
CANCEL = Offer(label="cancel", action="cancel", does="cancel")


class Telling:
    """Tells one lane's user what happens.

    Args:
        pane: the lane's place on the screen.
        changed: called when the badge is another one.
    """

    def __init__(self, pane: LanePane, changed: Callable[[], None]) -> None:
        self.record = Record(pane.transcript)
        self.badge = Badge.NONE
        self.asks_consent = False
        self.declined = False
        self._asked: ModelRef | None = None
        """Whom consent is asked for."""
        self.sums_up = False
        """What comes is a summary, and no answer to the last prompt."""
        self._pane = pane
        self._changed = changed

    def wait(self, wait: Wait | None) -> None:
        """Say what is waited for; ``None`` = nothing."""
        self._pane.wait_line.show_wait(wait)

    def show(self, desk: Desk, event: DeskEvent) -> None:  # noqa: C901 - one case an event
        """Show one event."""
        if self.sums_up and isinstance(event, Accepted | TextDelta | ReasoningDelta | ToolCall):
            return
        match event:
            case Accepted():
                self.record.accepted(event.request_id, kept=event.kept or event.in_memory)
                if not event.kept:
                    self.record.note("This prompt is not kept on disk.", Level.WARNING)
            case AttemptStarted():
                self._attempt_started(event)
            case Waiting():
                self._waiting(event)
            case TextDelta():
                self._answering()
                self.record.feed(event.text)
            case ReasoningDelta():
                self._answering()
                self.record.feed_reasoning(event.text)
            case ToolCall():
                self._answering()
                self.record.feed(f"\n`{event.name}` was called, which this screen cannot run.\n")
            case AttemptFailed():
                self._attempt_failed(event)
            case FailedOver():
                self.record.seam(seam(event.step, cooldown_until(desk, event.step.source.provider)))
            case ConsentNeeded():
                self._ask_consent(desk, event)
            case Completed() | Finished():
                pass

    def _attempt_started(self, event: AttemptStarted) -> None:
        self.asks_consent = False
        self.record.target = event.target
        if not self.sums_up:
            self.record.mark_sent_part(event.left_out_turns)
        self.wait(Wait(text=asked_words(event), since_s=time.monotonic(), offers=(NEXT, OTHER, CANCEL)))
        self._set_badge(Badge.RUNNING)

    def _waiting(self, event: Waiting) -> None:
        why = f"{event.target.provider}: {reason_words(event.reason)}"
        # The user's own limit is waited for: asking sooner is not on offer, another target is.
        offers = (NEXT, OTHER, CANCEL) if event.reason == RATE_LIMIT else (RETRY, NEXT, OTHER, CANCEL)
        if event.ahead:
            why += f", {counted(event.ahead, 'request')} ahead of this one"
        if event.until is None:
            text = f"{why}, waits until another request has ended…"
            self.wait(Wait(text=text, since_s=time.monotonic(), offers=offers))
        else:
            until_s = time.monotonic() + max(0.0, event.until - time.time())
            self.wait(Wait(text=f"{why}, next try {clock(event.until)} in", until_s=until_s, offers=offers))
        self._set_badge(Badge.WAITING)

    def _answering(self) -> None:
        if not self.record.answering:
            self.record.begin()
            self.wait(None)
            self._set_badge(Badge.RUNNING)

    def _attempt_failed(self, event: AttemptFailed) -> None:
        if self.record.answering:
            self.record.discard(event.attempt.message or attempt_line(event.attempt))
        if event.attempt.outcome is not AttemptOutcome.SKIPPED:
            self.wait(Wait(text=one_line(event.attempt.message or attempt_line(event.attempt)), offers=(CANCEL,)))

    def _ask_consent(self, desk: Desk, event: ConsentNeeded) -> None:
        self.asks_consent, self._asked = True, event.target
        why = reason_words(event.failed.error_kind.value if event.failed.error_kind else event.failed.reason)
        offers = (
            Offer(label=f"ask {event.target.provider}", action="consent(True)", does="consent_yes"),
            Offer(label="pause it", action="consent(False)", does="consent_no"),
            OTHER,
            Offer(label="/raw what failed", action="raw_turn"),
            CANCEL,
        )
        text = f"{event.failed.target}: {why}. Ask {event.target} instead?"
        status = next((each for each in desk.providers() if each.provider == event.target.provider), None)
        facts = [("failed", event.failed.message)] if event.failed.message else []
        facts.append(("goes", where_words(event.target, status)))
        self.wait(Wait(text=text, offers=offers, urgent=True, facts=tuple(facts)))
        self._set_badge(Badge.WAITING)

    def consent_costs(self, target: ModelRef, words: str) -> None:
        """Say in the open question what an answer of its target may cost; looking that up takes a moment."""
        asked = self._pane.wait_line.wait
        if self.asks_consent and asked is not None and asked.urgent and self._asked == target:
            self.wait(replace(asked, facts=(*asked.facts, ("costs", words))))

    def _set_badge(self, badge: Badge) -> None:
        if self.badge is not badge:
            self.badge = badge
            self._changed()

    def explain_pause(self, desk: Desk, outcome: Outcome, lane: str, *, again: bool = False) -> None:
        """Say why nobody answers now, where the prompt is, and who comes back first (policy R13).

        ``again`` = it was asked again by itself, and all that was said before; then the wait alone tells it.
        """
        declined, self.declined = self.declined, False
        if declined:
            lines = ["Paused, as you wished: no other target was asked."]
        elif outcome.attempts or outcome.error is None:
            lines = ["Nobody could answer now."]
        else:
            lines = [outcome.error.message]
        lines += outcome.advice or [one_line(attempt_line(attempt)) for attempt in outcome.attempts[-6:]]
        if outcome.kept:
            lines.append(f"The prompt waits in the outbox (f7) as {outcome.request_id[:8]}; nothing is lost.")
        else:
            lines.append("The prompt is not kept on disk.")
        first = earliest(desk, lane)
        at = outcome.next_try_at if outcome.next_try_at is not None else (first[1] if first else None)
        who = first[0] if first else "the provider"
        resume = resume_of(desk, lane)
        retry = (RETRY,) if outcome.kept and resume != "never" else ()
        offers = (*retry, Offer(label="outbox", action="app.open_panel('outbox')", does="outbox"),
                  OTHER)  # fmt: skip
        by_itself = outcome.next_try_at is not None and outcome.kept and resume == "auto"
        if at is not None:
            lines.append(f"It is asked again by itself at {clock(at)}." if by_itself else
                         f"First to come back: {who} at {clock(at)}.")  # fmt: skip
            until_s = time.monotonic() + max(0.0, at - time.time())
            text = "paused: asked again by itself in" if by_itself else f"paused: {who} comes back in"
            self.wait(Wait(text=text, until_s=until_s, offers=offers))
        else:
            self.wait(Wait(text="paused until you say so", offers=offers))
        if not again:
            self.record.note("\n".join(lines), Level.WARNING)

    def explain_stop(self, outcome: Outcome, views: Sequence[BudgetView], *, returned: bool) -> None:
        """Say which budget stopped it and what can be done; ``returned`` = the prompt is back in the editor."""
        from llmdesk.tui.screens.stopped import stop_card, stop_line, stopping_budget

        now = time.time()
        view = stopping_budget(outcome, views)
        card = stop_card(outcome, view=view, returned=returned, now=now)
        self.record.note(card, Level.ERROR)
        self.wait(stop_line(outcome, view, now))


def asked_words(event: AttemptStarted) -> str:
    """What is waited for while a target has said nothing yet.

    A server that loads a model or reads a prompt says neither; what is known is whether the model was in memory.
    """
    again = f" (try {event.try_number})" if event.try_number > 1 else ""
    prompt = f" (about {event.input_tokens:,} tokens)" if event.input_tokens else ""
    match event.loading:
        case True:
            disk = f" ({size(event.size_bytes)})" if event.size_bytes else ""
            then = f", then reading the prompt{prompt}" if event.input_tokens and event.input_tokens >= LONG else ""
            return f"loading {event.target.model}{disk}{again}{then}…"
        case False:
            return f"{event.target.model}: reading the prompt{prompt}{again}…"
        case None:
            return f"asking {event.target}{again}…"


def where_words(target: ModelRef, status: ProviderStatus | None) -> str:
    """Where a prompt goes, and whether it leaves this machine."""
    if status is None:
        return f"to {target.provider}"
    if status.kind == "command":
        return f"to the program behind {target.provider}, which may send it on"
    if is_loopback(status.base_url):
        cloud = status.kind == "ollama" and is_cloud_name(target.model)
        return "through this machine to ollama.com" if cloud else "to this machine; it does not leave it"
    return f"to {urlsplit(status.base_url).hostname or status.provider}; it leaves this machine"


def cooldown_until(desk: Desk, provider: str) -> float | None:
    """Until when a provider is left alone, UTC epoch seconds; ``None`` = it is not cooling."""
    return next((status.cooldown_until for status in desk.providers() if status.provider == provider), None)


def earliest(desk: Desk, lane: str) -> tuple[str, float] | None:
    """The provider of a lane that comes back first, and when (UTC epoch seconds)."""
    ends = [
        (target.target.provider, target.cooldown_until)
        for view in desk.lanes()
        if view.name == lane
        for target in view.targets
        if target.cooldown_until is not None
    ]
    return min(ends, key=lambda end: end[1], default=None)


def resume_of(desk: Desk, lane: str) -> str:
    """How paused requests of a lane come back: by themselves (auto), when offered (ask), only on a command (never)."""
    return next((view.resume for view in desk.lanes() if view.name == lane), "ask")
