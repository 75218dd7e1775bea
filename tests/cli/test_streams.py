"""Real processes, real files, pipes and terminals: what arrives, and what happens when the other end goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, BinaryIO

import pexpect
import pytest

from tests.support.scripted_program import HOSTILE, LONG

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = [sys.executable, "-m", "tests.support.scripted_program"]
CHILD_S = 60


def environment(**extra: str) -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if not k.startswith(("NO_COLOR", "LLMDESK"))}, **extra}


def start(*argv: str, stdout: int | BinaryIO = subprocess.PIPE, **extra: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PROGRAM, *argv],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment(**extra),
    )


def terminal(*argv: str, **extra: str) -> pexpect.spawn:
    env = environment(TERM="xterm-256color", **extra)
    return pexpect.spawn(PROGRAM[0], [*PROGRAM[1:], *argv], timeout=CHILD_S, env=env, dimensions=(24, 80))  # type: ignore[arg-type]


def finish(child: pexpect.spawn) -> tuple[bytes, int]:
    child.expect(pexpect.EOF)
    child.close()
    return child.before or b"", child.exitstatus if child.exitstatus is not None else 128 + (child.signalstatus or 0)


def test_a_hostile_answer_reaches_a_pipe_byte_for_byte() -> None:
    out, err = start("hostile", "exec", "hi").communicate(timeout=CHILD_S)
    assert out == HOSTILE.encode()
    assert err == b""


@pytest.mark.terminal
def test_a_question_that_nobody_would_see_counts_as_no(tmp_path: Path) -> None:
    told = tmp_path / "err"
    command = f"{' '.join(PROGRAM)} two models rm mine 2>{told}; {' '.join(PROGRAM)} two --plain 2>>{told}"
    child = pexpect.spawn("sh", ["-c", command], timeout=CHILD_S, env=environment(TERM="xterm"))  # type: ignore[arg-type]
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    refused, greeting = told.read_text().splitlines()
    assert refused == "Not removed: local/mine. Add --yes to remove it."
    assert greeting.startswith("llmdesk ")


@pytest.mark.terminal
def test_a_hostile_answer_cannot_steer_a_terminal() -> None:
    seen, code = finish(terminal("hostile", "exec", "hi"))
    assert code == 0
    assert b"\x1b" not in seen
    assert b"\x07" not in seen
    text = seen.decode()
    assert "[/red]" in text
    assert "\u241b[31mred" in text
    assert not {"\x9b", "\u202e", "\x7f"} & set(text)
    assert text.endswith("é日本\r\nend\r\n")


@pytest.mark.terminal
def test_raw_passes_everything_on_to_a_terminal() -> None:
    seen, _ = finish(terminal("hostile", "exec", "hi", "--raw"))
    assert b"\x1b[31mred" in seen


def test_a_regular_file_holds_exactly_the_one_complete_answer(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    with path.open("wb") as file:
        process = start("seam", "exec", "hi", stdout=file)
        _, err = process.communicate(timeout=CHILD_S)
    assert path.read_bytes() == b"The whole answer."
    assert b"failover: answering with gemma3:27b (local)" in err


def test_what_stood_in_an_appended_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    path.write_bytes(b"before\n")
    with path.open("ab") as file:
        start("seam", "exec", "hi", stdout=file).communicate(timeout=CHILD_S)
    assert path.read_bytes() == b"before\nThe whole answer."


def test_what_stood_before_the_answer_in_a_shared_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    command = f"(echo before; {' '.join(PROGRAM)} seam exec hi; echo; echo after) > {path}"
    subprocess.run(["sh", "-c", command], check=True, timeout=CHILD_S, env=environment(), capture_output=True)
    assert path.read_bytes() == b"before\nThe whole answer.\nafter\n"


def test_a_reader_that_leaves_does_not_stop_the_request(tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    process = start("long", "exec", "hi", SCRIPTED_ENDS=str(ends))
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        process.stdout.read(10)
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(CHILD_S) == 141
    assert err == b""
    assert ends.read_text() == "completed\n"


def test_a_reader_that_was_never_there_gets_141_for_json_too() -> None:
    read, write = os.pipe()
    os.close(read)
    process = start("long", "exec", "hi", "--json", stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=CHILD_S)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize("argv", [["lanes"], ["exec", "hi"], ["exec", "hi", "--json", "--quiet"]])
def test_a_full_disk_is_one_line_and_exit_code_1(argv: list[str]) -> None:
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123
        process = start("two", *argv, stdout=full)
        _, err = process.communicate(timeout=CHILD_S)
    assert process.returncode == 1
    assert err == b"llmdesk: cannot write the output: No space left on device\n"


def test_a_closed_stdout_is_no_crash() -> None:
    command = f"{' '.join(PROGRAM)} seam exec hi >&-"
    done = subprocess.run(["sh", "-c", command], timeout=CHILD_S, env=environment(), capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_a_slow_reader_gets_everything() -> None:
    process = start("long", "exec", "hi")
    assert process.stdout is not None
    pieces = []
    while piece := process.stdout.read(50_000):
        pieces.append(piece)
    process.communicate(timeout=CHILD_S)
    assert b"".join(pieces) == LONG.encode()


@pytest.mark.parametrize(
    ("number", "code", "status"),
    [(signal.SIGINT, 130, "cancelled"), (signal.SIGTERM, 143, "paused"), (signal.SIGHUP, 129, "paused")],
)
def test_a_signal_ends_the_request_in_order(number: signal.Signals, code: int, status: str, tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    process = start("hangs", "exec", "hi", SCRIPTED_ENDS=str(ends))
    assert process.stdout is not None
    assert process.stdout.read(5) == b"begun"
    process.send_signal(number)
    _, err = process.communicate(timeout=CHILD_S)
    assert process.returncode == code
    assert ends.read_text() == f"{status}\n"
    assert status.encode() in err


def test_a_signal_works_while_nobody_reads_the_pipe(tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    process = start("long", "exec", "hi", SCRIPTED_ENDS=str(ends))
    assert process.stdout is not None
    process.stdout.read(5)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(CHILD_S)  # nothing more is read: the pipe stays full
    finally:
        process.communicate(timeout=CHILD_S)
    assert process.returncode in (0, 143)
    assert ends.exists()


@pytest.mark.terminal
def test_control_c_keeps_what_came_and_exits_with_130() -> None:
    child = terminal("hangs", "exec", "hi")
    child.expect_exact("begun")
    child.sendintr()
    seen, code = finish(child)
    assert code == 130
    assert b"cancelled" in seen
    assert b"Traceback" not in seen


def test_colours_are_for_terminals_only() -> None:
    out, _ = start("seam", "providers").communicate(timeout=CHILD_S)
    assert b"\x1b" not in out


@pytest.mark.terminal
@pytest.mark.parametrize(
    ("extra", "argv", "colour"), [({}, [], True), ({"NO_COLOR": "1"}, [], False), ({}, ["--no-color"], False)]
)
def test_colours_can_be_refused(extra: dict[str, str], argv: list[str], colour: bool) -> None:
    seen, _ = finish(terminal("seam", "providers", *argv, **extra))
    assert (b"\x1b[32m" in seen) is colour


def test_a_request_that_is_paused_leaves_no_half_answer_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    with path.open("wb") as file:
        process = start("paused", "exec", "hi", stdout=file)
        process.communicate(timeout=CHILD_S)
    assert (process.returncode, path.read_bytes()) == (5, b"")


@pytest.mark.terminal
def test_a_pull_draws_one_bar_on_a_terminal() -> None:
    seen, code = finish(terminal("two", "models", "pull", "gemma3:4b"))
    assert code == 0
    assert b"pulling abc [############............] 50% of 10.0 MB" in seen
    assert seen.count(b"\n") < 5


@pytest.mark.terminal
@pytest.mark.parametrize("extra", [{"TERM": "dumb"}, {"LLMDESK_ACCESSIBLE": "1"}])
def test_a_pull_on_a_plain_terminal_rewrites_no_line(extra: dict[str, str]) -> None:
    env = environment(**{"TERM": "xterm", **extra})
    child = pexpect.spawn(PROGRAM[0], [*PROGRAM[1:], "two", "models", "pull", "gemma3:4b"], timeout=CHILD_S, env=env)  # type: ignore[arg-type]
    seen, code = finish(child)
    assert code == 0
    assert b"\x1b" not in seen
    assert b"pulling abc: 50 % of 10.0 MB\r\n" in seen


@pytest.mark.terminal
@pytest.mark.parametrize(("key", "code"), [("y", 0), ("", 1), ("n", 1)])
def test_a_person_is_asked_before_a_model_is_removed(key: str, code: int) -> None:
    child = terminal("two", "models", "rm", "gemma3:4b")
    child.expect_exact("Remove local/gemma3:4b from disk? [y/N] ")
    child.sendline(key)
    _, ended = finish(child)
    assert ended == code


def real(*argv: str, home: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "llmdesk", *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        env=environment(LLMDESK_HOME=str(home)),
    )


def test_the_real_program_answers_in_the_demo_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = real("exec", "--demo", "hello", home=tmp_path / "home")
    assert done.returncode == 0
    assert b"DEMO" in done.stderr
    assert b"demo" in done.stdout
    assert not (tmp_path / "home").exists()


def test_the_real_program_pauses_in_the_demo_without_promising_an_outbox(tmp_path: Path) -> None:
    done = real("exec", "--demo", "--lane", "codegen", "limit", home=tmp_path)
    assert done.returncode == 5
    assert b"It is not kept" in done.stderr
    assert b"outbox retry" not in done.stderr
