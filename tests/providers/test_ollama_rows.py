"""The scenes of kind ``ollama`` leave no row of docs/policy.md 3.1, 3.2 and 3.8 out; the contract suite plays them."""

from __future__ import annotations

from tests.support.ollama_scenes import SCENES


def test_every_row_that_can_be_played_has_a_scene() -> None:
    rows = {scene.row.partition(".")[0] for scene in SCENES}
    assert {f"O{number}" for number in range(1, 23)} - rows == {"O15"}
    assert {f"C{number}" for number in range(1, 11)} - rows == {"C10"}
    assert {f"N{number}" for number in range(1, 17)} - rows == {"N4", "N15"}
    assert len({scene.row for scene in SCENES}) == len(SCENES)
