"""Who speaks, and what a listener can do now: the labelled lines around an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.lanes import estimate_tokens
from llmdesk.core.types import (
    AttemptStarted,
    Finished,
    FinishReason,
    Message,
    ReasoningDelta,
    Role,
    Status,
    TextDelta,
    Waiting,
)

if TYPE_CHECKING:
    from llmdesk.cli.output import Output
    from llmdesk.core.types import DeskEvent, ModelRef, Outcome

WAYS_OUT = "choices: /now tries at once, /next goes to the next target, Ctrl+C cancels."


def label(target: ModelRef) -> str:
    """Who answers, as a line of its own."""
    return f"{target.provider} · {target.model}:"


class Voice:
    """Tells of one request after the other what a screen would show beside the text.

    Reasoning is counted, not read out: it is often longer than the answer. ``person`` = somebody listens and can type.
    """

    def __init__(self, out: Output, *, person: bool) -> None:
        self._out = out
        self._person = person
        self._target: ModelRef | None = None
        self._labelled = False
        self._waits = False
        self.reasoning = ""
        """Of the answer that came last, or comes now."""

    def begin(self) -> None:
        """Another request begins."""
        self._target, self._labelled, self._waits, self.reasoning = None, False, False, ""

    def notice(self, event: DeskEvent) -> None:
        """Tell of ``event`` what the narration leaves out; called before its text is written."""
        match event:
            case AttemptStarted():
                self._target, self._labelled, self.reasoning = event.target, False, ""
            case ReasoningDelta():
                if not self.reasoning:
                    self._out.say("reasoning: begins")
                self.reasoning += event.text
            case TextDelta():
                self._speaks()
            case Waiting():
                if self._person and not self._waits:
                    self._waits = True
                    self._out.say(WAYS_OUT)
            case Finished() if event.outcome.text and event.outcome.status in (Status.COMPLETED, Status.REFUSED):
                self._target = event.outcome.target or self._target
                self._speaks()
            case _:
                pass

    def _speaks(self) -> None:
        if self._labelled or self._target is None:
            return
        self._labelled = True
        if self.reasoning:
            self._out.say(f"reasoning: {reasoning_size(self.reasoning)}; /reasoning show reads it out")
        self._out.say(label(self._target))


def reasoning_size(text: str) -> str:
    """How much reasoning there was, by our own estimate."""
    count = estimate_tokens([Message(role=Role.ASSISTANT, content=text)])
    return f"about {count} token{'' if count == 1 else 's'}"


def next_step(outcome: Outcome) -> str:
    """What an answer lacks, and the command that helps; empty = nothing."""
    if outcome.status is Status.COMPLETED and outcome.finish_reason is FinishReason.LENGTH:
        return "the answer was cut by the limit of tokens; /continue lets it go on"
    if outcome.status is Status.CANCELLED and outcome.text:
        return "the answer is not complete; /continue lets it go on, /retry asks again"
    if outcome.status is Status.PAUSED and outcome.kept:
        return "/retry asks again"
    return ""
