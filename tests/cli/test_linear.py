"""The linear mode: lines in, answers out, for pipes and for real terminals."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest

from llmdesk.cli.linear.conversation import typed_here
from llmdesk.core.budget import Budget
from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import Finished, Status
from llmdesk.core.views import BudgetView, Conversation, Finding, Level
from tests.support.cli_run import run_cli
from tests.support.scripted_desk import AT, ScriptedDesk, answer, completed, consent, ended
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from tests.support.cli_run import Ran
    from tests.support.scripted_desk import Step

PROGRAM = ["-m", "tests.support.scripted_program"]


def terminal(scenario: str, *argv: str, **extra: str) -> pexpect.spawn:
    env = {**os.environ, "TERM": "xterm", **extra}
    return pexpect.spawn(sys.executable, [*PROGRAM, scenario, *argv], timeout=PATIENCE_S, env=env, encoding="utf-8")  # type: ignore[arg-type]


def told(ran: Ran) -> list[str]:
    """What came on stderr behind the status line, but for who speaks."""
    return [line for line in ran.err.splitlines()[1:] if line != "local · gemma3:27b:"]


def test_without_a_terminal_each_line_is_a_prompt_and_each_answer_ends_its_line() -> None:
    desk = ScriptedDesk([answer("One."), answer("Two.\n")])
    ran = run_cli([], desk, stdin="first\n\nsecond é".encode())
    assert ran.ending == 0
    assert ran.out == "One.\nTwo.\n"
    assert [ask.prompt for ask in desk.asks] == ["first", "second é"]
    assert [ask.conversation for ask in desk.asks] == [None, "c1"]
    assert ran.err.splitlines()[0].startswith("llmdesk ")
    assert "Ollama is running with 2 models." in ran.err.splitlines()[0]


def test_nothing_to_read_is_a_status_line_and_success() -> None:
    ran = run_cli(["--plain"])
    assert (ran.ending, ran.out, ran.err.count("\n")) == (0, "", 1)


def test_the_status_line_is_sentences_with_the_command_that_helps() -> None:
    findings = (
        Finding(topic="cloud", level=Level.NOTE, text="no key: set OLLAMA_API_KEY"),
        Finding(topic="local", level=Level.PROBLEM, text="local: it has no model.", hint="ollama pull gemma3:4b"),
        Finding(topic="demo", level=Level.NOTE, text="See it work first:", hint="llmdesk demo"),
    )
    (line,) = run_cli(["--plain"], ScriptedDesk(found=list(findings))).err.splitlines()
    assert line.endswith(
        "lane chat. no key: set OLLAMA_API_KEY. local: it has no model: ollama pull gemma3:4b. "
        "See it work first: llmdesk demo."
    )


def test_a_demo_says_so() -> None:
    assert "DEMO" in run_cli(["--plain"], ScriptedDesk(demo=True)).err


def test_slash_commands_steer_and_two_slashes_are_a_prompt() -> None:
    desk = ScriptedDesk()
    ran = run_cli([], desk, stdin=b"/help\n/lane codegen\nhi\n/lane nowhere\n/lane\n/nope\n//etc\n/quit\nnever\n")
    assert [(ask.lane, ask.prompt) for ask in desk.asks] == [("codegen", "hi"), ("codegen", "/etc")]
    assert "lane: codegen" in ran.err
    assert "error: There is no lane 'nowhere'" in ran.err
    assert "lanes: chat, codegen; this is codegen" in ran.err
    assert "error: there is no command /nope" in ran.err


def talk(conversation_id: str, lane: str) -> Conversation:
    return Conversation(id=conversation_id, title="Talk", lane=lane, created_at=AT, updated_at=AT, messages=())


def test_an_unknown_conversation_is_a_mistake_and_begins_none() -> None:
    desk = ScriptedDesk(stored=[talk("c7", "chat")])
    assert run_cli(["--plain", "--conversation", "c8"], desk, stdin=b"a\n").ending == 2
    assert desk.asks == []


def test_each_lane_has_its_own_conversation() -> None:
    desk = ScriptedDesk(stored=[talk("c7", "chat")])
    run_cli(["--conversation", "c7"], desk, stdin=b"a\n/lane codegen\nb\n/lane chat\nc\n")
    assert [ask.conversation for ask in desk.asks] == ["c7", None, "c1"]


def test_continue_goes_on_with_the_newest_conversation_of_the_lane() -> None:
    stored = [talk(i, lane) for i, lane in (("new", "codegen"), ("older", "chat"))]
    desk = ScriptedDesk(stored=stored)
    run_cli(["--continue"], desk, stdin=b"a\n")
    assert desk.asks[0].conversation == "older"


def test_a_paused_prompt_is_told_and_the_talk_goes_on() -> None:
    paused = ended(Status.PAUSED, ErrorKind.RATE, "cloud: rate limited.")
    ran = run_cli([], ScriptedDesk([[Finished(outcome=paused)], answer("Two.")]), stdin=b"a\nb\n")
    assert (ran.ending, ran.out) == (0, "Two.\n")
    assert "paused: cloud: rate limited. Kept in the outbox as r1" in ran.err


def test_a_pipe_is_never_asked_for_consent() -> None:
    ran = run_cli([], ScriptedDesk([consent("x")]), stdin=b"a\ny\n")
    assert ran.out == ""
    assert "(--yes)" in ran.err


def test_an_unknown_lane_is_wrong_use() -> None:
    ran = run_cli(["--lane", "nowhere"])
    assert (ran.ending, ran.out) == (2, "")
    assert "Known: chat, codegen." in ran.err


DAY = Budget(scope="day", limit=2_000_000_000, unit="usd")
NEAR = "Day budget: 1.65 USD of 2.00 USD spent (82 %)."
OVER = "Day budget: 2.01 USD spent, the limit is 2.00 USD."


def day(spent: int, warning: str = "", *, period: str = "2026-02-02") -> tuple[BudgetView, ...]:
    return (BudgetView(budget=DAY, period=period, spent=spent, warning=warning),)


def warned(text: str, *lines: str) -> list[Step]:
    return [Finished(outcome=completed(text, warnings=lines))]


def test_the_warning_of_a_budget_is_told_at_the_start() -> None:
    ran = run_cli([], ScriptedDesk(limits=[day(1_650_000_000, NEAR)]))
    assert told(ran) == [f"note: {NEAR}"]


def test_a_budget_is_told_again_when_it_has_reached_its_limit_and_not_after_every_answer() -> None:
    nearer = "Day budget: 1.70 USD of 2.00 USD spent (85 %)."
    looks = [day(0), day(1_650_000_000, NEAR), day(1_700_000_000, nearer), day(2_010_000_000, OVER)]
    desk = ScriptedDesk([warned("1", NEAR), warned("2", nearer), warned("3", OVER)], limits=looks)
    ran = run_cli([], desk, stdin=b"a\nb\nc\n")
    assert told(ran) == [f"note: {NEAR}", f"note: {OVER}"]


def test_a_new_day_is_told_anew() -> None:
    desk = ScriptedDesk(limits=[day(1_650_000_000, NEAR), day(1_650_000_000, NEAR, period="2026-02-03")])
    assert run_cli([], desk, stdin=b"a\n").err.count(NEAR) == 2


def test_the_budget_of_a_conversation_is_told_in_that_one_only() -> None:
    each = Budget(scope="conversation", limit=100, unit="tokens")
    other = BudgetView(budget=each, period="c9", spent=90, warning="Conversation budget: of another.")
    mine = BudgetView(budget=each, period="c1", spent=90, warning="Conversation budget: 90 of 100 tokens spent (90 %).")
    desk = ScriptedDesk([warned("x", mine.warning)], limits=[(other, mine)])
    assert told(run_cli([], desk, stdin=b"a\nb\n")) == [f"note: {mine.warning}"]


def test_other_notes_follow_every_answer_that_has_them() -> None:
    note = "paid/big: its price is unknown, so the day budget does not count it."
    ran = run_cli([], ScriptedDesk([warned("x", note)], limits=[day(0)]), stdin=b"a\nb\n")
    assert ran.err.count(f"note: {note}") == 2


def test_a_blocked_request_is_told_with_the_advice_that_can_be_followed_here() -> None:
    advice = (
        "Ask local/coder, which costs nothing: --model local/coder",
        "Send less, or ask for a shorter answer: --max-tokens.",
        "Raise limit_usd of the day budget in the file that this names: llmdesk config path",
    )
    blocked = ended(Status.BLOCKED, ErrorKind.BUDGET, "Day budget 2.00 USD: reached.", advice=advice)
    ran = run_cli([], ScriptedDesk([[Finished(outcome=blocked)]]), stdin=b"a\n")
    ask = "advice: Ask local/coder, which costs nothing: /model local/coder"
    assert told(ran) == ["blocked: Day budget 2.00 USD: reached.", ask, f"advice: {advice[2]}"]


@pytest.mark.parametrize(
    ("advice", "told"),
    [
        (
            "Ask in lane codegen, which does not count to the day budget: --lane codegen",
            "Ask in lane codegen, which does not count to the day budget: /lane codegen",
        ),
        ("Or write its price: {input_usd_per_mtok: ...}.", "Write its price: {input_usd_per_mtok: ...}."),
    ],
)
def test_advice_is_in_words_that_can_be_typed_here(advice: str, told: str) -> None:
    assert typed_here(["Send less, or ask for a shorter answer: --max-tokens.", advice]) == (told,)


@pytest.mark.parametrize(("cost", "told"), [("0.0034", ", 0.0034 USD"), ("0", ""), (None, "")])
def test_the_line_after_an_answer_tells_what_it_cost(cost: str | None, told: str) -> None:
    desk = ScriptedDesk([[Finished(outcome=completed("x", cost_usd=cost))]])
    assert f"done: local/gemma3:27b, 1.9 s, 34 tokens{told}\n" in run_cli(["--verbose"], desk, stdin=b"a\n").err


@pytest.mark.terminal
@pytest.mark.parametrize("extra", [{"TERM": "dumb"}, {"LLMDESK_ACCESSIBLE": "1"}])
def test_a_plain_terminal_talks_in_lines_without_control_sequences(extra: dict[str, str]) -> None:
    child = terminal("two", **extra)
    child.logfile_read = seen = io.StringIO()
    child.expect_exact("you: ")
    child.sendline("hi")
    child.expect_exact("First.\r\n")
    child.expect_exact("you: ")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "First." in seen.getvalue()
    assert "\x1b" not in seen.getvalue()


@pytest.mark.terminal
def test_an_ordinary_terminal_opens_the_screen_instead() -> None:
    child = terminal("two")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 99


@pytest.mark.terminal
def test_control_c_stops_the_answer_first_and_the_program_next() -> None:
    child = terminal("hangs-then-answers", "--plain")
    child.expect_exact("you: ")
    child.sendline("hi")
    child.expect_exact("local · gemma3:27b:")
    child.sendintr()
    child.expect_exact("begun")  # what came stays, though it is no sentence
    child.expect_exact("cancelled")
    child.expect_exact("you: ")
    child.sendline("again")
    child.expect_exact("Second.")
    child.expect_exact("you: ")
    child.sendintr()
    child.expect_exact("note: Ctrl+C again leaves; so do Ctrl+D and /quit\r\nyou: ")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


@pytest.mark.terminal
@pytest.mark.parametrize(("key", "told"), [("y", "From the local one."), ("n", "paused: ")])
def test_a_person_is_asked_for_consent(key: str, told: str) -> None:
    child = terminal("consent", "--plain")
    child.expect_exact("you: ")
    child.sendline("hi")
    child.expect_exact("Ask local/gemma3:27b instead? No keeps the prompt for later. [y/N] ")
    child.sendline(key)
    child.expect_exact(told)
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.terminal
def test_a_terminal_that_takes_no_utf8_gets_lines_and_the_reason() -> None:
    child = terminal("two", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="")
    child.expect("note: the screen needs UTF-8, and this terminal's encoding is [a-zA-Z0-9_.-]+: lines instead.\r\n")
    child.expect_exact("you: ")
    child.sendline("hi")
    child.expect_exact("local - gemma3:27b:\r\nFirst.\r\n")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.terminal
@pytest.mark.parametrize("extra", [{"ACCESSIBLE": "1"}, {"TERM": ""}, {"TERM": "unknown"}])
def test_other_signs_of_a_wish_for_lines_are_understood(extra: dict[str, str]) -> None:
    child = terminal("two", **extra)
    child.expect_exact("you: ")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.terminal
def test_our_own_variable_goes_before_that_of_others() -> None:
    child = terminal("two", ACCESSIBLE="1", LLMDESK_ACCESSIBLE="0")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 99
