"""Lanes with a schema, with the real checker: met, repaired, never met (policy R8, R9)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import Completed, FinishReason, Message, Role, Status, Usage
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import CLOUD, LOCAL, DeskWorld, answers, ask, said

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {
    "type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}, "additionalProperties": False,
}  # fmt: skip
GOOD = '{"path": "a.py"}'


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    made = DeskWorld(tmp_path)
    made.lanes["codegen"] = replace(made.lanes["codegen"], schema=SCHEMA, schema_name="module.json")
    return made


async def test_an_answer_that_meets_the_schema_comes_decoded(world: DeskWorld) -> None:
    world.cloud.script(answers(f"```json\n{GOOD}\n```"))
    async with world.desk() as desk:
        outcome = await ask(desk, "write", lane="codegen")
    assert (outcome.status, outcome.data) == (Status.COMPLETED, {"path": "a.py"})
    assert outcome.text == f"```json\n{GOOD}\n```"
    assert len(world.cloud.requests) == 1


async def test_one_repair_shows_the_model_its_answer_and_what_is_wrong_with_it(world: DeskWorld) -> None:
    world.cloud.script(answers('{"file": "a.py"}', GOOD))
    async with world.desk() as desk:
        outcome = await ask(desk, "write", lane="codegen")
        await ask(desk, "more", lane="codegen", conversation=outcome.conversation)
    assert (outcome.status, outcome.data, outcome.text) == (Status.COMPLETED, {"path": "a.py"}, GOOD)
    assert [(a.error_kind, a.discarded_text) for a in outcome.attempts] == [
        (ErrorKind.SCHEMA, '{"file": "a.py"}'), (None, ""),
    ]  # fmt: skip
    first, repair, later = (said(request) for request in world.cloud.requests)
    assert repair[: len(first)] == first
    assert repair[len(first)] == ("assistant", '{"file": "a.py"}')
    assert "$.path is missing" in repair[-1][1]
    assert later[1:] == [("user", "write"), ("assistant", GOOD), ("user", "more")], "the repair is no part of the talk"


async def test_a_schema_that_is_never_met_fails_with_its_violations(world: DeskWorld) -> None:
    world.cloud.script(answers("no JSON at all"))
    world.local.script(answers('{"path": 7}'))
    async with world.desk() as desk:
        outcome = await ask(desk, "write", lane="codegen")
        view = await desk.request(outcome.request_id)
        assert await desk.outbox() == ()
    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.kind is ErrorKind.SCHEMA
    assert outcome.error.message.startswith("codegen: the answer does not match module.json: ")
    assert (outcome.data, outcome.text) == (None, "")
    assert [a.target.provider for a in view.attempts] == ["cloud", "cloud", "local", "local"]
    assert all(a.error_kind is ErrorKind.SCHEMA and a.details for a in view.attempts)
    assert "$.path" in view.attempts[-1].details
    assert view.attempts[-1].discarded_text == '{"path": 7}'
    assert [step.reason for step in outcome.failovers] == ["schema"]


async def test_the_number_of_repairs_is_the_lanes(world: DeskWorld) -> None:
    world.lanes["codegen"] = replace(world.lanes["codegen"], schema_repairs=0)
    world.cloud.script(answers("nothing of the kind"))
    world.local.script(answers(GOOD))
    async with world.desk() as desk:
        outcome = await ask(desk, "write", lane="codegen")
    assert (len(world.cloud.requests), outcome.data) == (1, {"path": "a.py"})


async def test_an_answer_cut_by_its_limit_does_not_meet_a_schema_even_if_it_parses(world: DeskWorld) -> None:
    cut = Completed(finish_reason=FinishReason.LENGTH, usage=Usage(input_tokens=1, output_tokens=1))
    world.cloud.script([Scene(steps=[GOOD, cut]), *answers(GOOD)])
    async with world.desk() as desk:
        outcome = await ask(desk, "write", lane="codegen")
    assert outcome.attempts[0].error_kind is ErrorKind.SCHEMA
    assert "length limit" in outcome.attempts[0].message
    assert (outcome.status, len(outcome.attempts)) == (Status.COMPLETED, 2)


async def test_a_callers_schema_goes_before_the_lanes_and_any_lane_takes_one(world: DeskWorld) -> None:
    world.cloud.script(answers("42"))
    messages = [Message(role=Role.USER, content="how many?")]
    async with world.desk() as desk:
        for lane in ("chat", "codegen"):
            outcome = await desk.generate(messages=messages, lane=lane, schema={"type": "integer"})
            assert (outcome.status, outcome.data) == (Status.COMPLETED, 42)


async def test_a_schema_that_anything_meets_still_wants_json(world: DeskWorld) -> None:
    world.cloud.script(answers("not JSON", '"JSON"'))
    async with world.desk() as desk:
        outcome = await desk.generate(messages=[Message(role=Role.USER, content="x")], schema={})
    assert (outcome.status, outcome.data, len(outcome.attempts)) == (Status.COMPLETED, "JSON", 2)


async def test_a_null_answer_that_meets_the_schema_is_met(world: DeskWorld) -> None:
    world.cloud.script(answers("null"))
    async with world.desk() as desk:
        outcome = await desk.generate(messages=[Message(role=Role.USER, content="x")], schema={"type": "null"})
    assert (outcome.status, outcome.data, len(outcome.attempts)) == (Status.COMPLETED, None, 1)


async def test_a_server_failure_in_between_costs_no_repair(world: DeskWorld) -> None:
    world.cloud.script([Scene(error=errors.ServerFailed("cloud: server error 503.")), *answers("no JSON", GOOD)])
    async with world.desk() as desk:
        outcome = await ask(desk, "write", lane="codegen")
    assert [a.error_kind for a in outcome.attempts] == [ErrorKind.SERVER, ErrorKind.SCHEMA, None]
    assert (outcome.target, outcome.data) == (CLOUD, {"path": "a.py"})


async def test_the_next_smaller_model_starts_from_the_original_messages(world: DeskWorld) -> None:
    """A repair shows a model its own answer, never another one's (policy R7)."""
    world.lanes["codegen"] = replace(world.lanes["codegen"], targets=(LOCAL,))
    crash = errors.ServerFailed("local: model runner has stopped.", retries=0, smaller_model=True)
    world.local.script([Scene(steps=["of the large one"]), Scene(error=crash), *answers("still none", GOOD)])
    async with world.desk() as desk:
        outcome = await ask(desk, "write", lane="codegen")
    assert (str(outcome.target), outcome.data) == ("local/small:4b", {"path": "a.py"})
    assert said(world.local.requests[2]) == [("user", "write")]
    assert ("assistant", "still none") in said(world.local.requests[3])
    assert ("assistant", "of the large one") not in said(world.local.requests[3])
