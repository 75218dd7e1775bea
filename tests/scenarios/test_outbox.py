"""The steps that only the outbox takes: a crash, and a server that cannot answer now."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, scenarios, when

from tests.support.fault_server import error

if TYPE_CHECKING:
    from tests.scenarios.world import World

scenarios("outbox.feature")


@given("the local Ollama has too little memory")
def too_little_memory(world: World) -> None:
    text = "model requires more system memory (7.5 GiB) than is available (2.1 GiB)"
    world.server("local").always("/api/chat", error(500, text))


@when(parsers.parse('I kill the command that asks "{prompt}" after "{begins}"'))
def kill_the_command(world: World, prompt: str, begins: str) -> None:
    process = world.start("exec", prompt)
    assert process.stdout is not None
    assert process.stdout.read(len(begins)) == begins.encode()
    process.kill()
    assert process.wait() == -signal.SIGKILL
