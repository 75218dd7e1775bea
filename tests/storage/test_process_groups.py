"""Process groups on disk: recorded while they run, ended when their owner is dead, never a stranger's (policy T13)."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.run_folders import RUN_FOLDER
from llmdesk.storage.process_groups import ProcessGroups, began
from tests.support.slowness import PATIENCE_S, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLEEP = "import os, sys, time; os.write(1, b'x'); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
PARENT = (
    "import subprocess, sys, os\n"
    f"child = subprocess.Popen([sys.executable, '-I', '-S', '-c', {SLEEP!r}])\n"
    "print(child.pid, flush=True)"
)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def start(started: list[subprocess.Popen[bytes]], code: str = SLEEP, **env: str) -> int:
    """Start a program in a group of its own and wait for its first byte; its id."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, **env},
    )
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.read(1)
    return process.pid


def records(state: Path) -> list[Path]:
    return sorted((state / "groups").glob("*.json"))


def change(state: Path, **values: Any) -> None:
    """Rewrite the one record, as another llmdesk would have written it."""
    (path,) = records(state)
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def is_running(started: list[subprocess.Popen[bytes]]) -> bool:
    return started[-1].poll() is None


DEAD = {"owner": 2**22 + 1, "owner_began": "1"}


def test_a_group_is_written_down_privately_and_forgotten(tmp_path: Path) -> None:
    groups = ProcessGroups(tmp_path)
    assert not groups.has_records()
    forget = groups.record(os.getpid(), tmp_path / "llmdesk-run-x")
    (path,) = records(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    value = json.loads(path.read_text())
    assert value["group"] == value["owner"] == os.getpid()
    assert value["began"] == began(os.getpid()) != ""
    assert groups.has_records()
    forget()
    forget()
    assert not groups.has_records()


def test_without_a_folder_nothing_is_written_and_nothing_fails(tmp_path: Path) -> None:
    groups = ProcessGroups(None)
    groups.record(1234, tmp_path)()
    assert not groups.has_records()
    assert groups.end_leftovers() == 0
    closed = tmp_path / "closed"
    closed.write_text("a file, not a folder")
    ProcessGroups(closed).record(1234, tmp_path)()


def test_a_leftover_of_a_dead_owner_is_ended_with_its_folder(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    folder = tmp_path / "llmdesk-run-abc"
    (folder / "work").mkdir(parents=True)
    groups = ProcessGroups(tmp_path)
    groups.record(start(started), folder)
    change(tmp_path, **DEAD)
    assert groups.end_leftovers() == 1
    assert started[0].wait(PATIENCE_S) == -signal.SIGTERM
    assert not folder.exists()
    assert not groups.has_records()


def test_one_that_does_not_listen_is_killed(tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    groups = ProcessGroups(tmp_path)
    groups.record(start(started, STUBBORN), tmp_path / "llmdesk-run-x")
    change(tmp_path, **DEAD)
    begun = time.monotonic()
    assert groups.end_leftovers() == 1
    assert started[0].wait(PATIENCE_S) == -signal.SIGKILL
    assert 1.9 < time.monotonic() - begun < 2.0 + allowed(2.0)


def test_a_member_that_outlived_its_leader_is_ended_by_its_mark(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    folder = tmp_path / "llmdesk-run-abc"
    group = start(started, PARENT, **{RUN_FOLDER: str(folder)})
    groups = ProcessGroups(tmp_path)
    groups.record(group, folder)
    started[0].wait(PATIENCE_S)
    change(tmp_path, **DEAD)
    assert groups.end_leftovers() == 1
    with pytest.raises(ProcessLookupError):
        _until_gone(group)


def test_one_that_was_only_about_to_be_started_is_found_by_its_mark(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    folder = tmp_path / "llmdesk-run-abc"
    groups = ProcessGroups(tmp_path)
    groups.record(0, folder)
    start(started, **{RUN_FOLDER: str(tmp_path / "llmdesk-run-other")})
    start(started, **{RUN_FOLDER: str(folder)})
    change(tmp_path, **DEAD)
    assert groups.end_leftovers() == 1
    assert started[1].wait(PATIENCE_S) == -signal.SIGTERM
    assert started[0].poll() is None


def _until_gone(group: int) -> None:
    for _ in range(6_000):
        os.killpg(group, 0)
        time.sleep(0.01)


def test_the_group_of_a_living_owner_is_left_alone(tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    groups = ProcessGroups(tmp_path)
    groups.record(start(started), tmp_path / "llmdesk-run-x")
    assert groups.end_leftovers() == 0
    assert is_running(started)
    assert len(records(tmp_path)) == 1


@pytest.mark.parametrize(
    "other", [{"began": "12345"}, {"boot_id": "another boot"}, {"began": ""}], ids=["began", "boot", "unknown"]
)
def test_a_process_id_that_was_given_to_somebody_else_is_left_alone(
    tmp_path: Path, started: list[subprocess.Popen[bytes]], other: dict[str, str]
) -> None:
    groups = ProcessGroups(tmp_path)
    groups.record(start(started), tmp_path / "llmdesk-run-x")
    change(tmp_path, **DEAD, **other)
    assert groups.end_leftovers() == 0
    assert is_running(started)
    assert not groups.has_records()


def test_an_owner_whose_id_was_given_to_somebody_else_is_dead(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    groups = ProcessGroups(tmp_path)
    groups.record(start(started), tmp_path / "llmdesk-run-x")
    change(tmp_path, owner_began="12345")
    assert groups.end_leftovers() == 1


def test_only_folders_of_runs_are_ever_removed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    link = tmp_path / "llmdesk-run-link"
    link.symlink_to(precious)
    groups = ProcessGroups(tmp_path)
    for folder in (precious, link):
        groups.record(2**22 + 5, folder)
        change(tmp_path, **DEAD)
        groups.end_leftovers()
    assert precious.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[" * 4000, b"[]", b"{}", b'{"group": -1}', b"\xff", b"x" * 10_000, b'{"group": "1", "owner": 1}',
        b'{"group": 1, "owner": 1, "began": "", "owner_began": "", "boot_id": "", "folder": "/"}',
    ],
)  # fmt: skip
def test_a_damaged_record_is_removed_and_ends_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups" / "1-x.json").write_bytes(content)
    groups = ProcessGroups(tmp_path)
    assert groups.end_leftovers() == 0
    assert not groups.has_records()


@pytest.mark.skipif(sys.platform == "win32", reason="no groups are recorded there")
def test_half_a_record_of_a_dead_process_is_removed_and_that_of_a_living_one_is_left(tmp_path: Path) -> None:
    (tmp_path / "groups").mkdir()
    mine, dead, nobodys = (tmp_path / "groups" / f"1-ab{who}.tmp" for who in (f".{os.getpid()}", f".{2**22 + 1}", ""))
    for half in (mine, dead, nobodys):
        half.write_text('{"group": 1')
    assert ProcessGroups(tmp_path).end_leftovers() == 0
    assert list((tmp_path / "groups").iterdir()) == [mine]


def test_a_process_that_is_not_there_never_began() -> None:
    assert began(2**22 + 7) == ""
