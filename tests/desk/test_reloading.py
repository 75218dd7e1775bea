"""An edited configuration is taken over as a whole or not at all, and nobody under way notices."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.edits import Edit
from llmdesk.core.errors import ConfigurationError, UsageError
from llmdesk.core.types import ConsentNeeded, ModelRef, Status
from llmdesk.core.views import Ask, Topic
from llmdesk.demo import demo_world
from llmdesk.desk.leases import Leases
from llmdesk.wiring import make_desk
from tests.support.screen import wait_until
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from llmdesk.demo import World
    from llmdesk.desk import Desk


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Desk, World, Path]]:
    async with demo_world(scene=False) as world, make_desk(env=world.environment) as desk:
        yield desk, world, world.home / "config" / "llmdesk.yaml"


def edit(file: Path, old: str, new: str) -> None:
    """Save as editors do, whole and under the same name."""
    text = file.read_text()
    assert old in text
    beside = file.with_suffix(".new")
    beside.write_text(text.replace(old, new))
    beside.replace(file)


async def asked(desk: Desk, lane: str = "chat", prompt: str = "Hello") -> tuple[Status, str, str]:
    outcome = await desk.send(Ask(prompt=prompt, lane=lane)).outcome()
    return outcome.status, outcome.target.provider if outcome.target else "", outcome.text


async def test_an_edit_is_seen_by_a_watcher_and_taken_over_as_a_whole() -> None:
    async with opened() as (desk, _, file):
        seen: list[Topic] = []

        async def watch() -> None:
            async for topics in desk.watch():
                seen.extend(topics)

        watcher = asyncio.ensure_future(watch())
        await wait_until(lambda: desk._works.watch.watched)
        text = file.read_text()
        file.write_text(
            text.replace("default_lane: chat", "default_lane: mine")
            .replace("lanes:\n", "lanes:\n  mine: {targets: [local/largest], failover: never}\n")
            .replace("scope: day, limit_usd: 0.01", "scope: day, limit_usd: 7.5")
            + "agents: {me: {lane: mine}}\nui: {theme: daylight, keys: {help: f12}, sidebar: off}\n"
        )
        await wait_until(lambda: Topic.SETTINGS in seen)
        watcher.cancel()
        assert desk.configuration.last is not None
        assert desk.configuration.last.faults == ()
        assert desk.default_lane == "mine"
        assert [lane.name for lane in desk.lanes()][:2] == ["mine", "chat"]
        assert desk.screen.theme == "daylight"
        assert desk.screen.keys == {"help": "f12"}
        assert next(iter(await desk.budgets())).budget.limit == 7_500_000_000
        assert (await desk.send(Ask(prompt="Hello", agent="me")).outcome()).lane == "mine"


async def test_faults_are_told_with_their_place_and_nothing_changes() -> None:
    async with opened() as (desk, _, file):
        before = desk.lanes()
        edit(file, "default_lane: chat", "default_lane: chta\nui: {theme: daylight}")
        reread = await desk.configuration.now()
        assert reread.faults[0].startswith(f"{file}:3:")
        assert "did you mean 'chat'" in reread.faults[0]
        assert desk.lanes() == before
        assert desk.screen.theme == "midnight"
        assert (await asked(desk))[0] is Status.COMPLETED
        edit(file, "chta", "chat")
        assert (await desk.configuration.now()).faults == ()
        assert desk.screen.theme == "daylight"


async def test_a_file_that_goes_and_one_that_comes_are_both_changes() -> None:
    async with opened() as (desk, _, file):
        assert desk.configuration._parts.configuration is not None
        text = file.read_text()
        file.unlink()
        assert desk.configuration._parts.configuration.changed
        assert (await desk.configuration.now()).faults == ()
        file.write_text(text)
        assert desk.configuration._parts.configuration.changed


async def test_adapters_of_providers_that_stay_go_on_and_others_are_closed_after_their_answers() -> None:
    async with opened() as (desk, world, file):
        parts = desk.configuration._parts
        cloud, local = await parts.adapters.get("cloud"), await parts.adapters.get("local")
        run = desk.send(Ask(prompt="Write a long story.", model=ModelRef("local", "largest")))
        events = aiter(run)
        await anext(events)
        edit(file, "fallback_models: [", "cooldown_s: 5\n    fallback_models: [")
        assert (await desk.configuration.now()).faults == ()
        assert await parts.adapters.get("cloud") is cloud
        assert await parts.adapters.get("local") is not local
        assert (await run.outcome()).status is Status.COMPLETED
        await wait_until(lambda: not desk.configuration._left)
        assert (await asked(desk))[0] is Status.COMPLETED
        assert world.local is not None


async def test_a_request_under_way_ends_in_the_lane_it_began_in() -> None:
    async with opened() as (desk, _, file):
        run = desk.send(Ask(prompt="Hello", lane="planner"))
        edit(file, "  planner: {targets: [cloud/", "  planner: null\n  other: {targets: [cloud/")
        await desk.configuration.now()
        outcome = await run.outcome()
        assert (outcome.status, outcome.lane) == (Status.COMPLETED, "planner")
        with pytest.raises(UsageError, match="No lane 'planner'"):
            desk.send(Ask(prompt="Hello", lane="planner"))


async def test_a_budget_that_is_made_smaller_holds_for_the_next_attempt_of_a_request_under_way() -> None:
    async with opened() as (desk, _, file):
        edit(
            file,
            "providers:",
            'providers:\n  dead: {kind: ollama, base_url: "http://127.0.0.1:9", retry: {attempts: 1}}',
        )
        edit(file, "lanes:", "lanes:\n  two: {targets: [dead/m, local/largest], failover: ask}")
        assert (await desk.configuration.now()).faults == ()
        run = desk.send(Ask(prompt="Hello", lane="two"))
        async for event in run:
            if isinstance(event, ConsentNeeded):
                edit(file, "budgets:", "budgets:\n  - {scope: day, limit_tokens: 1, kind: hard}")
                assert (await desk.configuration.now()).faults == ()
                run.consent(True)
        outcome = await run.outcome()
        assert (outcome.status, outcome.text) == (Status.BLOCKED, "")


async def test_what_needs_another_start_is_said_and_the_rest_holds() -> None:
    async with opened() as (desk, _, file):
        edit(file, "version: 1", "version: 1\nprivacy: {record: metadata, network: local-only}")
        reread = await desk.configuration.now()
        assert reread.notes == ("privacy.record has changed; that holds from the next start on.",)
        assert desk.configuration._parts.record_text
        assert desk.configuration._parts.router.targets.local_only


async def test_what_the_user_approves_is_written_and_holds_at_once() -> None:
    async with opened() as (desk, _, file):
        lanes = {lane.name: lane for lane in desk.configuration.lanes()}
        assert lanes["codegen"].failover == "ask"
        assert lanes["codegen"].written
        proposal = await desk.configuration.propose([Edit(path=("lanes", "codegen", "failover"), value="never")])
        assert any(line.startswith("+  codegen:") for line in proposal.diff)
        copy = await desk.configuration.write(proposal)
        assert copy is not None
        assert next(lane for lane in desk.lanes() if lane.name == "codegen").failover == "never"
        assert file.stat().st_mode & 0o777 == 0o600
        with pytest.raises(ConfigurationError, match="cluod"):
            await desk.configuration.propose([Edit(path=("lanes", "chat", "targets"), value=["cluod/x"])])


async def test_leases_wait_for_those_of_now_only() -> None:
    leases = Leases()
    first = leases.take()
    waiting = asyncio.ensure_future(leases.ended())
    await asyncio.sleep(0)
    with leases.held():
        assert not waiting.done()
        first(None)
        await asyncio.wait_for(waiting, PATIENCE_S)
