"""One target: asked as often as the decision table allows, from its turn in the line to the end of its answer."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import AnswerCut, ProviderError
from llmdesk.core.lanes import estimate_tokens
from llmdesk.core.types import (
    AttemptStarted,
    Completed,
    FailedOver,
    FailoverStep,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    Waiting,
)
from llmdesk.router.afford import afford
from llmdesk.router.aftermath import Aftermath, Try
from llmdesk.router.controls import Wish
from llmdesk.router.masking import masked
from llmdesk.router.prepare import prepare
from llmdesk.router.route import Unfit
from llmdesk.router.schema import meet_schema
from llmdesk.router.turns import take_turn
from llmdesk.router.usage import settled_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenacity import RetryCallState

    from llmdesk.core.types import (
        Attempt,
        ChatRequest,
    )
    from llmdesk.router.prepare import Prepared
    from llmdesk.router.route import Place, Trip
    from llmdesk.router.targets import Targets


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
        self._aftermath = Aftermath(targets, trip, sole=sole)

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
            delay_s = self._aftermath.delay_s(place, error)
            if delay_s is None:
                raise
            await self._pause(place, error, delay_s)
        else:
            return
        await self._ask_again(place)

    async def _ask_again(self, place: Place) -> None:
        """Ask the target for the second time and as often as allowed; only now is tenacity worth loading."""
        from tenacity import AsyncRetrying, retry_if_exception_type

        def failed() -> ProviderError:
            assert place.failed is not None
            return place.failed

        def stop(_: RetryCallState) -> bool:
            return self._aftermath.delay_s(place, failed()) is None

        def wait(_: RetryCallState) -> float:
            return self._aftermath.delay_s(place, failed()) or 0.0

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
                await self._aftermath.draw(place, failed, failed.message)
        if left:
            raise failed

    # --- one attempt ---

    async def _attempt(self, place: Place, behind: Attempt | None) -> None:
        place.tries += 1
        self._walk.forget_answer()
        this = Try(number=self._trip.take_number(), at=self._targets.clock(), begun=self._targets.elapsed())
        self._trip.controls.attempt_begins()
        try:
            await self._make(place, behind, this)
        finally:
            if this.turn is not None:
                this.turn.end(sent=this.sent)

    async def _make(self, place: Place, behind: Attempt | None, this: Try) -> None:
        """Make one attempt; its turn ends after whatever it led to is on disk."""
        try:
            try:
                prepared = await self._get_ready(place, this)
                self._announce(place, behind, this.number, prepared)
                await self._stream(place, prepared.request, this)
            finally:
                left = self._trip.controls.attempt_ends()
        except asyncio.CancelledError:
            if this.waits:
                self._trip.give_number_back()  # nothing was set aside or sent, so that there is nothing to record
            else:
                await self._aftermath.cancelled(place, this, left=left)
            raise
        except Unfit:
            self._trip.give_number_back()  # for the skip that is recorded in its place
            raise
        except ProviderError as error:
            await self._aftermath.failed(place, this, error)
            raise
        except Exception as error:
            self._aftermath.broke(place, this, error)
            raise
        self._aftermath.completed(place, this)

    async def _get_ready(self, place: Place, this: Try) -> Prepared:
        """Everything before the first byte: what is sent, its turn, the money for it, and who sends it.

        Each of these may take its time: a line, a locked database, a command that tells a key. So the last look at the
        cooldowns comes after them all (policy I3); what was set aside by then is let go as the skip is written down.
        """
        try:
            prepared = await prepare(self._targets, self._trip.route, place, outgrown_tokens=self._trip.outgrown_tokens)
            place.window_tokens = prepared.window_tokens
            await self._take_turn(place, this)
            if self._targets.purse is not None:
                self._look_again(place)  # so that no money is set aside in vain
            self._targets.prices.begin(place.target)
            this.request = await afford(self._targets, self._trip, place, prepared.request, this.number)
            await self._find_adapter(place, this)
            self._look_again(place)
        except (Unfit, asyncio.CancelledError):
            if place.failed is not None:  # it is not asked again: what was to follow a last failure follows now
                await self._aftermath.draw(place, place.failed, place.failed.message)
            raise
        return prepared if this.request is prepared.request else replace(prepared, request=this.request)

    async def _find_adapter(self, place: Place, this: Try) -> None:
        """Get whoever asks ready; what is wrong with it is said when it is to ask."""
        try:
            this.provider = await self._targets.adapter(place.ref.provider)
        except ProviderError as error:
            this.unusable = error

    async def _take_turn(self, place: Place, this: Try) -> None:
        """Wait where the user limits how fast this provider is asked; the time in line is no time of the attempt."""
        pacer = self._targets.pacer(place.ref)
        if pacer is None:
            return
        this.waits = True
        this.turn = await take_turn(pacer, self._targets, self._trip, place, lambda: self._look_again(place))
        this.waits = False
        this.at, this.begun = self._targets.clock(), self._targets.elapsed()

    def _look_again(self, place: Place) -> None:
        """Much may have happened since the lane was looked at: a wait, a consent, another request's 429 (policy I3)."""
        reason, message = self._targets.skip_reason(place.ref, probe=self._trip.route.probe)
        if reason:
            raise Unfit(message, reason=reason)

    def _announce(self, place: Place, behind: Attempt | None, number: int, prepared: Prepared) -> None:
        self._walk.target = place.target
        if behind is not None:
            self._fail_over(place, behind)
        loading = None if prepared.model is None else not self._targets.in_memory(place.target, prepared.model)
        self._trip.sink(
            AttemptStarted(
                number=number,
                target=place.target,
                try_number=place.tries,
                loading=loading,
                left_out_turns=prepared.left_out_turns,
                size_bytes=prepared.model.size_bytes if prepared.model is not None else None,
                input_tokens=estimate_tokens(prepared.request.messages) if loading is not None else None,
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

    async def _stream(self, place: Place, request: ChatRequest, this: Try) -> None:
        """Ask, pass on what comes, and check it when it is whole."""
        walk, sink = self._walk, self._trip.sink
        if this.unusable is not None:
            raise this.unusable
        assert this.provider is not None
        this.sent = True
        if self._trip.tap is not None:
            request = replace(request, tap=self._trip.tap(this.number, place.target))
        async with aclosing(masked(this.provider.stream(request))) as events:
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
                        self._targets.answered(place.target)
                        walk.usage = settled_usage(walk, request, event.usage, self._trip.route.sizes)
                        walk.warnings += self._targets.first_told(event.notes)
                sink(event)
        if walk.completed is None:
            raise AnswerCut(f"{place.ref.provider}: the answer ended without saying that it is complete.")
        await meet_schema(self._trip, walk.completed)


def _lost_s(attempts: Sequence[Attempt], behind: Attempt) -> float:
    """What the target left behind has cost, pauses between its tries included, seconds (as the history tells it)."""
    tries = [attempt for attempt in attempts if attempt.target == behind.target]
    spent = sum(attempt.elapsed_s for attempt in tries)
    return max(spent, behind.at + behind.elapsed_s - tries[0].at) if tries else behind.elapsed_s
