"""How long to wait before the same target is asked again, if it is at all: the table's word in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.policy import DECISIONS, Retry

if TYPE_CHECKING:
    from llmdesk.core.errors import ProviderError
    from llmdesk.core.lanes import Lane
    from llmdesk.router.route import Place


def delay_s(place: Place, error: ProviderError, lane: Lane, *, sole: bool) -> float | None:
    """Seconds until the same target is asked again, from the end of the failed attempt; ``None`` = it is not.

    Args:
        place: the target.
        error: what its last attempt failed with.
        lane: the request's.
        sole: the lane has no other target to ask.
    """
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
        case Retry.SOLE if not sole:
            return None
        case Retry.FIXED | Retry.SOLE:
            too_long = hint is not None and hint > rule.short_wait_s
            return None if place.tries >= tries or too_long else max(delay, hint or 0.0)
        case Retry.HINTED:
            short = hint is not None and hint <= rule.short_wait_s
            return hint if place.rules.retries_rate and short and place.limited <= 1 else None
        case Retry.REPAIR:
            return 0.0 if place.rejected <= lane.schema_repairs else None
