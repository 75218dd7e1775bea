"""A slice of the campaign: hostile text on every screen of the real desk, every byte judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.campaign.terminal.rounds import payload_of
from tests.campaign.terminal.scenes import SCENES
from tests.campaign.terminal.staging import play
from tests.campaign.terminal.watched import PERSONAS
from tests.campaign.terminal.world import hostile_world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.terminal

SLICE = {
    "opening": (10, "silent"), "panels": (7, "kitty"), "conversations": (11, "sixel"), "answering": (0, "kitty"),
    "failing": (1, "silent"), "typing": (99, "kitty"),
}  # fmt: skip
"""Scene -> the round whose text it is played with, and the terminal; 0, 1 and 10 found faults once."""


def test_every_scene_is_in_the_slice() -> None:
    assert set(SLICE) == set(SCENES)


@pytest.mark.parametrize("name", SLICE)
def test_hostile_text_is_only_text(name: str, tmp_path: Path) -> None:
    number, persona = SLICE[name]
    with hostile_world(tmp_path / "home", payload_of(number, 1)) as world:
        played = play(name, world, PERSONAS[persona])
    assert not played.violations, "\n".join(f"{each.rule}: {each.words}" for each in played.violations)
    assert played.seen > 3
