import pytest

from llmdesk.core.errors import UsageError
from llmdesk.core.types import Role, Status
from llmdesk.core.views import Attachment
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.database import Database
from llmdesk.storage.removal import REMOVED
from llmdesk.storage.requests import RequestStore
from llmdesk.storage.search import Search
from tests.support.stored import a_request, an_answer, an_attempt, an_outcome


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "llmdesk.db", on_warning=lambda _: None)
    yield database
    await database.aclose()


@pytest.fixture
def requests(database):
    return RequestStore(database, "me")


@pytest.fixture
def conversations(database):
    return ConversationStore(database, clock=lambda: 7000.0)


async def say(requests, request_id, conversation, answer=None, completeness="full", status=Status.COMPLETED, **fields):
    await requests.accept(a_request(request_id, conversation=conversation, title=f"title of {conversation}", **fields))
    stored = None if answer is None else an_answer(answer, completeness)
    await requests.finish(request_id, an_outcome(request_id, status), answer=stored)


async def test_the_list_begins_with_the_one_used_last_whatever_the_clock_says(requests, conversations):
    await say(requests, "r1", "c1", "a", created_at=9000.0)
    await say(requests, "r2", "c2", "b", created_at=100.0)
    await conversations.create("c3", lane="codegen", title="empty")
    assert [(c.id, c.messages) for c in await conversations.list()] == [("c3", 0), ("c2", 2), ("c1", 2)]
    await say(requests, "r3", "c1", "c", created_at=50.0)
    assert await conversations.latest() == "c1"
    assert [c.id for c in await conversations.list(1)] == ["c1"]


async def test_nothing_is_the_latest_of_nothing(conversations):
    assert await conversations.latest() is None
    assert await conversations.list() == ()


async def test_an_unambiguous_beginning_of_an_id_will_do(requests, conversations):
    await say(requests, "r1", "abc", "a")
    await say(requests, "r2", "abd", "b")
    assert (await conversations.get("abc")).title == "title of abc"
    assert (await conversations.get("abd")).messages[1].content == "b"
    for prefix, words in (("ab", "Several"), ("x", "No conversation"), ("", "No conversation")):
        with pytest.raises(UsageError, match=words):
            await conversations.get(prefix)


@pytest.mark.parametrize("completeness", ["full", "cut by limit", "no answer text"])
async def test_history_holds_turns_with_a_complete_answer(requests, conversations, completeness):
    await say(requests, "r1", "c1", "the answer", completeness, attachments=(Attachment(name="p.png", image=b"png"),))
    asked, answered = await conversations.history("c1")
    assert (asked.role, asked.content, asked.images) == (Role.USER, "prompt of r1", (b"png",))
    assert (answered.role, answered.content) == (Role.ASSISTANT, "the answer")


async def test_history_leaves_out_turns_without_one_whole(requests, conversations):
    await say(requests, "r1", "c1", "partial", "interrupted", Status.CANCELLED)
    await say(requests, "r2", "c1", "no", "refused", Status.REFUSED)
    await say(requests, "r3", "c1", None, status=Status.FAILED)
    await say(requests, "r4", "c1", "yes")
    assert [m.content for m in await conversations.history("c1")] == ["prompt of r4", "yes"]
    assert await conversations.history("unknown") == ()


async def test_a_retry_sees_what_came_before_it(requests, conversations):
    await say(requests, "r1", "c1", "one")
    await say(requests, "r2", "c1", None, status=Status.PAUSED)
    await say(requests, "r3", "c1", "three")
    assert [m.content for m in await conversations.history("c1", before_request="r2")] == ["prompt of r1", "one"]


async def test_a_title_can_be_changed(requests, conversations):
    await say(requests, "r1", "c1", "one")
    assert await conversations.rename("c1", "better")
    assert not await conversations.rename("c2", "better")
    assert (await conversations.get("c1")).title == "better"


async def test_removing_leaves_no_trace_of_the_text(requests, conversations, database):
    canary = "canary4711"
    await say(
        requests,
        "r1",
        "c1",
        f"{canary} answer",
        prompt=f"{canary} prompt",
        attachments=(Attachment(name="f", text=canary),),
    )
    attempt = an_attempt(1, discarded_text=canary, details=canary)
    await requests.accept(a_request("r2", conversation="c1", prompt=canary, payload=canary))
    await requests.finish("r2", an_outcome("r2", Status.PAUSED, attempts=(attempt,)), answer=None)
    await say(requests, "r3", "c2", "stays")
    assert await conversations.remove("c1")
    assert not await conversations.remove("c1")
    assert await Search(database)(canary) == ()
    assert [c.id for c in await conversations.list()] == ["c2"]
    view = await requests.view("r2")
    assert (view.status, view.reason, view.prompt, view.finished_at) == (Status.CANCELLED, REMOVED, "", 7000.0)
    assert await requests.outbox() == ()
    assert all(canary.encode() not in each.read_bytes() for each in database.path.parent.iterdir())


async def test_an_answer_to_a_removed_conversation_is_not_kept(requests, conversations):
    await requests.accept(a_request(conversation="c1"))
    await conversations.remove("c1")
    assert not await requests.finish("r1", an_outcome(), answer=an_answer("late"))
    assert (await requests.view("r1")).answer == ""
