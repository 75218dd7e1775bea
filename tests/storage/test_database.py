import asyncio
import os
import sqlite3
import stat
import time

import pytest

from llmdesk.core.errors import StorageError, UsageError
from llmdesk.storage.database import Database
from llmdesk.storage.schema import MIGRATIONS
from tests.support.stored import full_disk


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "llmdesk.db"


@pytest.fixture
async def database(path, warnings):
    database = Database(path, on_warning=warnings.append)
    yield database
    await database.aclose()


def add(title):
    return lambda connection: (
        connection.execute(
            "INSERT INTO conversations (id, title, lane, created_at, updated_at, used) VALUES (?, ?, 'chat', 1, 1, 1)",
            (title, title),
        ).rowcount
    )


def titles(connection):
    return [row["title"] for row in connection.execute("SELECT title FROM conversations ORDER BY title")]


async def test_nothing_is_opened_before_the_first_use(path, warnings):
    database = Database(path, on_warning=warnings.append)
    assert database.data_version() == database.data_version()
    await database.aclose()
    assert not path.parent.exists()


async def test_files_are_private_whatever_the_umask_says(database, path):
    before = os.umask(0)
    try:
        await database.write(add("a"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {"llmdesk.db": 0o600, "llmdesk.db-wal": 0o600, "llmdesk.db-shm": 0o600}


async def test_an_open_file_is_made_private(database, path):
    path.parent.mkdir()
    path.touch(mode=0o666)
    await database.write(add("a"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_commits_are_durable_and_deleted_text_is_overwritten(database):
    def settings(connection):
        return [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete")
        ]

    assert await database.read(settings) == ["wal", 2, 1]


async def test_a_write_is_one_transaction(database):
    def work(connection):
        add("a")(connection)
        raise UsageError("changed my mind")

    with pytest.raises(UsageError):
        await database.write(work)
    assert await database.read(titles) == []


async def test_a_write_that_was_handed_in_finishes_though_nobody_waits(database):
    await database.read(titles)

    def slow(connection):
        time.sleep(0.05)  # the worker thread is busy, so that the next write waits in the queue
        return add("first")(connection)

    waiting = [asyncio.create_task(database.write(slow)), asyncio.create_task(database.write(add("second")))]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert all(task.cancelled() for task in waiting)
    assert await database.read(titles) == ["first", "second"]


async def test_closing_finishes_what_was_handed_in_and_ends_the_life(path, warnings):
    database = Database(path, on_warning=warnings.append)
    writing = asyncio.create_task(database.write(add("a")))
    await asyncio.sleep(0)
    await database.aclose()
    await database.aclose()
    assert await writing == 1
    with pytest.raises(StorageError, match="closed"):
        await database.read(titles)
    assert not path.with_name("llmdesk.db-wal").exists()


async def test_in_memory_nothing_touches_the_disk(tmp_path, warnings, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database = Database(None, on_warning=warnings.append)
    await database.write(add("a"))
    assert await database.read(titles) == ["a"]
    await database.aclose()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"this is no database at all" * 100, None])
async def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(path, warnings, damage):
    path.parent.mkdir()
    if damage is None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE t (x)")
            connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 100)
        connection.close()
        content = bytearray(path.read_bytes())
        content[100:4096] = b"\xff" * 3996
        damage = bytes(content)
    path.write_bytes(damage)
    database = Database(path, on_warning=warnings.append, clock=lambda: 0.0)
    await database.write(add("a"))
    assert await database.read(titles) == ["a"]
    await database.aclose()
    aside = path.with_name("llmdesk.db.corrupt-19700101T000000Z")
    assert aside.read_bytes() == damage
    assert len(warnings) == 1
    assert str(aside) in warnings[0]


async def test_damage_found_while_running_is_dealt_with_in_the_same_write(database, path, warnings):
    await database.write(add("a"))
    await database.write(lambda connection: connection.executemany(
        "INSERT INTO conversations (id, title, lane, created_at, updated_at, used) VALUES (?, ?, 'chat', 1, 1, 1)",
        [(f"{n}", "x" * 900) for n in range(500)],
    ))  # fmt: skip
    await database.aclose()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    again = Database(path, on_warning=warnings.append)
    await again.write(add("b"))
    assert await again.read(titles) == ["b"]
    assert await again.health() == "ok"
    await again.aclose()
    assert len(list(path.parent.glob("llmdesk.db.corrupt-*"))) == 1
    assert len(warnings) == 1


async def test_a_second_instance_does_not_move_the_new_file_aside(path, warnings):
    path.parent.mkdir()
    path.write_bytes(b"damage" * 1000)
    first, second = (Database(path, on_warning=warnings.append) for _ in range(2))
    await asyncio.gather(first.write(add("a")), second.write(add("b")))
    assert await second.read(titles) == ["a", "b"]
    await first.aclose()
    await second.aclose()
    assert len(warnings) == 1


async def test_a_deleted_file_is_made_anew(database, path):
    await database.write(add("a"))
    for each in path.parent.iterdir():
        each.unlink()
    await database.write(add("b"))
    assert await database.read(titles) == ["b"]
    assert path.exists()


async def test_a_newer_schema_is_read_and_not_written(database, path, warnings):
    await database.write(add("a"))
    await database.aclose()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    newer = Database(path, on_warning=warnings.append)
    assert await newer.read(titles) == ["a"]
    with pytest.raises(StorageError, match="newer llmdesk"):
        await newer.write(add("b"))
    await newer.aclose()
    assert len(warnings) == 1


async def test_a_path_that_cannot_be_is_one_line_that_names_it(tmp_path, warnings):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "llmdesk.db"
    database = Database(path, on_warning=warnings.append)
    with pytest.raises(StorageError) as caught:
        await database.write(add("a"))
    assert str(caught.value) == f"{path}: Not a directory."
    await database.aclose()


async def test_a_full_disk_is_told_and_leaves_everything_as_it_was(database, path):
    await database.write(add("a"))
    with full_disk(path.with_name("llmdesk.db-wal").stat().st_size), pytest.raises(StorageError, match=str(path)):
        await database.write(add("b" * 100_000))
    assert await database.read(titles) == ["a"]
    await database.write(add("c"))
    assert await database.read(titles) == ["a", "c"]
    assert await database.health() == "ok"


async def test_a_lock_that_stays_is_told(path, warnings):
    database = Database(path, on_warning=warnings.append, lock_timeout_s=0.1)
    await database.write(add("a"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match=r"locked by another program for more than 0\.1 s"):
        await database.write(add("b"))
    assert await database.read(titles) == ["a"]
    other.execute("ROLLBACK")
    other.close()
    await database.write(add("b"))
    await database.aclose()


async def test_a_number_no_column_holds_is_told_and_undoes_its_write(database):
    with pytest.raises(StorageError, match="too large to be kept"):
        await database.write(
            lambda c: (add("a")(c), c.execute("UPDATE conversations SET used = ?", (10**20,)))  # the second one breaks
        )
    assert await database.read(titles) == []


async def test_on_a_network_filesystem_there_is_no_shared_memory(path, warnings):
    database = Database(path, on_warning=warnings.append, on_network=lambda _: True)
    assert await database.read(lambda c: c.execute("PRAGMA journal_mode").fetchone()[0]) == "delete"
    await database.write(add("a"))
    assert [each.name for each in path.parent.iterdir()] == ["llmdesk.db"]
    assert "network" in warnings[0]
    await database.aclose()


async def test_the_change_mark_moves_for_other_instances_only(database, path, warnings):
    other = Database(path, on_warning=warnings.append)
    await database.write(add("a"))
    await other.read(titles)
    mark = database.data_version()
    await database.write(add("b"))
    assert database.data_version() == mark
    await other.write(add("c"))
    moved = database.data_version()
    assert moved != mark
    assert database.data_version() == moved
    await database.write(add("d"))
    assert database.data_version() == moved
    await other.write(add("e"))
    await database.write(add("f"))
    assert database.data_version() != moved
    await other.aclose()


async def test_the_change_mark_stays_while_something_is_being_written(database):
    await database.write(add("a"))
    mark = database.data_version()

    def large(connection: sqlite3.Connection) -> tuple[bool, int]:
        add("x" * 16_000_000)(connection)  # more than is kept back until the commit
        return database._foreign._marks() != database._foreign._mark, database.data_version()

    assert await database.write(large) == (True, mark)
    assert database.data_version() == mark


async def test_purged_text_is_in_no_file(database, path):
    canary = "canary-4711"
    await database.write(add(canary))
    await database.write(lambda c: c.execute("DELETE FROM conversations"), purge=True)
    assert all(canary.encode() not in each.read_bytes() for each in path.parent.iterdir())


async def test_a_broken_index_is_made_anew_and_costs_no_history(database, warnings):
    def fill(connection):
        add("c")(connection)
        connection.execute(
            "INSERT INTO messages (conversation, turn, role, content, created_at) VALUES ('c', 1, 'user', 'needle', 1)"
        )

    def find(connection):
        return connection.execute("SELECT rowid FROM messages_fts WHERE messages_fts MATCH 'needle'").fetchall()

    await database.write(fill)
    await database.write(lambda c: c.execute("UPDATE messages_fts_data SET block = x'ffff' WHERE id > 10"))
    await database.write(lambda c: c.execute("INSERT INTO messages_fts (messages_fts) VALUES ('optimize')"))
    assert len(await database.read(find)) == 1
    assert warnings == []
