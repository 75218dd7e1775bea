"""Providers, lanes, models and plans as they stand: what is known without asking, and what a look finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ProviderError, UsageError
from llmdesk.core.lanes import Lane
from llmdesk.core.types import Message, ModelInfo, ModelRef, Params, Role
from llmdesk.core.views import Ask, ProviderState
from llmdesk.desk.parts import Agent
from tests.support.desk_world import CLOUD, LOCAL, DeskWorld, answers, ask, fails

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llmdesk.core.views import ProviderStatus


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


def by_name(statuses: Iterable[ProviderStatus]) -> dict[str, ProviderStatus]:
    return {status.provider: status for status in statuses}


# --- plans ---


async def test_a_plan_sends_nothing_and_writes_nothing(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], system="Be brief.", failover="ask")
    async with world.desk() as desk:
        conversation = (await ask(desk, "before " + "x" * 700)).conversation
        plan = await desk.plan(Ask(prompt="hello", conversation=conversation, params=Params(seed=7)))
    assert len(world.cloud.requests) == 1
    assert world.rows("SELECT count(*) FROM requests") == [(1,)]
    assert (plan.lane, plan.system, plan.failover, plan.params.seed) == ("chat", "Be brief.", "ask", 7)
    assert [str(state.target) for state in plan.targets] == ["cloud/big:120b", "local/largest"]
    assert 200 < plan.input_tokens < 260


async def test_a_plan_says_who_would_be_skipped_and_why(world: DeskWorld) -> None:
    world.rules["local"] = replace(world.rules["local"], disabled="local: OLLAMA_HOST is not set.")
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
    async with world.desk() as desk:
        await ask(desk)
        plan = await desk.plan(Ask(prompt="x"))
        probing = await desk.plan(Ask(prompt="x", probe=True))
    cloud, local = plan.targets
    assert (cloud.skip, cloud.cooldown_until) == ("cooling", world.clocks.wall + 600)
    assert (local.skip, local.message) == ("no key", "local: OLLAMA_HOST is not set.")
    assert [state.skip for state in probing.targets] == ["", "no key"]


async def test_an_alias_is_the_model_it_stands_for(world: DeskWorld) -> None:
    world.aliases["cloud"] = {"big": "really-big:400b"}
    async with world.desk() as desk:
        assert (await desk.plan(Ask(prompt="x", model=ModelRef("cloud", "big")))).targets[0].target == ModelRef(
            "cloud", "really-big:400b"
        )
        await ask(desk, "x", model=ModelRef("cloud", "big"))
    assert world.cloud.requests[0].model == "really-big:400b"


async def test_a_program_that_lists_its_models_is_asked_for_no_other(world: DeskWorld) -> None:
    world.rules["local"] = replace(world.rules["local"], kind="command", local_models=False)
    world.aliases["local"] = {"fast": "small-1"}
    async with world.desk() as desk:
        with pytest.raises(UsageError, match=r"^local has no model 'fsat'\. It has: fast, small-1\.$"):
            desk.send(Ask(prompt="hi", model=ModelRef("local", "fsat")))
        for name in ("fast", "small-1"):
            plan = await desk.plan(Ask(prompt="hi", model=ModelRef("local", name)))
            assert [target.target for target in plan.targets] == [ModelRef("local", "small-1")]


async def test_parameters_are_laid_provider_lane_agent_caller_key_by_key(world: DeskWorld) -> None:
    world.rules["cloud"] = replace(
        world.rules["cloud"], params=Params(temperature=0.1, seed=1, top_k=1, top_p=0.1, extra={"a": 1, "b": 1})
    )
    lane = Lane(name="codegen", targets=(CLOUD,), params=Params(seed=2, top_k=2, top_p=0.2, extra={"b": 2, "c": 2}))
    world.lanes["codegen"] = lane
    world.agents["dev"] = Agent(name="dev", lane="codegen", params=Params(top_k=3, top_p=0.3, extra={"c": 3}))
    async with world.desk() as desk:
        outcome = await ask(desk, "x", agent="dev", params=Params(top_p=0.4, extra={"d": 4}))
        assert (outcome.lane, outcome.agent) == ("codegen", "dev")
        elsewhere = await ask(desk, "x", agent="dev", lane="chat")
        assert (elsewhere.lane, elsewhere.agent) == ("chat", "dev")
    assert world.cloud.requests[0].params == Params(
        temperature=0.1, seed=2, top_k=3, top_p=0.4, extra={"a": 1, "b": 2, "c": 3, "d": 4}
    )
    assert world.cloud.requests[1].params.top_k == 3


# --- lanes and providers ---


async def test_lanes_show_their_targets_as_they_stand(world: DeskWorld) -> None:
    world.lanes["strict"] = Lane(name="strict", targets=(LOCAL,), schema={"type": "object"}, system="s", resume="auto")
    world.cloud.script(fails(errors.QuotaReached("cloud: weekly limit reached.")))
    async with world.desk() as desk:
        await ask(desk)
        lanes = {lane.name: lane for lane in desk.lanes()}
    assert list(lanes) == ["chat", "codegen", "strict"]
    assert [t.skip for t in lanes["codegen"].targets] == ["cooling", ""]
    assert lanes["chat"].default
    assert not lanes["strict"].default
    assert (lanes["strict"].has_system, lanes["strict"].has_schema, lanes["strict"].resume) == (True, True, "auto")


async def test_nothing_is_claimed_of_a_provider_before_it_was_asked(world: DeskWorld) -> None:
    world.rules["local"] = replace(world.rules["local"], disabled="local: OLLAMA_HOST is not set.")
    async with world.desk() as desk:
        cloud, local = desk.providers()
    assert (cloud.state, cloud.latency_ms, cloud.models) == (ProviderState.UNKNOWN, None, None)
    assert (local.state, local.message) == (ProviderState.NO_KEY, "local: OLLAMA_HOST is not set.")
    assert world.cloud.checks == 0


async def test_a_check_never_calls_a_resting_or_keyless_provider(world: DeskWorld) -> None:
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
    async with world.desk() as desk:
        await ask(desk)
        statuses = by_name(await desk.check_providers())
        assert (world.cloud.checks, world.local.checks) == (0, 1)
        cloud = statuses["cloud"]
        assert (cloud.state, cloud.cooldown_until, cloud.cooldown_left_s) == (
            ProviderState.COOLING, world.clocks.wall + 600, 600,
        )  # fmt: skip
        assert (statuses["local"].state, statuses["local"].models) == (ProviderState.OK, 2)
        world.clocks.pass_time(600)
        assert by_name(desk.providers())["cloud"].state is ProviderState.UNKNOWN
        assert by_name(await desk.check_providers())["cloud"].state is ProviderState.OK


async def test_a_check_that_meets_a_limit_lets_the_provider_rest_like_any_request(world: DeskWorld) -> None:
    world.cloud.list_error = errors.RateLimited("cloud: rate limited.", http_status=429)
    async with world.desk() as desk:
        for _ in range(2):
            cloud = by_name(await desk.check_providers())["cloud"]
            assert (cloud.state, cloud.cooldown_left_s) == (ProviderState.COOLING, 600)
    assert world.cloud.checks == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (errors.NetworkFailed("cloud: connection refused at 127.0.0.1:9."), ProviderState.DOWN),
        (errors.KeyRejected("cloud: key rejected (401)."), ProviderState.ATTENTION),
        (errors.SetupBroken("cloud: TLS certificate not trusted."), ProviderState.DOWN),
        (RuntimeError("a bug in the adapter"), ProviderState.DOWN),
    ],
)
async def test_a_check_says_what_is_wrong_with_one_and_still_looks_at_the_others(
    world: DeskWorld, error: Exception, state: ProviderState
) -> None:
    world.cloud.list_error = error  # type: ignore[assignment]
    async with world.desk() as desk:
        statuses = by_name(await desk.check_providers())
    assert statuses["cloud"].state is state
    assert str(error) in statuses["cloud"].message
    assert statuses["local"].state is ProviderState.OK


async def test_a_check_that_gets_no_answer_ends_in_time(world: DeskWorld) -> None:
    import asyncio

    class Hanging(type(world.cloud)):  # type: ignore[misc]
        async def check(self) -> object:
            await asyncio.Event().wait()
            return None

    world.shelf.providers = {"cloud": Hanging("cloud"), "local": world.local}
    async with world.desk() as desk:
        statuses = by_name(await desk.check_providers(timeout_s=0.05))
    assert (statuses["cloud"].state, statuses["cloud"].message) == (
        ProviderState.DOWN, "cloud: no answer within 0.05 s.",
    )  # fmt: skip


async def test_a_rejected_key_needs_attention_until_a_check_finds_it_good(world: DeskWorld) -> None:
    world.cloud.script([*fails(errors.KeyRejected("cloud: key rejected (401). Check it."))])
    async with world.desk() as desk:
        await ask(desk)
        world.cloud.script(answers("cloud again"))
        assert (await ask(desk)).attempts[0].reason == "attention"
        status = by_name(desk.providers())["cloud"]
        assert (status.state, status.message) == (ProviderState.ATTENTION, "cloud: key rejected (401). Check it.")
        world.cloud.list_error = errors.KeyRejected("cloud: key rejected (401).")
        assert by_name(await desk.check_providers())["cloud"].state is ProviderState.ATTENTION
        assert (await ask(desk)).attempts[0].reason == "attention"
        world.cloud.list_error = None
        assert by_name(await desk.check_providers())["cloud"].state is ProviderState.OK
        assert (await ask(desk)).text == "cloud again"


async def test_an_answer_shows_that_a_provider_is_well_again(world: DeskWorld) -> None:
    world.cloud.list_error = errors.NetworkFailed("cloud: no network.")
    async with world.desk() as desk:
        assert by_name(await desk.check_providers())["cloud"].state is ProviderState.DOWN
        world.cloud.script(answers("here"))
        await ask(desk)
        status = by_name(desk.providers())["cloud"]
        assert (status.state, status.message) == (ProviderState.OK, "")


async def test_what_a_check_could_not_try_is_said_beside_what_it_found(world: DeskWorld) -> None:
    from llmdesk.providers.base import Check

    class Open(type(world.cloud)):  # type: ignore[misc]
        async def check(self) -> Check:
            return Check(latency_ms=7, models=2, message="Its version is old.", key_tried=False)

    world.shelf.providers = {"cloud": Open("cloud"), "local": Open("local")}
    async with world.desk() as desk:
        statuses = by_name(await desk.check_providers())
    assert statuses["cloud"].message == "Its version is old, key not tried"
    assert statuses["local"].message == "Its version is old"  # it has no key to try


async def test_a_key_that_could_not_be_tried_is_said_where_nothing_else_was_found(world: DeskWorld) -> None:
    from llmdesk.providers.base import Check

    class Open(type(world.cloud)):  # type: ignore[misc]
        async def check(self) -> Check:
            return Check(key_tried=False)

    world.shelf.providers = {"cloud": Open("cloud"), "local": world.local}
    async with world.desk() as desk:
        cloud = by_name(await desk.check_providers())["cloud"]
    assert (cloud.message, cloud.latency_ms) == ("key not tried", None)


async def test_what_is_wrong_on_this_side_needs_attention_and_is_not_called_down(world: DeskWorld) -> None:
    world.shelf.broken["cloud"] = errors.SetupBroken("cloud: pass in $(…) failed with exit code 1.")
    world.local.list_error = errors.ModelGone("local: retired.", http_status=410)
    async with world.desk() as desk:
        statuses = by_name(await desk.check_providers())
    assert {name: status.state for name, status in statuses.items()} == {
        "cloud": ProviderState.ATTENTION, "local": ProviderState.ATTENTION,
    }  # fmt: skip
    assert statuses["cloud"].message == "cloud: pass in $(…) failed with exit code 1."


async def test_the_look_at_start_up_fetches_no_key_and_a_check_does(world: DeskWorld) -> None:
    late = {"cloud": "the output of pass"}
    async with world.desk(providers=world.facts(late)) as desk:
        await desk.discover()
        cloud, local = desk.providers()
        assert (cloud.state, cloud.message) == (ProviderState.UNKNOWN, "not checked, needs the output of pass")
        assert local.state is ProviderState.OK
        assert world.cloud.checks == 0
        assert by_name(await desk.check_providers())["cloud"].state is ProviderState.OK
        await desk.discover()
        assert world.cloud.checks == 2  # fetched already: nothing asks for a password any more


async def test_a_key_that_was_used_needs_no_more_care_at_start_up(world: DeskWorld) -> None:
    async with world.desk(providers=world.facts({"cloud": "the keychain entry a/b"})) as desk:
        await ask(desk)
        await desk.discover()
    assert world.cloud.checks == 1


# --- models ---


async def test_models_of_all_providers_are_listed_and_a_failing_one_becomes_a_warning(world: DeskWorld) -> None:
    world.cloud.list_error = errors.NetworkFailed("cloud: no network.")
    async with world.desk() as desk:
        rows = await desk.models()
        assert [(row.provider, row.model.name) for row in rows] == [("local", "small:4b"), ("local", "large:27b")]
        assert desk.warnings == ("cloud: no network.",)
        with pytest.raises(ProviderError, match="no network"):
            await desk.models("cloud")
        with pytest.raises(UsageError, match="There are: cloud, local"):
            await desk.models("clod")


async def test_a_resting_provider_is_not_asked_for_its_models(world: DeskWorld) -> None:
    world.cloud.models = (ModelInfo(name="m"),)
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
    async with world.desk() as desk:
        await ask(desk)
        assert {row.provider for row in await desk.models()} == {"local"}


async def test_managing_models_where_that_is_impossible_says_so(world: DeskWorld) -> None:
    ref = ModelRef("cloud", "m")
    async with world.desk() as desk:
        for act in (
            desk.show_model(ref),
            desk.delete_model(ref),
            desk.copy_model(ref, "n"),
            anext(desk.pull_model(ref)),
            anext(desk.push_model(ref)),
        ):
            with pytest.raises(UsageError, match="does not manage models"):
                await act
        with pytest.raises(UsageError, match="No provider 'x'"):
            await desk.show_model(ModelRef("x", "m"))


async def test_a_schema_that_no_answer_can_be_checked_against_is_refused_at_once(world: DeskWorld) -> None:
    async with world.desk() as desk:
        with pytest.raises(UsageError, match="not a usable JSON Schema"):
            await desk.generate(messages=[Message(role=Role.USER, content="x")], schema={"type": "strin"})
