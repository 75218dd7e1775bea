"""A slice of the campaign: hostile text that comes while one talks, types and pastes, every byte judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.campaign.terminal.rounds import payload_of
from tests.campaign.terminal.staging import play
from tests.campaign.terminal.watched import KITTY, SILENT
from tests.campaign.terminal.world import hostile_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaign.terminal.watched import Persona

pytestmark = pytest.mark.terminal


@pytest.mark.parametrize(
    ("scene", "number", "persona"),
    [("answering", 0, KITTY), ("failing", 1, SILENT), ("typing", 99, KITTY)],
)
def test_hostile_text_is_only_text_while_one_talks(scene: str, number: int, persona: Persona, tmp_path: Path) -> None:
    with hostile_world(tmp_path / "home", payload_of(number, 1)) as world:
        played = play(scene, world, persona)
    assert not played.violations, "\n".join(f"{each.rule}: {each.words}" for each in played.violations)
    assert played.seen > 3
