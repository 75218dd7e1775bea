"""``llmdesk exec`` against a scripted desk: options, output, exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ConfigurationError, ErrorKind, StorageError
from llmdesk.core.types import (
    Attempt,
    AttemptFailed,
    AttemptOutcome,
    AttemptStarted,
    FailoverStep,
    Finished,
    ModelRef,
    ReasoningDelta,
    Status,
    Waiting,
)
from llmdesk.core.views import Conversation
from llmdesk.logs import close_log
from tests.support.cli_run import run_cli
from tests.support.scripted_desk import (
    AT,
    CLOUD,
    LOCAL,
    ScriptedDesk,
    answer,
    completed,
    consent,
    ended,
    failed,
    seam,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.scripted_desk import (
        Step,
    )

EXEC_FIELDS = [
    "id", "status", "text", "data", "lane", "agent", "job", "provider", "model", "finish_reason", "usage", "cost_usd",
    "latency_s", "first_token_s", "attempts", "failovers", "warnings", "error",
]  # fmt: skip
ATTEMPT_FIELDS = [
    "number", "provider", "model", "outcome", "error_kind", "http_status", "message", "elapsed_s", "usage", "cost_usd",
]  # fmt: skip


def test_an_answer_goes_to_stdout_as_received_and_nothing_to_stderr() -> None:
    ran = run_cli(["exec", "hi"], ScriptedDesk([answer("Grüße\x1b[31m\r\n")]))
    assert (ran.ending, ran.out, ran.err) == (0, "Grüße\x1b[31m\r\n", "")


@pytest.mark.parametrize(
    ("outcome", "code", "told"),
    [
        (ended(Status.FAILED, ErrorKind.REQUEST, "local: the prompt is too long."), 1, "failed: local: the prompt is"),
        (ended(Status.BLOCKED, ErrorKind.BUDGET, "Day budget 2.00 USD reached."), 3, "blocked: Day budget"),
        (ended(Status.FAILED, ErrorKind.SCHEMA, "the answer does not match"), 4, "failed: the answer does not match"),
        (
            ended(Status.PAUSED, ErrorKind.RATE, "cloud: rate limited, next try 14:32."),
            5,
            "paused: cloud: rate limited, next try 14:32. Kept in the outbox as r1; try: llmdesk outbox retry r1",
        ),
        (ended(Status.PAUSED, ErrorKind.NET, "nobody answers", kept=False), 5, "It is not kept"),
        (ended(Status.REFUSED, ErrorKind.REFUSED, "The model declined."), 6, "refused: The model declined."),
        (ended(Status.CANCELLED, ErrorKind.CANCELLED, ""), 130, "cancelled"),
    ],
)
def test_each_outcome_has_its_exit_code_and_one_line(outcome: object, code: int, told: str) -> None:
    ran = run_cli(["exec", "hi", "--quiet"], ScriptedDesk([[Finished(outcome=outcome)]]))  # type: ignore[arg-type]
    assert ran.ending == code
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert told in ran.err


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["exec", ""], "The prompt is empty."),
        (["exec", " \n\t"], "The prompt is empty."),
        (["exec"], "The prompt is empty."),
        (["exec", "-"], "The prompt is empty."),
        (["exec", "a", "b"], "unexpected extra argument"),
        (["exec", "x", "--josn"], "--json"),
        (["exec", "x", "--model", "gemma3"], "is not a model ref"),
        (["exec", "x", "--params", "temprature=1"], "Did you mean temperature?"),
        (["exec", "x", "--params", "temperature"], "write it as KEY=VALUE"),
        (["exec", "x", "--params", "temperature=nan"], "must be a number"),
        (["exec", "x", "--params", "temperature=2.1"], "must be a number from 0 to 2"),
        (["exec", "x", "--params", "reasoning=lots"], "off, low, medium, high"),
        (["exec", "x", "--timeout", "0"], "--timeout 0"),
        (["exec", "x", "--timeout", "nan"], "--timeout nan"),
        (["exec", "x", "--max-tokens", "0"], "--max-tokens"),
        (["exec", "x", "--schema", "/does/not/exist.json"], "cannot be read"),
        (["exec", "x", "--system", "@/does/not/exist"], "cannot be read"),
        (["exec", "x", "--file", "/does/not/exist"], "no such file"),
        (["exec", "x", "--lane", "nowhere"], "There is no lane 'nowhere'"),
        (["exec", "--file", "-"], "Standard input cannot be"),
        (["exec", "x", "--continue", "--conversation", "c1"], "exclude each other"),
        (["--lane", "codegen", "exec", "x"], "write it after 'exec'"),
        (["exce", "x"], "Did you mean 'exec'?"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2_and_nothing_is_asked(argv: list[str], told: str) -> None:
    desk = ScriptedDesk()
    ran = run_cli([*argv, "--json"] if argv[0] == "exec" else argv, desk)
    assert (ran.ending, ran.out, desk.asks) == (2, "", [])
    assert told in ran.err
    assert ran.err.count("\n") == 1


def test_json_is_one_object_with_exactly_the_promised_fields() -> None:
    rate = failed(CLOUD, ErrorKind.RATE, "cloud: rate limited.", 429)
    step = FailoverStep(source=CLOUD, target=LOCAL, reason="rate", message="…", at=AT)
    outcome = completed("héllo \u202e", attempts=(rate,), failovers=(step,), warnings=("cut",))
    ran = run_cli(["exec", "hi", "--json"], ScriptedDesk([["héllo \u202e", Finished(outcome=outcome)]]))
    assert ran.ending == 0
    assert ran.out.isascii()
    (record,) = ran.records
    assert list(record) == EXEC_FIELDS
    assert record["text"] == "héllo \u202e"
    assert record["usage"] == {"input_tokens": 12, "output_tokens": 34, "estimated": False}
    assert record["failovers"] == [{"from": "cloud/gpt-oss:120b", "to": "local/gemma3:27b", "reason": "rate"}]
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    assert list(attempts[0]) == ATTEMPT_FIELDS
    assert attempts[0]["error_kind"] == "rate"
    assert record["error"] is None


@pytest.mark.parametrize("status", [s for s in Status if s not in (Status.ACCEPTED, Status.RUNNING, Status.COMPLETED)])
def test_json_is_printed_for_every_outcome_with_its_error(status: Status) -> None:
    script = ["partial", Finished(outcome=ended(status, ErrorKind.SERVER, "broken"))]
    ran = run_cli(["exec", "hi", "--json"], ScriptedDesk([script]))
    (record,) = ran.records
    assert list(record) == EXEC_FIELDS
    assert record["status"] == status.value
    assert record["error"] == {"kind": "server", "message": "broken"}
    assert ran.ending != 0


def test_a_seam_in_a_pipe_starts_a_new_line_and_gives_the_whole_new_answer() -> None:
    ran = run_cli(["exec", "hi"], ScriptedDesk([seam("half an", "The whole answer.")]))
    assert ran.out == "half an\nThe whole answer."
    assert "failed: cloud: answer cut off" in ran.err
    assert "failover: answering with gemma3:27b (local)" in ran.err


def test_without_streaming_only_the_final_answer_is_printed() -> None:
    ran = run_cli(["exec", "hi", "--no-stream"], ScriptedDesk([seam("half an", "The whole answer.")]))
    assert ran.out == "The whole answer."


def test_a_schema_answer_does_not_leak_a_draft_into_a_pipe(tmp_path: Path) -> None:
    schema = tmp_path / "module.json"
    schema.write_text('{"type": "object"}')
    desk = ScriptedDesk([seam('{"bad": ', '{"good": 1}')])
    ran = run_cli(["exec", "hi", "--schema", str(schema)], desk)
    assert ran.out == '{"good": 1}'
    assert desk.asks[0].schema == {"type": "object"}
    assert desk.asks[0].schema_name == "module.json"


def test_the_lanes_own_schema_counts_too() -> None:
    ran = run_cli(["exec", "hi", "--lane", "codegen"], ScriptedDesk([seam("dra", "final")]))
    assert ran.out == "final"


def test_a_failed_request_leaves_no_half_answer_behind_without_streaming() -> None:
    script = ["half", Finished(outcome=ended(Status.PAUSED, ErrorKind.TRUNCATED, "cut", text="half"))]
    assert run_cli(["exec", "hi", "--no-stream"], ScriptedDesk([script])).out == ""


def test_an_answer_that_never_came_in_pieces_is_printed_whole() -> None:
    assert run_cli(["exec", "hi"], ScriptedDesk([[Finished(outcome=completed("whole"))]])).out == "whole"


def talk(conversation_id: str, lane: str = "chat") -> Conversation:
    return Conversation(id=conversation_id, title="Talk", lane=lane, created_at=AT, updated_at=AT, messages=())


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_an_unknown_conversation_is_a_mistake_and_begins_none(more: tuple[str, ...]) -> None:
    desk = ScriptedDesk(stored=[talk("c9")])
    ran = run_cli(["exec", "hi", "--conversation", "c8", *more], desk)
    assert (ran.ending, ran.out, desk.asks) == (2, "", [])
    assert "c8" in ran.err


def test_every_option_reaches_the_request(tmp_path: Path) -> None:
    system, note = tmp_path / "system.md", tmp_path / "note.txt"
    system.write_text("Be brief.")
    note.write_text("A note.")
    desk = ScriptedDesk(stored=[talk("c9")])
    run_cli(
        ["exec", "hi", "--lane", "chat", "--agent", "dev", "--job", "j", "--model", "local/hf.co/a/b:q4", "--system",
         f"@{system}", "--file", str(note), "--file", "-", "--params", "temperature=0.2", "--params", "stop=a,b",
         "--params", "extra.mirostat=2", "--params", "extra.grammar=root ::= x", "--seed", "7", "--max-tokens", "99",
         "--timeout", "1.5", "--conversation", "c9", "--yes"],
        desk,
        stdin=b"from a pipe",
    )  # fmt: skip
    (ask,) = desk.asks
    assert (ask.prompt, ask.lane, ask.agent, ask.job, ask.conversation) == ("hi", "chat", "dev", "j", "c9")
    assert ask.model == ModelRef("local", "hf.co/a/b:q4")
    assert ask.system == "Be brief."
    assert [(a.name, a.text) for a in ask.attachments] == [("note.txt", "A note."), ("stdin", "from a pipe")]
    assert (ask.params.temperature, ask.params.stop, ask.params.seed) == (0.2, ("a", "b"), 7)
    assert ask.params.max_output_tokens == 99
    assert ask.params.extra == {"mirostat": 2, "grammar": "root ::= x"}
    assert ask.timeout_s == 1.5
    assert ask.consent


@pytest.mark.parametrize("argv", [["exec"], ["exec", "-"]])
def test_stdin_is_the_prompt_when_there_is_none(argv: list[str]) -> None:
    desk = ScriptedDesk()
    run_cli(argv, desk, stdin="zwei\r\nZeilen\u2028 \xe9\n".encode())
    assert desk.asks[0].prompt == "zwei\r\nZeilen\u2028 \xe9\n"


def test_bytes_that_are_no_utf8_and_lone_surrogates_are_replaced() -> None:
    desk = ScriptedDesk()
    run_cli(["exec"], desk, stdin=b"a\xffb")
    run_cli(["exec", "a\udcffb"], desk)
    assert [ask.prompt for ask in desk.asks] == ["a\ufffdb", "a\ufffdb"]


def test_a_folder_is_attached_file_by_file_and_what_it_leaves_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "sub" / "b.txt").write_text("b")
    (tmp_path / "c.bin").write_bytes(b"\xff")
    desk = ScriptedDesk()
    ran = run_cli(["exec", "hi", "--file", str(tmp_path)], desk)
    assert [(a.name, a.text) for a in desk.asks[0].attachments] == [("a.txt", "a"), ("sub/b.txt", "b")]
    assert "2 files attached, 1 left out: neither text nor images" in ran.err
    (tmp_path / "empty").mkdir()
    ran = run_cli(["exec", "hi", "--file", str(tmp_path / "empty")], desk)
    assert (ran.ending, len(desk.asks)) == (2, 1)
    assert "nothing in it can be attached" in ran.err


def test_an_image_on_stdin_is_attached_as_an_image() -> None:
    desk = ScriptedDesk()
    run_cli(["exec", "what is it?", "--file", "-"], desk, stdin=b"\x89PNG\r\n\x1a\n...")
    assert desk.asks[0].attachments[0].image == b"\x89PNG\r\n\x1a\n..."


def test_continue_takes_the_newest_conversation_of_the_lane() -> None:
    stored = [talk(i, lane) for i, lane in (("new", "codegen"), ("older", "chat"))]
    desk = ScriptedDesk(stored=stored)
    run_cli(["exec", "hi", "--continue"], desk)
    run_cli(["exec", "hi", "--continue", "--lane", "chat"], desk)
    assert [ask.conversation for ask in desk.asks] == ["new", "older"]


def test_a_lane_that_asks_is_paused_without_yes_and_goes_on_with_it() -> None:
    without = run_cli(["exec", "hi"], ScriptedDesk([consent("local answer")]))
    assert (without.ending, without.out) == (5, "")
    assert "(--yes)" in without.err
    with_yes = run_cli(["exec", "hi", "--yes"], ScriptedDesk([consent("local answer")]))
    assert (with_yes.ending, with_yes.out) == (0, "local answer")


def test_reasoning_is_told_only_to_those_who_ask_and_never_on_stdout() -> None:
    script = [ReasoningDelta("First thi"), ReasoningDelta("nk.\nThen"), "Answer", Finished(outcome=completed("Answer"))]
    assert run_cli(["exec", "hi"], ScriptedDesk([list(script)])).err == ""
    ran = run_cli(["exec", "hi", "--verbose"], ScriptedDesk([list(script)]))
    assert ran.out == "Answer"
    assert "reasoning: First think.\nreasoning: Then\n" in ran.err


def test_a_dry_run_sends_nothing_and_shows_the_route() -> None:
    desk = ScriptedDesk()
    ran = run_cli(["exec", "hi", "--dry-run", "--params", "temperature=0.5"], desk)
    assert ran.ending == 0
    assert "target 1: cloud/gpt-oss:120b (skipped: cooling down until" in ran.out
    assert "temperature=0.5" in ran.out
    assert desk.ends == []
    (record,) = run_cli(["exec", "hi", "--dry-run", "--json"], desk).records
    assert record["lane"] == "chat"
    assert [t["ref"] for t in record["targets"]] == ["cloud/gpt-oss:120b", "local/gemma3:27b"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("failure", "code", "lines"),
    [
        (ConfigurationError(("a.yaml:1:1: wrong", "a.yaml:2:1: too")), 2, ["a.yaml:1:1: wrong", "a.yaml:2:1: too"]),
        (StorageError("/data: read-only"), 1, ["llmdesk: /data: read-only"]),
        (RuntimeError("boom sk-abcdefgh12345678"), 1, ["llmdesk: unexpected: RuntimeError: boom sk-***"]),
        (KeyboardInterrupt(), 130, []),
    ],
)
def test_whatever_goes_wrong_becomes_lines_and_a_code_and_never_a_traceback(
    failure: BaseException, code: int, lines: list[str], tmp_path: Path
) -> None:
    ran = run_cli(["exec", "hi"], ScriptedDesk(failure=failure), env={"LLMDESK_HOME": str(tmp_path)})  # type: ignore[arg-type]
    close_log()
    assert ran.ending == code
    assert "Traceback" not in ran.err
    assert [line.partition(" (details: ")[0] for line in ran.err.splitlines()] == lines


def test_the_traceback_of_an_unexpected_error_is_in_the_log_without_secrets(tmp_path: Path) -> None:
    desk = ScriptedDesk(failure=RuntimeError("boom sk-abcdefgh12345678"))
    ran = run_cli(["exec", "the prompt"], desk, env={"LLMDESK_HOME": str(tmp_path)})
    close_log()
    log = tmp_path / "state" / "llmdesk.log"
    assert f"(details: {log})" in ran.err
    text = log.read_text()
    assert "in maker" in text
    assert "abcdefgh12345678" not in text
    assert "the prompt" not in text


def test_a_stream_that_cannot_hold_a_character_gets_a_replacement() -> None:
    assert run_cli(["exec", "hi"], ScriptedDesk([answer("Grüße 日本")]), encoding="latin-1").out == "Grüße ??"


def test_skipped_targets_are_told_only_to_those_who_ask() -> None:
    from llmdesk.core.types import AttemptFailed

    skip = Attempt(
        number=1, target=CLOUD, outcome=AttemptOutcome.SKIPPED, at=AT, reason="no key", message="cloud: no key."
    )
    script = [AttemptFailed(attempt=skip), "ok", Finished(outcome=completed("ok", attempts=(skip,)))]
    assert run_cli(["exec", "hi"], ScriptedDesk([list(script)])).err == ""
    assert "skipped: cloud: no key." in run_cli(["exec", "hi", "--verbose"], ScriptedDesk([list(script)])).err


def test_common_options_count_before_and_after_the_command(tmp_path: Path) -> None:
    for argv in (["--json", "exec", "hi"], ["exec", "hi", "--json"]):
        assert json.loads(run_cli(argv).out)["status"] == "completed"
    desk = ScriptedDesk()
    run_cli(["--config", str(tmp_path / "a"), "exec", "hi", "--config", str(tmp_path / "b")], desk)
    assert desk.config == tmp_path / "b"


def test_a_pause_that_nobody_could_use_is_no_wait_and_a_failure_is_told_once() -> None:
    cut = failed(LOCAL, ErrorKind.SCHEMA, "chat: the answer does not match a.json: not JSON.")
    script: list[Step] = [
        AttemptStarted(number=1, target=LOCAL, loading=True),
        AttemptFailed(attempt=cut),
        Waiting(until=AT, reason="schema", target=LOCAL),
        AttemptStarted(number=2, target=LOCAL, try_number=2, loading=True),
        AttemptFailed(attempt=cut),
        Finished(outcome=ended(Status.FAILED, ErrorKind.SCHEMA, cut.message)),
    ]
    ran = run_cli(["exec", "hi"], ScriptedDesk([script]))
    assert ran.ending == 4
    assert ran.err.splitlines() == [
        f"loading: {LOCAL} is being loaded into memory",
        f"failed: {cut.message}",
        f"retrying: {LOCAL}",
        f"failed: {cut.message}",
    ]
    assert run_cli(["exec", "hi", "--quiet"], ScriptedDesk([script])).err == f"failed: {cut.message}\n"


def test_a_wait_for_the_users_own_limit_tells_what_it_waits_for() -> None:
    steps: list[Step] = [
        Waiting(until=None, reason="rate limit", target=CLOUD),
        Waiting(until=AT + 90, reason="rate limit", target=CLOUD),
        *answer("ok"),
    ]
    ran = run_cli(["exec", "hi"], ScriptedDesk([steps]))
    assert ran.ending == 0
    first, second = ran.err.splitlines()[:2]
    assert first == "waiting: cloud/gpt-oss:120b until another request to it has ended (rate limit)"
    assert second.startswith("waiting: cloud/gpt-oss:120b until ")


def test_a_request_may_state_its_own_failover_rule() -> None:
    desk = ScriptedDesk()
    assert run_cli(["exec", "hi", "--failover", "never"], desk).ending == 0
    assert desk.asks[0].failover == "never"
    assert run_cli(["exec", "hi", "--failover", "maybe"], desk).ending == 2
