"""The steps that only command-line tools take: programs on the PATH."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, scenarios, then

if TYPE_CHECKING:
    from tests.scenarios.world import World

PARROT = f"""#!{sys.executable} -IS
import json, sys
said = f"{{sys.argv[2]}} says: {{sys.stdin.read()}}"
print(json.dumps({{"said": [{{"text": said}}], "in": 2, "out": 3}}))
"""

scenarios("tools.feature")


@given(parsers.parse("a program {name} that repeats its prompt"))
def parrot(world: World, name: str) -> None:
    world.add_tool(name, PARROT)


@given(parsers.parse('a program {name} that fails with "{told}"'))
def failing(world: World, name: str, told: str) -> None:
    world.add_tool(name, f"#!/bin/sh\necho ran >> \"$0.ran\"\necho '{told}' >&2\nexit 1\n")


@then(parsers.parse("the program {name} ran once"))
def ran_once(world: World, name: str) -> None:
    assert (world.tools / f"{name}.ran").read_text(encoding="utf-8") == "ran\n"
