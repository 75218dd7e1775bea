"""One target: asked as often as the decision table allows, each attempt recorded however it ends."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import AnswerCut, ErrorKind, ProviderError, SchemaNotMet
from llmdesk.core.policy import DECISIONS, Retry
from llmdesk.core.text import one_line, redact
from llmdesk.core.types import (
    Attempt,
    AttemptOutcome,
    AttemptStarted,
    ChatRequest,
    Completed,
    FailedOver,
    FailoverStep,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    Waiting,
)
from llmdesk.router.afford import afford, priced
from llmdesk.router.controls import Wish
from llmdesk.router.prepare import Prepared, prepare
from llmdesk.router.route import Left, Place, Trip, Unfit
from llmdesk.router.schema import meet_schema
from llmdesk.router.turns import take_turn
from llmdesk.router.usage import cut_usage, failed_usage, settled_usage
from llmdesk.router.words import repair_messages, with_next_try, worded

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from llmdesk.router.pacing import Turn
    from llmdesk.router.targets import Targets


SMALL_PROMPT = "asked first, because the prompt is small (routing.small_prompt)"
"""What is recorded of an answer that the lane's own order would have had another target give."""


@dataclass(slots=True, kw_only=True)
class _Try:
    """The attempt being made: its number, when it began on both clocks, and its turn where turns are taken.

    ``waits`` = it stands in line for its turn; ``sent`` = the provider was asked.
    """

    number: int
    at: float
    begun: float
    turn: Turn | None = None
    waits: bool = False
    sent: bool = False


class Asker:
    """Asks targets on behalf of one trip.

    Args:
        targets: what is known of them.
        trip: the request and where its events go.
        sole: the lane has no other target to ask.
    """

    def __init__(self, targets: Targets, trip: Trip, *, sole: bool) -> None:
        self._targets = targets
        self._trip = trip
        self._walk = trip.walk
        self._sole = sole

    async def ask(self, place: Place, behind: Attempt | None) -> None:
        """Ask the target at ``place`` until it answers or the table says to stop.

        Args:
            place: the target.
            behind: the attempt or skip that was left behind for it; announces the seam.

        Raises:
            ProviderError: what it failed with in the end.
            Unfit: it cannot hold or read the request.
            Left: the user asked for the next target.
        """
        try:
            await self._attempt(place, behind)
        except ProviderError as error:
            delay_s = self._delay_s(place, error)
            if delay_s is None:
                raise
            await self._pause(place, error, delay_s)
        else:
            return
        await self._ask_again(place)

    async def _ask_again(self, place: Place) -> None:
        """Ask the target for the second time and as often as allowed; only now is tenacity worth loading."""
        from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

        def failed() -> ProviderError:
            assert place.failed is not None
            return place.failed

        def stop(_: RetryCallState) -> bool:
            return self._delay_s(place, failed()) is None

        def wait(_: RetryCallState) -> float:
            return self._delay_s(place, failed()) or 0.0

        async def once() -> None:
            await self._attempt(place, None)

        # A predicate over BaseException would swallow cancellation and ask again.
        await AsyncRetrying(
            retry=retry_if_exception_type(ProviderError),
            stop=stop,
            wait=wait,
            sleep=lambda seconds: self._pause(place, failed(), seconds),
            reraise=True,
        )(once)

    async def _pause(self, place: Place, failed: ProviderError, seconds: float) -> None:
        """Wait before the same target is asked again; leaving it then ends it with what it failed with."""
        until = self._targets.clock() + seconds
        self._trip.sink(Waiting(until=until, reason=failed.kind.value, target=place.target))
        if seconds <= 0:
            return
        left = True
        try:
            left = await self._trip.controls.wait(seconds) is Wish.NEXT
        finally:
            if left:  # also when stopped: what was to follow a last failure follows now
                await self._draw(place, failed, failed.message)
        if left:
            raise failed

    def _delay_s(self, place: Place, error: ProviderError) -> float | None:
        """Seconds until the same target is asked again, from the end of the failed attempt; ``None`` = it is not."""
        if error.last:
            return None
        rule, hint = place.rules.retry, error.hint_s
        tries = rule.attempts if error.retries is None else min(rule.attempts, 1 + error.retries)
        delay = rule.delay_s
        if rule.wait == "exponential":
            delay = min(rule.delay_s * 2.0 ** (place.tries - 1), rule.max_delay_s)
        match DECISIONS[error.kind].retry:
            case Retry.NEVER:
                return None
            case Retry.SOLE if not self._sole:
                return None
            case Retry.FIXED | Retry.SOLE:
                too_long = hint is not None and hint > rule.short_wait_s
                return None if place.tries >= tries or too_long else max(delay, hint or 0.0)
            case Retry.HINTED:
                short = hint is not None and hint <= rule.short_wait_s
                return hint if place.rules.retries_rate and short and place.limited <= 1 else None
            case Retry.REPAIR:
                return 0.0 if place.rejected <= self._trip.route.lane.schema_repairs else None

    # --- one attempt ---

    async def _attempt(self, place: Place, behind: Attempt | None) -> None:
        place.tries += 1
        self._walk.forget_answer()
        this = _Try(number=self._trip.take_number(), at=self._targets.clock(), begun=self._targets.elapsed())
        self._trip.controls.attempt_begins()
        try:
            await self._make(place, behind, this)
        finally:
            if this.turn is not None:
                this.turn.end(sent=this.sent)

    async def _make(self, place: Place, behind: Attempt | None, this: _Try) -> None:
        """Make one attempt; its turn ends after whatever it led to is on disk."""
        try:
            try:
                prepared = await prepare(
                    self._targets, self._trip.route, place, outgrown_tokens=self._trip.outgrown_tokens
                )
                place.window_tokens = prepared.window_tokens
                await self._take_turn(place, this)
                self._look_again(place)
                request = await self._afford(place, prepared.request, this)
                self._announce(place, behind, this.number, prepared)
                await self._stream(place, request, this)
            finally:
                left = self._trip.controls.attempt_ends()
        except asyncio.CancelledError:
            if this.waits:
                self._trip.give_number_back()  # nothing was sent, so that there is nothing to record
            else:
                await self._cancelled(place, this, left=left)
            raise
        except Unfit:
            self._trip.give_number_back()
            raise
        except ProviderError as error:
            await self._failed(place, this, error)
            raise
        except Exception as error:
            await self._broke(place, this, error)
            raise
        served = self._walk.completed.served_model if self._walk.completed else ""
        made = self._record(place, this, AttemptOutcome.COMPLETED)
        why = SMALL_PROMPT if place.ref in self._trip.first else ""
        made = replace(made, usage=self._walk.usage, served_model=served, message=why)
        self._walk.attempts.append(await priced(self._targets.prices, made))

    async def _take_turn(self, place: Place, this: _Try) -> None:
        """Wait where the user limits how fast this provider is asked; the time in line is no time of the attempt."""
        pacer = self._targets.pacer(place.ref)
        if pacer is None:
            return
        this.waits = True
        try:
            this.turn = await take_turn(pacer, self._targets, self._trip, place, lambda: self._look_again(place))
        except (Unfit, asyncio.CancelledError):
            if place.failed is not None:  # what was to follow a last failure follows now
                await self._draw(place, place.failed, place.failed.message)
            raise
        this.waits = False
        this.at, this.begun = self._targets.clock(), self._targets.elapsed()

    async def _afford(self, place: Place, request: ChatRequest, this: _Try) -> ChatRequest:
        """The last thing before it is sent: what it may cost is set aside."""
        self._targets.prices.begin(place.target)
        return await afford(self._targets, self._trip, place, request, this.number)

    def _look_again(self, place: Place) -> None:
        """Much may have happened since the lane was looked at: a wait, a consent, another request's 429 (policy I3)."""
        reason, message = self._targets.skip_reason(place.ref, probe=self._trip.route.probe)
        if reason:
            raise Unfit(message, reason=reason)

    def _announce(self, place: Place, behind: Attempt | None, number: int, prepared: Prepared) -> None:
        self._walk.target = place.target
        if behind is not None:
            self._fail_over(place, behind)
        loading = prepared.model.loaded_context_tokens is None if prepared.model is not None else None
        self._trip.sink(
            AttemptStarted(
                number=number,
                target=place.target,
                try_number=place.tries,
                loading=loading,
                left_out_turns=prepared.left_out_turns,
            )
        )

    def _fail_over(self, place: Place, behind: Attempt) -> None:
        step = FailoverStep(
            source=behind.target,
            target=place.target,
            reason=behind.reason,
            message=behind.message,
            at=self._targets.clock(),
            lost_s=_lost_s(self._walk.attempts, behind),
        )
        self._walk.failovers.append(step)
        self._trip.sink(FailedOver(step=step))

    async def _stream(self, place: Place, request: ChatRequest, this: _Try) -> None:
        """Ask, pass on what comes, and check it when it is whole."""
        walk, sink = self._walk, self._trip.sink
        provider = await self._targets.adapter(place.ref.provider)
        this.sent = True
        async with aclosing(provider.stream(request)) as events:
            async for event in events:
                if walk.first_token_s is None and not isinstance(event, Completed):
                    walk.first_token_s = self._targets.elapsed() - this.begun
                match event:
                    case TextDelta():
                        walk.text.append(event.text)
                    case ReasoningDelta():
                        walk.reasoning.append(event.text)
                    case ToolCall():
                        walk.tool_calls.append(event)
                    case Completed():
                        walk.completed = event
                        walk.warnings += self._targets.first_told(event.notes)
                sink(event)
        if walk.completed is None:
            raise AnswerCut(f"{place.ref.provider}: the answer ended without saying that it is complete.")
        walk.usage = settled_usage(walk, request, walk.completed.usage, self._trip.route.sizes)
        await meet_schema(self._trip, walk.completed)

    # --- how it ended ---

    def _record(self, place: Place, this: _Try, outcome: AttemptOutcome) -> Attempt:
        return Attempt(
            number=this.number,
            target=place.target,
            outcome=outcome,
            at=this.at,
            elapsed_s=self._targets.elapsed() - this.begun,
            first_token_s=self._walk.first_token_s,
            probe=self._trip.route.probe,
        )

    async def _cancelled(self, place: Place, this: _Try, *, left: bool) -> None:
        """Record a cancelled attempt; where only this target was left, go on to the next one."""
        made = replace(
            self._record(place, this, AttemptOutcome.CANCELLED),
            reason=ErrorKind.CANCELLED.value,
            error_kind=ErrorKind.CANCELLED,
            message=f"{place.ref.provider}: stopped by the user.",
            discarded_text="".join(self._walk.text),
            usage=cut_usage(self._walk, self._trip.route, "".join(self._walk.text), begun=this.sent),
        )
        made = await priced(self._targets.prices, made)
        if not left:
            self._walk.attempts.append(made)  # the owner of the walk writes it down, shielded
            return
        await self._trip.keep(made)
        self._walk.forget_answer()
        raise Left

    async def _broke(self, place: Place, this: _Try, fault: Exception) -> None:
        """Record an attempt that a fault of llmdesk itself ended; the owner of the walk writes it down."""
        made = replace(
            self._record(place, this, AttemptOutcome.FAILED),
            error_kind=ErrorKind.SERVER,
            reason=ErrorKind.SERVER.value,
            message=one_line(redact(f"{place.ref.provider}: unexpected {type(fault).__name__}: {fault}.")),
            discarded_text="".join(self._walk.text),
            usage=cut_usage(self._walk, self._trip.route, "".join(self._walk.text)),
        )
        self._walk.attempts.append(await priced(self._targets.prices, made))

    async def _failed(self, place: Place, this: _Try, error: ProviderError) -> None:
        """Draw the consequences before anything else is sent, then record the attempt."""
        place.failed = error
        if isinstance(error, SchemaNotMet):
            place.rejected += 1
        place.limited += error.kind is ErrorKind.RATE
        text = "".join(self._walk.text)
        refused = error.kind is ErrorKind.REFUSED
        made = replace(
            self._record(place, this, AttemptOutcome.REFUSED if refused else AttemptOutcome.FAILED),
            error_kind=error.kind,
            reason=error.kind.value,
            http_status=error.http_status,
            message=error.message,
            details=error.details,
            discarded_text="" if refused else text,
            usage=failed_usage(self._walk, self._trip.route, text, error),
        )
        rested_s = self._targets.cooldowns.remaining_s(place.ref.provider) if DECISIONS[error.kind].cools else 0.0
        try:
            made = await priced(self._targets.prices, made)
            error.message = await self._consequences(place, error, len(text))
        except asyncio.CancelledError:
            self._walk.attempts.append(made)  # the owner of the walk writes it down
            self._walk.forget_answer()
            raise
        if DECISIONS[error.kind].cools:
            rests_s = self._targets.cooldowns.remaining_s(place.ref.provider)
            made = replace(made, cooldown_s=max(0.0, rests_s - rested_s))
        await self._trip.keep(replace(made, message=error.message))
        if isinstance(error, SchemaNotMet):
            place.extra_messages = repair_messages(text, error.details)
        if not refused:
            self._walk.forget_answer()

    async def _consequences(self, place: Place, error: ProviderError, characters: int) -> str:
        """Word the failure; if the target is not asked again, draw the consequences of that too."""
        final = self._delay_s(place, error) is None
        message = worded(
            error,
            provider=place.ref.provider,
            tries=place.tries,
            characters=characters,
            final=final,
            hosted=not place.rules.local_models,
        )
        return await self._draw(place, error, message) if final else message

    async def _draw(self, place: Place, error: ProviderError, message: str) -> str:
        """Put a limited provider on its cooldown, or remember what not to ask again; return the final message."""
        if DECISIONS[error.kind].cools:
            duration = place.rules.rest_s(error.hint_s)
            cooldowns, provider = self._targets.cooldowns, place.ref.provider
            await _to_its_end(asyncio.to_thread(cooldowns.cool, provider, error.kind.value, message, duration))
            self._tell_the_line(place)
            now = self._targets.clock()
            return with_next_try(message, now + cooldowns.remaining_s(provider), now)
        self._targets.leave_out(place.ref, error, message)
        if error.too_long and place.window_tokens is not None:
            self._trip.outgrown_tokens = max(self._trip.outgrown_tokens or 0, place.window_tokens)
        self._tell_the_line(place)
        return message

    def _tell_the_line(self, place: Place) -> None:
        """Whoever waits to ask this provider need not wait for what is known now."""
        if pacer := self._targets.pacer(place.ref):
            pacer.wake_all()


def _lost_s(attempts: Sequence[Attempt], behind: Attempt) -> float:
    """What the target left behind has cost, pauses between its tries included, seconds (as the history tells it)."""
    tries = [attempt for attempt in attempts if attempt.target == behind.target]
    spent = sum(attempt.elapsed_s for attempt in tries)
    return max(spent, behind.at + behind.elapsed_s - tries[0].at) if tries else behind.elapsed_s


async def _to_its_end(work: Coroutine[object, object, object]) -> None:
    """Wait for ``work`` even when cancelled meanwhile: a limit that was told holds, whoever has lost patience."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
