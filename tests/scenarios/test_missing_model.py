"""The steps that only a missing model takes: a server that has not got it, until it is pulled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, scenarios

from tests.support.fault_server import error, model_entry

if TYPE_CHECKING:
    from tests.scenarios.world import World
    from tests.support.fault_server import Play, Seen

scenarios("missing_model.feature")


@given(parsers.parse("the model {model} can be pulled"))
def can_be_pulled(world: World, model: str) -> None:
    server = world.server("local")
    pulled = [str(entry["name"]) for entry in server.models]

    def respond(seen: Seen) -> Play | None:
        if seen.path == "/api/pull":
            pulled.append(str(seen.json["model"]))
            server.models = [model_entry(name) for name in pulled]
        asked = str(seen.json.get("model"))
        if seen.path in {"/api/chat", "/api/show"} and asked not in pulled:
            return error(404, f"model '{asked}' not found")
        return None

    server.respond = respond
