"""One request down its lane: what each class of failure leads to, in which order, and what is written down."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import ErrorKind
from llmdesk.core.lanes import Lane
from llmdesk.core.policy import RetryRule
from llmdesk.core.types import (
    AttemptFailed,
    AttemptOutcome,
    AttemptStarted,
    Completed,
    ConsentNeeded,
    FailedOver,
    FinishReason,
    Message,
    ModelRef,
    Params,
    ReasoningDelta,
    Role,
    Status,
    TextDelta,
    Usage,
    Waiting,
)
from llmdesk.providers.scripted import Scene, ScriptedProvider
from llmdesk.router import Wish
from llmdesk.router.route import Pieces
from tests.support.router_world import CLOUD, LOCAL, RouterWorld, failing, model, story

if TYPE_CHECKING:
    from llmdesk.core.types import (
        ModelInfo,
    )

LARGE = ModelRef("local", "large:27b")


async def test_the_first_target_answers_and_nobody_else_is_asked() -> None:
    world = RouterWorld()
    world.cloud.script([Scene(steps=["Hel", "lo"])])
    walk = await world.ask()
    assert walk.status is Status.COMPLETED
    assert "".join(walk.text) == "Hello"
    assert story(walk) == [("cloud/big:120b", "completed", "")]
    assert world.local.requests == []
    assert walk.failovers == []


@pytest.mark.parametrize(
    ("error", "cloud_asked", "kind"),
    [
        (errors.RateLimited("cloud: rate limited.", http_status=429), 1, "rate"),
        (errors.RateLimited("cloud: rate limited.", http_status=429, hint_s=1.0), 1, "rate"),
        (errors.QuotaReached("cloud: weekly limit reached.", http_status=429), 1, "quota"),
        (errors.ServerFailed("cloud: server error 503.", http_status=503), 3, "server"),
        (errors.ServerFailed("cloud: load time-out.", http_status=500, retries=0), 1, "server"),
        (errors.ServerFailed("cloud: runner stopped.", http_status=500, retries=1), 2, "server"),
        (errors.ServerFailed("cloud: overloaded.", http_status=503, hint_s=30.0), 1, "server"),
        (errors.NetworkFailed("cloud: no route."), 3, "net"),
        (errors.NetworkFailed("cloud: refused.", retries=0), 1, "net"),
        (errors.NoAnswer("cloud: no answer for 60 s."), 1, "silent"),
        (errors.AnswerCut("cloud: cut off."), 3, "truncated"),
        (errors.KeyRejected("cloud: key rejected (401).", http_status=401), 1, "auth"),
        (errors.ModelGone("cloud: no such model.", http_status=404), 1, "gone"),
        (errors.SetupBroken("cloud: certificate not trusted."), 1, "config"),
        (errors.WebPageAnswered("cloud: got a web page."), 1, "captive"),
        (errors.RequestRejected("cloud: too long.", target_specific=True), 1, "request"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_each_class_is_asked_as_often_as_the_table_says_and_then_the_next_target_answers(
    error: errors.ProviderError, cloud_asked: int, kind: str
) -> None:
    world = RouterWorld()
    world.cloud.script(failing(error))
    world.local.script([Scene(steps=["whole answer"])])
    walk = await world.ask()
    assert walk.status is Status.COMPLETED
    assert "".join(walk.text) == "whole answer"
    assert len(world.cloud.requests) == cloud_asked
    assert story(walk) == [("cloud/big:120b", "failed", kind)] * cloud_asked + [("local/large:27b", "completed", "")]
    assert [a.number for a in walk.attempts] == list(range(1, cloud_asked + 2))
    assert world.recorded == walk.attempts[:-1], "every failure is recorded; the completed attempt is settled with it"
    (step,) = walk.failovers
    assert (step.source, step.target, step.reason) == (CLOUD, LARGE, kind)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.RequestRejected("cloud: unknown parameter."), Status.FAILED),
        (errors.ModelRefused("The model declined."), Status.REFUSED),
    ],
)
async def test_what_no_other_target_could_mend_ends_the_request(error: errors.ProviderError, status: Status) -> None:
    world = RouterWorld()
    world.cloud.script(failing(error))
    walk = await world.ask()
    assert walk.status is status
    assert walk.error is not None
    assert walk.error.kind is error.kind
    assert world.local.requests == []


async def test_the_cooldown_is_written_before_the_local_model_is_asked() -> None:
    seen: list[list[str]] = []

    class Watching(ScriptedProvider):
        async def list_models(self) -> tuple[ModelInfo, ...]:
            seen.append(list(world.book.log))
            return await ScriptedProvider.list_models(self)

    world = RouterWorld(local=Watching("local"))
    world.cloud.script(failing(errors.RateLimited("cloud: rate limited.")))
    await world.ask()
    assert seen[0] == ["cool cloud"]
    assert world.book.remaining_s("cloud") == 600


async def test_a_cooling_provider_is_skipped_with_a_record_and_asked_again_after_its_deadline() -> None:
    world = RouterWorld()
    world.cloud.script([Scene(error=errors.RateLimited("cloud: rate limited.")), Scene(steps=["cloud again"])])
    await world.ask()
    for _ in range(10):
        walk = await world.ask()
        assert story(walk) == [("cloud/big:120b", "skipped", "cooling"), ("local/large:27b", "completed", "")]
        assert walk.attempts[0].error_kind is ErrorKind.RATE
        assert walk.failovers[0].reason == "cooling"
    assert len(world.cloud.requests) == 1
    world.book.now += 600.5
    walk = await world.ask()
    assert "".join(walk.text) == "cloud again"


async def test_after_any_number_of_server_errors_the_first_target_is_still_tried_first() -> None:
    world = RouterWorld()
    world.cloud.script(failing(errors.ServerFailed("cloud: server error 503.", http_status=503)))
    for asked in (3, 6, 9):
        await world.ask()
        assert len(world.cloud.requests) == asked
    assert world.book.log == []


async def test_the_delay_between_tries_is_fixed_and_counts_from_the_end_of_the_failed_one() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(world.rules["cloud"], retry=RetryRule(attempts=3, delay_s=0.05))
    world.cloud.script(failing(errors.ServerFailed("cloud: server error 503.")))
    await world.ask()
    waits = [e for e in world.events if isinstance(e, Waiting)]
    assert [round(w.until - world.book.now, 3) for w in waits] == [0.05, 0.05]


async def test_a_short_hint_of_a_server_error_lengthens_the_delay() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(world.rules["cloud"], retry=RetryRule(attempts=2, delay_s=0.0, short_wait_s=5))
    world.cloud.script(failing(errors.ServerFailed("cloud: busy.", hint_s=0.04)))
    await world.ask()
    (wait,) = [e for e in world.events if isinstance(e, Waiting)]
    assert round(wait.until - world.book.now, 3) == 0.04


async def test_a_provider_that_allows_it_is_asked_once_more_after_a_short_hint_and_only_then_cooled() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(world.rules["cloud"], retries_rate=True, cooldown_s=60)
    world.cloud.script(failing(errors.RateLimited("cloud: rate limited.", hint_s=0.01)))
    walk = await world.ask()
    assert [reason for _, _, reason in story(walk)] == ["rate", "rate", ""]
    assert world.book.log == ["cool cloud"]


async def test_the_one_hinted_retry_is_there_after_a_server_error_too() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(world.rules["cloud"], retries_rate=True, cooldown_s=60)
    world.cloud.script([
        Scene(error=errors.ServerFailed("cloud: server error 500.", http_status=500)),
        Scene(error=errors.RateLimited("cloud: rate limited.", http_status=429, hint_s=0.01)),
        Scene(error=errors.ServerFailed("cloud: server error 500.", http_status=500)),
        Scene(steps=["never asked"]),
    ])  # fmt: skip
    walk = await world.ask()
    assert [reason for _, _, reason in story(walk)] == ["server", "rate", "server", ""]
    assert world.book.log == []
    assert len(world.cloud.requests) == 3


async def test_where_a_hint_is_believed_a_short_one_is_the_cooldown() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(world.rules["cloud"], retries_rate=True, cooldown_s=60)
    world.cloud.script(failing(errors.RateLimited("cloud: rate limited.", hint_s=20.0)))
    await world.ask()
    assert world.book.remaining_s("cloud") == 20


async def test_a_cooldown_that_ends_on_another_day_is_told_with_the_date() -> None:
    world = RouterWorld()
    world.cloud.script(failing(errors.QuotaReached("cloud: spend limit reached.", hint_s=9 * 86_400)))
    walk = await world.ask()
    assert re.search(r"next try \d{1,2} \w+ \d\d:\d\d\.$", walk.attempts[0].message)


async def test_a_hint_longer_than_the_cooldown_rules() -> None:
    world = RouterWorld()
    world.cloud.script(failing(errors.RateLimited("cloud: rate limited.", hint_s=7_200)))
    await world.ask()
    assert world.book.remaining_s("cloud") == 7_200


async def test_the_fallback_that_is_limited_too_is_cooled_like_the_first_and_the_request_pauses() -> None:
    world = RouterWorld()
    world.cloud.script(failing(errors.RateLimited("cloud: rate limited.")))
    world.local.script(failing(errors.RateLimited("local: rate limited.")))
    walk = await world.ask()
    assert walk.status is Status.PAUSED
    assert world.book.log == ["cool cloud", "cool local"]
    assert walk.next_try_at == world.book.now + 600
    walk = await world.ask()
    assert walk.status is Status.PAUSED
    assert walk.error is not None
    assert "comes back first" in walk.error.message
    assert [a.outcome for a in walk.attempts] == [AttemptOutcome.SKIPPED] * 2


async def test_a_silent_target_is_asked_again_only_where_it_is_the_only_one() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(CLOUD,)))
    world.cloud.script(failing(errors.NoAnswer("cloud: no answer for 60 s.")))
    walk = await world.ask()
    assert len(world.cloud.requests) == 3
    assert walk.status is Status.PAUSED


async def test_text_of_a_cut_attempt_is_discarded_and_the_next_one_starts_from_the_original_messages() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(world.rules["cloud"], retry=RetryRule(attempts=1))
    world.cloud.script([Scene(steps=["half an ans"], cut=True)])
    world.local.script([Scene(steps=["whole"])])
    walk = await world.ask("question")
    assert "".join(walk.text) == "whole"
    assert walk.attempts[0].discarded_text == "half an ans"
    assert "cut off after 11 characters" in walk.attempts[0].message
    assert [m.content for m in world.local.requests[0].messages] == ["question"]
    kinds = [type(e) for e in world.events]
    assert kinds.index(AttemptFailed) < kinds.index(FailedOver) < len(kinds) - kinds[::-1].index(TextDelta) - 1


async def test_a_cut_answer_is_never_left_as_the_text_of_a_paused_request() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(CLOUD,)))
    world.cloud.script([Scene(steps=["half"], cut=True)])
    walk = await world.ask()
    assert walk.status is Status.PAUSED
    assert walk.text == []


async def test_a_rejected_key_takes_the_provider_out_until_it_is_taken_back() -> None:
    world = RouterWorld()
    world.cloud.script([Scene(error=errors.KeyRejected("cloud: key rejected (401).")), Scene(steps=["cloud"])])
    await world.ask()
    walk = await world.ask()
    assert story(walk)[0] == ("cloud/big:120b", "skipped", "attention")
    assert world.router.targets.attention("cloud") == "cloud: key rejected (401)."
    world.router.targets.take_back("cloud")
    assert "".join((await world.ask()).text) == "cloud"


async def test_a_forbidden_model_takes_only_that_model_out() -> None:
    world = RouterWorld()
    world.cloud.script([Scene(error=errors.KeyRejected("cloud: plan.", http_status=403, scope="model")), Scene()])
    await world.ask()
    assert story(await world.ask())[0] == ("cloud/big:120b", "skipped", "attention")
    world.lane = replace(world.lane, targets=(ModelRef("cloud", "other:8b"),))
    assert (await world.ask()).status is Status.COMPLETED


async def test_a_target_that_rests_before_it_is_asked_again_ends_with_what_it_had_failed_with() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(CLOUD, LARGE)))
    world.cloud.script([Scene(error=errors.RequestRejected("cloud: too long.", target_specific=True))])
    world.local.script([Scene(steps=["half"], cut=True), Scene(steps=["asked again"])])

    class Beside(list[object]):
        def append(self, event: object) -> None:
            super().append(event)
            if isinstance(event, AttemptFailed) and event.attempt.target == LARGE:
                world.book.cool("local", "quota", "local: weekly limit reached.", 600.0)  # another window was told so

    world.events = Beside()
    walk = await world.ask()
    assert story(walk)[1:] == [("local/large:27b", "failed", "truncated"), ("local/large:27b", "skipped", "cooling")]
    assert walk.status is Status.PAUSED
    assert walk.error is not None
    assert walk.error.kind is ErrorKind.TRUNCATED


async def test_a_forbidden_model_stays_out_though_somebody_else_was_told_that_it_is_gone() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(LARGE,)))
    forbidden = errors.KeyRejected("local: needs a subscription (403).", http_status=403, scope="model")
    world.local.script([Scene(error=forbidden), Scene(steps=["asked again"])])
    await world.ask()
    # It was under way beside the other, and the model is listed all the same.
    world.router.targets.leave_out(LARGE, errors.ModelGone("local: not there."), "local: not there.")
    assert story(await world.ask()) == [("local/large:27b", "skipped", "attention")]


async def test_a_missing_local_model_is_asked_again_once_it_is_there() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(ModelRef("local", "new:8b"),)))
    world.local.script([Scene(error=errors.ModelGone("local: not there.")), Scene(steps=["here"])])
    assert (await world.ask()).status is Status.PAUSED
    walk = await world.ask()
    assert story(walk) == [("local/new:8b", "skipped", "gone")]
    world.local.models = (*world.local.models, model("new:8b", 8e9))
    assert (await world.ask()).status is Status.COMPLETED


async def test_out_of_memory_steps_down_to_the_next_smaller_local_model() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(LOCAL,)))
    hungry = errors.ServerFailed("local: needs more memory.", http_status=500, retries=0, smaller_model=True)
    world.local.script([Scene(error=hungry), Scene(steps=["small answer"])])
    walk = await world.ask()
    assert story(walk) == [("local/large:27b", "failed", "server"), ("local/small:4b", "completed", "")]
    assert [str(s.target) for s in walk.failovers] == ["local/small:4b"]


async def test_an_explicit_local_model_is_never_replaced_by_a_smaller_one() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(LARGE,)))
    hungry = errors.ServerFailed("local: needs more memory.", http_status=500, retries=0, smaller_model=True)
    world.local.script(failing(hungry))
    walk = await world.ask()
    assert story(walk) == [("local/large:27b", "failed", "server")]


async def test_without_a_local_model_the_message_names_the_command_that_fetches_one() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(LOCAL,)))
    world.local.models = (model("nomic-embed-text", 1e8, capabilities=frozenset({"embedding"})),)
    walk = await world.ask()
    assert walk.error is not None
    assert walk.error.kind is ErrorKind.GONE
    assert "ollama pull" in walk.error.message


async def test_a_model_list_that_cannot_be_had_counts_as_the_attempt() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(LOCAL,)))
    world.local.list_error = errors.NetworkFailed("local: connection refused at 127.0.0.1:11434.", retries=0)
    walk = await world.ask()
    assert story(walk) == [("local/largest", "failed", "net")]
    assert world.local.requests == []


async def test_a_window_is_asked_of_local_models_only_and_never_below_what_is_loaded() -> None:
    world = RouterWorld()
    await world.ask()
    assert world.cloud.requests[0].params.context_tokens is None
    world.local.models = (model("large:27b", 27e9, loaded_context_tokens=16_384),)
    world.lane = Lane(name="chat", targets=(LOCAL,), params=Params(max_output_tokens=1_000))
    await world.ask()
    assert world.local.requests[0].params.context_tokens == 16_384


async def test_a_history_too_long_for_the_target_is_cut_by_whole_turns_visibly() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(LOCAL,)))
    world.local.models = (model("large:27b", 27e9, context_tokens=8_192),)
    long = "word " * 3_000
    messages = tuple(
        Message(role=role, content=f"{n} {long}") for n in range(4) for role in (Role.USER, Role.ASSISTANT)
    )
    system = Message(role=Role.SYSTEM, content="be brief")
    walk = await world.ask(messages=(system, *messages, Message(role=Role.USER, content="now?")))
    assert walk.status is Status.COMPLETED
    (started,) = [e for e in world.events if isinstance(e, AttemptStarted)]
    assert started.left_out_turns == 4
    sent = world.local.requests[0].messages
    assert [m.role for m in sent] == [Role.SYSTEM, Role.USER]


async def test_a_prompt_no_target_can_hold_fails_and_says_so() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(LOCAL,)))
    world.local.models = (model("large:27b", 27e9, context_tokens=2_048),)
    walk = await world.ask("word " * 10_000)
    assert walk.status is Status.FAILED
    assert story(walk) == [("local/large:27b", "skipped", "unfit")]
    assert walk.error is not None
    assert "2048 tokens" in walk.error.message


async def test_an_image_is_not_sent_to_a_model_that_cannot_see() -> None:
    world = RouterWorld(lane=Lane(name="chat", targets=(LOCAL,)))
    walk = await world.ask(messages=(Message(role=Role.USER, content="what is this?", images=(b"png",)),))
    assert story(walk) == [("local/large:27b", "skipped", "unfit")]


async def test_local_only_sends_nothing_to_the_cloud_nor_to_a_cloud_stub() -> None:
    world = RouterWorld(local_only=True)
    world.lane = Lane(name="chat", targets=(CLOUD, ModelRef("local", "gpt-oss:120b-cloud"), LOCAL))
    walk = await world.ask()
    assert [reason for _, _, reason in story(walk)] == ["privacy", "privacy", ""]
    assert world.cloud.requests == []


async def test_an_unconfigured_provider_is_passed_over_without_a_seam() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(world.rules["cloud"], disabled="cloud: no key. Set OLLAMA_API_KEY.")
    walk = await world.ask()
    assert story(walk) == [("cloud/big:120b", "skipped", "no key"), ("local/large:27b", "completed", "")]
    assert walk.failovers == []


# --- consent ---


async def test_ask_sends_nothing_to_the_next_target_before_the_user_agrees() -> None:
    world = RouterWorld()
    world.lane = replace(world.lane, failover="ask")
    world.cloud.script(failing(errors.NoAnswer("cloud: no answer.")))
    task = asyncio.create_task(world.ask())
    while not any(isinstance(e, ConsentNeeded) for e in world.events):
        await asyncio.sleep(0)
    assert world.local.requests == []
    assert world.controls is not None
    world.controls.say(Wish.GO)
    assert (await task).status is Status.COMPLETED
    assert len(world.local.requests) == 1


@pytest.mark.parametrize("failover", ["ask", "never"])
async def test_without_consent_the_request_pauses_and_says_who_would_be_next(failover: str) -> None:
    world = RouterWorld()
    world.lane = replace(world.lane, failover=failover)  # type: ignore[arg-type]
    world.cloud.script(failing(errors.NoAnswer("cloud: no answer.")))
    task = asyncio.create_task(world.ask())
    if failover == "ask":
        while not any(isinstance(e, ConsentNeeded) for e in world.events):
            await asyncio.sleep(0)
        assert world.controls is not None
        world.controls.say(Wish.STAY)
    walk = await task
    assert walk.status is Status.PAUSED
    assert walk.error is not None
    assert "local/largest" in walk.error.message
    assert world.local.requests == []


async def test_consent_given_beforehand_is_not_asked_for() -> None:
    world = RouterWorld()
    world.lane = replace(world.lane, failover="ask")
    world.cloud.script(failing(errors.NoAnswer("cloud: no answer.")))
    assert (await world.ask(consent=True)).status is Status.COMPLETED


async def test_a_probe_ignores_the_cooldown_and_is_recorded_as_one() -> None:
    world = RouterWorld()
    world.book.cool("cloud", "rate", "cloud: rate limited", 600)
    walk = await world.ask(probe=True)
    assert story(walk) == [("cloud/big:120b", "completed", "")]
    assert walk.attempts[0].probe


# --- controls ---


async def test_retry_now_cuts_the_delay_short_and_next_leaves_the_target() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(world.rules["cloud"], retry=RetryRule(attempts=3, delay_s=60))
    world.cloud.script(failing(errors.ServerFailed("cloud: server error 503.")))
    task = asyncio.create_task(world.ask())
    for count, wish in ((1, Wish.RETRY), (2, Wish.NEXT)):
        while sum(isinstance(e, Waiting) for e in world.events) < count:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert world.controls is not None
        world.controls.say(wish)
    walk = await asyncio.wait_for(task, 20)  # a third of what it would wait
    assert len(world.cloud.requests) == 2
    assert walk.status is Status.COMPLETED


async def test_next_target_leaves_a_stream_under_way_and_records_it() -> None:
    world = RouterWorld()
    world.cloud.script([Scene(steps=["slow ", 60.0])])
    world.local.script([Scene(steps=["quick"])])
    task = asyncio.create_task(world.ask())
    while not any(isinstance(e, TextDelta) for e in world.events):
        await asyncio.sleep(0)
    assert world.controls is not None
    world.controls.say(Wish.NEXT)
    walk = await asyncio.wait_for(task, 20)  # a third of what it would wait
    assert story(walk) == [("cloud/big:120b", "cancelled", "cancelled"), ("local/large:27b", "completed", "")]
    assert "".join(walk.text) == "quick"
    assert world.cloud.closed == 1


async def test_cancelling_closes_the_stream_and_leaves_a_complete_record() -> None:
    world = RouterWorld()
    world.cloud.script([Scene(steps=["some text", 60.0])])
    walk_task = asyncio.create_task(world.ask())
    while not any(isinstance(e, TextDelta) for e in world.events):
        await asyncio.sleep(0)
    walk_task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await walk_task
    assert world.cloud.closed == 1
    assert world.local.requests == []


# --- what is learned from an answer ---


async def test_missing_usage_is_estimated_and_marked() -> None:
    world = RouterWorld()
    world.cloud.script([Scene(steps=["four words of text"], usage=Usage())])
    walk = await world.ask()
    assert walk.usage is not None
    assert walk.usage.estimated
    assert walk.usage.input_tokens
    assert walk.usage.output_tokens


async def test_a_prompt_cut_by_the_server_is_flagged() -> None:
    world = RouterWorld()
    world.cloud.script([Scene(steps=["ok"], usage=Usage(input_tokens=2_051, output_tokens=1))])
    walk = await world.ask("word " * 20_000)
    assert walk.status is Status.COMPLETED
    assert any("cut by the server" in warning for warning in walk.warnings)


async def test_reasoning_is_kept_apart_from_the_answer() -> None:
    world = RouterWorld()
    world.cloud.script([Scene(steps=[ReasoningDelta("hmm"), "yes"])])
    walk = await world.ask()
    assert ("".join(walk.reasoning), "".join(walk.text)) == ("hmm", "yes")


# --- schema lanes ---


async def test_an_answer_that_misses_its_schema_is_repaired_once_with_the_violations_shown() -> None:
    world = RouterWorld()
    world.lane = replace(world.lane, schema={"type": "object"})
    world.cloud.script([Scene(steps=["garbage"]), Scene(steps=["{}"])])
    world.checks = [(None, ("$.a is missing",)), ({}, ())]
    walk = await world.ask()
    assert walk.status is Status.COMPLETED
    assert walk.data == {}
    assert "".join(walk.text) == "{}"
    repair = world.cloud.requests[1].messages
    assert repair[-2].content == "garbage"
    assert "$.a is missing" in repair[-1].content
    assert world.cloud.requests[0].format is None, "the cloud does not take a schema"


async def test_a_schema_nobody_meets_fails_with_the_violations() -> None:
    world = RouterWorld()
    world.lane = replace(world.lane, schema={"type": "object"}, schema_name="module.json")
    world.checks = [(None, ("$.a is missing",))] * 4
    walk = await world.ask()
    assert walk.status is Status.FAILED
    assert walk.error is not None
    assert walk.error.kind is ErrorKind.SCHEMA
    assert "module.json" in walk.error.message
    assert [reason for _, _, reason in story(walk)] == ["schema"] * 4
    assert walk.text == []
    assert world.local.requests[0].format == {"type": "object"}


async def test_an_answer_cut_by_its_limit_does_not_meet_a_schema() -> None:
    from llmdesk.core.types import Completed

    world = RouterWorld()
    world.lane = replace(world.lane, targets=(CLOUD,), schema={"type": "object"}, schema_repairs=0)
    cut = Completed(finish_reason=FinishReason.LENGTH, usage=Usage(input_tokens=1, output_tokens=1))
    world.cloud.script([Scene(steps=['{"a"', cut])])
    walk = await world.ask()
    assert walk.status is Status.FAILED


async def test_a_500_that_stays_hints_at_a_retired_model() -> None:
    world = RouterWorld()
    world.cloud.script(failing(errors.ServerFailed("cloud: server error 500.", http_status=500)))
    walk = await world.ask()
    assert "after 3 tries" in walk.attempts[2].message
    assert "may be retired" in walk.attempts[2].message
    assert "may be retired" not in walk.attempts[1].message


async def test_every_message_fits_one_line() -> None:
    world = RouterWorld()
    world.cloud.script(failing(errors.ServerFailed("cloud: " + "long story " * 60, http_status=500)))
    walk = await world.ask()
    assert len(walk.attempts) == 4
    assert all(len(a.message) <= 200 and "\n" not in a.message for a in walk.attempts)


async def test_a_provider_that_another_request_found_limited_meanwhile_is_not_asked_again() -> None:
    world = RouterWorld()
    world.rules["cloud"] = replace(world.rules["cloud"], retry=RetryRule(attempts=3, delay_s=0.05))
    world.cloud.script([Scene(error=errors.ServerFailed("cloud: server error 503.")), Scene(steps=["too late"])])
    task = asyncio.create_task(world.ask())
    while not any(isinstance(e, Waiting) for e in world.events):
        await asyncio.sleep(0)
    world.book.cool("cloud", "rate", "cloud: rate limited", 600)
    walk = await task
    assert story(walk) == [
        ("cloud/big:120b", "failed", "server"),
        ("cloud/big:120b", "skipped", "cooling"),
        ("local/large:27b", "completed", ""),
    ]
    assert len(world.cloud.requests) == 1
    assert [a.number for a in walk.attempts] == [1, 2, 3]


class SlowKey(RouterWorld):
    """While the command that tells the cloud's key runs, another instance is refused by the cloud."""

    async def _adapter(self, name: str) -> ScriptedProvider:
        if name == "cloud":
            self.book.cool("cloud", "rate", "cloud: rate limited", 600)
        return await super()._adapter(name)


async def test_a_provider_that_was_found_limited_while_its_key_was_fetched_is_not_asked() -> None:
    world = SlowKey()
    walk = await world.ask()
    assert story(walk) == [("cloud/big:120b", "skipped", "cooling"), ("local/large:27b", "completed", "")]
    assert world.cloud.requests == []
    assert [event.target.provider for event in world.events if isinstance(event, AttemptStarted)] == ["local"]


async def test_local_only_sends_nothing_to_a_model_that_only_points_elsewhere_or_cannot_be_told() -> None:
    world = RouterWorld(local_only=True)
    world.lane = Lane(name="chat", targets=(ModelRef("local", "mine:latest"), ModelRef("local", "unlisted:8b"), LOCAL))
    world.local.models = (*world.local.models, model("mine:latest", 120e9, remote=True))
    walk = await world.ask()
    assert [reason for _, _, reason in story(walk)] == ["privacy", "privacy", ""]
    assert [r.model for r in world.local.requests] == ["large:27b"]


async def test_the_end_of_the_time_a_provider_is_given_in_all_pauses_the_request() -> None:
    world = RouterWorld()
    world.cloud.script(failing(errors.NoAnswer("cloud: no complete answer within 30 s.", last=True)))
    walk = await world.ask()
    assert walk.status is Status.PAUSED
    assert story(walk) == [("cloud/big:120b", "failed", "silent")]
    assert world.local.requests == []


def test_pieces_of_a_long_text_are_joined_and_lose_nothing() -> None:
    pieces, whole = Pieces(), ""
    for n in range(5_000):
        pieces.append(f"{n} ")
        whole += f"{n} "
    assert "".join(pieces) == whole
    assert len(pieces) < 1_100
    assert pieces.whole() == whole
    assert len(pieces) == 1, "from now on it is in memory once"
    pieces.append("more")
    assert pieces.whole() == f"{whole}more"
    assert Pieces().whole() == ""


async def test_what_a_wire_cannot_take_is_told_once_a_run() -> None:
    world = RouterWorld()
    note = "cloud/big takes no seed: left out."
    done = Completed(finish_reason=FinishReason.STOP, usage=Usage(input_tokens=1, output_tokens=1), notes=(note,))
    world.cloud.script([Scene(steps=["Hello", done])])
    assert (await world.ask()).warnings == [note]
    assert (await world.ask()).warnings == []


async def test_a_seam_counts_the_pauses_between_the_tries_of_the_target_left_behind() -> None:
    world = RouterWorld(elapsed=time.monotonic, clock=time.time)
    world.rules["cloud"] = replace(world.rules["cloud"], retry=RetryRule(attempts=3, delay_s=0.05))
    world.cloud.script(failing(errors.ServerFailed("cloud: server error 503.", http_status=503)))
    walk = await world.ask()
    (step,) = walk.failovers
    tried = sum(attempt.elapsed_s for attempt in walk.attempts[:3])
    assert step.lost_s >= tried + 0.09
