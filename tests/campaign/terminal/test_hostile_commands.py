"""A slice of the campaign: hostile text in what commands print, on a terminal and in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.campaign.terminal.plain import into_pipes, on_terminal, spoken
from tests.campaign.terminal.rounds import payload_of
from tests.campaign.terminal.world import hostile_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.terminal.world import HostileWorld

pytestmark = pytest.mark.terminal

ON_TERMINAL = (
    "exec",
    "exec, tool",
    "exec, no lane",
    "conversations",
    "paused request",
    "models",
    "pull",
    "line by line",
)
INTO_PIPES = ("exec, refused", "search")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileWorld]:
    with hostile_world(tmp_path_factory.mktemp("world") / "home", payload_of(3, 1)) as made:
        yield made


@pytest.mark.parametrize("name", ON_TERMINAL)
def test_on_a_terminal_nothing_but_lines_and_colours_is_written(world: HostileWorld, name: str) -> None:
    (command,) = (each for each in spoken(world) if each.name == name)
    assert on_terminal(world, command) == []


@pytest.mark.parametrize("name", INTO_PIPES)
@pytest.mark.parametrize("as_json", [False, True])
def test_in_a_pipe_what_is_told_is_harmless_and_json_is_ascii(world: HostileWorld, name: str, as_json: bool) -> None:
    (command,) = (each for each in spoken(world) if each.name == name)
    assert into_pipes(world, command, as_json=as_json) == []
