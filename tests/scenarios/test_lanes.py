"""The steps that only lanes take: the bar at the bottom with what each lane is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import scenarios, then

if TYPE_CHECKING:
    from tests.scenarios.world import World

ANSWERING, ANSWERED = "…", "✓"
"""What the bar shows behind the name of a lane."""

scenarios("lanes.feature")


def in_bar(world: World, told: str) -> None:
    world.desk.wait_until(lambda text: told in text.splitlines()[-1], f"{told!r} in the last line")


@then("lanes chat and codegen are answering")
def both_answer(world: World) -> None:
    in_bar(world, f"1 chat{ANSWERING}  2 codegen{ANSWERING} ")


@then("only lane chat is answering")
def chat_answers(world: World) -> None:
    in_bar(world, f"1 chat{ANSWERING}  2 codegen  ")


@then("lane chat has its answer")
def chat_has_answered(world: World) -> None:
    in_bar(world, f"1 chat{ANSWERED}  2 codegen  ")
