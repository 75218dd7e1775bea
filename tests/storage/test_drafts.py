"""What is being written survives a crash, and one instance takes it up."""

import asyncio

import pytest

from llmdesk.core.errors import StorageError
from llmdesk.core.views import Draft, DraftedPrompt
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.database import Database
from llmdesk.storage.drafts import DraftStore


@pytest.fixture
async def databases(tmp_path):
    opened = [Database(tmp_path / "llmdesk.db", on_warning=lambda _: None) for _ in range(3)]
    yield opened
    for each in opened:
        await each.aclose()


class Instances:
    """Several instances over one file, and which of them still run."""

    def __init__(self, databases):
        self.alive = set()
        self.at = 1000.0
        self._databases = iter(databases)

    def begin(self, name):
        self.alive.add(name)
        return DraftStore(next(self._databases), name, self.alive.__contains__, clock=lambda: self.at)


@pytest.fixture
def instances(databases):
    return Instances(databases)


async def test_a_draft_is_left_to_its_living_owner_and_then_taken_up_once(instances):
    one, two, three = (instances.begin(name) for name in ("one", "two", "three"))
    draft = Draft(
        lane="chat",
        text="half a tho\ud800ught\n",
        queue=(DraftedPrompt(text="next"), DraftedPrompt(text="then")),
        conversation="c1",
    )
    await one.keep(draft)
    assert await two.claim() == ()
    assert await one.claim() == (), "nobody takes over their own"
    instances.alive.discard("one")
    found = [draft for claimed in await asyncio.gather(two.claim(), three.claim()) for draft in claimed]
    assert [(d.lane, d.text, d.queue, d.conversation, d.saved_at) for d in found] == [
        ("chat", "half a tho\ufffdught\n", (DraftedPrompt(text="next"), DraftedPrompt(text="then")), "c1", 1000.0)
    ]
    assert await two.claim() == ()


async def test_a_lane_has_one_draft_and_an_empty_one_is_forgotten(instances):
    one, two = instances.begin("one"), instances.begin("two")
    await one.keep(Draft(lane="chat", text="first"))
    await one.keep(Draft(lane="codegen", queue=(DraftedPrompt(text="queued alone"),)))
    await one.keep(Draft(lane="chat", text="second"))
    await two.keep(Draft(lane="chat", text="of another"))
    await two.keep(Draft(lane="chat"))
    instances.alive.clear()
    three = instances.begin("three")
    assert {(d.lane, d.text, d.queue) for d in await three.claim()} == {
        ("chat", "second", ()),
        ("codegen", "", (DraftedPrompt(text="queued alone"),)),
    }


async def test_of_several_that_are_gone_the_newest_of_each_lane_is_taken_up(instances):
    one, two = instances.begin("one"), instances.begin("two")
    await two.keep(Draft(lane="chat", text="older"))
    instances.at = 2000.0
    await one.keep(Draft(lane="chat", text="newer"))
    instances.alive.clear()
    (found,) = await instances.begin("three").claim()
    assert (found.text, found.saved_at) == ("newer", 2000.0)


async def test_off_the_record_a_draft_touches_no_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database = Database(None, on_warning=lambda _: None)
    await DraftStore(database, "one", lambda _: False).keep(Draft(lane="chat", text="walrus"))
    (found,) = await DraftStore(database, "two", lambda _: False).claim()
    assert found.text == "walrus"
    assert list(tmp_path.iterdir()) == []
    await database.aclose()


async def test_what_was_written_over_is_not_in_the_files_any_more(instances, tmp_path):
    one = instances.begin("one")
    await one.keep(Draft(lane="chat", text="a walrus"))
    await one.keep(Draft(lane="chat", text=""))
    assert not any(b"walrus" in each.read_bytes() for each in tmp_path.iterdir())


async def test_a_draft_goes_with_its_conversation(instances, databases):
    one = instances.begin("one")
    conversations = ConversationStore(databases[0])
    await conversations.create("c1", lane="chat", title="t")
    await one.keep(Draft(lane="chat", text="in it", conversation="c1"))
    await one.keep(Draft(lane="codegen", text="elsewhere"))
    await conversations.remove("c1")
    instances.alive.clear()
    assert [draft.text for draft in await instances.begin("two").claim()] == ["elsewhere"]


async def test_a_disk_that_refuses_is_told(instances, databases, tmp_path):
    one = instances.begin("one")
    await databases[0].write(lambda connection: connection.execute("PRAGMA user_version = 999"))
    await databases[0].aclose()
    other = DraftStore(Database(tmp_path / "llmdesk.db", on_warning=lambda _: None), "two", lambda _: False)
    with pytest.raises(StorageError, match="newer llmdesk"):
        await other.keep(Draft(lane="chat", text="x"))
    await other._database.aclose()
    del one
