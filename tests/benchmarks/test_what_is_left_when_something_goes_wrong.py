"""Trials of the part ``promises``: what llmdesk comes to here is what the page says, and the judges judge."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from benchmarks import promises as part
from benchmarks.apparatus.failing_server import BROKEN_AFTER, SPARE, FailingServer, Plan
from benchmarks.apparatus.program import Started
from benchmarks.apparatus.stage import Stage
from benchmarks.apparatus.token_server import MODEL
from benchmarks.apparatus.tried_programs import Tried
from benchmarks.judging import promises
from benchmarks.judging.samples import OURS, Failure, Trial
from benchmarks.running.environment import clean_variables
from benchmarks.running.parts import run_part
from benchmarks.running.rivals import NEEDED, versions
from tests.support.slowness import PATIENCE_S, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "clients.md"
EXEC = f"{OURS} exec"


@pytest.fixture
def server() -> Iterator[FailingServer]:
    with FailingServer() as server:
        yield server


def trial(*kept: bool | None, of: str = OURS, said: str = "") -> list[Trial]:
    return [Trial(trial="cut", of=of, kept=each, said=said) for each in kept]


# --- llmdesk itself ---------------------------------------------------------------------------------------------------


@pytest.mark.terminal
def test_what_llmdesk_is_said_to_keep_it_keeps() -> None:
    argv = [sys.executable, "-m", "benchmarks.part", "promises", "--rounds", "1", "--quick"]
    told = run_part("promises", argv, env={**clean_variables(), "PYTHONPATH": str(ROOT)}, cwd=ROOT)
    assert [each for each in told if isinstance(each, Failure)] == []
    marks = promises.marks_of(told)
    assert {key: {name: each.text for name, each in row.items()} for key, row in marks.items()} == on_the_page(
        OURS, EXEC
    ), promises.seen(marks)


def test_the_page_says_of_llmdesk_what_the_tests_know() -> None:
    """Told apart from the trials, so that a wrong page is not agreed with by a wrong trial."""
    kept = dict.fromkeys(promises.TRIALS, "yes") | {"killed answer": "no"}
    assert on_the_page(OURS) == {key: {OURS: text} for key, text in kept.items()}
    assert on_the_page(EXEC) == {key: {EXEC: text} for key, text in (kept | {"refused prompt": "not tried"}).items()}


def on_the_page(*programs: str) -> dict[str, dict[str, str]]:
    """The marks that the page gives some programs, by trial."""
    rows = [
        [cell.strip().strip("*") for cell in line.strip("|").split(" | ")]
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("|")
    ]
    head = next(row for row in rows if OURS in row and EXEC in row)
    by_label = {row[0]: row for row in rows}
    return {
        key: {name: by_label[label][head.index(name)] for name in programs} for key, label in promises.TRIALS.items()
    }


# --- the marks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        ((True, True, True), "yes"),
        ((False, False, False), "no"),
        ((True, False, True), "2 of 3 times"),
        ((True, None, True), "not tried"),
        ((False, None), "not tried"),
    ],
)
def test_rounds_have_to_agree_and_what_was_not_played_is_no_answer(kept: tuple[bool | None, ...], text: str) -> None:
    assert promises.mark(trial(*kept)).text == text


def test_who_could_not_be_installed_is_not_tried_and_not_blamed() -> None:
    marks = promises.marks_of([*trial(True), Failure(of="elia", why="elia could not be installed: no network")])
    assert marks["cut"]["elia"] == promises.Mark(text="not tried", said="elia could not be installed: no network")
    assert marks["cut"][OURS].text == "yes"


def test_who_was_not_asked_for_has_no_column() -> None:
    marks = promises.marks_of([*trial(True), *trial(False, of="oterm")])
    assert list(marks["cut"]) == [OURS, "oterm"]
    lines = promises.markdown(marks).splitlines()
    assert lines[0] == "| | llmdesk | oterm |"
    assert f"| {promises.TRIALS['cut']} | **yes** | no |" in lines


def test_every_trial_is_played_once_and_every_rival_installed() -> None:
    assert [key for trials in promises.PLAYS.values() for key in trials] == list(promises.TRIALS)
    assert NEEDED["promises"] == promises.RIVALS


def test_the_version_of_a_rival_is_that_of_its_package(tmp_path: Path) -> None:
    (tmp_path / "elia" / "lib" / "python3.11" / "site-packages" / "elia_chat-1.10.0.dist-info").mkdir(parents=True)
    assert versions(tmp_path, ["elia", "oterm"]) == {"elia": "1.10.0"}


# --- the judges -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "screen",
    ["■ interrupted", "local: answer cut off after 81 characters", "Unexpected error: Connection error.", "it FAILED",
     "peer closed connection without sending complete message body", "There was a problem using this model."],
)  # fmt: skip
def test_words_that_say_that_an_answer_is_not_whole_are_found(screen: str, tmp_path: Path) -> None:
    with Stage(tmp_path / "home", quiet_s=1) as stage, stage.sit(speaking(screen)) as sitting:
        assert sitting.shows(promises.NOT_WHOLE, PATIENCE_S)


@pytest.mark.parametrize("screen", ["f6 failovers", "word1 word2 word3", "Ask something. Enter sends", "cutlery"])
def test_words_that_stand_on_screens_anyway_say_nothing(screen: str, tmp_path: Path) -> None:
    with Stage(tmp_path / "home", quiet_s=1) as stage, stage.sit(speaking(screen)) as sitting:
        assert sitting.shows(screen, PATIENCE_S)
        assert not sitting.shows(promises.NOT_WHOLE, 0)


def test_a_word_is_found_in_any_file_below_the_home(tmp_path: Path) -> None:
    with Stage(tmp_path / "home", quiet_s=1) as stage, stage.sit(speaking("hello")) as sitting:
        file = sitting.home / "deep" / "down.db-wal"
        file.parent.mkdir()
        file.write_bytes(b"\x00\xffzqword\x00")
        assert sitting.files_with("zqword") == ["deep/down.db-wal"]
        assert sitting.files_with("zqother") == []


def test_a_program_that_does_not_do_what_is_waited_for_is_not_judged(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "home", quiet_s=1)
    (told,) = part.played("ended", speaking("hello", ends=True), stage)
    assert told.kept is None
    assert "the end of a whole answer was not shown" in told.said


def test_a_play_that_is_stopped_ends_its_program(tmp_path: Path) -> None:
    stage, told = Stage(tmp_path / "home", quiet_s=1), list[Trial]()
    thread = threading.Thread(target=lambda: told.extend(part.played("ended", speaking("hello"), stage)))
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while stage.sitting is None or not stage.sitting.started:
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
    stage.stop()
    thread.join(allowed(10))
    assert not thread.is_alive()
    assert [each.kept for each in told] == [None]
    assert stage.sitting.probe.process.poll() is not None


def speaking(text: str, *, ends: bool = False) -> Tried:
    """A program that is ready, says a text, and takes keys or ends."""
    program = f"print('READY', {text!r}, flush=True)\n" + ("" if ends else "while True: input()")

    def start(home: Path, url: str) -> Started:
        return Started(argv=[sys.executable, "-c", program], env={"HOME": str(home), "URL": url}, ready="READY")

    return Tried(name="speaking", start=start, start_with_spare=start, submit="" if ends else "\r")


# --- the server -------------------------------------------------------------------------------------------------------

WIRES = [("/api/chat", '"done": true'), ("//api/chat", '"done": true'), ("/v1/chat/completions", "[DONE]")]


def asked(server: FailingServer, path: str, model: str = MODEL) -> tuple[int, str, bool]:
    """The status, the text, and whether the connection held."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "zqprompt"}]}
    text = ""
    with httpx.stream("POST", server.url + path, json=body, trust_env=False) as reply:
        try:
            for piece in reply.iter_text():
                text += piece
        except httpx.RemoteProtocolError:
            return reply.status_code, text, False
        return reply.status_code, text, True


@pytest.mark.parametrize(("path", "mark"), WIRES)
def test_a_whole_answer_has_its_mark_and_a_broken_one_has_not(server: FailingServer, path: str, mark: str) -> None:
    server.plan(Plan(begin="zqbegin", end="zqend"))
    status, text, held = asked(server, path)
    assert (status, held, "zqbegin" in text, "zqend" in text, mark in text) == (200, True, True, True, True)
    for breaks in ("unmarked", "cut"):
        server.plan(Plan(begin="zqbegin", end="zqend", breaks=breaks))
        status, text, held = asked(server, path)
        assert (status, held) == (200, breaks == "unmarked")
        assert (f"word{BROKEN_AFTER - 1} " in text, "zqend" in text, mark in text) == (True, False, False)


@pytest.mark.parametrize("path", [path for path, _ in WIRES])
def test_one_model_refuses_while_the_other_answers(server: FailingServer, path: str) -> None:
    server.plan(Plan(status=429), spare=Plan(words=2, end="zqend"))
    assert asked(server, path)[0] == 429
    assert "zqend" in asked(server, path, SPARE)[1]
    assert [(each.model, each.over) for each in server.asked_for("zqprompt")] == [(MODEL, True), (SPARE, True)]
