"""After a refusal for a while nobody asks, from the moment on which it is on disk, until it is over (I3, I3b, I4)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.campaign.evidence import Violation
from tests.campaign.rules.clocks import NOISE_S, Clocks
from tests.campaign.rules.lives import GRACE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.evidence import Served, Target
    from tests.campaign.rules.lives import Life, Lives, Run
    from tests.campaign.rules.meanings import Meaning, Meanings

LIMITS = frozenset({"rate", "quota"})
EARLY_S = 0.02
"""How much earlier than hinted a retry may seem to come, by the rounding of two clocks."""

LATE_S = 1.0
"""How long after its end a cooldown may still be felt (I4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A refusal for a while, as a server sent it.

    Args:
        served: the answer.
        least_s, most_s: how long the provider must, and may, rest; ``most_s`` infinite where the calendar decides.
        certain: its client surely got it and had to act on it.
        retried: the one retry after its hint; ``None`` = there was none.
    """

    served: Served
    least_s: float
    most_s: float
    certain: bool
    retried: Served | None = None

    @property
    def rests(self) -> bool:
        """A cooldown begins with it: it was not left to the one hinted retry."""
        return self.retried is None


class Limits:
    """Every refusal for a while of a sequence, and what it means for a provider at any moment."""

    def __init__(self, lives: Lives, meanings: Meanings) -> None:
        self.lives = lives
        self.clocks = Clocks(lives.evidence)
        self._meanings = meanings
        self._targets = {(target.provider): target for lane in lives.evidence.lanes.values() for target in lane}
        self.all = [limit for each in lives.evidence.served if (limit := self._limit(each)) is not None]

    def _limit(self, served: Served) -> Limit | None:
        if served.error not in LIMITS or id(served) not in self.lives.of:
            return None
        target = self._targets.get(served.provider)
        if target is None:
            return None
        meaning = self._meanings(served.symbol)
        least = rest_s(target, meaning)
        most = math.inf if meaning.open_ended else least
        life, run = self.lives.of[id(served)]
        return Limit(
            served=served,
            least_s=least,
            most_s=most,
            certain=self.lives.delivered(served),
            retried=self._retry_of(served, life, run, target, meaning),
        )

    def _retry_of(self, served: Served, life: Life, run: Run, target: Target, meaning: Meaning) -> Served | None:
        """The one retry after a short hint: the next request of the same run, to the same target, and no second one."""
        if not may_retry(served, target, meaning):
            return None
        mine = [pair.served for pair in run.pairs if pair.served is not None]
        place = next(at for at, each in enumerate(mine) if each is served)
        before = [each for each in mine[:place] if each.provider == served.provider and each.error == "rate"]
        if before or place + 1 >= len(mine):
            return None
        after = mine[place + 1]
        same = (after.provider, after.model) == (served.provider, served.model)
        return after if same and self.lives.of[id(after)][0] is life else None

    def left_s(self, limit: Limit, moment: float) -> tuple[float, float]:
        """How long its cooldown lasts at a moment, at least and at most, seconds."""
        set_at = limit.served.at
        least, _ = self.clocks.left_s(set_at=set_at, duration_s=limit.least_s, moment=moment)
        late = (limit.served.over or set_at) - set_at + GRACE_S
        if limit.most_s == math.inf:
            return least, math.inf
        _, most = self.clocks.left_s(set_at=set_at, duration_s=limit.most_s, moment=moment)
        return least, most + late

    def may_rest(self, provider: str, began: float, over: float | None) -> bool:
        """Whether a provider may have been cooling at any moment between two."""
        until = math.inf if over is None else over
        for limit in self.all:
            if limit.served.provider != provider or limit.served.at > until:
                continue
            _, most = self.left_s(limit, max(began, limit.served.at))
            if most > -LATE_S:
                return True
        return False

    def ever(self, provider: str, over: float | None) -> bool:
        """Whether a provider ever refused for a while until then."""
        return any(each.served.provider == provider and (over is None or each.served.at <= over) for each in self.all)


def rest_s(target: Target, meaning: Meaning) -> float:
    """How long a provider rests after a refusal, at the least, seconds (policy, section 1)."""
    hint = meaning.hint_s
    if hint is None:
        return target.cooldown_s
    return max(target.cooldown_s, hint) if target.wire == "ollama" else hint


def may_retry(served: Served, target: Target, meaning: Meaning) -> bool:
    """Whether the decision table allows the one retry after the server's hint."""
    short = meaning.hint_s is not None and meaning.hint_s <= target.short_wait_s
    return served.error == "rate" and target.wire != "ollama" and short


# --- I3 ---------------------------------------------------------------------------------------------------------------


def kept_cool(limits: Limits) -> Iterator[Violation]:
    """I3: nobody asks a provider that rests; but for what was under way, the hinted retry, and an ordered probe."""
    lives = limits.lives
    for limit in limits.all:
        served = limit.served
        if limit.retried is not None:
            yield from _after_its_hint(limits, limit)
        if not (limit.certain and limit.rests):
            continue
        for later in lives.evidence.served:
            if later.provider != served.provider or not lives.follows(later, served) or _ordered(lives, later):
                continue
            least, _ = limits.left_s(limit, later.at)
            if least > NOISE_S:
                words = (
                    f"{later.provider} was asked by {_name(lives, later)} with {least:.1f} s left of the cooldown that "
                    f"{served.symbol} began at {_name(lives, served)}"
                )
                yield Violation(rule="I3", words=words)
                break
    yield from _deadlines_move_later(limits)


def _after_its_hint(limits: Limits, limit: Limit) -> Iterator[Violation]:
    retried, hint = limit.retried, limits._meanings(limit.served.symbol).hint_s or 0.0
    assert retried is not None
    waited = retried.at - limit.served.at
    if waited < hint - EARLY_S:
        words = f"{retried.provider}: asked again after {waited:.2f} s instead of the {hint:g} s that it asked for"
        yield Violation(rule="I3", words=words)


def _deadlines_move_later(limits: Limits) -> Iterator[Violation]:
    """Policy R14: on one boot's clock a deadline that still runs is never set back."""
    known: dict[tuple[str, str], float] = {}
    for served in sorted(limits.lives.evidence.served, key=lambda each: each.at):
        for provider, entry in entries(served.state).items():
            key = (provider, str(entry.get("boot_id")))
            until = float(entry.get("until_boot", 0.0))
            before = known.get(key, -math.inf)
            if until < before - NOISE_S and served.boot < before:
                words = f"{provider}: its deadline was set back by {before - until:.1f} s"
                yield Violation(rule="I3", words=words)
            known[key] = max(before, until)


def _ordered(lives: Lives, later: Served) -> bool:
    """A probe: the user ordered it for this request (policy R13)."""
    found = lives.of.get(id(later))
    return found is not None and found[1].probe


def _name(lives: Lives, served: Served) -> str:
    found = lives.of.get(id(served))
    return found[0].name if found is not None else repr(served.prompt[:30])


# --- I3b --------------------------------------------------------------------------------------------------------------


def on_disk_first(limits: Limits) -> Iterator[Violation]:
    """I3b: whoever asks anybody after a refusal finds its cooldown in the file."""
    lives = limits.lives
    for limit in limits.all:
        if not (limit.certain and limit.rests):
            continue
        for later in sorted(lives.evidence.served, key=lambda each: each.at):
            if not lives.follows(later, limit.served):
                continue
            least, _ = limits.left_s(limit, later.at)
            if least <= NOISE_S:
                break
            if (words := _missing(limits, limit, later, least)) is not None:
                yield Violation(rule="I3b", words=f"{_name(lives, later)} at {later.provider}: {words}")
                break


def _missing(limits: Limits, limit: Limit, later: Served, least: float) -> str | None:
    provider = limit.served.provider
    entry = entries(later.state).get(provider)
    now = limits.clocks.at(later.at)
    if entry is None:
        return f"the file did not hold the cooldown of {provider} that {limit.served.symbol} began"
    if entry.get("boot_id") == now.boot_id:
        left = float(entry.get("until_boot", 0.0)) - later.boot
    else:
        left = float(entry.get("until_wall", 0.0)) - later.wall
    if left < least - 2 * NOISE_S:
        return f"the file lets {provider} rest for {left:.1f} s instead of {least:.1f} s"
    return None


@lru_cache(maxsize=4096)
def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def entries(text: str) -> dict[str, dict[str, Any]]:
    """The cooldowns that a state file names; a damaged one names none (I9 tells of that)."""
    found = _document(text).get("cooldowns", {})
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


# --- I4 ---------------------------------------------------------------------------------------------------------------


def ends(limits: Limits) -> Iterator[Violation]:
    """I4: a provider whose cooldown is over is asked again by the next request; nobody is passed over as cooling."""
    for life in limits.lives.all:
        for run in life.runs:
            for pair in run.pairs:
                if pair.row is None or not pair.skipped or pair.row.reason != "cooling":
                    continue
                provider = pair.row.provider
                if limits.ever(provider, run.over) and not limits.may_rest(provider, run.began, run.over):
                    words = f"{life.name}: {provider} was passed over as cooling, though its cooldown was over"
                    yield Violation(rule="I4", words=words)
