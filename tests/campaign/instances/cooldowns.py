"""Cooldown race: many processes meet limits at many providers at once (I3, I3b, I9, R14)."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.campaign.evidence import Violation
from tests.campaign.instances.crowd import Crowd
from tests.campaign.instances.house import answer_to, cooling, echo, house, state_of, watched
from tests.campaign.instances.judge import home_kept, told_well
from tests.campaign.instances.report import Report
from tests.support.fault_server import error

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.campaign.instances.crowd import Ended
    from tests.campaign.instances.house import Call, House
    from tests.support.fault_server import Play

COOLDOWN_S = 600.0
LIMIT = "you've reached your hourly usage limit, please wait or upgrade to continue"

METERED: dict[str, Any] = {
    "fields": {"billing": "metered"},
    "more_of_lanes": ", params: {max_output_tokens: 100}",
    "more": ["budgets:", "  - {scope: day, limit_tokens: 1000000, kind: hard}"],
}
"""Money, or rather tokens, set aside for what is then not sent has to be let go."""

UNDER_WAY_S = 0.5
UNDER_WAY_EACH_S = 0.1
"""A request that arrives so soon after a cooldown was on disk was on its way when it was written.

Between a process's last look at the file and its bytes at the server lie a connection, and the turns that each of so
many processes takes on two processors, this judge's servers too. The second wave is held to nothing at all.
"""


def play(folder: Path, dice: random.Random, at_once: int, seed: int) -> Report:
    """Two waves: the first meets the limits, the second begins when they are all on disk."""
    limited = [f"p{number}" for number in range(dice.randint(2, 4))]
    lanes = {}
    for lane in range(3):
        order = dice.sample(limited, k=len(limited))
        lanes[f"lane{lane}"] = [*order, "local"]
    pauses = {name: dice.choice((0.0, 0.01, 0.1, 0.3)) for name in limited}

    def decide(call: Call) -> Play:
        if call.provider not in pauses:
            return echo(call)
        return replace(error(429, LIMIT), before=(pauses[call.provider],))

    with house(folder, [*limited, "local"], decide) as opened:
        opened.configure(lanes, **(METERED if dice.random() < 0.5 else {}))
        firsts: dict[str, float] = {}
        ends: dict[str, list[float]] = defaultdict(list)

        def look() -> None:
            now = time.monotonic()
            for name in cooling(opened.world):
                firsts.setdefault(name, now)
            for name, entry in ((state_of(opened.world) or {}).get("cooldowns", {})).items():
                if not ends[name] or ends[name][-1] != entry["until_wall"]:
                    ends[name].append(entry["until_wall"])

        doomed = dice.random() < 0.4
        with watched(look), Crowd(opened.world, held=dice.random() < 0.8) as crowd:
            asked = {}
            for number in range(at_once):
                prompt = f"early {number} of {seed}"
                asked[crowd.start("exec", "--json", "--lane", dice.choice(list(lanes)), prompt)] = prompt
            crowd.go()
            if doomed:
                _kill_one_that_was_refused(opened, crowd, dice)
            early = crowd.ended()
        before = len(opened.calls)
        with Crowd(opened.world, first=1000) as crowd:
            for number in range(max(2, at_once // 4)):
                prompt = f"late {number} of {seed}"
                asked[crowd.start("exec", "--json", "--lane", dice.choice(list(lanes)), prompt)] = prompt
            late = crowd.ended()
        lags = list(_lags(opened.calls[:before], firsts))
        return Report(
            name="cooldown race",
            seed=seed,
            processes=len(early) + len(late),
            killed=sum(each.killed for each in early),
            calls=len(opened.calls),
            told=f"{len(limited)} providers limited, latest under way {max(lags, default=0.0) * 1000:.0f} ms",
            violations=(
                *home_kept(opened.world),
                *told_well([*early, *late]),
                *_answers(opened, asked, [*early, *late]),
                *_kept(opened, before, firsts, at_once),
                *_persisted_first(opened),
                *_none_lost(opened, early, ends),
            ),
        )


def _kill_one_that_was_refused(opened: House, crowd: Crowd, dice: random.Random) -> None:
    """SIGKILL somebody at about the time at which the first limits are written."""
    deadline = time.monotonic() + 30
    while not opened.calls and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(dice.random() * 0.2)
    if running := crowd.running():
        crowd.kill(dice.choice(running))


def _lags(calls: list[Call], firsts: dict[str, float]) -> Iterator[float]:
    """How long after its cooldown was seen on disk a provider was still asked, seconds."""
    for call in calls:
        if call.provider in firsts and call.at > firsts[call.provider]:
            yield call.at - firsts[call.provider]


def _answers(opened: House, asked: dict[int, str], ended: list[Ended]) -> Iterator[Violation]:
    for each in ended:
        if each.killed:
            continue
        prompt = asked[each.who]
        if each.answer.get("text") != answer_to("local", prompt):
            yield Violation(rule="I1", words=f"{prompt!r}: exit {each.code}, {each.err[-160:]!r}")
        told = [a for a in each.answer.get("attempts", ()) if a["outcome"] != "skipped"]
        seen = [call.provider for call in opened.of(prompt)]
        if [a["provider"] for a in told] != seen:
            yield Violation(rule="I6", words=f"{prompt!r}: told {[a['provider'] for a in told]}, served {seen}")
        if wrong := [a["error_kind"] for a in told[:-1] if a["error_kind"] != "rate"]:
            yield Violation(rule="I6b", words=f"{prompt!r}: a limit was recorded as {wrong}")


def _kept(opened: House, before: int, firsts: dict[str, float], at_once: int) -> Iterator[Violation]:
    """I3: nobody asks a provider whose cooldown is on disk."""
    for place, call in enumerate(opened.calls):
        first = firsts.get(call.provider)
        if first is None or call.at <= first:
            continue
        if place >= before:
            yield Violation(rule="I3", words=f"{call.prompt!r} asked {call.provider}, which rested when it began")
        elif call.at - first > UNDER_WAY_S + UNDER_WAY_EACH_S * at_once:
            late_ms = (call.at - first) * 1000
            yield Violation(rule="I3", words=f"{call.prompt!r} asked {call.provider} {late_ms:.0f} ms after its limit")


def _persisted_first(opened: House) -> Iterator[Violation]:
    """I3b: whoever was refused has that on disk before it asks anybody else."""
    for prompt in {call.prompt for call in opened.calls}:
        refused: set[str] = set()
        for call in opened.of(prompt):
            if missing := refused - call.cooling:
                yield Violation(rule="I3b", words=f"{prompt!r} asked {call.provider}, {sorted(missing)} not on disk")
            refused.add(call.provider)


def _none_lost(opened: House, early: list[Ended], ends: dict[str, list[float]]) -> Iterator[Violation]:
    """No update of one process undoes another's: every limit is there at the end, and deadlines only move later."""
    killed = {each.who for each in early if each.killed}
    state = (state_of(opened.world) or {}).get("cooldowns", {})
    for name in opened.servers.keys() - {"local"}:
        last = max(
            (call.wall for call in opened.calls if call.provider == name and call.who not in killed), default=None
        )
        if last is None:
            continue
        until = state.get(name, {}).get("until_wall", 0.0)
        if until < last + COOLDOWN_S - 0.1:
            yield Violation(rule="I3", words=f"{name} rests until {until:.1f}, its last limit came at {last:.1f}")
    for name, seen in ends.items():
        if seen != sorted(seen):
            yield Violation(rule="I3", words=f"the deadline of {name} moved back: {seen}")
