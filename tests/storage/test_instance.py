import os
import stat
import threading

import pytest

from llmdesk.storage.instance import Instance
from tests.support.stored import worker

LIVE = """
import sys
from pathlib import Path
from llmdesk.storage.instance import Instance
instance = Instance(Path(sys.argv[1]))
print(instance.id, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def me(tmp_path):
    instance = Instance(tmp_path)
    yield instance
    instance.close()


def locks(tmp_path):
    return sorted(path.stem for path in (tmp_path / "instances").iterdir())


def test_an_instance_knows_itself_and_strangers(me):
    assert me.is_alive(me.id)
    assert not me.is_alive("4711-deadbeef")


def test_lock_files_are_private(me, tmp_path):
    (lock,) = (tmp_path / "instances").iterdir()
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    assert stat.S_IMODE(lock.parent.stat().st_mode) == 0o700


def test_closing_ends_the_life_and_leaves_no_file(me, tmp_path):
    other = Instance(tmp_path)
    assert me.is_alive(other.id)
    other.close()
    other.close()
    assert not me.is_alive(other.id)
    assert locks(tmp_path) == [me.id]


def test_a_killed_process_is_dead_at_once_and_its_lock_file_goes(me, tmp_path):
    with worker(LIVE, tmp_path) as process:
        other = process.stdout.readline().strip()
        assert me.is_alive(other)
        process.kill()
        process.wait()
        assert locks(tmp_path) == sorted([me.id, other])
        assert not me.is_alive(other)
    assert locks(tmp_path) == [me.id]


def test_a_start_removes_what_killed_instances_left_and_nothing_else(tmp_path):
    with worker(LIVE, tmp_path) as living, worker(LIVE, tmp_path) as killed:
        alive, _ = living.stdout.readline().strip(), killed.stdout.readline()
        killed.kill()
        killed.wait()
        me = Instance(tmp_path)
        assert locks(tmp_path) == sorted([alive, me.id])
        assert me.is_alive(alive)
        me.close()


def test_a_start_beside_a_clean_up_keeps_its_lock(me, tmp_path):
    over = threading.Event()

    def clean_up():
        while not over.is_set():
            me.remove_stale()

    cleaner = threading.Thread(target=clean_up)
    cleaner.start()
    try:
        for _ in range(150):
            other = Instance(tmp_path)
            assert me.is_alive(other.id)
            other.close()
    finally:
        over.set()
        cleaner.join()


def test_without_a_folder_the_process_id_has_to_do(tmp_path):
    (tmp_path / "file").touch()
    for state_dir in (None, tmp_path / "file" / "state"):
        me = Instance(state_dir)
        assert me.is_alive(me.id)
        with worker("import sys; print('up', flush=True); sys.stdin.read()") as process:
            process.stdout.readline()
            assert me.is_alive(f"{process.pid}-abc")
            process.kill()
            process.wait()
            assert not me.is_alive(f"{process.pid}-abc")
        assert not me.is_alive(f"{os.getpid()}-of-an-earlier-process")
        assert not me.is_alive("no-process-at-all")
        assert not me.is_alive(f"{10**30}-x")
        me.close()
