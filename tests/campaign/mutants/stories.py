"""Sequences made by hand, for bugs that chance shows once in ten thousand; played and judged like all others."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.campaign.sequence import Jump, Provider, Reboot, Resume, Say, Sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.campaign.sequence import Step

PROVIDERS = (
    Provider(name="cloud", wire="ollama", key=True),
    Provider(name="local", wire="ollama"),
    Provider(name="gem", wire="google", key=True, cooldown_s=60.0, price=(3.0, 15.0)),
    Provider(name="open", wire="openai", key=True),
    Provider(name="tool", wire="command"),
)
LANES = (
    ("chat", ("cloud", "local")),
    ("solo", ("cloud",)),
    ("code", ("gem", "local")),
    ("open", ("open",)),
    ("tool", ("tool",)),
)


def story(number: int, *steps: Step, real: bool = False) -> Sequence:
    """A sequence of these steps."""
    return Sequence(seed=-number, providers=PROVIDERS, lanes=LANES, steps=steps, real=real)


def meets(provider: str, *symbols: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What a provider answers with, in turn."""
    return ((provider, symbols),)


STORIES: Mapping[str, Sequence] = MappingProxyType({
    "a short hint": story(1, Say(lane="code", number=1, meets=meets("gem", "google/N16.l"))),
    "a short hint, and another": story(
        2, Say(lane="code", number=1, meets=meets("gem", "google/N16.l", "google/N16.l"))
    ),
    "a day, and then ten minutes": story(
        3,
        Say(lane="solo", number=1, meets=meets("cloud", "ollama/N16.c", "ollama/C1.a")),
        Resume(probe=True),
        Jump(wall=700, boot=700),
        Say(lane="chat", number=2),
    ),
    "a reboot into the past": story(
        4,
        Say(lane="chat", number=1, meets=meets("cloud", "ollama/C1.a")),
        Reboot(wall=-7_200),
        Say(lane="chat", number=2),
        Jump(wall=610, boot=610),
        Say(lane="chat", number=3),
    ),
    "half an answer, and on": story(
        5,
        Say(lane="chat", number=1, meets=meets("cloud", "ollama/N8.b"), cut="keep", after_s=0.25),
        Say(lane="chat", number=2, follows=True),
    ),
    "ends that are none": story(
        7,
        Say(lane="open", number=1, meets=meets("open", "openai/N6.e")),
        Say(lane="tool", number=2, meets=meets("tool", "command/T2.text")),
    ),
    "a process": story(6, Say(lane="chat", number=1, real=True), real=True),
})  # fmt: skip
"""By name."""
