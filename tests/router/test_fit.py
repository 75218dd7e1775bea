"""What fits which target, and what goes there first: windows, images, abilities, small prompts, parameters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdesk.core import errors
from llmdesk.core.lanes import Lane, SmallPrompt
from llmdesk.core.policy import ProviderRules, RetryRule
from llmdesk.core.types import Message, ModelInfo, ModelRef, Params, Role, Status
from llmdesk.providers.scripted import Scene
from tests.support.router_world import CLOUD, LOCAL, RouterWorld, failing, model, story

OTHER = ModelRef("cloud", "other:70b")
LONG = "word " * 10_000
PICTURE = (Message(role=Role.USER, content="what is this?", images=(b"png",)),)


def hosted(**more: object) -> RouterWorld:
    """A cloud of another kind than ollama, with two targets, and the local models behind them."""
    world = RouterWorld(lane=Lane(name="chat", targets=(CLOUD, OTHER, LOCAL)), **more)  # type: ignore[arg-type]
    world.rules["cloud"] = ProviderRules(name="cloud", kind="openai", retry=RetryRule(attempts=1))
    world.local.models = (model("large:27b", 27e9, context_tokens=131_072, capabilities=frozenset()),)
    return world


# --- windows ---


async def test_a_window_the_user_wrote_down_lets_a_target_be_skipped_for_any_kind() -> None:
    world = hosted(windows={str(CLOUD): 4_096, str(OTHER): 128_000})
    walk = await world.ask(LONG)
    assert story(walk) == [("cloud/big:120b", "skipped", "unfit"), ("cloud/other:70b", "completed", "")]
    assert "longer than this model's context (4096 tokens)" in walk.attempts[0].message


async def test_a_window_from_a_list_that_was_fetched_before_counts_and_none_is_fetched_on_the_way() -> None:
    world = hosted()
    world.cloud.models = (ModelInfo(name=CLOUD.model, context_tokens=4_096),)
    assert story(await world.ask(LONG))[0][1] == "completed", "nothing is known yet"
    await world.router.targets.models("cloud")
    assert story(await world.ask(LONG))[0] == ("cloud/big:120b", "skipped", "unfit")
    world.cloud.models = (ModelInfo(name=CLOUD.model, context_tokens=400_000),)
    assert story(await world.ask(LONG))[0] == ("cloud/big:120b", "skipped", "unfit"), "no list was asked for"


async def test_a_window_the_user_wrote_down_bounds_what_is_asked_of_a_local_model() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(LOCAL,)), windows={"local/large:27b": 12_000})
    await world.ask("word " * 6_000)
    assert world.local.requests[0].params.context_tokens == 12_000
    assert story(await world.ask(LONG * 2))[0][2] == "unfit"


@pytest.mark.parametrize(
    ("second", "asked"),
    [(8_192, False), (4_096, False), (16_384, True), (None, True)],
    ids=["as large", "smaller", "larger", "unknown"],
)
async def test_a_prompt_too_long_for_one_target_goes_on_to_larger_or_unknown_ones_only(
    second: int | None, asked: bool
) -> None:
    windows = {str(CLOUD): 8_192, **({str(OTHER): second} if second else {})}
    world = hosted(windows=windows)
    too_long = errors.RequestRejected(
        "cloud: the prompt is longer than this model's context.", target_specific=True, too_long=True
    )
    world.cloud.script([Scene(error=too_long), Scene(steps=["fits"])])
    walk = await world.ask()
    if asked:
        assert story(walk)[1] == ("cloud/other:70b", "completed", "")
    else:
        assert story(walk)[1] == ("cloud/other:70b", "skipped", "unfit")
        assert "no larger" in walk.attempts[1].message
        assert story(walk)[2] == ("local/large:27b", "completed", "")


async def test_a_local_model_is_then_asked_with_more_room_than_what_was_too_small() -> None:
    world = hosted(windows={str(CLOUD): 32_768})
    world.lane = replace(world.lane, targets=(CLOUD, LOCAL))
    too_long = errors.RequestRejected(
        "cloud: the prompt is longer than this model's context.", target_specific=True, too_long=True
    )
    world.cloud.script(failing(too_long))
    await world.ask()
    assert world.local.requests[0].params.context_tokens == 65_536


@pytest.mark.parametrize("cause", ["takes no top_k.", "the request is too large for this server (413)."])
async def test_another_limit_than_the_window_says_nothing_of_the_windows_of_others(cause: str) -> None:
    world = hosted(windows={str(CLOUD): 8_192, str(OTHER): 8_192})
    world.cloud.script(
        [Scene(error=errors.RequestRejected(f"cloud: {cause}", target_specific=True)), Scene(steps=["fine"])]
    )
    assert story(await world.ask())[1] == ("cloud/other:70b", "completed", "")


async def test_when_no_target_is_large_enough_the_request_fails_and_is_not_kept_waiting() -> None:
    world = hosted(windows={str(CLOUD): 8_192, str(OTHER): 8_192})
    world.lane = replace(world.lane, targets=(CLOUD, OTHER))
    too_long = errors.RequestRejected(
        "cloud: the prompt is longer than this model's context.", target_specific=True, too_long=True
    )
    world.cloud.script(failing(too_long))
    walk = await world.ask()
    assert walk.status is Status.FAILED
    assert len(world.cloud.requests) == 1


# --- abilities ---


async def test_an_image_is_not_sent_to_a_model_that_is_listed_as_blind_whatever_its_kind() -> None:
    world = hosted()
    world.cloud.models = (
        ModelInfo(name=CLOUD.model, capabilities=frozenset({"completion"})),
        ModelInfo(name=OTHER.model, capabilities=frozenset({"completion", "vision"})),
    )
    await world.router.targets.models("cloud")
    walk = await world.ask(messages=PICTURE)
    assert story(walk) == [("cloud/big:120b", "skipped", "unfit"), ("cloud/other:70b", "completed", "")]
    assert "does not read images" in walk.attempts[0].message


async def test_a_model_whose_abilities_nobody_lists_is_asked() -> None:
    world = hosted()
    world.cloud.models = (ModelInfo(name=CLOUD.model),)
    await world.router.targets.models("cloud")
    assert story(await world.ask(messages=PICTURE))[0] == ("cloud/big:120b", "completed", "")


async def test_a_model_that_only_makes_embeddings_is_not_asked_to_chat() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(ModelRef("local", "nomic:1b"), LOCAL)))
    world.local.models = (*world.local.models, model("nomic:1b", 1e9, capabilities=frozenset({"embedding"})))
    walk = await world.ask()
    assert story(walk)[0] == ("local/nomic:1b", "skipped", "unfit")
    assert "does not chat" in walk.attempts[0].message


# --- schemas ---


async def test_a_schema_goes_over_the_wire_where_it_is_taken_and_is_told_in_words_elsewhere() -> None:
    schema = {"type": "object", "required": ["path"]}
    world = RouterWorld()
    world.lane = replace(world.lane, schema=schema, schema_repairs=0, system="Be brief.")
    world.checks = [(None, ("$.path is missing",)), ({"path": "a"}, ())]
    messages = (Message(role=Role.SYSTEM, content="Be brief."), Message(role=Role.USER, content="write"))
    walk = await world.ask(messages=messages)
    assert walk.data == {"path": "a"}
    told, sent = world.cloud.requests[0], world.local.requests[0]
    assert told.format is None
    assert [m.role for m in told.messages] == [Role.SYSTEM, Role.USER]
    assert told.messages[0].content.startswith("Be brief.\n\nAnswer with one JSON value")
    assert told.messages[0].content.endswith('{"type":"object","required":["path"]}')
    assert (sent.format, sent.messages) == (schema, messages)


async def test_without_a_system_prompt_the_words_make_one_for_that_target_only() -> None:
    world = RouterWorld(lane=Lane(name="x", targets=(CLOUD, LOCAL), schema={"type": "object"}, schema_repairs=0))
    world.checks = [(None, ("no",)), ({}, ())]
    await world.ask("write")
    assert [m.role for m in world.cloud.requests[0].messages] == [Role.SYSTEM, Role.USER]
    assert [m.role for m in world.local.requests[0].messages] == [Role.USER]


async def test_a_cloud_model_behind_a_local_server_is_told_in_words() -> None:
    stub = ModelRef("local", "gpt-oss:120b-cloud")
    world = RouterWorld(lane=Lane(name="x", targets=(stub,), schema={"type": "object"}))
    world.checks = [({}, ())]
    await world.ask()
    (request,) = world.local.requests
    assert request.format is None
    assert "JSON Schema" in request.messages[0].content


async def test_every_repair_shows_exactly_one_answer_and_all_its_violations() -> None:
    world = RouterWorld(lane=Lane(name="x", targets=(CLOUD, LOCAL), schema={"type": "object"}, schema_repairs=2))
    world.cloud.script([Scene(steps=["one"]), Scene(steps=["two"]), Scene(steps=["three"])])
    world.local.script([Scene(steps=["four"]), Scene(steps=["five"]), Scene(steps=["six"])])
    world.checks = [(None, (f"$.a{n} is missing", f"$.b{n} is missing")) for n in range(6)]
    walk = await world.ask("write")
    assert walk.status is Status.FAILED
    assert [len(provider.requests) for provider in (world.cloud, world.local)] == [3, 3]
    for provider, answers in ((world.cloud, ("one", "two")), (world.local, ("four", "five"))):
        first, *repairs = provider.requests
        for answer, repair in zip(answers, repairs, strict=True):
            assert repair.messages[: len(first.messages)] == first.messages
            shown, wrong = repair.messages[len(first.messages) :]
            assert (shown.role, shown.content) == (Role.ASSISTANT, answer)
            number = ("one", "two", "three", "four", "five").index(answer)
            assert f"$.a{number} is missing\n$.b{number} is missing" in wrong.content
    assert walk.error is not None
    assert walk.error.violations == ("$.a5 is missing", "$.b5 is missing")


# --- parameters ---


async def test_parameters_are_laid_over_each_other_key_by_key() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(
        world.rules["cloud"], params=Params(temperature=0.1, top_k=5, stop=("a",), extra={"x": 1, "y": 1})
    )
    world.lane = replace(world.lane, params=Params(temperature=0.2, seed=7, extra={"y": 2}))
    await world.ask()
    assert world.cloud.requests[0].params == Params(
        temperature=0.2, top_k=5, stop=("a",), seed=7, extra={"x": 1, "y": 2}
    )


# --- small prompts ---


SMALL = SmallPrompt(below_tokens=100, prefer=(LOCAL,))


async def test_a_small_prompt_asks_the_preferred_target_first_and_then_the_lane_without_repeats() -> None:
    world = RouterWorld(small_prompt=SMALL)
    world.local.script(failing(errors.ServerFailed("local: broken.", retries=0)))
    walk = await world.ask("short")
    assert story(walk) == [("local/large:27b", "failed", "server"), ("cloud/big:120b", "completed", "")]
    world.local.script([Scene(steps=["ok"])])
    walk = await world.ask("short")
    assert story(walk) == [("local/large:27b", "completed", "")]
    assert "routing.small_prompt" in walk.attempts[0].message


@pytest.mark.parametrize("why", ["long", "pinned", "no rule"])
async def test_otherwise_the_lane_keeps_its_own_order(why: str) -> None:
    world = RouterWorld(small_prompt=None if why == "no rule" else SMALL)
    walk = await world.ask("word " * 200 if why == "long" else "short", pinned=why == "pinned")
    assert story(walk) == [("cloud/big:120b", "completed", "")]
    assert walk.attempts[0].message == ""
