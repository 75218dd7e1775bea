"""What an attempt leaves behind, however it ends: its record with what it used and cost, and its consequences.

An attempt that was numbered is recorded on every path out, as whatever was set aside for it is settled by its booking.
What it used is known before anything is waited for, so that no cancellation turns it into nothing; what it cost is
found out where it is booked, which for the last attempt of a walk is after its end.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind, SchemaNotMet
from llmdesk.core.policy import DECISIONS
from llmdesk.core.text import one_line, redact
from llmdesk.core.types import Attempt, AttemptOutcome
from llmdesk.router.afford import priced, unpriced
from llmdesk.router.patience import delay_s
from llmdesk.router.route import Left
from llmdesk.router.usage import cut_usage, failed_usage
from llmdesk.router.words import repair_messages, with_next_try, worded

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from llmdesk.core.errors import ProviderError
    from llmdesk.core.types import ChatRequest
    from llmdesk.providers.base import Provider
    from llmdesk.router.pacing import Turn
    from llmdesk.router.route import Place, Trip
    from llmdesk.router.targets import Targets


SMALL_PROMPT = "asked first, because the prompt is small (routing.small_prompt)"
"""What is recorded of an answer that the lane's own order would have had another target give."""


@dataclass(slots=True, kw_only=True)
class Try:
    """The attempt being made: its number, when it began on both clocks, and its turn where turns are taken.

    ``waits`` = it stands in line for its turn; ``request`` is what it sends, once that is settled; ``provider`` is who
    asks, ``unusable`` why there is nobody; ``sent`` = the provider was asked.
    """

    number: int
    at: float
    begun: float
    turn: Turn | None = None
    waits: bool = False
    request: ChatRequest | None = None
    provider: Provider | None = None
    unusable: ProviderError | None = None
    sent: bool = False


class Aftermath:
    """Records the attempts of one trip and draws their consequences.

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

    def completed(self, place: Place, this: Try) -> None:
        """Record an attempt that was answered; the owner of the walk writes it down with the answer."""
        walk = self._walk
        made = replace(
            self._record(place, this, AttemptOutcome.COMPLETED),
            usage=walk.usage,
            served_model=walk.completed.served_model if walk.completed else "",
            message=SMALL_PROMPT if place.ref in self._trip.first else "",
        )
        walk.attempts.append(unpriced(made))

    async def cancelled(self, place: Place, this: Try, *, left: bool) -> None:
        """Record a cancelled attempt; where only this target was left, go on to the next one.

        Raises:
            Left: it was.
        """
        walk = self._walk
        made = replace(
            self._record(place, this, AttemptOutcome.CANCELLED),
            reason=ErrorKind.CANCELLED.value,
            error_kind=ErrorKind.CANCELLED,
            message=f"{place.ref.provider}: stopped by the user.",
            discarded_text=walk.text.whole(),
            usage=cut_usage(walk, this.request, self._trip.route.sizes, begun=this.sent),
        )
        made = unpriced(made)
        if not left:
            walk.attempts.append(made)  # the owner of the walk writes it down, shielded
            return
        try:
            made = await priced(self._targets.prices, made)
        except BaseException:
            walk.attempts.append(made)
            raise
        await self._trip.keep(made)
        walk.forget_answer()
        raise Left

    def broke(self, place: Place, this: Try, fault: Exception) -> None:
        """Record an attempt that a fault of llmdesk itself ended; the owner of the walk writes it down."""
        walk = self._walk
        made = replace(
            self._record(place, this, AttemptOutcome.FAILED),
            error_kind=ErrorKind.SERVER,
            reason=ErrorKind.SERVER.value,
            message=one_line(redact(f"{place.ref.provider}: unexpected {type(fault).__name__}: {fault}.")),
            discarded_text=walk.text.whole(),
            usage=cut_usage(walk, this.request, self._trip.route.sizes, begun=this.sent),
        )
        walk.attempts.append(unpriced(made))

    async def failed(self, place: Place, this: Try, error: ProviderError) -> None:
        """Draw the consequences before anything else is sent, then record the attempt."""
        place.failed = error
        if isinstance(error, SchemaNotMet):
            place.rejected += 1
        place.limited += error.kind is ErrorKind.RATE
        text = self._walk.text.whole()
        refused = error.kind is ErrorKind.REFUSED
        done = self._walk.completed
        made = replace(
            self._record(place, this, AttemptOutcome.REFUSED if refused else AttemptOutcome.FAILED),
            served_model=done.served_model if done is not None else error.served_model,
            error_kind=error.kind,
            reason=error.kind.value,
            http_status=error.http_status,
            message=error.message,
            details=error.details,
            discarded_text="" if refused else text,
            usage=failed_usage(self._walk, this.request, self._trip.route.sizes, error, sent=this.sent),
        )
        made = unpriced(made)
        rested_s = self._targets.cooldowns.remaining_s(place.ref.provider) if DECISIONS[error.kind].cools else 0.0
        try:
            error.message = await self._consequences(place, error, len(text))
            made = await priced(self._targets.prices, made)
        except BaseException:
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

    async def draw(self, place: Place, error: ProviderError, message: str) -> str:
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

    def delay_s(self, place: Place, error: ProviderError) -> float | None:
        """Seconds until the same target is asked again; ``None`` = it is not."""
        return delay_s(place, error, self._trip.route.lane, sole=self._sole)

    def _record(self, place: Place, this: Try, outcome: AttemptOutcome) -> Attempt:
        return Attempt(
            number=this.number,
            target=place.target,
            outcome=outcome,
            at=this.at,
            elapsed_s=self._targets.elapsed() - this.begun,
            first_token_s=self._walk.first_token_s,
            probe=self._trip.route.probe,
        )

    async def _consequences(self, place: Place, error: ProviderError, characters: int) -> str:
        """Word the failure; if the target is not asked again, draw the consequences of that too."""
        final = self.delay_s(place, error) is None
        message = worded(
            error,
            provider=place.ref.provider,
            tries=place.tries,
            characters=characters,
            final=final,
            hosted=not place.rules.local_models,
        )
        return await self.draw(place, error, message) if final else message

    def _tell_the_line(self, place: Place) -> None:
        """Whoever waits to ask this provider need not wait for what is known now."""
        if pacer := self._targets.pacer(place.ref):
            pacer.wake_all()


async def _to_its_end(work: Coroutine[object, object, object]) -> None:
    """Wait for ``work`` even when cancelled meanwhile: a limit that was told holds, whoever has lost patience."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
