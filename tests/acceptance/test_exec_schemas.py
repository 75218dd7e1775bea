"""`exec` with schemas as a process over real servers: repaired, never met, told in words, and policy H1 to H5."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING

import pytest

from llmdesk.config.builtin_schemas import builtin_schema
from llmdesk.schema_check import CHECK_LIMIT_S
from tests.support.exec_world import exec_world, provider
from tests.support.fault_server import FaultServer, chat_answer, error
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from tests.support.exec_world import ExecWorld

GOOD = {"files": [{"path": "src/add.py", "content": "def add(a, b):\n    return a + b\n"}], "notes": ""}
ASK = ("exec", "--lane", "codegen", "Write add.")
BUILTIN = ("--schema", "builtin:codegen")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer.in_thread() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, server: FaultServer) -> ExecWorld:
    """One local Ollama behind the lane codegen."""
    made = exec_world(tmp_path / "home")
    configure(made, provider("local", server.url))
    return made


def configure(world: ExecWorld, *providers: str, lane: str = "targets: [local/gemma3:4b]") -> None:
    world.configure("\n".join(["version: 1", "providers:", *providers, "lanes:", f"  codegen: {{{lane}}}"]) + "\n")


def says(server: FaultServer, *texts: str) -> None:
    """Let the model say one text after the other, the last one for ever."""
    server.play("/api/chat", *(chat_answer(text) for text in texts[:-1]))
    server.always("/api/chat", chat_answer(texts[-1]))


def sent(server: FaultServer) -> list[dict[str, Any]]:
    return [request.json for request in server.seen("/api/chat")]


# --- repaired, and never met ---------------------------------------------------------------------------------------


def test_garbage_once_and_then_well_is_repaired(world: ExecWorld, server: FaultServer) -> None:
    says(server, "Sure, here is add()!", json.dumps(GOOD))
    ran = world.run(*ASK, *BUILTIN, "--json")
    answer = ran.answer
    assert (ran.code, answer["status"], answer["data"], answer["error"]) == (0, "completed", GOOD, None)
    assert [(a["outcome"], a["error_kind"]) for a in answer["attempts"]] == [("failed", "schema"), ("completed", None)]
    first, repair = sent(server)
    assert repair["messages"][: len(first["messages"])] == first["messages"]
    assert [m["role"] for m in repair["messages"][len(first["messages"]) :]] == ["assistant", "user"]
    assert "Sure, here is add()!" in repair["messages"][-2]["content"]
    assert "the answer is not JSON" in repair["messages"][-1]["content"]
    shown = world.run("outbox", "show", answer["id"], "--json").answer
    assert [a["error_kind"] for a in shown["attempts"]] == ["schema", None], "both are on record"


def test_garbage_for_ever_is_exit_code_4_and_every_violation(world: ExecWorld, server: FaultServer) -> None:
    says(server, '{"files": [{"path": "/etc/passwd"}], "more": 1}')
    ran = world.run(*ASK, *BUILTIN, "--json")
    answer = ran.answer
    violations = answer["error"]["violations"]
    assert (ran.code, answer["status"], answer["data"], answer["text"]) == (4, "failed", None, "")
    assert {v.split(" ")[0].rstrip(":") for v in violations} == {
        "$", "$.files[0].path", "$.files[0].content", "$.notes",
    }  # fmt: skip
    assert answer["error"]["kind"] == "schema"
    assert [a["error_kind"] for a in answer["attempts"]] == ["schema"] * 2
    assert all(
        a["message"].startswith("codegen: the answer does not match builtin:codegen: ") for a in answer["attempts"]
    )
    for violation in violations:
        assert violation in ran.err
    assert world.run("outbox", "list", "--json").out == "", "what was answered wrongly waits for nobody"


def test_without_json_nothing_reaches_stdout_and_every_violation_stderr(world: ExecWorld, server: FaultServer) -> None:
    says(server, "[1]", '{"files": 1}')
    ran = world.run(*ASK, *BUILTIN)
    assert (ran.code, ran.out) == (4, "")
    for told in ("$ is array, not object", "$.files is integer, not array", "$.notes is missing"):
        assert told in ran.err


def test_the_next_target_is_asked_after_the_repair(world: ExecWorld, server: FaultServer) -> None:
    says(server, "no")
    with FaultServer.in_thread() as second:
        says(second, json.dumps(GOOD))
        configure(
            world, provider("local", server.url), provider("other", second.url),
            lane="targets: [local/gemma3:4b, other/gemma3:4b], schema: 'builtin:codegen'",
        )  # fmt: skip
        answer = world.run(*ASK, "--json").answer
        assert (server.count("/api/chat"), second.count("/api/chat")) == (2, 1)
    assert (answer["data"], answer["provider"]) == (GOOD, "other")
    assert [f["reason"] for f in answer["failovers"]] == ["schema"]


# --- what goes over the wire ---------------------------------------------------------------------------------------


def test_a_local_ollama_is_sent_the_schema_itself(world: ExecWorld, server: FaultServer) -> None:
    says(server, json.dumps(GOOD))
    assert world.run(*ASK, *BUILTIN).code == 0
    assert sent(server)[0]["format"] == builtin_schema("codegen")


@pytest.mark.parametrize("target", ["cloud/gpt-oss:120b", "local/gpt-oss:120b-cloud"])
def test_ollamas_cloud_is_told_in_words_and_checked_here(world: ExecWorld, server: FaultServer, target: str) -> None:
    """The cloud takes no schema, neither by itself nor behind a local Ollama."""
    keyed = provider("cloud", server.url, api_key="key-of-the-test-1234567890")
    configure(world, keyed, provider("local", server.url), lane=f"targets: ['{target}']")
    (world.home / "config" / "llmdesk.yaml").chmod(0o600)
    says(server, '{"files": []}', json.dumps(GOOD))
    ran = world.run(*ASK, *BUILTIN, "--json")
    assert (ran.code, ran.answer["data"], len(ran.answer["attempts"])) == (0, GOOD, 2)
    for request in sent(server):
        assert "format" not in request
        words = "".join(m["content"] for m in request["messages"] if m["role"] == "system")
        assert json.dumps(builtin_schema("codegen"), separators=(",", ":")) in words


# --- what counts as the answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```\n", "\n  ```JSON\n{}```"])
def test_a_fence_around_the_whole_answer_is_taken_off_on_stdout_too(
    world: ExecWorld, server: FaultServer, fence: str
) -> None:
    says(server, fence.replace("{}", json.dumps(GOOD)))
    ran = world.run(*ASK, *BUILTIN)
    assert (ran.code, json.loads(ran.out)) == (0, GOOD)
    assert server.count("/api/chat") == 1


def test_an_agent_of_a_lane_with_a_schema_leaks_no_draft_either(world: ExecWorld, server: FaultServer) -> None:
    configure(world, provider("local", server.url), lane="targets: [local/gemma3:4b], schema: 'builtin:codegen'")
    file = world.home / "config" / "llmdesk.yaml"
    file.write_text(file.read_text() + "agents: {dev: {lane: codegen}}\n")
    says(server, "Sure!", f"```json\n{json.dumps(GOOD)}\n```")
    ran = world.run("exec", "--agent", "dev", "Write add.")
    assert (ran.code, json.loads(ran.out)) == (0, GOOD)


def test_the_outbox_hands_on_no_draft_either(world: ExecWorld, server: FaultServer) -> None:
    server.play("/api/chat", error(429, "usage limit"))
    paused = world.run(*ASK, *BUILTIN, "--json")
    assert (paused.code, paused.answer["status"]) == (5, "paused")
    says(server, "Sure!", f"```json\n{json.dumps(GOOD)}\n```")
    ran = world.run("outbox", "retry", paused.answer["id"], "--now")
    assert (ran.code, json.loads(ran.out)) == (0, GOOD)


def test_without_a_schema_a_fence_is_the_answers_own(world: ExecWorld, server: FaultServer) -> None:
    says(server, "```\n{}\n```")
    assert world.run(*ASK, "--no-stream").out == "```\n{}\n```"


@pytest.mark.parametrize("wrong", ["Here you are:\n{}", "{}\nDone.", "```json\n{}\n```\nDone.", "{}{}"])
def test_words_around_it_are_not_guessed_away_but_repaired(world: ExecWorld, server: FaultServer, wrong: str) -> None:
    says(server, wrong.replace("{}", json.dumps(GOOD)), json.dumps(GOOD))
    ran = world.run(*ASK, *BUILTIN, "--json")
    assert (ran.code, ran.answer["data"], server.count("/api/chat")) == (0, GOOD, 2)


@pytest.mark.parametrize(
    "odd",
    ['{"files": [], "notes": "", "notes": "x"}', '{"files": [], "notes": NaN}', '{"files": ' + "9" * 5_000 + "}",
     "[" * 100_000, "\ufeff{}"],
    ids=["key twice", "NaN", "5000 digits", "depth", "byte order mark"],
)  # fmt: skip
def test_what_only_python_would_read_is_not_met(world: ExecWorld, server: FaultServer, odd: str) -> None:
    """Policy H5."""
    says(server, odd)
    ran = world.run(*ASK, *BUILTIN, "--json")
    assert (ran.code, ran.answer["error"]["kind"]) == (4, "schema")
    assert "Traceback" not in ran.err


# --- schemas that are wrong or hostile -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ('{"type": "strin"}', "is not a usable JSON Schema: $.type"),
        ('{"properties": {"a": {"pattern": "("}}}', "is not a usable JSON Schema: $.properties.a.pattern"),
        ('{"type": ', "not JSON"),
        ("[]", "a JSON Schema is an object"),
        pytest.param(
            '{"allOf":[' + "{}," * 400_000 + "{}]}",
            "more than 20000 values; no schema has so many",
            id="too many values",
        ),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_before_anything_is_sent(
    world: ExecWorld, server: FaultServer, tmp_path: Path, schema: str, told: str
) -> None:
    """Policy H1; in a lane it is a fault of the configuration."""
    file = tmp_path / "bad.json"
    file.write_text(schema)
    ran = world.run(*ASK, "--schema", str(file))
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    configure(world, provider("local", server.url), lane=f"targets: [local/gemma3:4b], schema: '{file}'")
    ran = world.run(*ASK)
    assert (ran.code, ran.out) == (2, "")
    assert "llmdesk.yaml:5:" in ran.err
    assert server.count() == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("builtin:codgen", "there is no schema 'builtin:codgen'; did you mean 'codegen'?"),
        ("missing.json", "cannot be read: no such file."),
        ("module", "cannot be read: no such file; in short form write at least 'name type'."),
        ("name, age date", "no short form of a schema either: 'date' is no type"),
        ("", "cannot be read: no such file"),
    ],
)
def test_a_schema_that_is_nowhere_is_one_line(world: ExecWorld, server: FaultServer, given: str, told: str) -> None:
    ran = world.run(*ASK, "--schema", given)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert ran.err.count("\n") == 1
    assert server.count() == 0


DOUBLED = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(24)}


@pytest.mark.parametrize(
    "schema",
    [{"type": "string", "pattern": "^(a+)+$"}, {"$defs": {**DOUBLED, "d24": {"type": "string"}}, "$ref": "#/$defs/d0"}],
    ids=["pattern", "references"],
)
def test_a_check_that_never_ends_is_not_met_within_the_limit(
    world: ExecWorld, server: FaultServer, tmp_path: Path, schema: dict[str, object]
) -> None:
    """Policy H2, H3."""
    file = tmp_path / "bomb.json"
    file.write_text(json.dumps(schema))
    configure(world, provider("local", server.url), lane="targets: [local/gemma3:4b], schema_repairs: 0")
    says(server, json.dumps("a" * 40 + "b"))
    began = time.monotonic()
    ran = world.run(*ASK, "--schema", str(file), "--json")
    assert time.monotonic() - began < CHECK_LIMIT_S + allowed(20)
    assert ran.code == 4
    assert "the check took longer than 2 s" in ran.answer["error"]["message"]


def test_a_reference_to_elsewhere_is_never_fetched(world: ExecWorld, server: FaultServer, tmp_path: Path) -> None:
    """Policy H4."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        file = tmp_path / "remote.json"
        file.write_text(json.dumps({"$ref": f"http://127.0.0.1:{listener.getsockname()[1]}/schema.json"}))
        ran = world.run(*ASK, "--schema", str(file))
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert ran.code == 2
    assert "nothing is fetched" in ran.err
    assert server.count() == 0


# --- other ways to name a schema -----------------------------------------------------------------------------------


def test_the_short_form_is_a_schema(world: ExecWorld, server: FaultServer) -> None:
    says(server, '{"name": "Ada", "age": "36"}', '{"name": "Ada", "age": 36}')
    ran = world.run(*ASK, "--schema", "name, age int", "--json")
    assert (ran.code, ran.answer["data"]) == (0, {"name": "Ada", "age": 36})
    assert sent(server)[0]["format"]["properties"] == {"name": {"type": "string"}, "age": {"type": "integer"}}
    assert "$.age is string, not integer" in ran.answer["attempts"][0]["message"]


def test_json_on_the_command_line_is_a_schema(world: ExecWorld, server: FaultServer) -> None:
    says(server, "7")
    assert world.run(*ASK, "--schema", '{"type": "integer"}').out == "7"


def test_a_file_goes_before_every_other_meaning(world: ExecWorld, server: FaultServer, tmp_path: Path) -> None:
    says(server, "7")
    file = tmp_path / "a b, c"
    file.write_text('{"type": "integer"}')
    assert world.run(*ASK, "--schema", str(file)).out == "7"


# --- only the code -------------------------------------------------------------------------------------------------


def test_extract_prints_exactly_the_first_code_block(world: ExecWorld, server: FaultServer) -> None:
    says(server, "Here:\n```python\nprint(1)\n```\nAnd:\n```sh\nls\n```\n")
    ran = world.run("exec", "--lane", "codegen", "-x", "Write.")
    assert (ran.code, ran.out) == (0, "print(1)\n")
    assert "note:" not in ran.err


def test_an_answer_without_a_block_is_printed_whole_and_that_is_told(world: ExecWorld, server: FaultServer) -> None:
    says(server, "print(1)")
    ran = world.run("exec", "--lane", "codegen", "--extract", "Write.")
    assert (ran.code, ran.out) == (0, "print(1)")
    assert ran.err.endswith("note: there is no fenced code block in the answer; this is all of it\n")


def test_extract_and_json_exclude_each_other(world: ExecWorld, server: FaultServer) -> None:
    ran = world.run("exec", "-x", "--json", "Write.")
    assert (ran.code, server.count()) == (2, 0)
