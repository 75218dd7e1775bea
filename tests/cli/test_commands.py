"""The commands beside ``exec``: what they print for people and for programs, and their exit codes."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from llmdesk import __version__
from llmdesk.cli.times import clock
from llmdesk.core.errors import ConfigurationError, ErrorKind, StorageError
from llmdesk.core.types import Finished, ModelRef, Role, Status
from llmdesk.core.views import (
    Conversation,
    FailoverRow,
    Finding,
    Level,
    OutboxEntry,
    ProviderState,
    ProviderStatus,
    StoredMessage,
)
from llmdesk.providers.base import PullProgress
from tests.support.cli_run import run_cli
from tests.support.scripted_desk import AT, CLOUD, LOCAL, ScriptedDesk, answer, ended, model_row

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.views import LaneView, ModelRow

PAUSED = OutboxEntry(
    id="0192abcd", created_at=AT, lane="chat", prompt="Write\na parser \x1b[2J", attachments=("a.png",),
    reason="cloud: rate limited.", error_kind=ErrorKind.RATE, next_try_at=AT + 60, attempts=2,
)  # fmt: skip
OTHER = OutboxEntry(id="0192efgh", created_at=AT + 1, lane="codegen", prompt="second")
ROW = FailoverRow(
    at=AT, request="0192", lane="chat", agent=None, source=CLOUD, target=LOCAL, reason="rate", message="m", lost_s=1.25
)
TALK = Conversation(
    id="c1", title="../Parse the [log] file!", lane="chat", created_at=AT, updated_at=AT,
    messages=(
        StoredMessage(id=1, role=Role.USER, content="hi", created_at=AT),
        StoredMessage(id=2, role=Role.ASSISTANT, content="ho", created_at=AT, completeness="cut by limit", target=LOCAL,
                      seams=("cloud: rate limited.",)),
    ),
)  # fmt: skip


# --- outbox ---


def test_outbox_list_prints_the_promised_fields_as_json_lines() -> None:
    ran = run_cli(["outbox", "list", "--json"], ScriptedDesk(paused=[PAUSED, OTHER]))
    assert [list(record) for record in ran.records] == [
        ["id", "created_at", "lane", "prompt", "attachments", "reason", "error_kind", "next_try_at", "attempts"]
    ] * 2
    first = ran.records[0]
    assert (first["prompt"], first["error_kind"], first["attempts"]) == ("Write\na parser \x1b[2J", "rate", 2)
    assert str(first["created_at"])[-6] in "+-"
    assert ran.records[1]["error_kind"] is None


def test_a_table_has_one_harmless_line_a_row() -> None:
    ran = run_cli(["outbox"], ScriptedDesk(paused=[PAUSED, OTHER]))
    assert ran.out.count("\n") == 3
    assert "\x1b" not in ran.out
    assert "Write a parser" in ran.out


def test_an_empty_outbox_prints_no_data() -> None:
    assert run_cli(["outbox", "list"]).out == ""
    assert run_cli(["outbox", "list", "--json"]).out == ""


def test_outbox_show_tells_every_attempt() -> None:
    desk = ScriptedDesk(paused=[PAUSED])
    ran = run_cli(["outbox", "show", "0192"], desk)
    assert "attempt 1: cloud/gpt-oss:120b failed, 0.1 s (cloud: rate limited.)" in ran.out
    assert "Write\na parser" in ran.out
    (record,) = run_cli(["outbox", "show", "0192", "--json"], desk).records
    assert record["attempts"][0]["http_status"] == 429  # type: ignore[index]


def test_outbox_show_of_nothing_is_wrong_use() -> None:
    assert run_cli(["outbox", "show", "zz"]).ending == 2


def test_outbox_retry_asks_again_and_answers_like_exec() -> None:
    desk = ScriptedDesk([answer("At last.")], paused=[PAUSED, OTHER])
    ran = run_cli(["outbox", "retry", "0192a", "--now", "--yes"], desk)
    assert (ran.ending, ran.out) == (0, "At last.")
    assert ("retry", "0192abcd", True, True) in desk.calls
    (record,) = run_cli(["outbox", "retry", "0192abcd", "--json"], desk).records
    assert record["text"] == "At last."


def test_outbox_retry_of_all_goes_on_after_one_that_is_still_paused() -> None:
    still = ended(Status.PAUSED, ErrorKind.RATE, "cloud: rate limited.")
    desk = ScriptedDesk([[Finished(outcome=still)], answer("Second.")], paused=[PAUSED, OTHER])
    ran = run_cli(["outbox", "retry"], desk)
    assert (ran.ending, ran.out) == (5, "Second.\n")
    assert "retrying: 0192abcd" in ran.err


def test_outbox_retry_of_none_is_success() -> None:
    assert run_cli(["outbox", "retry"]).ending == 0


@pytest.mark.parametrize(("beginning", "told"), [("0192", "2 paused requests begin"), ("zz", "no paused request 'zz'")])
def test_an_id_must_mean_exactly_one_request(beginning: str, told: str) -> None:
    desk = ScriptedDesk(paused=[PAUSED, OTHER])
    ran = run_cli(["outbox", "drop", beginning], desk)
    assert ran.ending == 2
    assert told in ran.err
    assert desk.calls == [("closed",)]


def test_outbox_drop_removes_the_request() -> None:
    desk = ScriptedDesk(paused=[PAUSED])
    assert run_cli(["outbox", "drop", "0192abcd"], desk).ending == 0
    assert ("drop", "0192abcd") in desk.calls


# --- failovers, lanes, providers ---


def test_failovers_prints_the_promised_fields() -> None:
    ran = run_cli(["failovers", "--json"], ScriptedDesk(history=[ROW]))
    (record,) = ran.records
    assert list(record) == ["at", "request", "lane", "agent", "from", "to", "reason", "message", "lost_s"]
    assert (record["from"], record["to"], record["lost_s"]) == ("cloud/gpt-oss:120b", "local/gemma3:27b", 1.25)


@pytest.mark.parametrize(
    ("span", "after"),
    [("7d", AT - 7 * 86_400), ("90m", AT - 5_400), ("1.5h", AT - 5_400), ("2026-01-31T00:00:00+00:00", 1_769_817_600)],
)
def test_failovers_since_takes_spans_and_dates(span: str, after: float) -> None:
    desk = ScriptedDesk(history=[ROW])
    ran = run_cli(["failovers", "--since", span, "--lane", "chat"], desk)
    assert ("failovers", after, "chat", 500) in desk.calls
    assert "cloud/gpt-oss:120b" in ran.out


@pytest.mark.parametrize("argv", [["--since", "yesterday"], ["--since", "-1d"], ["--lane", "nowhere"]])
def test_failovers_refuses_what_it_does_not_understand(argv: list[str]) -> None:
    assert run_cli(["failovers", *argv]).ending == 2


def test_providers_check_prints_the_promised_fields_and_says_who_is_usable() -> None:
    cooling = ProviderStatus(
        provider="cloud", kind="ollama", state=ProviderState.COOLING, message="rate limited", cooldown_until=AT + 600
    )
    ok = ProviderStatus(provider="local", kind="ollama", state=ProviderState.OK, latency_ms=3, models=2)
    ran = run_cli(["providers", "check", "--json", "--timeout", "2"], desk := ScriptedDesk(statuses=[cooling, ok]))
    assert ran.ending == 0
    assert list(ran.records[0]) == [
        "provider", "kind", "status", "latency_ms", "models", "message", "cooldown_until",
    ]  # fmt: skip
    assert [record["status"] for record in ran.records] == ["cooling", "ok"]
    assert ("check", 2.0) in desk.calls
    assert run_cli(["providers", "check"], ScriptedDesk(statuses=[cooling])).ending == 1


def test_providers_alone_lists_without_calling() -> None:
    desk = ScriptedDesk()
    ran = run_cli(["providers"], desk)
    assert ran.ending == 0
    assert desk.calls == [("closed",)]
    assert ran.out.splitlines()[1].split()[:3] == ["cloud", "ollama", "no"]


def test_lanes_tells_targets_and_skips() -> None:
    (chat, codegen) = run_cli(["lanes", "--json"]).records
    assert (chat["lane"], chat["default"], codegen["failover"]) == ("chat", True, "ask")
    assert [t["skip"] for t in chat["targets"]] == ["no key", None]  # type: ignore[attr-defined]


# --- models ---

STEPS = [
    PullProgress(status="pulling manifest"),
    *(PullProgress(status="pulling abc", digest="abc", total=1_000, completed=n) for n in range(0, 1_001, 5)),
    PullProgress(status="success"),
]


def test_a_pull_in_a_pipe_tells_its_way_in_few_plain_lines() -> None:
    desk = ScriptedDesk(progress=list(STEPS))
    ran = run_cli(["models", "pull", "gemma3:4b"], desk)
    assert (ran.ending, ran.out) == (0, "")
    lines = ran.err.splitlines()
    assert len(lines) == 1 + 11 + 1 + 1
    assert "pulling abc: 50 % of 1.0 kB" in lines
    assert ("pull", ModelRef("local", "gemma3:4b")) in desk.calls


def test_a_pull_for_a_program_is_json_lines() -> None:
    ran = run_cli(["models", "pull", "local/gemma3:4b", "--json"], ScriptedDesk(progress=list(STEPS)))
    assert ran.records[0] == {"status": "pulling manifest", "digest": None, "total": None, "completed": None}
    assert ran.records[-1]["status"] == "success"


def test_a_push_asks_first_and_tells_its_way() -> None:
    desk = ScriptedDesk(progress=list(STEPS))
    for argv, stdin in ((["--no-input"], b""), ([], b"n\n")):
        ran = run_cli(["models", "push", "ada/mine", *argv], desk, stdin=stdin)
        assert (ran.ending, ran.out) == (1, "")
        assert "Not pushed: local/ada/mine. Add --yes to publish it." in ran.err
    ran = run_cli(["models", "push", "ada/mine", "--yes"], desk)
    assert ran.ending == 0
    assert ran.err.splitlines()[-1] == "Pushed local/ada/mine."
    assert desk.calls[-2:] == [("push", ModelRef("local", "ada/mine")), ("closed",)]
    records = run_cli(["models", "push", "local/ada/mine", "--yes", "--json"], desk).records
    assert records[0] == {"status": "pulling manifest", "digest": None, "total": None, "completed": None}


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("gemma3:4b", ModelRef("local", "gemma3:4b")),
        ("hf.co/a/b:q4", ModelRef("local", "hf.co/a/b:q4")),
        ("cloud/x", ModelRef("cloud", "x")),
    ],
)
def test_a_model_alone_is_a_local_one(text: str, ref: ModelRef) -> None:
    desk = ScriptedDesk(facts={"details": {"family": "gemma"}, "license": "one\ntwo", "capabilities": ["a", "b"]})
    ran = run_cli(["models", "show", text], desk)
    assert ("show", ref) in desk.calls
    assert ran.out == "details.family: gemma\nlicense: one … (1 more lines)\ncapabilities: a, b\n"


def test_a_program_without_listed_models_is_said_to_take_any() -> None:
    tool = ProviderStatus(provider="tool", kind="command", state=ProviderState.UNKNOWN)
    ran = run_cli(["models", "list", "tool"], ScriptedDesk(statuses=[tool]))
    assert (ran.ending, ran.out) == (0, "")
    assert ran.err == "tool is a program that is told any name: tool/NAME\n"


@pytest.mark.parametrize("rows", [[], [model_row("gemma3:4b")]], ids=["no models", "those of another"])
def test_a_provider_that_rests_is_named_where_its_models_are_missing(rows: list[ModelRow]) -> None:
    local = ProviderStatus(provider="local", kind="ollama", state=ProviderState.OK)
    cloud = ProviderStatus(provider="cloud", kind="ollama", state=ProviderState.COOLING, cooldown_until=AT + 60)
    ran = run_cli(["models"], ScriptedDesk(statuses=[local, cloud], rows=rows))
    assert ran.ending == 0
    assert ran.err == f"note: cloud rests until {clock(AT + 60, AT)}: its models are not listed.\n"


def test_models_list_and_ps_print_refs() -> None:
    desk = ScriptedDesk(rows=[model_row("gemma3:4b"), model_row("gpt-oss:120b", "cloud")])
    assert "local/gemma3:4b" in run_cli(["models"], desk).out
    assert [r["ref"] for r in run_cli(["models", "list", "cloud", "--json"], desk).records] == ["cloud/gpt-oss:120b"]
    assert run_cli(["models", "ps", "--json"], desk).records[0]["size_bytes"] == 17_000_000_000
    assert "17.0 GB" in run_cli(["models", "ps"], desk).out


def test_models_create_and_copy_name_models_of_one_server() -> None:
    desk = ScriptedDesk(progress=list(STEPS[:1]))
    run_cli(["models", "create", "mine", "--from", "local/gemma3:4b", "--system", "Be.", "--params", "num_ctx=8"], desk)
    run_cli(["models", "copy", "local/mine", "local/yours"], desk)
    assert ("create", ModelRef("local", "mine"), "gemma3:4b", "Be.", {"num_ctx": 8}) in desk.calls
    assert ("copy", ModelRef("local", "mine"), "yours") in desk.calls


def test_removing_needs_a_yes() -> None:
    desk = ScriptedDesk(stored=[TALK])
    assert run_cli(["models", "rm", "mine"], desk).ending == 1
    assert run_cli(["conversations", "rm", "c1", "--no-input"], desk).ending == 1
    assert {call[0] for call in desk.calls} == {"closed"}
    assert run_cli(["models", "rm", "mine", "--yes"], desk).ending == 0
    assert run_cli(["conversations", "rm", "c1", "--yes"], desk).ending == 0
    assert ("delete", ModelRef("local", "mine")) in desk.calls
    assert ("remove", "c1") in desk.calls


# --- conversations ---


def test_conversations_are_listed_and_shown() -> None:
    desk = ScriptedDesk(stored=[TALK])
    assert run_cli(["conversations", "--json"], desk).records[0]["messages"] == 2
    shown = run_cli(["conversations", "show", "c1"], desk).out
    assert "failover: cloud: rate limited." in shown
    assert "local/gemma3:27b, cut by limit]\nho\n" in shown
    (record,) = run_cli(["conversations", "show", "c1", "--json"], desk).records
    assert [m["role"] for m in record["messages"]] == ["user", "assistant"]  # type: ignore[attr-defined]


def test_a_search_passes_the_words_on_and_an_empty_one_is_wrong_use() -> None:
    desk = ScriptedDesk(stored=[TALK])
    assert run_cli(["conversations", "search", 'a-b "AND*'], desk).ending == 0
    assert ("search", 'a-b "AND*', 50) in desk.calls
    assert run_cli(["conversations", "search", " "], desk).ending == 2


def test_an_export_goes_to_stdout_or_into_a_new_private_file(tmp_path: Path) -> None:
    desk = ScriptedDesk(stored=[TALK])
    assert run_cli(["conversations", "export", "c1"], desk).out.startswith("# ")
    assert run_cli(["conversations", "export", "c1", "--format", "json"], desk).out == "{}"
    assert run_cli(["conversations", "export", "c1", "--output", str(tmp_path)], desk).ending == 0
    (path,) = tmp_path.iterdir()
    assert path.name == "parse-the-log-file.md"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = run_cli(["conversations", "export", "c1", "--output", str(path)], desk)
    assert again.ending == 2
    assert "not overwritten" in again.err


# --- doctor, version, help ---


def test_doctor_prints_each_finding_with_its_hint() -> None:
    findings = [
        Finding(topic="paths", level=Level.OK, text="all private"),
        Finding(topic="local", level=Level.PROBLEM, text="connection refused", hint="ollama serve"),
    ]
    ran = run_cli(["doctor"], ScriptedDesk(findings=findings))
    assert ran.ending == 1
    assert "PROBLEM" in ran.out
    assert "-> ollama serve" in ran.out
    records = run_cli(["doctor", "--json"], ScriptedDesk(findings=findings[:1])).records
    assert list(records[0]) == ["topic", "level", "text", "hint"]
    assert records[-1]["topic"] == "streams"


@pytest.mark.parametrize(
    ("failure", "code"), [(ConfigurationError(("a.yaml:3:5: unknown key 'lans'",)), 2), (StorageError("/d: full"), 1)]
)
def test_doctor_works_when_no_desk_opens(failure: Exception, code: int) -> None:
    ran = run_cli(["doctor"], ScriptedDesk(failure=failure))
    assert ran.ending == code
    assert str(failure) in ran.out
    assert __version__ in ran.out


def test_version() -> None:
    assert run_cli(["version"]).out == f"llmdesk {__version__}\n"
    assert run_cli(["version", "--json"]).records[0]["version"] == __version__


def test_help_lists_every_command_and_every_command_has_help() -> None:
    from llmdesk.cli.main import COMMANDS

    ran = run_cli(["--help"])
    assert ran.ending == 0
    for name, (_, text) in COMMANDS.items():
        assert f"  {name} " in ran.out
        assert text in ran.out
        helped = run_cli([name, "--help"])
        assert helped.ending == 0
        assert "--no-input" in helped.out


def test_a_group_without_a_default_names_its_commands() -> None:
    ran = run_cli(["config"])
    assert ran.ending == 2
    assert "validate" in ran.err


def test_every_table_line_of_a_json_list_is_ascii() -> None:
    entry = OutboxEntry(id="1", created_at=AT, lane="chat", prompt="é\ud800日\u2028")
    out = run_cli(["outbox", "--json"], ScriptedDesk(paused=[entry])).out
    assert out.isascii()
    assert json.loads(out)["prompt"] == "é\ud800日\u2028"


# --- what programs read after a deed, and what people read when there is nothing ---


def test_a_deed_is_told_to_programs_as_one_object(tmp_path: Path) -> None:
    desk = ScriptedDesk(paused=[PAUSED], stored=[TALK])
    target = tmp_path / "talk.md"
    for argv, record in (
        (["outbox", "drop", "0192"], {"id": "0192abcd", "dropped": True}),
        (["conversations", "export", "c1", "--format", "md", "--output", str(target)],
         {"path": str(target), "format": "md"}),
        (["conversations", "rm", "c1", "--yes"], {"id": "c1", "deleted": True}),
        (["models", "copy", "local/mine", "yours"], {"from": "local/mine", "to": "local/yours"}),
        (["models", "rm", "mine", "--yes"], {"ref": "local/mine", "removed": True}),
    ):  # fmt: skip
        assert run_cli([*argv, "--json"], desk).records == [record], argv


@pytest.mark.parametrize("argv", [["outbox"], ["outbox", "retry"], ["failovers"], ["conversations"],
                                  ["conversations", "search", "x"]])  # fmt: skip
def test_an_empty_list_says_what_may_be_the_reason(argv: list[str]) -> None:
    ran = run_cli(argv, ScriptedDesk(warnings=("/data cannot be written.",)))
    assert (ran.ending, ran.out) == (0, "")
    assert ran.err.splitlines()[0] == "note: /data cannot be written."
    assert run_cli([*argv, "--json"], ScriptedDesk()).out == ""


def test_a_cooldown_is_told_once() -> None:
    cooling = ProviderStatus(
        provider="cloud", kind="ollama", state=ProviderState.COOLING, message="cloud: rate limited.",
        cooldown_until=AT + 60,
    )  # fmt: skip
    out = run_cli(["providers"], ScriptedDesk(statuses=[cooling])).out
    assert "cloud: rate limited, until " in out


def test_doctor_gives_the_hint_for_several_faults_of_a_file_once() -> None:
    faults = ConfigurationError(("a.yaml:3:5: unknown key 'lans'", "a.yaml:4:1: unknown key 'x'"))
    out = run_cli(["doctor"], ScriptedDesk(failure=faults)).out
    assert (out.count("PROBLEM"), out.count("->")) == (2, 1)


def test_wrong_use_is_told_in_sentences() -> None:
    assert "(there). More than one word needs quotes. Try:" in run_cli(["exec", "hi", "there"]).err
    assert "'--seed': 'x' is not a valid integer. Try:" in run_cli(["exec", "hi", "--seed", "x"]).err
    assert "(extra). Try:" in run_cli(["failovers", "extra"]).err
    assert "?) Try:" in run_cli(["--vrsion"]).err


def test_a_warning_that_comes_up_meanwhile_is_told_once() -> None:
    class Warned(ScriptedDesk):
        def lanes(self) -> tuple[LaneView, ...]:
            self.warnings = ("known before", "came up")
            return super().lanes()

    ran = run_cli(["lanes", "--json"], Warned(warnings=("known before",)))
    assert ran.err == "note: came up\n"


def test_version_is_an_option_too() -> None:
    assert run_cli(["--version"]).out == run_cli(["version"]).out
    assert run_cli(["--version", "--json"]).records[0]["version"] == __version__
    assert run_cli(["--version", "lanes"]).ending == 2


def test_a_copy_without_a_name_is_wrong_use() -> None:
    desk = ScriptedDesk()
    for name in ("", "local/", " "):
        assert run_cli(["models", "copy", "local/mine", name], desk).ending == 2
    assert {call[0] for call in desk.calls} == {"closed"}
