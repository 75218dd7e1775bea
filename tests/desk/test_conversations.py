"""What a model is shown of a conversation: whole answered turns, in their order, and nothing else (policy R7, I18)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import UsageError
from llmdesk.core.types import Completed, FinishReason, Message, Params, ReasoningDelta, Role, Status, TextDelta, Usage
from llmdesk.core.views import Ask, Attachment
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import DeskWorld, answers, ask, endless, fails, next_of, said

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.desk import Desk

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path)


async def talk(desk: Desk, prompt: str, conversation: str | None) -> str:
    outcome = await ask(desk, prompt, conversation=conversation)
    assert outcome.conversation is not None
    return outcome.conversation


async def test_the_next_prompt_goes_with_what_was_said_and_the_lanes_system_prompt(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], system="Be brief.")
    world.cloud.script(answers("a1", "a2", "a3"))
    async with world.desk() as desk:
        conversation = await talk(desk, "q1", None)
        await talk(desk, "q2", conversation)
        await ask(desk, "q3", conversation=conversation, system="Be long.")
    assert [said(r) for r in world.cloud.requests] == [
        [("system", "Be brief."), ("user", "q1")],
        [("system", "Be brief."), ("user", "q1"), ("assistant", "a1"), ("user", "q2")],
        [("system", "Be long."), ("user", "q1"), ("assistant", "a1"), ("user", "q2"), ("assistant", "a2"),
         ("user", "q3")],
    ]  # fmt: skip


async def test_a_later_instance_goes_on_with_the_same_conversation(world: DeskWorld) -> None:
    async with world.desk() as desk:
        conversation = await talk(desk, "q1", None)
    async with world.desk() as desk:
        await talk(desk, "q2", conversation)
    assert said(world.cloud.requests[-1]) == [("user", "q1"), ("assistant", "ok"), ("user", "q2")]


async def test_turns_without_a_complete_answer_are_left_out_whole(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], targets=world.lanes["chat"].targets[:1])
    async with world.desk() as desk:
        world.cloud.script(answers("a1"))
        conversation = await talk(desk, "answered", None)
        world.cloud.script(endless("half of an answer"))
        run = desk.send(Ask(prompt="interrupted", conversation=conversation))
        await next_of(aiter(run), TextDelta)
        run.cancel()
        await run.outcome()
        world.cloud.script([Scene(steps=["I cannot"], error=errors.ModelRefused("The model declined."))])
        assert (await ask(desk, "refused", conversation=conversation)).status is Status.REFUSED
        world.cloud.script(fails(errors.RequestRejected("cloud: unknown parameter.")))
        assert (await ask(desk, "failed", conversation=conversation)).status is Status.FAILED
        world.cloud.script([Scene(steps=["discarded half"], cut=True)])
        assert (await ask(desk, "paused", conversation=conversation)).status is Status.PAUSED
        world.cloud.script(answers("a6"))
        await ask(desk, "newest", conversation=conversation)
        found = await desk.conversation(conversation)
    assert said(world.cloud.requests[-1]) == [("user", "answered"), ("assistant", "a1"), ("user", "newest")]
    assert [(m.content, m.completeness) for m in found.messages] == [
        ("answered", None), ("a1", "full"),
        ("interrupted", None), ("half of an answer", "interrupted"),
        ("refused", None), ("I cannot", "refused"),
        ("failed", None),
        ("paused", None),
        ("newest", None), ("a6", "full"),
    ]  # fmt: skip


async def test_a_late_answer_stands_behind_its_question_and_saw_only_what_was_before_it(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], targets=world.lanes["chat"].targets[:1])
    async with world.desk() as desk:
        world.cloud.script(answers("a1"))
        conversation = await talk(desk, "q1", None)
        world.cloud.script(fails(errors.WebPageAnswered("cloud: got a web page.")))
        late = await ask(desk, "q2", conversation=conversation)
        world.cloud.script(answers("a3", "late a2", "a4"))
        await ask(desk, "q3", conversation=conversation)
        await (await desk.retry(late.request_id)).outcome()
        assert said(world.cloud.requests[-1]) == [("user", "q1"), ("assistant", "a1"), ("user", "q2")]
        await ask(desk, "q4", conversation=conversation)
        found = await desk.conversation(conversation)
    told = ["q1", "a1", "q2", "late a2", "q3", "a3", "q4"]
    assert [text for _, text in said(world.cloud.requests[-1])] == told
    assert [m.content for m in found.messages] == [*told, "a4"]


async def test_a_retry_replaces_the_partial_answer(world: DeskWorld) -> None:
    world.cloud.script(endless("half"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="q"))
        await next_of(aiter(run), TextDelta)
        run.cancel(keep=True)
        outcome = await run.outcome()
        world.cloud.script(answers("whole"))
        await (await desk.retry(run.request_id)).outcome()
        found = await desk.conversation(outcome.conversation or "")
    assert said(world.cloud.requests[-1]) == [("user", "q")]
    assert [(m.content, m.completeness) for m in found.messages] == [("q", None), ("whole", "full")]


async def test_files_stay_with_their_question(world: DeskWorld) -> None:
    files = (Attachment(name="a.py", text="print(1)"), Attachment(name="b.png", image=PNG))
    async with world.desk() as desk:
        conversation = (await ask(desk, "look", attachments=files)).conversation
        await ask(desk, "again", conversation=conversation)
    first, second = (request.messages for request in world.cloud.requests)
    assert first[0] == second[0]
    assert first[0].images == (PNG,)
    assert "print(1)" in first[0].content
    assert '"a.py"' in first[0].content


async def test_a_name_and_a_prompt_that_no_utf8_can_hold_are_sent_and_kept(world: DeskWorld) -> None:
    files = (Attachment(name="bad\udcff.txt", text="x"),)
    async with world.desk() as desk:
        outcome = await ask(desk, "lone \ud800", attachments=files)
        assert outcome.status is Status.COMPLETED
        assert outcome.conversation is not None
        assert "\ud800" not in (await desk.conversation(outcome.conversation)).messages[0].content
    world.cloud.requests[0].messages[0].content.encode()


async def test_complete_messages_are_sent_as_they_are(world: DeskWorld) -> None:
    world.lanes["chat"] = replace(world.lanes["chat"], system="of the lane")
    mine = (Message(role=Role.USER, content="a"), Message(role=Role.ASSISTANT, content="b"),
            Message(role=Role.USER, content="c"))  # fmt: skip
    own = (Message(role=Role.SYSTEM, content="my own"), *mine)
    async with world.desk() as desk:
        outcome = await desk.generate(messages=mine)
        await desk.generate(messages=own)
        assert outcome.conversation is None
        assert await desk.conversations() == ()
        assert (await desk.request(outcome.request_id)).prompt == "c"
        assert (await desk.request(outcome.request_id)).answer == "ok"
    assert world.cloud.requests[0].messages == (Message(role=Role.SYSTEM, content="of the lane"), *mine)
    assert world.cloud.requests[1].messages == own


async def test_marks_of_cut_and_textless_answers_and_what_of_them_is_sent_again(world: DeskWorld) -> None:
    usage = Usage(input_tokens=1, output_tokens=2)
    cut = Scene(steps=["cut here", Completed(finish_reason=FinishReason.LENGTH, usage=usage)])
    silent = Scene(steps=[ReasoningDelta("hm")])
    world.cloud.script([cut, silent, *answers("done")])
    async with world.desk() as desk:
        outcome = await ask(desk, "q1")
        assert (outcome.status, outcome.finish_reason) == (Status.COMPLETED, FinishReason.LENGTH)
        conversation = outcome.conversation
        second = await ask(desk, "q2", conversation=conversation)
        assert (second.status, second.reasoning, second.text) == (Status.COMPLETED, "hm", "")
        await ask(desk, "q3", conversation=conversation)
        found = await desk.conversation(conversation or "")
    assert [m.completeness for m in found.messages if m.role is Role.ASSISTANT] == [
        "cut by limit", "no answer text", "full",
    ]  # fmt: skip
    assert ("assistant", "cut here") in said(world.cloud.requests[-1])
    assert all("hm" not in text for _, text in said(world.cloud.requests[-1]))


async def test_history_that_does_not_fit_is_cut_by_whole_turns_and_says_so(world: DeskWorld) -> None:
    from llmdesk.core.types import AttemptStarted

    world.windows["cloud/big:120b"] = 400
    world.lanes["chat"] = replace(world.lanes["chat"], system="Be brief.", params=Params(max_output_tokens=50))
    async with world.desk() as desk:
        conversation = None
        for n in range(6):
            conversation = await talk(desk, f"q{n} " + "x" * 300, conversation)
        started = [e async for e in desk.send(Ask(prompt="last", conversation=conversation))]
    sent = said(world.cloud.requests[-1])
    assert sent[0] == ("system", "Be brief.")
    assert sent[-1] == ("user", "last")
    assert 1 < len(sent) < 13
    assert sent[1][0] == "user"
    (event,) = [e for e in started if isinstance(e, AttemptStarted)]
    assert event.left_out_turns == 6 - (len(sent) - 2) // 2


async def test_conversations_are_listed_found_exported_and_removed(world: DeskWorld) -> None:
    world.cloud.script([Scene(error=errors.QuotaReached("cloud: weekly limit reached."))])
    world.local.script(answers("Grüße aus dem **Wald**", "nothing of it"))
    async with world.desk() as desk:
        outcome = await ask(desk, "Tell of trees\nand more", attachments=(Attachment(name="t.txt", text="oak"),))
        conversation = outcome.conversation or ""
        second = await talk(desk, "other", None)
        assert [v.id for v in await desk.conversations()] == [second, conversation]
        (hit,) = await desk.search("wald")
        assert (hit.id, hit.title) == (conversation, "Tell of trees")
        page = await desk.export_conversation(conversation)
        document = json.loads(await desk.export_conversation(conversation, "json"))
        with pytest.raises(UsageError):
            await desk.conversation("no-such")
        await desk.remove_conversation(conversation)
        assert [v.id for v in await desk.conversations()] == [second]
        assert await desk.search("wald") == ()
        view = await desk.request(outcome.request_id)
        assert (view.prompt, view.answer, len(view.attempts)) == ("", "", 2)
    assert page.startswith("# Tell of trees\n")
    assert "## You · " in page
    assert "## large:27b (local) · " in page
    assert "> cloud: weekly limit reached, next try" in page
    assert "Grüße aus dem **Wald**" in page
    assert "*attached: t.txt*" in page
    question, answer = document["messages"]
    assert (question["role"], question["attachments"]) == ("user", ["t.txt"])
    assert (answer["provider"], answer["model"], answer["completeness"]) == ("local", "large:27b", "full")
    assert (answer["output_tokens"], answer["cost_usd"]) == (5, "0")


async def test_a_conversation_removed_while_it_is_answered_stays_removed(world: DeskWorld) -> None:
    world.cloud.script(endless("half"))
    async with world.desk() as desk:
        run = desk.send(Ask(prompt="q"))
        await next_of(aiter(run), TextDelta)
        (view,) = await desk.conversations()
        await desk.remove_conversation(view.id)
        run.cancel(keep=True)
        await run.outcome()
        assert await desk.conversations() == ()
        assert await desk.outbox() == ()
    for path in world.home.rglob("*.db*"):
        assert b"half" not in path.read_bytes()
