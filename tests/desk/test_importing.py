"""Conversations of other programs, taken in once, and our own export coming back as it was."""

from __future__ import annotations

import base64
import json
import sqlite3
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdesk.core.errors import UsageError
from llmdesk.core.types import ModelRef, Role
from llmdesk.core.views import Attachment
from llmdesk.desk.importing import files
from llmdesk.desk.importing.files import read_file
from tests.support.desk_world import CLOUD, DeskWorld, answers, ask, said

if TYPE_CHECKING:
    from llmdesk.core.views import Conversation

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
NOW = 1_800_000_000.0


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    world = DeskWorld(tmp_path / "home")
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(CLOUD,))
    return world


def node(name: str, parent: str | None, role: str, *parts: object, **more: Any) -> dict[str, Any]:
    """A node of ChatGPT's tree."""
    message = {
        "id": name,
        "author": {"role": role},
        "create_time": more.pop("at", 1_700_000_000.0),
        "content": {"content_type": more.pop("kind", "text"), "parts": list(parts)},
        "metadata": {"model_slug": "gpt-4o"} if role == "assistant" else {},
        "recipient": "all",
        **more,
    }
    return {"id": name, "parent": parent, "children": [], "message": message}


def chatgpt(name: str = "c-1", *nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One conversation of ChatGPT's export: by default a question, two answers, the second one shown."""
    told = nodes or (
        {"id": "root", "parent": None, "children": ["s"], "message": None},
        node("s", "root", "system", ""),
        node("u", "s", "user", "Why is the sky blue?"),
        node("a1", "u", "assistant", "A first try."),
        node("a2", "u", "assistant", "Rayleigh scattering.", at=1_700_000_100.0),
        node("t", "a2", "tool", "a tool's own"),
        node("u2", "t", "user", {"content_type": "image_asset_pointer"}, "And at dusk?"),
        node("a3", "u2", "assistant", "Red."),
    )
    for each in told:
        for child in told:
            if child["parent"] == each["id"] and child["id"] not in each["children"]:
                each["children"].append(child["id"])
    whole = {"conversation_id": name, "title": "Sky", "create_time": 1_700_000_000.0, "update_time": 1_700_000_200.0,
             "mapping": {each["id"]: each for each in told}, "current_node": told[-1]["id"]}  # fmt: skip
    return {**whole, **more}


def written(path: Path, whole: object) -> Path:
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def texts(conversation: Conversation) -> list[tuple[str, str]]:
    return [(m.role.value, m.content) for m in conversation.messages]


SKY = [
    ("user", "Why is the sky blue?"),
    ("assistant", "Rayleigh scattering."),
    ("user", "[image]\n\nAnd at dusk?"),
    ("assistant", "Red."),
]


async def test_a_chatgpt_export_is_taken_in_once_along_the_branch_that_was_shown(
    world: DeskWorld, tmp_path: Path
) -> None:
    path = written(tmp_path / "conversations.json", [chatgpt(), chatgpt("c-2", title=None, is_archived=True)])
    async with world.desk() as desk:
        views = await desk.import_conversations(path)
        assert [(v.title, v.messages, v.archived) for v in views] == [
            ("Sky", 4, False),
            ("Why is the sky blue?", 4, True),
        ]
        found = await desk.conversation(views[0].id)
        assert texts(found) == SKY
        assert (found.created_at, found.updated_at) == (1_700_000_000.0, 1_700_000_200.0)
        assert found.messages[1].target == ModelRef("chatgpt", "gpt-4o")
        assert found.messages[1].completeness == "full"
        assert await desk.import_conversations(path) == ()
        assert len(await desk.conversations()) == 1
        assert {hit.id for hit in await desk.search("rayleigh")} == {v.id for v in views}


async def test_what_was_taken_in_can_be_gone_on_with_and_stands_below_what_was_used(
    world: DeskWorld, tmp_path: Path
) -> None:
    path = written(tmp_path / "conversations.json", [chatgpt()])
    async with world.desk() as desk:
        mine = await ask(desk, "mine")
        (view,) = await desk.import_conversations(path)
        assert [v.id for v in await desk.conversations()] == [mine.conversation, view.id]
        assert await desk.latest_conversation() == mine.conversation
        assert await desk.recent_prompts() == ("mine",)
        world.cloud.script(answers("At noon."))
        await ask(desk, "And at noon?", conversation=view.id)
        assert said(world.cloud.requests[-1]) == [*SKY, ("user", "And at noon?")]


async def test_the_zip_file_of_an_export_will_do(world: DeskWorld, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("chat.html", "<html>")
        archive.writestr("export/conversations.json", json.dumps([chatgpt()]))
    async with world.desk() as desk:
        (view,) = await desk.import_conversations(path)
        assert view.title == "Sky"


async def test_what_is_no_message_is_counted_and_told_and_stops_nothing(world: DeskWorld, tmp_path: Path) -> None:
    broken = chatgpt("c-3", node("u", None, "user", "  "))
    path = written(tmp_path / "conversations.json", ["text", {"mapping": 3}, broken, chatgpt()])
    async with world.desk() as desk:
        assert len(await desk.import_conversations(path)) == 1
        assert "conversations.json: left out 3 entries that are no message of a conversation." in desk.warnings


def test_a_tree_that_goes_in_circles_or_names_no_leaf_is_read_all_the_same(tmp_path: Path) -> None:
    circle = chatgpt("c-1", node("a", "b", "user", "one"), node("b", "a", "assistant", "two"))
    found = read_file(written(tmp_path / "c.json", [circle]), lane="chat", now=NOW)
    assert [text for _, text in texts(found.conversations[0])] == ["one", "two"]
    without = chatgpt(current_node=None)
    found = read_file(written(tmp_path / "c.json", [without]), lane="chat", now=NOW)
    assert texts(found.conversations[0])[1][1] in ("A first try.", "Rayleigh scattering.")


def oterm_store(path: Path, *, old: bool) -> Path:
    """oterm's database as an early or a late version keeps it."""
    with sqlite3.connect(path) as store:
        if old:
            store.execute('CREATE TABLE "chat" ("id" INTEGER PRIMARY KEY, "name" TEXT, "model" TEXT NOT NULL, '
                          '"context" TEXT NOT NULL, "system" TEXT, "format" TEXT)')  # fmt: skip
            store.execute('CREATE TABLE "message" ("chat_id" INTEGER NOT NULL, "author" TEXT NOT NULL, '
                          '"text" TEXT NOT NULL)')  # fmt: skip
            store.execute("INSERT INTO chat VALUES (1, 'Birds', 'llama2', '[]', NULL, NULL)")
            rows = [(1, "me", "Name a bird"), (1, "ollama", "Wren")]
            store.executemany("INSERT INTO message VALUES (?, ?, ?)", rows)
        else:
            store.execute('CREATE TABLE "chat" ("id" INTEGER PRIMARY KEY, "name" TEXT, "model" TEXT NOT NULL, '
                          '"system" TEXT, "format" TEXT, "parameters" TEXT DEFAULT "{}", "keep_alive" INTEGER, '
                          '"tools" TEXT DEFAULT "[]", "type" TEXT DEFAULT "chat")')  # fmt: skip
            store.execute('CREATE TABLE "message" ("id" INTEGER PRIMARY KEY, "chat_id" INTEGER NOT NULL, '
                          '"author" TEXT NOT NULL, "text" TEXT NOT NULL, "images" TEXT DEFAULT "[]")')  # fmt: skip
            store.execute("INSERT INTO chat (id, name, model) VALUES (1, 'Birds', 'llama3.2'), (2, 'Empty', 'x')")
            pictures = json.dumps([base64.b64encode(PNG).decode()])
            rows = [(1, "user", "Name this bird", pictures), (1, "assistant", "Wren", "[]"), (1, "robot", "?", "[]")]
            store.executemany("INSERT INTO message (chat_id, author, text, images) VALUES (?, ?, ?, ?)", rows)
    store.close()
    return path


@pytest.mark.parametrize("old", [True, False])
async def test_oterms_database_is_read_in_every_form(world: DeskWorld, tmp_path: Path, old: bool) -> None:
    path = oterm_store(tmp_path / "store.db", old=old)
    before = path.read_bytes()
    async with world.desk() as desk:
        (view,) = await desk.import_conversations(path)
        found = await desk.conversation(view.id)
        assert view.title == "Birds"
        assert texts(found) == [("user", "Name a bird" if old else "Name this bird"), ("assistant", "Wren")]
        assert found.messages[1].target == ModelRef("oterm", "llama2" if old else "llama3.2")
        if not old:
            assert found.messages[0].attachments == (Attachment(name="image-1", image=PNG),)
            assert "left out 2 entries" in " ".join(desk.warnings)
        assert await desk.import_conversations(path) == ()
    assert path.read_bytes() == before


async def test_our_own_export_comes_back_as_it_was(world: DeskWorld, tmp_path: Path) -> None:
    async with world.desk() as desk:
        files_of_it = (Attachment(name="a.txt", text="words"), Attachment(name="p.png", image=PNG))
        first = await ask(desk, "q1", attachments=files_of_it)
        assert first.conversation is not None
        world.cloud.script(answers("second"))
        await (await desk.again(first.conversation, first.request_id, prompt="q1 edited")).outcome()
        world.cloud.script(answers("All of it."))
        await (await desk.compact(first.conversation)).outcome()
        await desk.shelf.tag(first.conversation, ["work"])
        await desk.shelf.pin(first.conversation)
        path = tmp_path / "talk.json"
        path.write_text(await desk.export_conversation(first.conversation, "json"), encoding="utf-8")
        before = await desk.conversation(first.conversation)
        assert await desk.import_conversations(path) == ()
        await desk.remove_conversation(first.conversation)
        (view,) = await desk.import_conversations(path)
        after = await desk.conversation(view.id)
        again = json.loads(await desk.export_conversation(view.id, "json"))
        names = {None: None} | {m.request: n.request for m, n in zip(before.messages, after.messages, strict=True)}
        told = json.loads(path.read_text(encoding="utf-8"))
        for message in told["messages"]:
            for field in ("request", "superseded_by", "continues"):
                message[field] = names[message[field]]
        assert again == told
        assert (view.pinned, view.tags) == (True, ("work",))
        assert not set(names) & set(names.values()) - {None}


async def test_a_list_of_messages_is_one_conversation(world: DeskWorld, tmp_path: Path) -> None:
    listed = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {}}]},
        {"role": "assistant", "content": "Hi."},
    ]
    async with world.desk() as desk:
        (view,) = await desk.import_conversations(written(tmp_path / "m.json", listed))
        assert texts(await desk.conversation(view.id)) == [("user", "Hello"), ("assistant", "Hi.")]
        assert "left out 1 entry that is no message" in " ".join(desk.warnings)
        same = written(tmp_path / "wrapped.json", {"messages": listed, "title": "Mine"})
        assert await desk.import_conversations(same) == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe\x00", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"{}", "holds no conversation"),
        (b"[]", "holds no conversation"),
        (b'[{"role": "system", "content": "x"}]', "holds no conversation"),
        (b'{"id": "x", "lane": "chat", "messages": [3]}', "holds no conversation"),
        (b"PK\x03\x04 not a zip file", "zip file cannot be read"),
        (b"SQLite format 3\0 not a database", "cannot be read"),
    ],
)
async def test_any_other_file_is_refused_in_one_line_that_names_it(
    world: DeskWorld, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "some file"
    path.write_bytes(content)
    async with world.desk() as desk:
        with pytest.raises(UsageError, match=words) as caught:
            await desk.import_conversations(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)
        assert await desk.conversations() == ()


async def test_a_file_that_is_missing_too_large_or_another_database_is_refused(
    world: DeskWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.desk() as desk:
        with pytest.raises(UsageError, match="No such file"):
            await desk.import_conversations(tmp_path / "missing.json")
        with pytest.raises(UsageError, match="cannot be read"):
            await desk.import_conversations(tmp_path)
        with sqlite3.connect(tmp_path / "other.db") as other:
            other.execute("CREATE TABLE t (x)")
        other.close()
        with pytest.raises(UsageError, match="no database of oterm"):
            await desk.import_conversations(tmp_path / "other.db")
        bomb = tmp_path / "bomb.zip"
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("conversations.json", b" " * 300_000)
        with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
            archive.writestr("a.txt", "x")
        with pytest.raises(UsageError, match=r"holds no conversations\.json"):
            await desk.import_conversations(tmp_path / "other.zip")
        large = written(tmp_path / "large.json", ["x" * 200_000])
        monkeypatch.setattr(files, "LIMIT_BYTES", 100_000)
        for path in (bomb, large):
            with pytest.raises(UsageError, match="too large"):
                await desk.import_conversations(path)


async def test_what_would_take_many_times_its_size_or_never_ends_is_refused_unread(
    world: DeskWorld, tmp_path: Path
) -> None:
    lists = tmp_path / "lists.json"
    lists.write_bytes(b"[" + b"[]," * 2_000_000 + b"[]]")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b" " * (files.MAX_PLAIN_BYTES + 1))
    async with world.desk() as desk:
        for path, words in (
            (lists, "far more values than text"),
            (tmp_path / "bomb.zip", "packed as no conversations are"),
            (Path("/dev/zero"), "it is no file"),
        ):
            with pytest.raises(UsageError, match=words):
                await desk.import_conversations(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["mapping", "messages", "role", "content", "parts", "parent", "message", "author", "id", "lane",
                         "current_node", "text", "title", "create_time", "user", "assistant", "children", "files"]),
        inner, max_size=6,
    ),
    max_leaves=30,
)  # fmt: skip


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_whatever_json_a_file_holds_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, whole: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    for wrapped in (whole, [{"mapping": whole}], [{"mapping": {"a": {"message": whole, "parent": whole}}}],
                    {"id": "x", "lane": "chat", "messages": [whole]}):  # fmt: skip
        path.write_text(json.dumps(wrapped), encoding="utf-8")
        try:
            found = read_file(path, lane="chat", now=NOW)
        except UsageError:
            continue
        for conversation in found.conversations:
            assert conversation.messages
            assert all(isinstance(m.content, str) and m.role is not Role.TOOL for m in conversation.messages)
