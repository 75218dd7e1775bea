"""What a power cut would take is told from the order of operations alone."""

from __future__ import annotations

from tests.campaign.crash.operations import Operation
from tests.campaign.crash.synced import commits_are_synced, name_is_synced, named_too_early

TEMP, STATE, LOG = "/home/state/.llm_state.json.tmp", "/home/state/llm_state.json", "/home/data/llmdesk.db-wal"
WRITE = Operation(name="write", paths=(TEMP,), size=300)
SYNC = Operation(name="fsync", paths=(TEMP,))
NAME = Operation(name="rename", paths=(TEMP, STATE))
HEAD = Operation(name="pwrite64", paths=(LOG,), size=32)
PAGE = Operation(name="pwrite64", paths=(LOG,), size=4096)
COMMIT = Operation(name="fdatasync", paths=(LOG,))


def test_a_file_may_have_its_name_when_its_content_is_on_the_disk() -> None:
    assert list(named_too_early([WRITE, SYNC, NAME])) == []
    assert list(named_too_early([WRITE, NAME, SYNC])) == ["llm_state.json"]
    assert list(named_too_early([WRITE, SYNC, WRITE, NAME])) == ["llm_state.json"]
    assert list(named_too_early([NAME])) == [], "nothing was written"


def test_what_is_written_down_of_running_processes_need_not_outlive_a_power_cut() -> None:
    record = [each.replace("state/", "state/groups/") for each in (TEMP, STATE)]
    written = Operation(name="write", paths=(record[0],), size=30)
    assert list(named_too_early([written, Operation(name="rename", paths=tuple(record))])) == []


def test_a_commit_is_on_the_disk_when_the_log_was_synced_behind_a_page_of_it() -> None:
    assert commits_are_synced([HEAD, COMMIT, PAGE, COMMIT])
    assert not commits_are_synced([HEAD, COMMIT, PAGE]), "only the head was synced"
    assert not commits_are_synced([]), "there was no commit"


def test_a_name_is_on_the_disk_when_its_folder_was_synced_behind_it() -> None:
    folder = Operation(name="fsync", paths=("/home/state",))
    assert name_is_synced([WRITE, SYNC, NAME, folder], "llm_state.json")
    assert not name_is_synced([folder, NAME], "llm_state.json")
    assert not name_is_synced([NAME, Operation(name="fsync", paths=("/home/data",))], "llm_state.json")
