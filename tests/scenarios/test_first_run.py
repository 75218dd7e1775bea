"""The steps that only a first run takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import scenarios, then

if TYPE_CHECKING:
    from tests.scenarios.world import World

scenarios("first_run.feature")


@then("no configuration was written")
def no_configuration(world: World) -> None:
    assert world.database.is_file()
    assert not world.configuration.exists()


@then("the demo kept nothing")
def demo_kept_nothing(world: World) -> None:
    assert [path for path in world.home.rglob("*") if path.is_file()] == []
