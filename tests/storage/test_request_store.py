import asyncio
from dataclasses import replace

import pytest

from llmdesk.core.errors import ErrorKind, StorageError
from llmdesk.core.types import Failure, ModelRef, Role, Status, Usage
from llmdesk.core.views import Attachment
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.requests import DROPPED, INTERRUPTED, RequestStore
from tests.support.stored import CLOUD, LOCAL, a_request, an_answer, an_attempt, an_outcome, full_disk, run_together


@pytest.fixture
def path(tmp_path):
    return tmp_path / "llmdesk.db"


@pytest.fixture
async def database(path):
    database = Database(path, on_warning=lambda _: None)
    yield database
    await database.aclose()


@pytest.fixture
def store(database):
    return RequestStore(database, "me", clock=lambda: 5000.0)


@pytest.fixture
def ledger(database):
    return Ledger(database)


@pytest.fixture
def conversations(database):
    return ConversationStore(database)


def paused(request_id="r1", kind=ErrorKind.RATE, **fields):
    return an_outcome(request_id, Status.PAUSED, error=Failure(kind=kind, message="nobody could answer"), **fields)


async def test_a_request_comes_back_as_it_was_accepted(store):
    request = a_request(
        agent="backend-dev",
        job="release",
        conversation="c1",
        title="a title",
        attachments=(Attachment(name="a.txt", text="text\0with nul"), Attachment(name="b.png", image=b"\x89PNG\0")),
        payload='{"seed": 7}',
        created_at=1234.567,
    )
    await store.accept(request)
    assert await store.load("r1") == request
    assert await store.load("r2") is None
    view = await store.view("r1")
    assert (view.status, view.prompt, view.created_at) == (Status.ACCEPTED, "prompt of r1", 1234.567)


async def test_accepting_begins_the_conversation_and_writes_the_message(store, conversations):
    await store.accept(a_request(conversation="c1", title="first words", attachments=(Attachment(name="f", text="t"),)))
    await store.accept(a_request("r2", conversation="c1", title="ignored"))
    conversation = await conversations.get("c1")
    assert conversation.title == "first words"
    assert [(m.role, m.content, m.request) for m in conversation.messages] == [
        (Role.USER, "prompt of r1", "r1"),
        (Role.USER, "prompt of r2", "r2"),
    ]
    assert conversation.messages[0].attachments == (Attachment(name="f", text="t"),)


async def test_an_accept_that_fails_leaves_nothing(store, conversations, database):
    await store.accept(a_request())
    with pytest.raises(StorageError):
        await store.accept(a_request(conversation="c1"))  # the same id again
    assert await conversations.list() == ()
    with full_disk(database.path.with_name("llmdesk.db-wal").stat().st_size), pytest.raises(StorageError):
        await store.accept(a_request("r2", prompt="x" * 100_000))
    assert await store.load("r2") is None


async def test_lone_surrogates_do_not_stop_the_presses(store):
    await store.accept(a_request(prompt="half \ud83d emoji", payload='"\ud83d"'))
    assert (await store.load("r1")).prompt == "half \ufffd emoji"


async def test_finishing_writes_state_answer_and_attempts_together(store, conversations):
    await store.accept(a_request(conversation="c1"))
    await store.running("r1")
    assert (await store.view("r1")).status is Status.RUNNING
    failed = an_attempt(
        1,
        error_kind=ErrorKind.SERVER,
        reason="server",
        http_status=503,
        message="cloud: server error 503",
        details="Bearer abcdefgh12345",
        elapsed_s=1.25,
        discarded_text="half an ans",
    )
    done = an_attempt(
        2, LOCAL, "completed", first_token_s=0.5, elapsed_s=2.0, served_model="gemma3", cost_usd="0.000123",
        usage=Usage(input_tokens=12, output_tokens=34), probe=True,
    )  # fmt: skip
    await store.add_attempt("r1", failed)
    usage = Usage(input_tokens=12, output_tokens=34)
    answer = an_answer(
        "the answer", thinking="hm", target=LOCAL, served_model="gemma3", latency_s=1.5, first_token_s=0.25,
        usage=usage, cost_usd="0.01", seams=("cloud: server error → local",),
    )  # fmt: skip
    assert await store.finish("r1", an_outcome(target=LOCAL, attempts=(failed, done)), answer=answer)
    view = await store.view("r1")
    assert (view.status, view.finished_at, view.answer) == (Status.COMPLETED, 5000.0, "the answer")
    assert view.attempts == (replace(failed, details="Bearer ***"), done)
    stored = (await conversations.get("c1")).messages[1]
    assert (stored.role, stored.content, stored.thinking, stored.completeness) == (
        Role.ASSISTANT, "the answer", "hm", "full",
    )  # fmt: skip
    assert (stored.target, stored.latency_s, stored.first_token_s, stored.usage, stored.cost_usd, stored.seams) == (
        LOCAL, 1.5, 0.25, usage, "0.01", ("cloud: server error → local",),
    )  # fmt: skip


async def test_unknown_stays_unknown(store):
    await store.accept(a_request())
    attempt = an_attempt(1, cost_usd=None, usage=None)
    await store.finish("r1", an_outcome(attempts=(attempt,)), answer=None)
    assert (await store.view("r1")).attempts == (attempt,)


async def test_a_request_ends_once(store):
    await store.accept(a_request())
    assert await store.finish("r1", an_outcome(), answer=an_answer("first"))
    assert not await store.finish("r1", an_outcome(status=Status.FAILED), answer=an_answer("second"))
    view = await store.view("r1")
    assert (view.status, view.answer) == (Status.COMPLETED, "first")


async def test_what_is_needed_to_ask_again_goes_when_nobody_will(store):
    await store.accept(a_request(payload="big"))
    await store.finish("r1", paused(), answer=None)
    assert (await store.load("r1")).payload == "big"
    assert await store.claim("r1")
    await store.finish("r1", an_outcome(), answer=None)
    assert (await store.load("r1")).payload == ""


async def test_the_outbox_holds_the_paused_ones_in_the_order_they_were_accepted(store):
    for name in ("r3", "r1", "r2"):
        await store.accept(a_request(name, created_at=float(name[1]), attachments=(Attachment(name="f", text="x"),)))
    skip = an_attempt(1, LOCAL, "skipped", reason="cooling")
    for name in ("r2", "r3"):
        await store.finish(name, paused(name, next_try_at=6000.5, attempts=(skip, an_attempt(2))), answer=None)
    entries = await store.outbox()
    assert [entry.id for entry in entries] == ["r3", "r2"]
    entry = entries[0]
    assert (entry.reason, entry.error_kind, entry.next_try_at, entry.attempts, entry.attachments) == (
        "nobody could answer", ErrorKind.RATE, 6000.5, 1, ("f",),
    )  # fmt: skip


async def test_a_claimed_request_keeps_its_history_and_its_place(store, conversations):
    await store.accept(a_request(conversation="c1"))
    await store.finish("r1", paused(attempts=(an_attempt(1), an_attempt(2))), answer=an_answer("half", "interrupted"))
    await store.accept(a_request("r2", conversation="c1"))
    await store.finish("r2", an_outcome("r2"), answer=an_answer("other"))
    claimed = await store.claim("r1")
    assert (claimed.prompt, claimed.run) == ("prompt of r1", 2)
    assert await store.claim("r1") is None
    assert await store.outbox() == ()
    late = an_attempt(3, LOCAL, "completed")
    await store.finish("r1", an_outcome(attempts=(an_attempt(1), an_attempt(2), late)), answer=an_answer("whole"))
    assert [a.number for a in (await store.view("r1")).attempts] == [1, 2, 3]
    messages = (await conversations.get("c1")).messages
    assert [(m.content, m.completeness) for m in messages] == [
        ("prompt of r1", None), ("whole", "full"), ("prompt of r2", None), ("other", "full"),
    ]  # fmt: skip


async def test_an_unsuccessful_retry_does_not_lose_the_partial_answer(store):
    await store.accept(a_request())
    await store.finish("r1", paused(), answer=an_answer("half", "interrupted"))
    await store.claim("r1")
    await store.finish("r1", paused(), answer=None)
    assert (await store.view("r1")).answer == "half"


async def test_dropping_ends_a_paused_request_and_forgets_its_text(store, path):
    await store.accept(a_request(prompt="canary-4711", payload="canary-4711"))
    assert not await store.drop("r1")
    await store.finish("r1", paused(attempts=(an_attempt(1, discarded_text="canary-4711"),)), answer=None)
    assert await store.drop("r1")
    assert not await store.drop("r1")
    view = await store.view("r1")
    assert (view.status, view.reason, view.prompt) == (Status.CANCELLED, DROPPED, "")
    assert await store.claim("r1") is None
    assert all(b"canary-4711" not in each.read_bytes() for each in path.parent.iterdir())


async def test_metadata_keeps_no_text_of_an_ended_request(store, path):
    await store.accept(a_request(prompt="canary-1", payload="canary-2", record_text=False))
    attempt = an_attempt(1, discarded_text="canary-3", details="canary-4", message="cloud: server error")
    await store.finish("r1", paused(attempts=(attempt,)), answer=an_answer("canary-5", "interrupted"))
    assert (await store.outbox())[0].prompt == "canary-1"
    await store.claim("r1")
    await store.finish("r1", an_outcome(), answer=an_answer("canary-6"))
    view = await store.view("r1")
    assert (view.prompt, view.answer, view.attempts[0].message) == ("", "", "cloud: server error")
    assert all(b"canary" not in each.read_bytes() for each in path.parent.iterdir())


async def test_error_text_is_stored_without_secrets(store):
    await store.accept(a_request())
    failure = Failure(kind=ErrorKind.AUTH, message="rejected key sk-abcdefghijklmnop")
    await store.finish("r1", an_outcome(status=Status.FAILED, error=failure), answer=None)
    assert "abcdefghijklmnop" not in (await store.view("r1")).reason


async def test_recovery_pauses_what_dead_instances_left_and_nothing_else(database, store):
    dead, living = RequestStore(database, "dead"), RequestStore(database, "living")
    for owner, name in ((dead, "r1"), (living, "r2"), (store, "r3"), (dead, "r4"), (dead, "r5")):
        await owner.accept(a_request(name))
    await dead.running("r4")
    await dead.finish("r5", an_outcome("r5"), answer=None)
    assert await store.recover(lambda owner: owner == "living") == ("r1", "r4")
    assert await store.recover(lambda owner: owner == "living") == ()
    assert [(e.id, e.reason) for e in await store.outbox()] == [("r1", INTERRUPTED), ("r4", INTERRUPTED)]
    assert (await store.view("r2")).status is Status.ACCEPTED


async def test_an_owner_taken_for_dead_can_still_finish_until_another_claims(database, store):
    other = RequestStore(database, "other")
    for name in ("r1", "r2"):
        await store.accept(a_request(name))
    await other.recover(lambda _: False)
    assert await store.finish("r1", an_outcome("r1"), answer=an_answer())
    assert await other.claim("r2")
    assert not await store.finish("r2", an_outcome("r2"), answer=an_answer())


async def test_a_database_deleted_meanwhile_loses_no_request_under_way(store, database, conversations):
    await store.accept(a_request(conversation="c1"))
    for each in database.path.parent.iterdir():
        each.unlink()
    assert await store.finish("r1", paused(attempts=(an_attempt(1),)), answer=None)
    assert [(e.prompt, e.attempts) for e in await store.outbox()] == [("prompt of r1", 1)]
    assert [m.content for m in (await conversations.get("c1")).messages] == ["prompt of r1"]


async def test_ids_are_found_by_their_beginning(store):
    for name in ("ab1", "ab2", "ab", "b%"):
        await store.accept(a_request(name))
    assert await store.resolve("ab") == ("ab",)
    assert await store.resolve("a") == ("ab1", "ab2", "ab")
    assert await store.resolve("b%") == ("b%",)
    assert await store.resolve("%") == ()
    assert await store.resolve("a", limit=1) == ("ab1",)


async def test_recent_prompts_are_the_newest_of_conversations_each_once(store):
    for number, fields in enumerate(
        [
            {"prompt": "old", "conversation": "c1"},
            {"prompt": "again", "conversation": "c1"},
            {"prompt": "of a script"},
            {"prompt": "of an agent", "conversation": "c2", "agent": "backend-dev"},
            {"prompt": "not to be kept", "conversation": "c2", "record_text": False},
            {"prompt": "new", "conversation": "c2"},
            {"prompt": "again", "conversation": "c2"},
        ]
    ):
        await store.accept(a_request(f"r{number}", **fields))
    assert await store.recent_prompts() == ("again", "new", "old")
    assert await store.recent_prompts(limit=2) == ("again", "new")


async def test_failovers_are_the_steps_to_targets_that_were_asked(store, ledger):
    other = ModelRef("openai", "gpt-5-mini")
    attempts = (
        an_attempt(1, reason="server", message="503", elapsed_s=1.0),
        an_attempt(2, reason="server", message="503 again", elapsed_s=2.0),
        an_attempt(3, other, "skipped", reason="no key"),
        an_attempt(4, LOCAL, "completed"),
    )
    await store.accept(a_request(agent="backend-dev"))
    await store.finish("r1", an_outcome(attempts=attempts), answer=None)
    await store.accept(a_request("r2", lane="codegen"))
    cooling = (
        an_attempt(1, CLOUD, "skipped", reason="cooling", message="cloud rests"),
        an_attempt(2, other, "skipped", reason="attention"),
        an_attempt(3, LOCAL, "completed"),
    )
    await store.finish("r2", an_outcome("r2", attempts=cooling), answer=None)
    await store.accept(a_request("r3"))
    await store.finish(
        "r3", paused("r3", attempts=(an_attempt(1, at=1.0), an_attempt(2, LOCAL, "skipped"))), answer=None
    )
    newest, oldest = await ledger.failovers()
    assert (oldest.source, oldest.target, oldest.reason, oldest.message) == (CLOUD, LOCAL, "server", "503 again")
    assert (oldest.lost_s, oldest.at, oldest.agent) == (3.0, 1004.0, "backend-dev")
    assert (newest.request, newest.source, newest.target, newest.reason) == ("r2", other, LOCAL, "attention")
    assert [row.request for row in await ledger.failovers(lane="chat")] == ["r1"]
    assert [row.request for row in await ledger.failovers(since=1003.5)] == ["r1"]
    assert len(await ledger.failovers(limit=1)) == 1


async def test_what_a_failover_cost_includes_the_pauses_but_never_less_than_the_tries(store, ledger):
    for name, second_at in (("paused", 1010.0), ("set back", 900.0)):
        attempts = (
            an_attempt(1, reason="server", elapsed_s=1.0, at=1000.0),
            an_attempt(2, reason="server", elapsed_s=2.0, at=second_at),
            an_attempt(3, LOCAL, "completed", at=1020.0),
        )
        await store.accept(a_request(name))
        await store.finish(name, an_outcome(name, attempts=attempts), answer=None)
    assert {row.request: row.lost_s for row in await ledger.failovers()} == {"paused": 12.0, "set back": 3.0}


async def test_a_new_run_is_no_failover_from_the_last_one(store, ledger):
    await store.accept(a_request())
    await store.finish("r1", paused(attempts=(an_attempt(1),)), answer=None)
    await store.claim("r1")
    await store.finish("r1", an_outcome(attempts=(an_attempt(1), an_attempt(2, LOCAL, "completed"))), answer=None)
    assert await ledger.failovers() == ()


CLAIM = """
import asyncio, sys
from pathlib import Path
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.requests import RequestStore

async def main(number, path):
    database = Database(path, on_warning=print)
    store = RequestStore(database, f"owner-{number}")
    await store.outbox()
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(30):
        if await store.claim(f"r{n}"):
            print(f"r{n}")
    await database.aclose()

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


async def test_of_several_processes_exactly_one_gets_a_paused_request(store, path):
    for n in range(30):
        await store.accept(a_request(f"r{n}"))
        await store.finish(f"r{n}", paused(f"r{n}"), answer=None)
    won = await asyncio.to_thread(run_together, CLAIM, 3, path)
    assert sorted(name for lines in won for name in lines) == sorted(f"r{n}" for n in range(30))
