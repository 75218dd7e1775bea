"""Answers that go on, conversations that fork, and conversations that are summed up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.budget import Budget
from llmdesk.core.errors import UsageError
from llmdesk.core.prompting import CONTINUE_PROMPT, SUMMARISE_PROMPT, SUMMARY_HEADING
from llmdesk.core.types import Completed, FinishReason, ModelRef, Role, Status, TextDelta, Usage
from llmdesk.core.views import Ask, Attachment
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import CLOUD, DeskWorld, answers, ask, endless, fails, next_of, said, talk

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.types import Outcome
    from llmdesk.desk import Desk, Run

SMALL = ModelRef("local", "small:4b")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    world = DeskWorld(tmp_path)
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(CLOUD,))
    return world


def cut(text: str) -> list[Scene]:
    """An answer that meets its limit."""
    return [Scene(steps=[text, Completed(finish_reason=FinishReason.LENGTH, usage=Usage(output_tokens=3))])]


async def stopped(desk: Desk, world: DeskWorld, prompt: str, half: str, *, keep: bool = False) -> Outcome:
    """A prompt whose answer was stopped in the middle."""
    world.cloud.script(endless(half))
    run = desk.send(Ask(prompt=prompt))
    await next_of(aiter(run), TextDelta)
    run.cancel(keep=keep)
    return await run.outcome()


async def end_of(run: Run) -> Outcome:
    return await run.outcome()


def texts(world: DeskWorld) -> list[str]:
    return [text for _, text in said(world.cloud.requests[-1])]


# --- going on ---------------------------------------------------------------------------------------------------------


async def test_an_answer_that_was_stopped_goes_on_and_stays_with_what_continues_it(world: DeskWorld) -> None:
    async with world.desk() as desk:
        half = await stopped(desk, world, "tell", "Once upon")
        assert half.conversation is not None
        world.cloud.script(answers(" a time"))
        run = await desk.go_on(half.conversation, half.request_id)
        assert (await end_of(run)).status is Status.COMPLETED
        assert said(world.cloud.requests[-1]) == [
            ("user", "tell"),
            ("assistant", "Once upon"),
            ("user", CONTINUE_PROMPT),
        ]
        world.cloud.script(answers("fine"))
        await ask(desk, "and then?", conversation=half.conversation)
        assert texts(world) == ["tell", "Once upon", CONTINUE_PROMPT, " a time", "and then?"]
        found = await desk.conversation(half.conversation)
        assert [m.continues for m in found.messages] == [None, None, half.request_id, None, None, None]


async def test_an_answer_cut_by_its_limit_goes_on_with_another_model_of_another_lane(world: DeskWorld) -> None:
    async with world.desk() as desk:
        world.cloud.script(cut("one two"))
        short = await ask(desk, "count")
        assert short.conversation is not None
        world.local.script(answers("three"))
        outcome = await end_of(await desk.go_on(short.conversation, short.request_id, model=SMALL, lane="codegen"))
        assert (outcome.target, outcome.lane) == (SMALL, "codegen")
        assert [text for _, text in said(world.local.requests[-1])] == ["count", "one two", CONTINUE_PROMPT]


async def test_without_its_users_order_half_an_answer_is_never_sent(world: DeskWorld) -> None:
    async with world.desk() as desk:
        half = await stopped(desk, world, "tell", "Once upon")
        world.cloud.script(fails(errors.RequestRejected("cloud: no.")))
        assert half.conversation is not None
        gone_on = await end_of(await desk.go_on(half.conversation, half.request_id))
        assert gone_on.status is Status.FAILED
        world.cloud.script(answers("fresh"))
        await (await desk.again(half.conversation, half.request_id)).outcome()
        assert texts(world) == ["tell"]


async def test_what_needs_no_going_on_is_refused(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (whole,) = await talk(desk, world, "q1")
        with pytest.raises(UsageError, match="was not cut"):
            await desk.go_on(conversation, whole)
        world.cloud.script(fails(errors.RequestRejected("cloud: no.")))
        failed = await ask(desk, "q2", conversation=conversation)
        with pytest.raises(UsageError, match="no answer"):
            await desk.go_on(conversation, failed.request_id)
        half = await stopped(desk, world, "tell", "Once")
        assert half.conversation is not None
        world.cloud.script(answers("new"))
        await (await desk.again(half.conversation, half.request_id)).outcome()
        with pytest.raises(UsageError, match="earlier version"):
            await desk.go_on(half.conversation, half.request_id)


async def test_a_paused_answer_that_was_gone_on_with_waits_no_longer(world: DeskWorld) -> None:
    async with world.desk() as desk:
        half = await stopped(desk, world, "tell", "Once", keep=True)
        assert half.status is Status.PAUSED
        assert half.conversation is not None
        world.cloud.script(answers(" upon"))
        await (await desk.go_on(half.conversation, half.request_id)).outcome()
        assert await desk.outbox() == ()
        world.cloud.script(answers("yes"))
        await ask(desk, "more", conversation=half.conversation)
        assert texts(world) == ["tell", "Once", CONTINUE_PROMPT, " upon", "more"]


async def test_a_request_to_go_on_that_was_paused_sees_the_same_when_it_is_asked_again(world: DeskWorld) -> None:
    async with world.desk() as desk:
        half = await stopped(desk, world, "tell", "Once")
        assert half.conversation is not None
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        paused = await (await desk.go_on(half.conversation, half.request_id)).outcome()
        assert paused.status is Status.PAUSED
    async with world.desk() as desk:
        world.cloud.script(answers(" upon"))
        await (await desk.retry(paused.request_id)).outcome()
        assert texts(world) == ["tell", "Once", CONTINUE_PROMPT]


async def test_our_own_words_are_no_prompts_to_go_back_to(world: DeskWorld) -> None:
    async with world.desk() as desk:
        half = await stopped(desk, world, "tell", "Once")
        assert half.conversation is not None
        world.cloud.script(answers(" upon"))
        await (await desk.go_on(half.conversation, half.request_id)).outcome()
        world.cloud.script(answers("A tale."))
        await (await desk.compact(half.conversation)).outcome()
        assert await desk.recent_prompts() == ("tell",)


# --- forking ----------------------------------------------------------------------------------------------------------


async def test_a_fork_holds_everything_up_to_a_turn_and_goes_its_own_way(world: DeskWorld) -> None:
    async with world.desk() as desk:
        world.cloud.script(answers("seen"))
        first = await ask(
            desk, "look", attachments=(Attachment(name="p.png", image=PNG), Attachment(name="a.txt", text="words"))
        )
        assert first.conversation is not None
        world.cloud.script(answers("A2"))
        second = await ask(desk, "q2", conversation=first.conversation)
        world.cloud.script(answers("A3"))
        await ask(desk, "q3", conversation=first.conversation)
        await desk.shelf.tag(first.conversation, ["work"])
        fork = await desk.fork(first.conversation, second.request_id)
        assert fork.title == "look (fork)"
        assert fork.tags == ("work",)
        assert [m.content for m in fork.messages] == ["look", "seen", "q2", "A2"]
        assert fork.messages[0].attachments == (
            Attachment(name="p.png", image=PNG),
            Attachment(name="a.txt", text="words"),
        )
        ids = {m.request for m in fork.messages}
        assert len(ids) == 2
        assert not ids & {first.request_id, second.request_id}
        world.cloud.script(answers("other"))
        await ask(desk, "elsewhere", conversation=fork.id)
        assert texts(world)[1:] == ["seen", "q2", "A2", "elsewhere"]
        assert len((await desk.conversation(first.conversation)).messages) == 6
        assert await desk.latest_conversation() == fork.id


async def test_a_fork_costs_nothing_and_brings_nothing_into_the_outbox(world: DeskWorld) -> None:
    async with world.desk() as desk:
        half = await stopped(desk, world, "tell", "Once", keep=True)
        assert half.conversation is not None
        before = world.rows("SELECT count(*), sum(tokens) FROM spend")
        attempts = world.rows("SELECT count(*) FROM attempts")
        fork = await desk.fork(half.conversation)
        assert world.rows("SELECT count(*), sum(tokens) FROM spend") == before
        assert world.rows("SELECT count(*) FROM attempts") == attempts
        assert [entry.id for entry in await desk.outbox()] == [half.request_id]
    async with world.desk() as desk:
        assert [entry.id for entry in await desk.outbox()] == [half.request_id]
        await desk.remove_conversation(fork.id)
        assert [entry.id for entry in await desk.outbox()] == [half.request_id]


async def test_a_fork_of_a_fork_is_told_by_one_mark_and_can_be_asked_again(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1", "q2")
        fork = await desk.fork((await desk.fork(conversation)).id)
        assert fork.title == "q1 (fork)"
        request = fork.messages[0].request
        assert request is not None
        world.cloud.script(answers("better"))
        await (await desk.again(fork.id, request)).outcome()
        found = await desk.conversation(fork.id)
        assert [m.content for m in found.messages if m.superseded_by is None] == ["q1", "better"]


async def test_a_fork_at_an_earlier_version_holds_what_stood_then(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, (_, second, third) = await talk(desk, world, "q1", "q2", "q3")
        world.cloud.script(answers("B"))
        newer = await (await desk.again(conversation, second, prompt="b")).outcome()
        old = await desk.fork(conversation, third)
        assert [m.content for m in old.messages] == ["q1", "Q1", "q2", "Q2", "q3", "Q3"]
        assert all(m.superseded_by is None for m in old.messages)
        new = await desk.fork(conversation, newer.request_id)
        assert [m.content for m in new.messages] == ["q1", "Q1", "b", "B"]
        with pytest.raises(UsageError, match="not in the conversation"):
            await desk.fork(conversation, "unknown")


async def test_the_files_of_a_fork_go_when_it_is_removed(world: DeskWorld) -> None:
    async with world.desk() as desk:
        first = await ask(desk, "look", attachments=(Attachment(name="a.txt", text="words"),))
        assert first.conversation is not None
        fork = await desk.fork(first.conversation)
        assert world.rows("SELECT count(*) FROM attachments") == [(2,)]
        await desk.remove_conversation(fork.id)
        assert world.rows("SELECT count(*) FROM attachments") == [(1,)]


# --- summing up -------------------------------------------------------------------------------------------------------


async def test_a_summary_stands_for_all_before_it_and_nothing_is_deleted(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1", "q2")
        world.cloud.script(answers("They asked twice."))
        outcome = await (await desk.compact(conversation)).outcome()
        assert (outcome.status, outcome.text) == (Status.COMPLETED, "They asked twice.")
        assert texts(world) == ["q1", "Q1", "q2", "Q2", SUMMARISE_PROMPT]
        world.cloud.script(answers("A3"))
        await ask(desk, "q3", conversation=conversation)
        assert said(world.cloud.requests[-1]) == [
            ("system", f"{SUMMARY_HEADING}\n\nThey asked twice."),
            ("user", "q3"),
        ]
        found = await desk.conversation(conversation)
        assert [(m.role, m.content) for m in found.messages][4:] == [
            (Role.SYSTEM, "They asked twice."),
            (Role.USER, "q3"),
            (Role.ASSISTANT, "A3"),
        ]
        assert "## Summary of all above" in await desk.export_conversation(conversation)
        assert [hit.id for hit in await desk.search("asked twice")] == [conversation]
        assert (await desk.request(outcome.request_id)).answer == "They asked twice."
        world.cloud.script(answers("Shorter."))
        await (await desk.compact(conversation)).outcome()
        assert texts(world) == [f"{SUMMARY_HEADING}\n\nThey asked twice.", "q3", "A3", SUMMARISE_PROMPT]
        world.cloud.script(answers("A4"))
        await ask(desk, "q4", conversation=conversation)
        assert texts(world) == [f"{SUMMARY_HEADING}\n\nShorter.", "q4"]


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("failed", Status.FAILED),
        ("cancelled", Status.CANCELLED),
        ("cut", Status.COMPLETED),
        ("empty", Status.COMPLETED),
    ],
)
async def test_without_a_whole_summary_everything_stays_as_it_was(world: DeskWorld, end: str, status: Status) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1")
        before = (await desk.conversation(conversation)).messages
        match end:
            case "failed":
                world.cloud.script(fails(errors.RequestRejected("cloud: no.")))
            case "cut":
                world.cloud.script(cut("They"))
            case "empty":
                world.cloud.script([Scene(steps=[Completed(finish_reason=FinishReason.STOP, usage=Usage())])])
            case _:
                world.cloud.script(endless("They"))
        run = await desk.compact(conversation)
        if end == "cancelled":
            await next_of(aiter(run), TextDelta)
            run.cancel()
        outcome = await run.outcome()
        assert (await desk.conversation(conversation)).messages == before
        assert outcome.status is status
        assert any("stays as it was" in line for line in outcome.warnings) is (status is Status.COMPLETED)


async def test_a_paused_summary_is_made_later_behind_what_it_sums_up(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1")
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        paused = await (await desk.compact(conversation)).outcome()
        assert paused.status is Status.PAUSED
        world.cloud.script(answers("A2"))
        await ask(desk, "q2", conversation=conversation)
    async with world.desk() as desk:
        world.cloud.script(answers("One question."))
        await (await desk.retry(paused.request_id)).outcome()
        found = await desk.conversation(conversation)
        assert [m.content for m in found.messages] == ["q1", "Q1", "One question.", "q2", "A2"]
        world.cloud.script(answers("A3"))
        await ask(desk, "q3", conversation=conversation)
        assert texts(world) == [f"{SUMMARY_HEADING}\n\nOne question.", "q2", "A2", "q3"]


async def test_a_late_answer_to_what_came_before_a_summary_still_goes_along(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1")
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        late = await ask(desk, "late", conversation=conversation)
        world.cloud.script(answers("One question."))
        await (await desk.compact(conversation)).outcome()
        world.cloud.script(answers("LATE"))
        await (await desk.retry(late.request_id)).outcome()
        world.cloud.script(answers("A3"))
        await ask(desk, "q3", conversation=conversation)
        assert texts(world) == [f"{SUMMARY_HEADING}\n\nOne question.", "late", "LATE", "q3"]


async def test_a_summary_goes_along_with_the_lanes_own_words_when_the_oldest_turns_do_not_fit(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], system="Be brief.")
    world.windows = {str(CLOUD): 600}
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1")
        world.cloud.script(answers("One question."))
        await (await desk.compact(conversation)).outcome()
        for prompt in ("long " * 200, "longer " * 100):
            world.cloud.script(answers("A"))
            await ask(desk, prompt, conversation=conversation)
        world.cloud.script(answers("A"))
        await ask(desk, "q4", conversation=conversation)
        first, *others = said(world.cloud.requests[-1])
        assert first == ("system", f"Be brief.\n\n{SUMMARY_HEADING}\n\nOne question.")
        assert [text[:5] for _, text in others] == ["longe", "A", "q4"]


async def test_a_summary_counts_to_the_budget_of_its_conversation(world: DeskWorld) -> None:
    world.budgets = (Budget(scope="conversation", unit="tokens", limit=100_000, hard=True),)
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1")
        (before,) = [view.spent for view in await desk.budgets() if view.period == conversation]
        world.cloud.script(answers("Summed up."))
        outcome = await (await desk.compact(conversation)).outcome()
        (after,) = [view.spent for view in await desk.budgets() if view.period == conversation]
        assert after > before
        assert (await desk.request(outcome.request_id)).conversation == conversation


async def test_a_lane_with_a_schema_sums_up_in_prose(world: DeskWorld) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "q1")
    world.lanes["chat"] = replace(world.lanes["chat"], schema=schema, schema_name="a")
    async with world.desk() as desk:
        world.cloud.script(answers("Prose."))
        outcome = await (await desk.compact(conversation)).outcome()
        assert (outcome.status, outcome.text) == (Status.COMPLETED, "Prose.")
        assert "Prose." in [m.content for m in (await desk.conversation(conversation)).messages]


async def test_turns_that_did_not_fit_are_told_not_to_be_in_the_summary(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "long " * 400, "short")
        world.windows = {str(CLOUD): 900}
    async with world.desk() as desk:
        world.cloud.script(answers("Short."))
        outcome = await (await desk.compact(conversation)).outcome()
        assert outcome.status is Status.COMPLETED
        assert "The oldest turn did not fit and is not in the summary." in outcome.warnings


async def test_there_must_be_something_new_to_sum_up(world: DeskWorld) -> None:
    async with world.desk() as desk:
        world.cloud.script(fails(errors.RequestRejected("cloud: no.")))
        failed = await ask(desk, "q")
        assert failed.conversation is not None
        with pytest.raises(UsageError, match="nothing to sum up"):
            await desk.compact(failed.conversation)
        conversation, (first,) = await talk(desk, world, "q1")
        world.cloud.script(answers("Sum."))
        await (await desk.compact(conversation)).outcome()
        with pytest.raises(UsageError, match="summed up already"):
            await desk.compact(conversation)
        world.cloud.script(answers("again"))
        await (await desk.again(conversation, first)).outcome()
        found = await desk.conversation(conversation)
        assert [m.content for m in found.messages if m.superseded_by is None] == ["q1", "again"]


async def test_a_removed_conversation_leaves_nothing_of_its_summaries(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation, _ = await talk(desk, world, "secret walrus")
        world.cloud.script(fails(errors.ServerFailed("cloud: overloaded.")))
        await (await desk.compact(conversation)).outcome()
        world.cloud.script(answers("About a walrus."))
        await (await desk.compact(conversation)).outcome()
        await desk.remove_conversation(conversation)
        assert await desk.outbox() == ()
    assert b"walrus" not in world.paths.database.read_bytes().lower()
