import sqlite3
import stat

import pytest

from llmdesk.core.errors import StorageError
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.database import Database
from llmdesk.storage.migrations import BACKUPS_KEPT, backups, migrate, schema_version
from llmdesk.storage.requests import RequestStore
from llmdesk.storage.schema import MIGRATIONS, Migration
from llmdesk.storage.search import Search
from tests.support.stored import a_request, run_together

STEPS = [Migration(name=f"step {n}", statements=(f"CREATE TABLE t{n} (x TEXT) STRICT",)) for n in range(1, 7)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "llmdesk.db"


@pytest.fixture
def connection(path):
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def tables(connection):
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in names]


def test_a_new_database_gets_every_step_and_no_backup(connection, path):
    migrate(connection, path, now=lambda: 1.5, migrations=STEPS[:3])
    assert schema_version(connection) == 3
    assert tables(connection) == ["schema_migrations", "t1", "t2", "t3"]
    assert connection.execute("SELECT * FROM schema_migrations").fetchall() == [
        (1, "step 1", 1500),
        (2, "step 2", 1500),
        (3, "step 3", 1500),
    ]
    assert backups(path) == []


def test_a_step_happens_once(connection, path):
    for _ in range(2):
        migrate(connection, path, now=lambda: 1.0, migrations=STEPS[:2])
    assert schema_version(connection) == 2


def test_before_each_step_an_existing_database_is_copied_as_it_was(connection, path):
    migrate(connection, path, now=lambda: 1.0, migrations=STEPS[:1])
    connection.execute("INSERT INTO t1 VALUES ('kept')")
    migrate(connection, path, now=lambda: 2.0, migrations=STEPS[:2])
    (copy,) = backups(path)
    assert copy.name == "llmdesk.db.backup-v1-2000"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with sqlite3.connect(copy) as old:
        assert old.execute("SELECT x FROM t1").fetchall() == [("kept",)]
        assert schema_version(old) == 1
    old.close()


def test_only_the_newest_backups_are_kept(connection, path):
    times = iter(range(1, 100))
    for known in (STEPS[:1], STEPS):
        migrate(connection, path, now=lambda: float(next(times)), migrations=known)
    assert len(backups(path)) == BACKUPS_KEPT
    assert backups(path)[-1].name.startswith("llmdesk.db.backup-v5-")


def test_a_step_that_fails_leaves_nothing_of_itself(connection, path):
    broken = Migration(name="broken", statements=("CREATE TABLE half (x)", "CREATE TABLE t1 (x)"))
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(connection, path, now=lambda: 1.0, migrations=[STEPS[0], broken])
    assert tables(connection) == [], "nobody sees half of a new database"
    migrate(connection, path, now=lambda: 1.0, migrations=STEPS[:1])
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(connection, path, now=lambda: 1.0, migrations=[STEPS[0], broken])
    assert schema_version(connection) == 1
    assert "half" not in tables(connection)
    assert not connection.in_transaction


RACE = """
import asyncio, sys
from pathlib import Path
from llmdesk.storage.database import Database
from llmdesk.storage.requests import RequestStore
from tests.support.stored import a_request

async def main(number, path):
    database = Database(path, on_warning=lambda text: print("warning", text))
    store = RequestStore(database, f"owner-{number}")
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(20):
        await store.accept(a_request(f"{number}-{n}"))
    await database.aclose()
    print("done")

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


def test_processes_that_begin_the_database_together_each_get_every_row_in(path):
    assert run_together(RACE, 3, path) == [["done"]] * 3
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM requests").fetchone() == (60,)
        assert connection.execute("SELECT count(*) FROM schema_migrations").fetchone() == (schema_version(connection),)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


UPDATE = """
import sqlite3, sys
from pathlib import Path
from llmdesk.storage.migrations import migrate
from llmdesk.storage.schema import MIGRATIONS

path = Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
connection = sqlite3.connect(path, timeout=5, isolation_level=None)
migrate(connection, path, now=lambda: 5.0)  # a clock that stands still, so that all names are the same
print(connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS))
connection.close()
"""


def test_processes_that_bring_an_old_database_up_to_date_together_spoil_no_backup(path):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    migrate(connection, path, now=lambda: 1.0, migrations=MIGRATIONS[:1])
    assert run_together(UPDATE, 6, path) == [["True"]] * 6
    assert [row[0] for row in connection.execute("SELECT number FROM schema_migrations")] == [
        n + 1 for n in range(len(MIGRATIONS))
    ]
    connection.close()
    assert len(backups(path)) == BACKUPS_KEPT
    for copy in backups(path):
        with sqlite3.connect(copy) as old:
            assert old.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert f"-v{schema_version(old)}-" in copy.name
        old.close()


async def test_a_database_from_before_versions_and_drafts_keeps_all_it_holds(path):
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, now=lambda: 1.0, migrations=MIGRATIONS[:5])
    connection.execute("INSERT INTO conversations VALUES ('c1', 'Birds', 'chat', 1, 2, 3)")
    for number, (role, text, mark) in enumerate([("user", "Name a wren", None), ("assistant", "A wren", "full")], 1):
        connection.execute(
            "INSERT INTO messages (id, conversation, turn, request, role, content, completeness, created_at) "
            "VALUES (?, 'c1', 1, 'r1', ?, ?, ?, 1)",
            (number, role, text, mark),
        )
    connection.close()
    database = Database(path, on_warning=lambda _: None)
    conversations = ConversationStore(database)
    (view,) = await conversations.list()
    assert (view.title, view.messages, view.pinned, view.archived, view.tags) == ("Birds", 2, False, False, ())
    found = await conversations.get("c1")
    assert [(m.content, m.superseded_by, m.continues) for m in found.messages] == [
        ("Name a wren", None, None),
        ("A wren", None, None),
    ]
    assert len(await conversations.history("c1")) == 2
    assert [hit.id for hit in await Search(database)("wr")] == ["c1", "c1"]
    await database.aclose()
    assert len(backups(path)) == len(MIGRATIONS) - 5


async def test_an_index_of_an_earlier_form_is_made_anew(path):
    database = Database(path, on_warning=lambda _: None)
    await RequestStore(database, "me").accept(a_request(conversation="c1", prompt="some walrus"))
    await database.aclose()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TABLE messages_fts")
    connection.execute("CREATE VIRTUAL TABLE messages_fts USING fts5(content, content='messages', content_rowid='id')")
    connection.close()
    database = Database(path, on_warning=lambda _: None)
    assert [hit.id for hit in await Search(database)("wal")] == ["c1"]
    found = await database.read(
        lambda c: c.execute("SELECT sql FROM sqlite_master WHERE name = 'messages_fts'").fetchone()
    )
    assert "prefix=" in found[0]
    await database.aclose()


async def test_a_database_of_a_newer_version_is_read_and_not_written(path):
    database = Database(path, on_warning=lambda _: None)
    await ConversationStore(database).create("c1", lane="chat", title="kept")
    await database.aclose()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    warnings = []
    database = Database(path, on_warning=warnings.append)
    conversations = ConversationStore(database)
    assert [view.title for view in await conversations.list()] == ["kept"]
    with pytest.raises(StorageError, match="newer llmdesk"):
        await conversations.pin("c1", True)
    await database.aclose()
    assert any("newer llmdesk" in line for line in warnings)
