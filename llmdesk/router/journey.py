"""A request on its way down its lane: skip, ask, step to the next target with consent, and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind, ProviderError, RequestRejected, SchemaNotMet
from llmdesk.core.policy import DECISIONS, Next
from llmdesk.core.text import one_line
from llmdesk.core.types import Attempt, AttemptOutcome, ConsentNeeded, Failure, Status
from llmdesk.router.afford import free_ones
from llmdesk.router.attempt import Asker
from llmdesk.router.controls import Wish
from llmdesk.router.fit import in_order, preferred
from llmdesk.router.route import Left, Place, Unfit
from llmdesk.router.words import hour, nobody_free

if TYPE_CHECKING:
    from llmdesk.core.budget import Refusal
    from llmdesk.core.types import ModelRef
    from llmdesk.router.route import Trip
    from llmdesk.router.targets import Resting, Targets

QUIET_SKIPS = frozenset({"no key"})
"""Skips that come from the configuration, not from an event: they leave no seam and need no consent."""

SKIP_KINDS = {
    "attention": ErrorKind.AUTH,
    "gone": ErrorKind.GONE,
    "unfit": ErrorKind.REQUEST,
    "busy": ErrorKind.RATE,
    "budget": ErrorKind.BUDGET,
}
"""The error class a skip stands for; a cooling provider's comes from its cooldown."""


class Journey:
    """Walks one trip from its first target to its outcome."""

    def __init__(self, targets: Targets, trip: Trip) -> None:
        self._targets = targets
        self._trip = trip
        trip.first = preferred(targets, trip.route)
        self._lane = in_order(trip.route.lane, trip.first)
        self._busy_until: dict[str, float] = {}
        self._errors: dict[ModelRef, ProviderError] = {}
        """What each target failed with in the end."""
        self._blocked: Attempt | None = None
        """The skip at which a budget ran out."""
        self._free: frozenset[ModelRef] = frozenset()
        """The targets that are still asked then."""
        self._resting: Resting | None = None
        askable = {ref for ref in self._lane.targets if not targets.rules(ref).disabled}
        self._asker = Asker(targets, trip, sole=len(askable) <= 1)

    async def go(self) -> None:
        """Ask target after target until one answers or none is left."""
        behind: Attempt | None = None
        for ref in dict.fromkeys(self._lane.targets):
            if self._resting is None:  # one look does for all targets that are passed over in a row
                self._resting = self._targets.cooldowns.resting()
            reason, message = self._targets.skip_reason(ref, probe=self._trip.route.probe, resting=self._resting)
            if reason == "gone" and await self._targets.came_back(ref):
                reason = ""
            if not reason and self._blocked is not None and ref not in self._free:
                reason, message = "budget", self._blocked.message
            if reason:
                skipped = await self._note_skip(ref, reason, message)
                behind = behind if reason in QUIET_SKIPS else skipped
                continue
            if behind is not None and not await self._may_go_on(ref, behind):
                self._pause_without_consent(ref, behind)
                return
            answered, error = await self._visit(Place(ref, self._targets.rules(ref)), behind)
            if answered:
                self._trip.walk.status = Status.COMPLETED
                self._trip.walk.refusal = None
                return
            if error is not None:
                self._errors[ref] = error
            behind = self._trip.walk.attempts[-1]
            if (error is not None and not _goes_on(error)) or (self._blocked is not None and not self._free):
                break
        self._end()

    async def _visit(self, place: Place, behind: Attempt | None) -> tuple[bool, ProviderError | None]:
        """Ask one target of the lane, along its chain of models where it has one: ``(answered, error)``."""
        while True:
            try:
                await self._asker.ask(place, behind)
            except Unfit as unfit:
                if unfit.reason != "unfit":
                    self._resting = None
                if unfit.until is not None:
                    self._busy_until[place.ref.provider] = unfit.until
                skipped = await self._note_skip(place.target, unfit.reason, str(unfit), waited_s=unfit.waited_s)
                if unfit.refusal is not None:
                    await self._block(unfit.refusal, place.ref, skipped)
                return False, self._had_failed(place)
            except Left:
                self._resting = None
                return False, self._had_failed(place)
            except ProviderError as error:
                self._resting = None
                if not (error.smaller_model or error.kind is ErrorKind.GONE) or len(place.chain) < 2:
                    return False, error
                behind = self._trip.walk.attempts[-1]
                place.step()
            else:
                return True, None

    def _had_failed(self, place: Place) -> ProviderError | None:
        """What a target had failed with that was to be asked once more: it may yet answer, so nothing is final."""
        if place.failed is None:
            return None
        self._errors.clear()
        return None if isinstance(place.failed, SchemaNotMet) else place.failed

    async def _block(self, refusal: Refusal, ref: ModelRef, skipped: Attempt) -> None:
        """A budget has run out: from here on what costs nothing is asked, if the budget says so, else nobody."""
        self._blocked, self._trip.walk.refusal = skipped, refusal
        if refusal.standing.budget.free_when_exhausted:
            others = [other for other in self._lane.targets if other != ref]
            self._free = await free_ones(self._targets, others)
        else:
            self._free = frozenset()

    async def _note_skip(self, ref: ModelRef, reason: str, message: str, *, waited_s: float = 0.0) -> Attempt:
        kind = SKIP_KINDS.get(reason)
        if reason == "cooling":
            resting = self._targets.cooldowns.resting() if self._resting is None else self._resting
            found = resting.get(ref.provider)
            kind = ErrorKind.QUOTA if found is not None and found[0].reason == "quota" else ErrorKind.RATE
        attempt = Attempt(
            number=self._trip.take_number(),
            target=ref,
            outcome=AttemptOutcome.SKIPPED,
            at=self._targets.clock() - waited_s,
            elapsed_s=waited_s,
            reason=reason,
            error_kind=kind,
            message=one_line(message),
        )
        await self._trip.keep(attempt)
        return attempt

    async def _may_go_on(self, ref: ModelRef, behind: Attempt) -> bool:
        """Policy R16: switch, ask first, or never."""
        match self._lane.failover:
            case "auto":
                return True
            case "never":
                return False
            case "ask":
                if self._trip.route.consent:
                    return True
                self._trip.sink(ConsentNeeded(target=ref, failed=behind))
                return await self._trip.controls.wait(None) in (Wish.GO, Wish.NEXT)

    # --- how it ends ---

    def _pause_without_consent(self, ref: ModelRef, behind: Attempt) -> None:
        rule = "asks first" if self._lane.failover == "ask" else "never happens"
        walk = self._trip.walk
        walk.status = Status.PAUSED
        walk.error = Failure(
            kind=behind.error_kind or ErrorKind.CONFIG,
            message=one_line(f"{behind.message.rstrip('.')}. Failover {rule} here; next would be {ref}."),
        )
        walk.next_try_at = self._recovery()

    def _end(self) -> None:
        """Nobody is left to ask: the last failure decides the outcome, as the table says."""
        walk = self._trip.walk
        counted = [error for ref, error in self._errors.items() if self._blocked is None or ref in self._free]
        last = counted[-1] if counted else None
        skipped = [a for a in walk.attempts if a.outcome is AttemptOutcome.SKIPPED]
        unfit = [a for a in skipped if a.reason == "unfit"]
        if last is None and unfit and all(a.reason == "unfit" or a.reason in QUIET_SKIPS for a in skipped):
            last = RequestRejected(unfit[0].message)
        if self._blocked is not None and last is None and self._first_back() is None:
            walk.status = DECISIONS[ErrorKind.BUDGET].last
            walk.error = Failure(kind=ErrorKind.BUDGET, message=self._blocked.message)
        elif last is not None:
            walk.status = DECISIONS[last.kind].last
            missed = tuple(last.details.splitlines()) if isinstance(last, SchemaNotMet) else ()
            walk.error = Failure(kind=last.kind, message=one_line(last.message), violations=missed)
        else:
            walk.status = Status.PAUSED
            walk.error = self._nobody(skipped)
        walk.next_try_at = self._recovery() if walk.status is Status.PAUSED else None

    def _nobody(self, skipped: list[Attempt]) -> Failure:
        """Every target was skipped: say which comes back first, or what is missing (policy R13)."""
        if first := self._first_back():
            until, provider = first
            kinds = [a.error_kind for a in skipped if a.target.provider == provider and a.error_kind]
            back = hour(until, self._targets.clock())
            message = f"Every target is resting or out. {provider} comes back first, at {back}."
            if self._blocked is not None:
                message = nobody_free(self._blocked.message, provider, back)
            return Failure(kind=kinds[0] if kinds else ErrorKind.RATE, message=one_line(message))
        telling = [a for a in skipped if a.reason not in QUIET_SKIPS] or skipped
        if not telling:
            return Failure(kind=ErrorKind.CANCELLED, message=f"Lane {self._lane.name}: no target is left to ask.")
        return Failure(kind=telling[0].error_kind or ErrorKind.CONFIG, message=telling[0].message)

    def _recovery(self) -> float | None:
        first = self._first_back()
        return first[0] if first else None

    def _first_back(self) -> tuple[float, str] | None:
        """When the first provider that is resting or busy may be asked again (UTC epoch seconds), and which it is.

        Where a budget has run out, only those count that may still be asked.
        """
        askable = tuple(ref for ref in self._lane.targets if self._blocked is None or ref in self._free)
        providers = {ref.provider for ref in askable}
        ends = [(until, provider) for provider, until in self._busy_until.items() if provider in providers]
        if first := self._targets.earliest_recovery(askable):
            ends.append((first[1], first[0]))
        return min(ends, default=None)


def _goes_on(error: ProviderError) -> bool:
    """Whether the next target is asked after ``error``."""
    if error.last:
        return False
    match DECISIONS[error.kind].next:
        case Next.YES:
            return True
        case Next.NO:
            return False
        case Next.IF_SPECIFIC:
            return error.target_specific
