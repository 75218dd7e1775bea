import json
import os
import stat
import subprocess
import sys

import pytest

from llmdesk import logs
from llmdesk.core.errors import StorageError
from llmdesk.core.text import Redactor
from llmdesk.logs import close_log, get_log, lines, open_log, record_crash, rotation
from llmdesk.logs.rotation import RotatedFile
from tests.support.stored import ROOT, run_together

log = get_log()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "state" / "llmdesk.log"
    open_log(path)
    yield path
    close_log()


def written(path):
    close_log()
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_one_line_of_json_with_its_ids_and_numbers(path):
    log.info("request finished", request="r1", latency_s=1.5, ok=True, job=None, failovers=["a -> b"])
    (event,) = written(path)
    assert event.pop("at").endswith("+00:00")
    assert event.pop("pid") == os.getpid()
    assert event == {
        "event": "request finished", "level": "info", "request": "r1", "latency_s": 1.5, "ok": True, "job": None,
        "failovers": ["a -> b"],
    }  # fmt: skip


def test_events_keep_their_order_and_level(path):
    for level in ("debug", "info", "warning", "error"):
        getattr(log, level)("event", level_asked=level)
    assert [event["level"] for event in written(path)] == ["debug", "info", "warning", "error"]


def test_files_are_private_whatever_the_umask_says(path):
    before = os.umask(0)
    try:
        log.info("event")
        close_log()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_is_opened_without_an_event_and_nothing_written_without_a_log(path):
    close_log()
    log.info("event")
    close_log()
    assert not path.parent.exists()


def test_the_light_path_imports_nothing_heavy():
    script = (
        "import sys; from llmdesk.logs import *; from pathlib import Path; open_log(Path(sys.argv[1])); close_log();"
        "print(sorted({'rich', 'filelock', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "/nowhere/x.log"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_end_of_the_program_writes_what_is_left(tmp_path):
    script = (
        "import sys; from llmdesk.logs import *; from pathlib import Path; open_log(Path(sys.argv[1]));"
        "[get_log().info('event', n=n) for n in range(50)]"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "x.log"], check=True, cwd=ROOT)
    assert len((tmp_path / "x.log").read_text().splitlines()) == 50


@pytest.mark.parametrize(
    "name", ["api_key", "key", "OPENAI_API_KEY", "access_token", "tokens", "password", "Authorization"]
)
def test_what_is_named_like_a_secret_is_masked(path, name):
    log.info("event", **{name: "plain"}, nested={"inner": [{name: ["plain"]}]})
    (event,) = written(path)
    assert event[name] == "***"
    assert "plain" not in path.read_text()


@pytest.mark.parametrize("name", ["prompt_token_count", "tokens", "max_output_tokens", "keys"])
def test_numbers_pass_whatever_they_are_called(path, name):
    log.info("event", **{name: 42})
    assert written(path)[0][name] == 42


@pytest.mark.parametrize("name", ["prompt", "answer", "content", "messages", "thinking", "discarded_text"])
def test_text_of_prompts_and_answers_is_never_written(path, name):
    log.info("event", **{name: "canary"})
    log.info("event", nested={name: ["canary"]})
    events = written(path)
    assert events[0][name] == "[6 characters]"
    assert "canary" not in path.read_text()


def test_secrets_are_taken_out_of_every_string(path, monkeypatch):
    monkeypatch.setattr(lines, "redact", Redactor(["canary-secret"]))
    log.warning("failed with canary-secret", message="Bearer abcdefgh1234", where=["http://u:p@host/?token=zzz"])
    log.error("crash", exc_info=OSError("canary-secret in an exception"))
    events = written(path)
    text = path.read_text()
    assert all(each not in text for each in ("canary-secret", "abcdefgh", "u:p", "zzz"))
    assert "OSError: *** in an exception" in events[1]["exception"]


def test_a_traceback_has_no_locals(path):
    def fail():
        secret_of_mine = "canary"
        raise RuntimeError(f"{len(secret_of_mine)}")

    with pytest.raises(RuntimeError) as caught:
        fail()
    assert record_crash(caught.value) == path
    (event,) = written(path)
    assert event["error"] == "RuntimeError"
    assert "in fail" in event["exception"]
    assert event["exception"].endswith("RuntimeError"), "its words may quote what it was handed"


def test_a_crash_without_a_log_says_so(tmp_path):
    with pytest.raises(StorageError, match="No log"):
        record_crash(ValueError())
    (tmp_path / "file").touch()
    open_log(tmp_path / "file" / "x.log")
    with pytest.raises(StorageError, match=r"x\.log"):
        record_crash(ValueError())
    close_log()


@pytest.mark.parametrize("where", ["/dev/full", "file/x.log", "folder"])
def test_a_log_that_cannot_be_written_breaks_nothing(tmp_path, where):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    open_log(tmp_path / where)
    log.info("event")
    with pytest.raises(StorageError, match="cannot be written"):
        record_crash(ValueError())  # it is told, by a thread that goes on
    close_log()
    close_log()


def test_a_log_that_can_be_written_again_is_written(path):
    path.parent.mkdir()
    path.mkdir()
    log.info("lost")
    with pytest.raises(StorageError, match="cannot be written"):
        record_crash(ValueError())
    path.rmdir()
    log.info("kept")
    assert [event["event"] for event in written(path)] == ["kept"]


def test_values_of_any_kind_are_written(path):
    class Strange:
        def __str__(self):
            return "strange \ud83d"

    log.info("event", path=path, strange=Strange(), pair=(1, "x"), ids={"b"}, raw=b"\xff", long="x" * 100_000)
    (event,) = written(path)
    assert (event["path"], event["strange"], event["pair"], event["ids"]) == (
        str(path),
        "strange \ufffd",
        [1, "x"],
        ["b"],
    )
    assert len(event["long"]) == 2000


def test_a_value_that_breaks_costs_its_own_event_only(path):
    class Broken:
        def __str__(self):
            raise ValueError("no")

    log.info("first", broken=Broken())
    log.info("second")
    assert [event["event"] for event in written(path)] == ["second"]


def test_a_deleted_file_is_made_anew(path):
    log.info("first")
    record_crash(ValueError())  # waits until both are written
    path.unlink()
    log.info("second")
    assert [event["event"] for event in written(path)] == ["second"]


def test_a_large_file_is_set_aside_and_only_a_few_are_kept(path, monkeypatch):
    monkeypatch.setattr(rotation, "MAX_BYTES", 2000)
    for number in range(200):
        log.info("event", number=number, padding="x" * 100)
    close_log()
    names = sorted(each.name for each in path.parent.glob("llmdesk.log*") if each.suffix != ".lock")
    assert names == ["llmdesk.log", "llmdesk.log.1", "llmdesk.log.2", "llmdesk.log.3"]
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in path.parent.iterdir())
    lines = [line for name in reversed(names) for line in path.with_name(name).read_text().splitlines()]
    numbers = [json.loads(line)["number"] for line in lines]
    assert numbers == list(range(numbers[0], 200))


ROTATE = """
import sys
from pathlib import Path
from llmdesk import logs
from llmdesk.logs import rotation
rotation.MAX_BYTES, rotation.KEPT = 4000, 50
logs.open_log(Path(sys.argv[2]))
logs.get_log().info("warm")
print("ready", flush=True)
sys.stdin.readline()
for n in range(100):
    logs.get_log().info("event", who=sys.argv[1], n=n, padding="x" * 50)
logs.close_log()
"""


def test_instances_share_a_file_through_its_rotations(tmp_path):
    assert run_together(ROTATE, 2, tmp_path / "x.log") == [[], []]
    lines = [line for each in tmp_path.glob("x.log*") for line in each.read_text().splitlines()]
    events = [event for event in map(json.loads, lines) if event["event"] == "event"]
    assert sorted((event["who"], event["n"]) for event in events) == [(who, n) for who in "01" for n in range(100)]


def test_a_line_is_written_though_another_instance_sets_the_file_aside_at_that_moment(tmp_path, monkeypatch):
    path = tmp_path / "x.log"
    path.write_text("so far\n")
    monkeypatch.setattr(rotation, "MAX_BYTES", 10)

    class Overtaken:
        """A lock that is had only when somebody else has done the work under it."""

        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            path.rename(tmp_path / "x.log.1")

        def __exit__(self, *_):
            pass

    monkeypatch.setattr("filelock.FileLock", Overtaken)
    file = RotatedFile(path)
    file.write("one more\n")
    file.close()
    assert (path.read_text(), (tmp_path / "x.log.1").read_text()) == ("one more\n", "so far\n")


def test_a_disk_that_hangs_holds_up_a_bounded_number_of_events(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MAX_WAITING", 20)
    os.mkfifo(tmp_path / "x.log")  # whoever opens it waits for a reader
    open_log(tmp_path / "x.log")
    for number in range(100):
        log.info("event", number=number)
    with (tmp_path / "x.log").open() as reader:
        close_log()
        numbers = [json.loads(line)["number"] for line in reader]
    assert numbers[:20] == list(range(20))
    assert len(numbers) <= 21, "one was taken out of the queue already"


CHATTY = """
import logging, sys
from pathlib import Path
from llmdesk.logs import close_log, open_log
open_log(Path(sys.argv[1]), capture=True)
logging.getLogger("httpx").info("GET https://host/?key=canary")
logging.getLogger("httpx").warning("Bearer %s", "canary1234")
logging.getLogger("some.library").error("trouble")
close_log()
logging.getLogger("some.library").error("after the end")
"""


def test_chatty_libraries_are_quiet_and_programs_capture_their_warnings(tmp_path):
    path = tmp_path / "x.log"
    done = subprocess.run([sys.executable, "-c", CHATTY, path], capture_output=True, text=True, cwd=ROOT, check=True)
    assert [(e["library"], e["level_name"], e["message"]) for e in map(json.loads, path.read_text().splitlines())] == [
        ("httpx", "WARNING", "Bearer ***"),
        ("some.library", "ERROR", "trouble"),
    ]
    assert done.stderr == "after the end\n"
