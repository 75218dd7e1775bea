"""What can be done in lines: commands, several lines, steering, and what is told of answers."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.cli.linear.commands import COMMANDS
from llmdesk.cli.linear.joining import Joining
from llmdesk.cli.linear.phrases import Phrases
from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import AttemptStarted, Finished, FinishReason, ModelRef, ReasoningDelta, Status
from llmdesk.core.views import OutboxEntry
from tests.support.cli_run import run_cli
from tests.support.scripted_desk import AT, LOCAL, ScriptedDesk, answer, completed, ended
from tests.support.slowness import PATIENCE_S, allowed

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.views import Discovery

PROGRAM = ["-m", "tests.support.scripted_program"]


def joined(*lines: str) -> list[str]:
    joining = Joining()
    prompts = [prompt for line in lines if (prompt := joining.add(line)) is not None]
    return [*prompts, *([rest] if (rest := joining.rest()) is not None else [])]


@pytest.mark.parametrize(
    ("lines", "prompts"),
    [
        (("one", "two"), ["one", "two"]),
        (("one\\", "two\\", "three", "four"), ["one\ntwo\nthree", "four"]),
        (("a path: C:\\\\", "next"), ["a path: C:\\\\", "next"]),
        (('"""one', "", 'two"""', "three"), ["one\n\ntwo", "three"]),
        (('"""', "one", '"""'), ["one"]),
        (('"""one"""',), ["one"]),
        (('say """this""" twice',), ['say """this""" twice']),
        (("ends in\\",), ["ends in"]),
        (('"""never closed', "on"), ["never closed\non"]),
    ],
)
def test_lines_become_prompts(lines: tuple[str, ...], prompts: list[str]) -> None:
    assert joined(*lines) == prompts


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=12), max_size=8))
def test_no_text_is_lost_when_lines_are_joined(lines: list[str]) -> None:
    letters = [char for char in "\n".join(lines) if char.isalnum()]
    assert [char for prompt in joined(*lines) for char in prompt if char.isalnum()] == letters


@given(st.lists(st.text(max_size=8)))
def test_phrases_are_what_was_fed(pieces: list[str]) -> None:
    phrases = Phrases()
    assert "".join([*map(phrases.feed, pieces), phrases.rest()]) == "".join(pieces)


def test_a_phrase_is_a_sentence_or_a_line_and_a_slow_model_is_heard_word_by_word() -> None:
    now = [0.0]
    phrases = Phrases(lambda: now[0])
    assert [phrases.feed(piece) for piece in ("Hel", "lo. Wo", "rld", "\n- a", " b")] == [
        "",
        "Hello. ",
        "",
        "World\n",
        "",
    ]
    now[0] = 5.0
    assert phrases.feed(" c") == "- a b "
    assert phrases.rest() == "c"


def told(script: bytes, desk: ScriptedDesk | None = None) -> str:
    return run_cli(["--plain"], desk, stdin=script).err


def test_help_names_every_command_with_a_sentence() -> None:
    ran = told(b"/help\n/help lane\n")
    for command in COMMANDS:
        assert f"\n/{command.name}" in ran
    assert ran.count("\n/lane [NAME]: go to another lane; alone, list them.\n") == 2


def test_a_command_that_is_nearly_one_is_guessed() -> None:
    assert "error: there is no command /modle here. Did you mean /model? /help lists them." in told(b"/modle\n")


def test_model_and_parameters_hold_in_their_lane_until_they_are_taken_back() -> None:
    desk = ScriptedDesk()
    script = b"/model local/x:1b\n/params temperature=0.5 seed=3\n/reasoning low\na\n/lane codegen\nb\n/lane chat\n"
    ran = told(script + b"/model default\n/params default\nc\n", desk)
    first, second, third = desk.asks
    assert (first.model, first.params.temperature, first.params.seed) == (ModelRef("local", "x:1b"), 0.5, 3)
    assert first.params.reasoning == "low"
    assert (second.model, second.params.temperature, third.model, third.params.seed) == (None, None, None, None)
    assert "params: temperature=0.5, seed=3\nreasoning: low\n" in ran
    assert "model: the lane's own targets: cloud/gpt-oss:120b (no key), then local/gemma3:27b" in ran


def test_a_wrong_parameter_is_told_and_nothing_is_sent() -> None:
    desk = ScriptedDesk()
    assert "error: temperature=hot" in told(b"/params temperature=hot\n", desk)
    assert desk.asks == []


def test_a_file_goes_along_with_the_next_prompt_only(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("note")
    desk = ScriptedDesk()
    ran = told(f"/attach {tmp_path / 'notes.txt'}\na\nb\n/attach {tmp_path / 'none.txt'}\n".encode(), desk)
    assert [len(ask.attachments) for ask in desk.asks] == [1, 0]
    assert "attached: notes.txt" in ran
    assert "there is no such file" in ran


def test_reasoning_is_counted_and_read_out_only_when_asked_for() -> None:
    script = [
        AttemptStarted(number=1, target=LOCAL), ReasoningDelta("First this, "), ReasoningDelta("then that."), "So.",
        Finished(outcome=completed("So.", reasoning="First this, then that.")),
    ]  # fmt: skip
    ran = told(b"a\n/reasoning show\n", ScriptedDesk([script]))
    lines = ran.splitlines()
    assert lines[1:4] == [
        "reasoning: begins", "reasoning: about 10 tokens; /reasoning show reads it out", "local · gemma3:27b:",
    ]  # fmt: skip
    assert lines[4] == "reasoning: First this, then that."


def test_an_answer_that_is_not_whole_says_what_helps() -> None:
    cut = Finished(outcome=completed("half", finish_reason=FinishReason.LENGTH))
    paused = Finished(outcome=ended(Status.PAUSED, ErrorKind.RATE, "cloud: rate limited."))
    assert "note: the answer was cut by the limit of tokens; /continue lets it go on\n" in told(
        b"a\n", ScriptedDesk([[cut]])
    )
    assert "note: /retry asks again\n" in told(b"a\n", ScriptedDesk([[paused]]))


def test_a_paused_prompt_is_asked_again_by_retry() -> None:
    paused = Finished(outcome=replace(ended(Status.PAUSED, ErrorKind.RATE, "cloud: rate limited."), request_id="r9"))
    desk = ScriptedDesk([[paused], answer("Now.")])
    ran = run_cli(["--plain"], desk, stdin=b"a\n/retry\n")
    assert ("retry", "r9", False, False) in desk.calls
    assert ran.out == "Now.\n"


def test_the_outbox_is_read_by_number() -> None:
    waiting = [
        OutboxEntry(id=f"r{number}", created_at=AT, lane="chat", prompt=f"prompt {number}", reason="rate limited")
        for number in (1, 2)
    ]
    desk = ScriptedDesk([answer("Now.")], paused=waiting)
    ran = told(b"/outbox\n/outbox now 2\n/outbox drop 1\n/outbox retry 7\n", desk)
    assert '1: "prompt 1", lane chat, rate limited\n2: "prompt 2"' in ran
    assert ("retry", "r2", True, False) in desk.calls
    assert ("drop", "r1") in desk.calls
    assert "error: /outbox: which one?" in ran


def test_an_answer_is_written_to_a_new_file_and_an_old_one_is_left_alone(tmp_path: Path) -> None:
    desk = ScriptedDesk([answer("Look:\n```sh\nls\n```\n")])
    whole, code = tmp_path / "whole.md", tmp_path / "code.sh"
    ran = told(f"a\n/copy {whole}\n/copy code {code}\n/copy {whole}\n/copy\n".encode(), desk)
    assert whole.read_text() == "Look:\n```sh\nls\n```\n"
    assert code.read_text() == "ls\n"
    assert f"{whole} exists; it is not overwritten." in ran
    assert "error: /copy: to which file?" in ran


def test_providers_and_doctor_are_sentences() -> None:
    ran = told(b"/providers\n/doctor\n/budget\n/models\n/failovers\n/conversations\n")
    assert "provider: cloud no key, no key\nprovider: local ok, 3 ms, 2 models\n" in ran
    for line in ("No budgets are configured.", "No models.", "Nothing failed over.", "No conversations yet."):
        assert line in ran


class SlowToLook(ScriptedDesk):
    """Its providers answer late."""

    async def discover(self) -> Discovery:
        await asyncio.sleep(0.6)
        return await super().discover()


def test_a_slow_provider_holds_up_no_prompt_and_is_told_of_later() -> None:
    began = time.monotonic()
    desk = SlowToLook([answer("One.")])
    ran = run_cli(["--plain"], desk, stdin=b"a\n")
    lines = ran.err.splitlines()
    assert lines[0].endswith("lane chat. Looking at the providers; what is found is told when it is known.")
    assert lines[1] == "local · gemma3:27b:"
    assert lines[-1] == "found: Ollama is running with 2 models."
    assert time.monotonic() - began < allowed(3)


def test_nothing_in_lines_is_said_by_a_sign_alone() -> None:
    ran = told(b"a\n/help\n/providers\n/doctor\n", ScriptedDesk(findings=[]))
    assert not set(ran) & set("●○◔✔✗▓░│┌")


def plain(scenario: str, **extra: str) -> pexpect.spawn:
    child = pexpect.spawn(
        sys.executable, [*PROGRAM, scenario, "--plain"], timeout=PATIENCE_S, encoding="utf-8",
        env={"PATH": "/usr/bin:/bin", "TERM": "xterm", **extra},  # type: ignore[arg-type]
    )  # fmt: skip
    child.expect_exact("you: ")
    return child


@pytest.mark.terminal
def test_a_wait_is_told_with_its_ways_out_and_left_by_a_line() -> None:
    child = plain("waits")
    child.sendline("hi")
    child.expect_exact("choices: /now tries at once, /next goes to the next target, Ctrl+C cancels.")
    child.sendline("and this later")
    child.sendline("/now")
    child.expect_exact("Answered.")
    child.expect_exact("you: and this later\r\n")  # the line that was typed meanwhile has its turn
    child.expect_exact("Second.")
    child.expect_exact("you: ")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.terminal
def test_a_prompt_of_several_lines_is_asked_for_line_by_line() -> None:
    child = plain("two")
    child.sendline('"""one')
    child.expect_exact("more: ")
    child.sendline('two"""')
    child.expect_exact("First.")
    child.expect_exact("done: local/gemma3:27b")
    child.expect_exact("you: ")
    child.sendline("/quit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
