"""The way of a request down its lane, held against the decision table and the servers' logs (I5, I6, I6b)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.rules.meanings import PLAIN
from tests.campaign.rules.skips import Reasons
from tests.campaign.rules.table import CLASSES, FINAL_STATUS, After, Try, after

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.evidence import Target
    from tests.campaign.rules.beside import Pair
    from tests.campaign.rules.cooldowns import Limits
    from tests.campaign.rules.lives import Life, Lives, Run
    from tests.campaign.rules.meanings import Meaning, Meanings

TORN = frozenset({"cancel", "keep", "kill", "close"})
"""What ends a run at any place."""


def histories(lives: Lives) -> Iterator[Violation]:
    """I6 and I6b: one row of history for each request that a server saw, with the class that it played."""
    for stray in lives.strays:
        words = f"{stray.provider} was asked {stray.prompt[:60]!r}, which nobody asked"
        yield Violation(rule="I6", words=words)
    for life in lives.all:
        if not life.history and life.row is None and not life.asked.request and life.killed:
            continue
        for pair in life.pairs:
            yield from _beside(life, pair)
        yield from _as_printed(life)


def _beside(life: Life, pair: Pair) -> Iterator[Violation]:
    row, served = pair.row, pair.served
    if row is None and served is not None and not pair.fits:
        words = f"{life.name}: {served.provider} saw a request ({served.symbol}) that is not in its history"
        yield Violation(rule="I6", words=words)
    if row is None or row.skipped:
        return
    if row.error_kind is not None and row.error_kind not in CLASSES:
        yield Violation(rule="I6b", words=f"{life.name}: attempt {row.number} has the class {row.error_kind}")
    if served is None and not pair.fits:
        words = f"{life.name}: attempt {row.number} ({row.provider}, {pair.recorded}) was seen by no server"
        yield Violation(rule="I6", words=words)
    if served is not None and not pair.fits:
        if row.model != served.model:
            words = f"{life.name}: attempt {row.number} names {row.model}, {served.model} was asked"
            yield Violation(rule="I6", words=words)
        if pair.recorded != served.error:
            words = (
                f"{life.name}: {served.symbol} is {served.error or 'complete'}, "
                f"recorded as {pair.recorded or 'complete'} ({row.message[:80]})"
            )
            yield Violation(rule="I6b", words=words)


def _as_printed(life: Life) -> Iterator[Violation]:
    """What was printed of the attempts is what is on disk of them."""
    told = [(1, life.asked.answer), *((n, each.answer) for n, each in enumerate(life.resumed, 2))]
    for number, answer in told:
        if answer is None or not life.history:
            continue
        printed = [
            (each["number"], each["provider"], each["model"], each["outcome"], each["error_kind"])
            for each in answer.get("attempts", ())
        ]
        stored = [
            (row.number, row.provider, row.model, row.outcome, row.error_kind)
            for row in life.history
            if (row.run == number if life.row is not None else row.number in {each[0] for each in printed})
        ]
        if printed != stored:
            words = f"{life.name}: run {number} printed attempts {printed}, on disk are {stored}"
            yield Violation(rule="I6", words=words)


def walks(lives: Lives, limits: Limits, meanings: Meanings) -> Iterator[Violation]:
    """I5 and I6: every run begins at the top of its lane, and each step of it is one that the table allows."""
    reasons = Reasons(limits, meanings)
    for life in lives.all:
        for run in life.runs:
            yield from Walk(run, reasons, meanings).judged()
    yield from reasons.asked_though_set_aside()


class Walk:
    """One run, step by step.

    Args:
        run: it.
        reasons: tell whether a target may have been passed over.
        meanings: of the symbols.
    """

    def __init__(self, run: Run, reasons: Reasons, meanings: Meanings) -> None:
        self._run = run
        self._reasons = reasons
        self._meanings = meanings
        self._places = _places(run)
        self._name = f"{run.life.name}{f' (run {run.number})' if run.number > 1 else ''}"

    def judged(self) -> Iterator[Violation]:
        """Follow it from its first step to its last."""
        at = 0
        allowed = frozenset({After.AGAIN})  # the first step is at the first place
        count = limited = 0
        last_error: str | None = None
        behind: Pair | None = None
        for pair in self._run.pairs:
            place = self._place_of(pair, at)
            if place is None:
                yield self._broken("I6", f"asked {pair.provider}/{pair.model}, which is behind it or not in its lane")
                return
            if pair.skipped:
                assert pair.row is not None
                if place != at and not self._may_step(allowed, behind):
                    yield self._wrong_step(allowed, behind, pair)
                if place > at + 1 or (behind is None and place > 0):
                    yield self._without_a_row(at, place, behind)
                if (words := self._reasons.unfounded(self._run, pair)) is not None:
                    yield self._broken("I5", words)
                # A hard budget ends the way where it is told to block; whether it was exhausted is a matter of I8.
                ends = {After.END} if pair.row.reason == "budget" else set()
                at, allowed, count, limited, behind = place, frozenset({After.NEXT, *ends}), 0, 0, pair
                continue
            if place == at:
                if behind is not None and After.AGAIN not in allowed:
                    yield self._wrong_step(allowed, behind, pair)
            elif not self._may_step(allowed, behind) and behind is not None:
                yield self._wrong_step(allowed, behind, pair)
            if place > at + 1 or (behind is None and place > 0):
                yield self._without_a_row(at, place, behind)
            if place != at or (behind is not None and behind.model != pair.model):
                count = limited = 0
            count += 1
            limited += pair.failed_with == "rate"
            at, behind, last_error = place, pair, pair.failed_with
            allowed = self._after(pair, self._places[place], count, limited)
        yield from self._end(at, allowed, behind, last_error)

    def _after(self, pair: Pair, target: Target, count: int, limited: int) -> frozenset[After]:
        error = pair.failed_with
        if error == "":
            return frozenset({After.END})
        if error == "cancelled" or self._run.cut == "next target":
            return frozenset(After)
        # What came off a bad wire is another failure than the one that was played, with nothing of its meaning.
        as_played = pair.served is not None and pair.fits and error == pair.served.error
        meaning: Meaning = self._meanings(pair.served.symbol) if pair.served is not None and as_played else PLAIN
        this = Try(
            error=error, count=count, limited=limited, target=target, meaning=meaning, sole=len(self._places) == 1
        )
        found = after(this)
        if pair.bad_wire or pair.served is None:  # what the client met on the way may allow fewer tries
            return found | {After.NEXT} if After.AGAIN in found else found
        return found

    def _may_step(self, allowed: frozenset[After], behind: Pair | None) -> bool:
        return behind is None or After.NEXT in allowed

    def _place_of(self, pair: Pair, at: int) -> int | None:
        """Where in the lane it is, not before ``at``."""
        for place, target in enumerate(self._places[at:], at):
            if target.provider == pair.provider and target.model in (pair.model, "largest"):
                return place
        return None

    def _end(
        self, at: int, allowed: frozenset[After], behind: Pair | None, last_error: str | None
    ) -> Iterator[Violation]:
        run = self._run
        if run.cut in TORN or run.over is None:
            return
        row = run.life.row
        if behind is None:
            if row is not None and row.status != "cancelled":
                yield self._broken("I6", f"ended as {row.status} without a step")
            return
        if After.END not in allowed:
            if After.NEXT not in allowed:
                yield self._broken("I6", f"ended after {_told(behind)}, though the table says to ask once more")
            elif at < len(self._places) - 1:
                rest = self._places[at + 1]
                yield self._broken("I6", f"ended after {_told(behind)}, and {rest.provider} was not asked")
        status = self._status()
        expected = _expected(last_error, self._run)
        if status is not None and expected is not None and status not in expected:
            words = f"ended as {status} instead of {' or '.join(sorted(expected))} after {_told(behind)}"
            yield self._broken("I6", words)

    def _status(self) -> str | None:
        life, run = self._run.life, self._run
        if run.number == len(life.runs) and life.row is not None:
            return life.row.status
        answer = life.asked.answer if run.number == 1 else life.resumed[run.number - 2].answer
        return None if answer is None else str(answer.get("status"))

    def _wrong_step(self, allowed: frozenset[After], behind: Pair | None, pair: Pair) -> Violation:
        told = " or ".join(sorted(each.value for each in allowed))
        words = f"after {_told(behind)} came {pair.provider}/{pair.model}, the table says {told}"
        return self._broken("I6", words)

    def _without_a_row(self, at: int, place: int, behind: Pair | None) -> Violation:
        first = 0 if behind is None else at + 1
        passed = ", ".join(target.provider for target in self._places[first:place])
        return self._broken("I5", f"{passed} was passed over without a row")

    def _broken(self, rule: str, words: str) -> Violation:
        return Violation(rule=rule, words=f"{self._name}: {words}")


def _expected(last_error: str | None, run: Run) -> frozenset[str] | None:
    """How a run that was not cut may end; ``None`` = the rules for skips say."""
    if last_error is None:
        reasons = {pair.row.reason for pair in run.pairs if pair.row is not None}
        if "budget" in reasons:
            return frozenset({"blocked", "paused"})
        return frozenset({"failed", "paused"}) if reasons == {"unfit"} else frozenset({"paused"})
    if last_error == "":
        return frozenset({"completed"})
    if last_error == "cancelled":
        return None
    ends = {FINAL_STATUS.get(last_error, "paused")}
    if any(pair.row is not None and pair.row.reason == "budget" for pair in run.pairs):
        ends |= {"blocked", "paused"}
    if run.cut == "next target":
        ends.add("paused")
    return frozenset(ends)


def _places(run: Run) -> list[Target]:
    """The lane's targets in order, each once."""
    seen: dict[tuple[str, str], Target] = {}
    for target in sorted(run.lane, key=lambda each: each.position):
        seen.setdefault((target.provider, target.model), target)
    return list(seen.values())


def _told(pair: Pair | None) -> str:
    if pair is None:
        return "nothing"
    if pair.skipped:
        assert pair.row is not None
        return f"passing over {pair.provider} ({pair.row.reason})"
    return f"{pair.failed_with or 'a complete answer'} of {pair.provider}"
