"""The steps that only schemas take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, scenarios, then

if TYPE_CHECKING:
    from tests.scenarios.world import World

scenarios("schemas.feature")


@given(parsers.parse("the file {name} beside it is"))
def beside_the_configuration(world: World, name: str, docstring: str) -> None:
    (world.configuration.parent / name).write_text(docstring, encoding="utf-8")


@then(parsers.parse("llmdesk prints the JSON {value}"))
def prints_json(world: World, value: str) -> None:
    assert json.loads(world.ran.out) == json.loads(value)
