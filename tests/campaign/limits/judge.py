"""Whether a case was taken as it must be: in time, in memory, by its class, in one line (I14, I15, I16, I20)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from tests.campaign.limits.bench import Ran
    from tests.campaign.limits.cases import Case

LATE_S = 1.0
"""How much later than its limit a request may end (I14), on a machine that has nothing else to do."""

LONGEST_MESSAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One case: how long the hostile part took, how much memory it cost, the class it was given, what was broken."""

    case: Case
    seconds: float
    growth_mib: float
    told: str
    violations: tuple[Violation, ...]


def judged(case: Case, plain: Ran, ran: Ran, *, began: float | None, left: tuple[str, ...]) -> Verdict:
    """Compare a run with the plain one.

    On a busy machine a start takes longer; so the plain run is granted once more beside the limit.
    """
    seconds = ran.over - began if began is not None else max(0.0, ran.seconds - plain.seconds)
    growth = ran.peak_mib - plain.peak_mib
    error = ran.answer.get("error") or {}
    found: list[Violation] = []
    late_s = seconds - case.limit_s - plain.seconds
    if ran.hung or (late_s > LATE_S and late_s > allowed(LATE_S)):
        found.append(Violation(rule="I14", words=f"took {seconds:.1f} s, {case.limit_s:g} s are allowed"))
    if growth > case.growth_mib:
        found.append(Violation(rule="I16", words=f"grew by {growth:.0f} MiB, {case.growth_mib:g} MiB are allowed"))
    if ran.code != case.code:
        found.append(Violation(rule="I1", words=f"exit code {ran.code}, expected {case.code}: {ran.err[-200:]!r}"))
    if (kind := str(error.get("kind", ""))) != case.error:
        found.append(Violation(rule="I6b", words=f"class {kind or 'none'}, expected {case.error or 'none'}"))
    if "Traceback" in ran.err + ran.out:
        found.append(Violation(rule="I20", words=f"a traceback: {ran.err[-200:]!r}"))
    message = str(error.get("message", "")) or ran.err.strip()
    lines = message.splitlines() if error else []
    if error and (len(lines) != 1 or len(message) > LONGEST_MESSAGE):
        found.append(Violation(rule="I20", words=f"not one line of {LONGEST_MESSAGE}: {message[:120]!r}"))
    if wide := [each for each in ran.err.splitlines() if len(each) > 2 * LONGEST_MESSAGE]:
        found.append(Violation(rule="I20", words=f"a line of {len(wide[0])} characters: {wide[0][:80]!r}"))
    found += [
        Violation(rule="I20", words=f"does not say {word!r}: {message[:160]!r}")
        for word in case.says
        if word not in message
    ]
    found += [Violation(rule="I15", words=f"still there: {each}") for each in left]
    told = kind or (message.splitlines() or ["completed"])[0][:60]
    return Verdict(case=case, seconds=seconds, growth_mib=growth, told=told, violations=tuple(found))
