import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdesk.storage import fulltext
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.database import Database
from llmdesk.storage.requests import RequestStore
from llmdesk.storage.search import Search, best_messages, match_expression, read_query
from tests.support.stored import a_request, an_answer, an_outcome

HOSTILE = [
    "", " ", '"', '""', "'", "*", "-", "a-b", "a:b", "content:a", "AND", "a AND", "OR OR", "NOT a", "NEAR(a b, 2)",
    "(a", "a)", "^a", "{a}", "a + b", "\\", "%", "_", "\0", "a\0b", "x" * 60_000, "w " * 5000, "💥", "\u202e",
    "; DROP TABLE messages",
]  # fmt: skip


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "llmdesk.db", on_warning=lambda _: None)
    yield database
    await database.aclose()


@pytest.fixture
def search(database):
    return Search(database)


@pytest.fixture
async def filled(database):
    texts = {
        "c1": ("How do I parse a log file?", "Use a parser. A parser reads the log; the parser is fast."),
        "c2": ("Wie heißt der Koch?", "Der naïve Koch parst nichts."),
        "c3": ("日本語の質問です", "snake_case_identifier = 100%"),
    }
    store = RequestStore(database, "me")
    for number, (conversation, (prompt, answer)) in enumerate(texts.items()):
        await store.accept(
            a_request(f"r{number}", conversation=conversation, title=f"Title {conversation}", prompt=prompt)
        )
        await store.finish(f"r{number}", an_outcome(f"r{number}"), answer=an_answer(answer))


async def without_index(database):
    def drop(connection):
        connection.execute("COMMIT")  # the upkeep has transactions of its own
        fulltext.ensure(connection, fts5=False)
        connection.execute("BEGIN IMMEDIATE")

    await database.write(drop)


@pytest.mark.usefixtures("filled")
async def test_the_best_match_comes_first_with_its_place(search, database):
    hits = await search("parser")
    assert [(hit.id, hit.messages) for hit in hits] == [("c1", 2)]
    assert "parser reads the log" in hits[0].snippet

    def content(connection):
        return connection.execute("SELECT content FROM messages WHERE id = ?", (hits[0].message,)).fetchone()[0]

    assert (await database.read(content)).startswith("Use a parser")


@pytest.mark.usefixtures("filled")
async def test_every_word_must_be_there_and_the_last_may_be_unfinished(search):
    assert [hit.id for hit in await search("log pars")] == ["c1", "c1"]
    assert await search("koch parser") == ()
    assert [hit.id for hit in await search("NAIVE")] == ["c2"]


@pytest.mark.usefixtures("filled")
async def test_parts_of_words_are_found_where_no_word_matches(search):
    assert [hit.id for hit in await search("質問")] == ["c3"]
    assert [hit.id for hit in await search("e_ident")] == ["c3"]
    assert [hit.id for hit in await search("100%")] == ["c3"]
    assert await search("eXident") == ()


@pytest.mark.usefixtures("filled")
async def test_a_title_is_found_too(search):
    hits = await search("title c2")
    assert [(hit.id, hit.message) for hit in hits] == [("c2", None)]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("query", HOSTILE)
@pytest.mark.parametrize("indexed", [True, False])
async def test_no_query_is_an_error(search, database, query, indexed):
    if not indexed:
        await without_index(database)
    assert len(await search(query, 3)) <= 3


async def test_any_text_at_all_is_a_query(database, search):
    await RequestStore(database, "me").accept(a_request(conversation="c1", prompt="some words"))
    assert await search("some")
    connection = sqlite3.connect(database.path)

    @given(st.text(min_size=1, max_size=30))
    @settings(max_examples=100, deadline=None)
    def any_query(query):
        if words := query.replace("\0", " ").split():
            connection.execute("SELECT 1 FROM messages_fts WHERE messages_fts MATCH ?", (match_expression(words),))

    any_query()
    connection.close()


@pytest.mark.usefixtures("filled")
async def test_without_fts5_search_still_works_and_the_index_comes_back(search, database):
    await without_index(database)
    store = RequestStore(database, "me")
    await store.accept(a_request("r9", conversation="c9", prompt="written without an index"))
    assert [hit.id for hit in await search("parser reads")] == ["c1"]
    assert [hit.id for hit in await search("without index")] == ["c9"]
    await database.aclose()
    again = Database(database.path, on_warning=lambda _: None)
    assert await again.read(fulltext.is_kept)
    assert [hit.id for hit in await Search(again)("index")] == ["c9"]
    await again.aclose()


# --- what is marked, and filters --------------------------------------------------------------------------------------


def marked(hit):
    return [hit.snippet[begin:end] for begin, end in hit.matches]


@pytest.mark.usefixtures("filled")
async def test_the_words_that_were_found_are_marked_in_the_snippet(search, database):
    (hit,) = await search("reads PARS")
    assert marked(hit) == ["parser", "parser", "reads", "parser"]
    (hit,) = await search("e_IDENT")
    assert marked(hit) == ["e_ident"]
    await without_index(database)
    (hit,) = await search("reads PARS")
    assert {word.lower() for word in marked(hit)} == {"reads", "pars"}
    (hit,) = await search("title c2")
    assert (hit.snippet, hit.matches) == ("", ())


@pytest.mark.parametrize("text", ["\x02word\x03 word", "\x03\x03 word \x02", "a \x02 word"])
async def test_marks_that_an_answer_holds_itself_do_no_harm(database, search, text):
    await RequestStore(database, "me").accept(a_request(conversation="c1", prompt=text))
    (hit,) = await search("word")
    assert "\x02" not in hit.snippet
    assert all(0 <= begin < end <= len(hit.snippet) for begin, end in hit.matches)
    assert "word" in marked(hit)


@pytest.mark.usefixtures("filled")
async def test_a_query_can_keep_to_a_tag_and_to_a_lane(search, database):
    conversations = ConversationStore(database)
    store = RequestStore(database, "me")
    await store.accept(a_request("r8", conversation="c8", lane="codegen", title="Other", prompt="a parser in C"))
    await conversations.tag("c1", ["work"])
    await conversations.tag("c8", ["work", "c"])
    assert {hit.id for hit in await search("parser")} == {"c1", "c8"}
    assert [hit.id for hit in await search("lane:codegen parser")] == ["c8"]
    assert {hit.id for hit in await search("parser tag:work")} == {"c1", "c8"}
    assert [hit.id for hit in await search("tag:work TAG:#C parser")] == ["c8"]
    assert await search("parser tag:none") == ()
    assert [(hit.id, hit.message) for hit in await search("tag:work")] == [("c8", None), ("c1", None)]
    assert [hit.id for hit in await search("lane:chat lane:codegen 質問")] == ["c3"]


@pytest.mark.usefixtures("filled")
async def test_what_was_put_away_is_found_and_marked_and_what_was_deleted_is_not(search, database):
    conversations = ConversationStore(database)
    await conversations.archive("c1", True)
    assert [(hit.id, hit.archived) for hit in await search("parser reads")] == [("c1", True)]
    await conversations.set_aside("c1", True)
    assert await search("parser reads") == ()
    await conversations.set_aside("c1", False)
    assert len(await search("parser reads")) == 1


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("query", ["parser", "lane:chat parser"])
async def test_words_are_looked_up_in_the_index(database, query):
    statement, values = best_messages(read_query(query))

    def plan(connection):
        return [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", (*values, 50))]

    found = await database.read(plan)
    assert any("messages_fts VIRTUAL TABLE INDEX" in line for line in found)
    assert not any("SCAN m" in line and "VIRTUAL" not in line for line in found)
    assert any("SEARCH m USING INTEGER PRIMARY KEY" in line for line in found)
