"""Playing a scene: start the program, do what the scene says, leave, and judge every byte that was written."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.terminal.modes import judge_end
from tests.campaign.terminal.scenes import SCENES, Stage
from tests.campaign.terminal.starved import unfinished
from tests.campaign.terminal.stream import Allowed, judge
from tests.campaign.terminal.watched import SILENT, watched

if TYPE_CHECKING:
    from tests.campaign.terminal.watched import Persona
    from tests.campaign.terminal.world import HostileWorld


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a scene went. ``seen`` = marks that were on the screen, ``size`` = bytes written, ``took`` = seconds."""

    name: str
    violations: tuple[Violation, ...]
    seen: int
    size: int
    took: float


def play(name: str, world: HostileWorld, persona: Persona = SILENT, *, seed: object = 0) -> Played:
    """Play one scene in a world, and leave by ctrl+q; ``seed`` decides what a scene leaves open."""
    began = time.monotonic()
    broken: list[Violation] = []
    with watched(env=world.environment, persona=persona) as terminal:
        stage = Stage(world=world, terminal=terminal, chance=random.Random(str(seed)))
        try:
            terminal.wait_for("1 chat")
            SCENES[name](stage)
            stage.press("ctrl+q", "ctrl+q")
            if code := terminal.wait_exit():
                broken.append(Violation(rule="X1", words=f"exit {code}"))
        except AssertionError as error:
            broken.append(unfinished(error, "X2"))
        raw = bytes(terminal.raw)
    found = judge(raw, Allowed(copied=tuple(stage.copied), pictures=stage.pictures))
    if not broken:
        found += judge_end(raw)
    return Played(
        name=name, violations=(*broken, *found), seen=len(stage.seen), size=len(raw), took=time.monotonic() - began
    )
