"""A round: one hostile text in every place, seen in every scene, printed by every command, and every storm once."""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaign.terminal.corpus import MEGABYTE, REACHED, batches, mixed
from tests.campaign.terminal.plain import into_pipes, on_terminal, spoken
from tests.campaign.terminal.scenes import SCENES
from tests.campaign.terminal.staging import play
from tests.campaign.terminal.starved import PATIENCE, unfinished
from tests.campaign.terminal.storms import ENDINGS, STORMS, broken_pipe, end_exec, lost_exec, storm, without
from tests.campaign.terminal.watched import PERSONAS
from tests.campaign.terminal.world import hostile_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.campaign.evidence import Violation
    from tests.campaign.terminal.world import HostileWorld

CLOSED = ("<&-", ">&-", "2>&-", "<&- >&- 2>&-")

ROWS = 12
"""How many lines a text has at most: two of them are to be on the screen at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report. ``marks`` = hostile texts that were seen to arrive, ``size`` = bytes judged."""

    part: str
    name: str
    number: int
    violations: tuple[Violation, ...]
    took: float
    marks: int = 0
    size: int = 0

    @property
    def wrong(self) -> list[Violation]:
        """What broke a rule."""
        return [each for each in self.violations if each.rule != PATIENCE]

    @property
    def unproven(self) -> list[Violation]:
        """Where the machine was too busy to tell."""
        return [each for each in self.violations if each.rule == PATIENCE]


def payload_of(number: int, seed: int) -> str:
    """The text of a round: first the whole corpus, some of it in each; then mixtures of it."""
    whole = list(batches())
    lines = (whole[number] if number < len(whole) else mixed(random.Random(f"{seed}/{number}"))).split("\n")
    return "\n".join(lines[:ROWS]) + " ".join(["", *lines[ROWS:]])


def play_round(number: int, seed: int, parts: Iterable[str] = ("scenes", "commands", "storms")) -> list[Row]:
    """Play a round; the same two integers play the same one again."""
    chance = random.Random(f"{seed}/{number}/how")
    payload = payload_of(number, seed)
    answer = f"zqANSWER{REACHED}{MEGABYTE}" if number == 0 else ""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        if "scenes" in parts:
            for scene in SCENES:  # in a home of its own, so that it depends on no other
                with hostile_world(Path(folder) / scene, payload) as world:
                    rows.append(_scene(scene, world, number, chance))
        if "commands" in parts:
            with hostile_world(Path(folder) / "commands", payload, answer=answer) as world:
                rows += _commands(world, number)
        if "storms" in parts:
            with hostile_world(Path(folder) / "storms", payload, seeded=False) as world:
                rows += _storms(world, number, seed, chance)
    return rows


def _scene(name: str, world: HostileWorld, number: int, chance: random.Random) -> Row:
    persona = chance.choice(list(PERSONAS.values()))
    played = play(name, world, persona, seed=chance.random())
    return Row(
        part="scenes", name=name, number=number, violations=played.violations, took=played.took, marks=played.seen,
        size=played.size,
    )  # fmt: skip


def _commands(world: HostileWorld, number: int) -> Iterator[Row]:
    for command in spoken(world):
        began = time.monotonic()
        found = [
            *on_terminal(world, command),
            *into_pipes(world, command),
            *into_pipes(world, command, as_json=True),
        ]
        yield Row(
            part="commands", name=command.name, number=number, violations=tuple(found),
            took=time.monotonic() - began, marks=2 * len(command.marks),
        )  # fmt: skip


def _storms(world: HostileWorld, number: int, seed: int, chance: random.Random) -> Iterator[Row]:
    def row(name: str, play: Callable[[], Iterable[Violation]]) -> Row:
        began = time.monotonic()
        try:
            found = tuple(play())
        except AssertionError as error:
            found = (unfinished(error, "X5"),)
        return Row(part="storms", name=name, number=number, violations=found, took=time.monotonic() - began)

    for name in STORMS:
        persona = chance.choice(list(PERSONAS.values()))
        yield row(name, partial(storm, name, world, seed=seed + number, persona=persona))
    for name in ENDINGS:
        yield row(name, partial(end_exec, name, world))
    yield row("exec | head", partial(broken_pipe, world))
    yield row("exec, terminal lost", partial(lost_exec, world, "exec", "--lane", "endless"))
    for stream in CLOSED:
        yield row(f"exec {stream}", partial(without, world, stream))
