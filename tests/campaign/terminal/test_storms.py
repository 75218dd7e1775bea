"""A slice of the campaign: hard ways out of an answer; the others are in ``tests/terminal``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.campaign.terminal.storms import broken_pipe, end_exec, lost_exec, storm, without
from tests.campaign.terminal.watched import KITTY
from tests.campaign.terminal.world import hostile_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.terminal.world import HostileWorld

pytestmark = pytest.mark.terminal


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileWorld]:
    with hostile_world(tmp_path_factory.mktemp("world") / "home", "\x9b2J[/red]", seeded=False) as made:
        yield made


@pytest.mark.parametrize("name", ["three signals", "SIGQUIT", "sixty sizes", "terminal lost"])
def test_the_request_is_kept_and_the_terminal_given_back(world: HostileWorld, name: str) -> None:
    assert storm(name, world, seed=1, persona=KITTY) == []


def test_a_signal_that_comes_while_nobody_reads_keeps_the_request(world: HostileWorld) -> None:
    assert end_exec("exec, nobody reads", world) == []


def test_a_reader_that_goes_away_stops_no_request(world: HostileWorld) -> None:
    assert broken_pipe(world) == []


def test_a_command_whose_terminal_is_closed_keeps_its_request(world: HostileWorld) -> None:
    assert lost_exec(world, "exec", "--lane", "endless") == []


def test_a_command_without_any_standard_stream_does_its_work(world: HostileWorld) -> None:
    assert without(world, "<&- >&- 2>&-") == []
