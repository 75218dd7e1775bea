"""The steps that only keys take: a server that says them back, and a search for them in all that was said and kept."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, scenarios, then, when

from tests.support.fault_server import chat_answer, error

if TYPE_CHECKING:
    from tests.scenarios.world import World

KEY = "canary-7f3a9c51e8d24b60"
FORMS = (KEY, base64.b64encode(KEY.encode()).decode().rstrip("="), KEY.encode().hex())
"""The key, as itself and as what somebody could read it from."""

scenarios("credentials.feature")


@given(parsers.parse(f"my key {KEY} is in {{place}}"))
def key_in(world: World, place: str) -> None:
    match place:
        case "the variable VAULT_KEY":
            world.environment["VAULT_KEY"] = KEY
        case 'what "pass show vault" prints':
            world.add_tool("pass", f'#!/bin/sh\ntest "$*" = "show vault" && echo {KEY}\n')
        case _:
            assert place == "the configuration itself"
    world.server("vault", "gemma3:4b").play("/api/chat", chat_answer(f"Your key is {KEY}."))


@when("the server takes my key no longer")
def key_is_refused(world: World) -> None:
    echo = error(401, f"Incorrect API key provided: Bearer {' '.join(FORMS)}")
    for path in ("/api/chat", "/api/tags", "/api/me", "/api/usage"):
        world.server("vault").always(path, echo)


@then("my key was sent to its server")
def key_was_sent(world: World) -> None:
    assert [seen.headers.get("authorization") for seen in world.asked("vault")] == [f"Bearer {KEY}"]


@then("Ollama's cloud got its key")
def cloud_got_key(world: World) -> None:
    (seen,) = world.asked("cloud")
    assert seen.headers["authorization"] == f"Bearer {world.environment['OLLAMA_API_KEY']}"


@then("the local Ollama got no key")
def local_got_no_key(world: World) -> None:
    (seen,) = world.asked("local")
    told = f"{seen.headers} {seen.target} {seen.body!r}"
    assert "authorization" not in told
    assert world.environment["OLLAMA_API_KEY"] not in told


@then("my key was never shown and is in no file")
def key_is_nowhere(world: World) -> None:
    assert len(world.said) > 10
    shown = "\n".join([*world.said, *(desk.raw.decode(errors="replace") for desk in world.desks)])
    theirs = {world.configuration, world.tools / "pass"}
    files = [path for path in world.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert world.log in files
    for form in FORMS:
        assert form not in shown
        assert [path for path in files if path not in theirs and form.encode() in path.read_bytes()] == []
