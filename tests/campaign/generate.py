"""From one integer to a sequence of faults: the same integer always makes the same sequence."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeVar

from tests.campaign.alphabet import symbols_of
from tests.campaign.sequence import (
    Budget,
    Jump,
    Poison,
    Provider,
    Reboot,
    Restart,
    Resume,
    Say,
    Second,
    Sequence,
    Together,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.campaign.alphabet import Symbol
    from tests.campaign.sequence import (
        Step,
        Toxin,
        Wire,
    )

Value = TypeVar("Value")

EVERY_REAL = 20
"""Of so many seeds one has every ask as a process of its own."""

OTHERS: tuple[tuple[str, Wire], ...] = (
    ("open", "openai"),
    ("claude", "anthropic"),
    ("gem", "google"),
    ("tool", "command"),
)
"""The providers that may stand beside the cloud and the local server of every sequence."""

TOXINS: tuple[Toxin, ...] = ("latency", "down", "bandwidth", "slow close", "timeout", "reset", "slicer", "limit")

STEPS: Mapping[str, int] = {
    "say": 50,
    "together": 11,
    "jump": 9,
    "restart": 7,
    "resume": 8,
    "poison": 7,
    "second": 5,
    "reboot": 3,
}
"""How often each kind of step is drawn."""

REAL_STEPS: Mapping[str, int] = {"say": 60, "together": 15, "resume": 15, "poison": 10}
"""The same where each ask is a process: nobody sets the machine's clocks, and each process is an instance."""

CUTS: Mapping[str, int] = {"cancel": 3, "keep": 2, "next target": 3, "kill": 2, "close": 2}

JUMPS: tuple[Jump, ...] = (
    Jump(wall=-5, boot=0),
    Jump(wall=-3_600, boot=0),
    Jump(wall=-40 * 86_400, boot=0),
    Jump(wall=700, boot=0),
    Jump(wall=86_400, boot=0),
    Jump(wall=400 * 86_400, boot=0),
    Jump(wall=45, boot=45),
    Jump(wall=580, boot=580),
    Jump(wall=601, boot=601),
    Jump(wall=601, boot=601),
    Jump(wall=28_800, boot=28_800),
    Jump(wall=-1_000, boot=601),
)
"""Clocks set back and forward, suspends, and the moment at which a cooldown of 600 s is over."""

REBOOTS = (5.0, 60.0, 590.0, 605.0, 90_000.0, -30.0, -7_200.0)

QUICK_S = 0.15
"""Symbols that take longer than this are drawn more seldom, seconds."""


def generate(seed: int) -> Sequence:
    """Make the sequence of a seed."""
    return _Maker(seed).make()


class _Maker:
    """One throw of the dice after the other; every method takes what it needs from the same ones."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._dice = random.Random(seed)
        self._real = seed % EVERY_REAL == 0
        self._number = 0
        self._providers: tuple[Provider, ...] = ()
        self._lanes: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def make(self) -> Sequence:
        dice = self._dice
        self._providers = self._draw_providers()
        self._lanes = self._draw_lanes()
        record: Literal["full", "metadata", "off-record"] = dice.choices(("full", "metadata", "off-record"), (8, 1, 1))[
            0
        ]
        budgets = self._draw_budgets() if dice.random() < 0.2 else ()
        count = dice.randint(2, 4) if self._real else dice.randint(3, 8)
        steps: list[Step] = [self._say()]
        while len(steps) < count:
            steps.append(self._step(steps))
        return Sequence(
            seed=self._seed,
            providers=self._providers,
            lanes=self._lanes,
            record=record,
            budgets=budgets,
            steps=tuple(steps),
            real=self._real,
        )

    # --- the configuration ---

    def _draw_providers(self) -> tuple[Provider, ...]:
        dice = self._dice
        attempts = dice.choice((1, 2, 3, 3))
        delay_s = dice.choice((0.0, 0.0, 0.01))
        common = {"attempts": attempts, "delay_s": delay_s}
        made = [
            Provider(name="cloud", wire="ollama", key=True, **common),  # type: ignore[arg-type]
            Provider(name="local", wire="ollama", **common),  # type: ignore[arg-type]
        ]
        for name, wire in sorted(dice.sample(OTHERS, dice.choice((0, 1, 1, 2, 2)))):
            price = (dice.choice((0.5, 3.0)), dice.choice((1.0, 15.0))) if dice.random() < 0.75 else None
            made.append(
                Provider(
                    name=name,
                    wire=wire,
                    key=wire != "command",
                    cooldown_s=dice.choice((60.0, 600.0)),
                    price=price,
                    **common,  # type: ignore[arg-type]
                )
            )
        return tuple(made)

    def _draw_lanes(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        dice = self._dice
        names = [provider.name for provider in self._providers]
        lanes: list[tuple[str, tuple[str, ...]]] = [("chat", ("cloud", "local"))]
        if names[2:]:
            beside = dice.sample(names, dice.randint(1, min(3, len(names))))
            lanes.append(("code", tuple(dict.fromkeys([*beside, names[-1]]))))
        if dice.random() < 0.3:
            lanes.append(("talk", tuple(dice.sample(names, dice.randint(1, len(names))))))
        return tuple(lanes)

    def _draw_budgets(self) -> tuple[Budget, ...]:
        dice = self._dice
        return tuple(
            Budget(
                scope=dice.choice(("day", "day", "month", "request", "conversation")),
                kind=dice.choice(("hard", "hard", "soft")),
                limit_usd=dice.choice((0.001, 0.01, 0.05, 1.0)),
                when_exhausted=dice.choice(("free", "block")),
                lane=dice.choice(("", "", self._lanes[-1][0])),
            )
            for _ in range(dice.randint(1, 2))
        )

    # --- what happens ---

    def _step(self, before: list[Step]) -> Step:
        dice = self._dice
        kind = _drawn(dice, REAL_STEPS if self._real else STEPS)
        match kind:
            case "together":
                says = tuple(self._say(cut_in=0.08) for _ in range(dice.randint(2, 3 if self._real else 5)))
                return Together(says=_one_turn_each(says))
            case "jump":
                return dice.choice(JUMPS)
            case "restart":
                return Restart(hard=dice.random() < 0.4)
            case "resume":
                if self._real or dice.random() < 0.7:
                    return Resume(probe=dice.random() < 0.2)
                return Resume(
                    cut=dice.choice(("kill", "close", "cancel", "keep")), after_s=round(dice.random() * 0.1, 3)
                )
            case "poison":
                poisoned = _poisoned(before)
                if poisoned and dice.random() < 0.4:
                    return Poison(provider=dice.choice(poisoned), toxin="")
                wired = [provider.name for provider in self._providers if provider.wire != "command"]
                return Poison(provider=dice.choice(wired), toxin=dice.choice(TOXINS))
            case "second":
                return Second(on=not any(isinstance(step, Second) and step.on for step in before[-1:]))
            case "reboot":
                return Reboot(wall=dice.choice(REBOOTS))
            case _:
                return self._say()

    def _say(self, *, cut_in: float = 0.2) -> Say:
        dice = self._dice
        self._number += 1
        lane, targets = dice.choice(self._lanes)
        cut = _drawn(dice, CUTS) if dice.random() < cut_in else ""
        if self._real and cut in ("next target", "close"):
            cut = "keep"
        return Say(
            lane=lane,
            number=self._number,
            meets=tuple((name, met) for name in targets if (met := self._meets(name, targets[0] == name))),
            cut=cut,  # type: ignore[arg-type]
            after_s=round(dice.random() ** 2 * 0.2, 3) if cut else 0.0,
            follows=dice.random() < 0.3,
            real=self._real,
        )

    def _meets(self, name: str, first: bool) -> tuple[str, ...]:
        dice = self._dice
        if dice.random() > (0.6 if first else 0.4):
            return ()
        wire = next(provider.wire for provider in self._providers if provider.name == name)
        return tuple(self._symbol(wire) for _ in range(dice.choice((1, 1, 1, 2, 2, 3))))

    def _symbol(self, wire: Wire) -> str:
        """A class first, then one of its symbols: a class with many wordings is not met more often for that."""
        dice = self._dice
        classes = _by_class(wire)
        symbols = classes[_drawn(dice, {name: WEIGHTS.get(name, 2) for name in classes})]
        return dice.choices(symbols, [_weight(symbol) for symbol in symbols])[0].name


WEIGHTS: Mapping[str, int] = {"": 3, "rate": 5, "server": 4, "truncated": 4, "net": 3, "silent": 1}
"""How often a class of failure is drawn; the others twice, ``""`` = an answer that completes in a form of its own."""


@cache
def _by_class(wire: Wire) -> Mapping[str, list[Symbol]]:
    classes: dict[str, list[Symbol]] = {}
    for symbol in symbols_of(wire):
        classes.setdefault(symbol.error.value if symbol.error is not None else "", []).append(symbol)
    return dict(sorted(classes.items()))


def _one_turn_each(says: tuple[Say, ...]) -> tuple[Say, ...]:
    """Of those asked at once in a lane only the first goes on: a conversation has one turn after the other."""
    first = {say.lane: say.number for say in reversed(says)}
    return tuple(replace(say, follows=say.follows and first[say.lane] == say.number) for say in says)


def _weight(symbol: Symbol) -> int:
    return 1 if symbol.rare else 5 if symbol.seconds > QUICK_S else 20


def _drawn(dice: random.Random, weights: Mapping[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def _poisoned(steps: list[Step]) -> list[str]:
    """The providers whose wire is bad after these steps."""
    bad: dict[str, bool] = {}
    for step in steps:
        if isinstance(step, Poison):
            bad[step.provider] = bool(step.toxin)
    return [name for name, is_bad in bad.items() if is_bad]
