"""Answers against schemas: what counts as met, and that no answer or schema can hang, crash or phone out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.text import sanitise
from llmdesk.schema_check import CHECK_LIMIT_S, MAX_VIOLATIONS, check_answer, check_schema, worker
from tests.support.held_loop import held_loop
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MODULE = {
    "type": "object",
    "required": ["files"],
    "additionalProperties": False,
    "properties": {
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "a b"],
                "properties": {"path": {"type": "string"}, "mode": {"enum": ["new", "edit"]}},
            },
        },
        "count": {"type": ["integer", "null"], "maximum": 3},
        "version": {"const": 1},
        "choice": {"anyOf": [{"type": "object", "required": ["left"]}, {"type": "string", "maxLength": 2}]},
    },
}


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


async def _violations(text: str, schema: Mapping[str, object] | None = None) -> tuple[str, ...]:
    checked = await check_answer(text, {} if schema is None else schema)
    assert checked.data is None
    assert checked.violations
    return checked.violations


# --- what is met --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"files": []}',
        '\n  {"files": []}\n\n',
        '```json\n{"files": []}\n```',
        '```\n{"files": []}```\n',
        '  ```JSON\r\n{"files": []}\r\n```',
    ],
)
async def test_a_matching_answer_gives_its_object(text: str) -> None:
    checked = await check_answer(text, MODULE)
    assert checked.violations == ()
    assert checked.data == {"files": []}


async def test_a_fence_inside_a_string_is_left_alone() -> None:
    checked = await check_answer('```json\n{"code": "```py\\nx\\n```"}\n```', {"required": ["code"]})
    assert checked.data == {"code": "```py\nx\n```"}


async def test_lone_surrogates_of_an_answer_become_replacement_characters() -> None:
    checked = await check_answer(r'{"a\ud800": ["\udc00", "\ud83d\ude42"]}', {})
    assert checked.data == {"a\ufffd": ["\ufffd", "🙂"]}


async def test_read_only_schemas_are_understood() -> None:
    from types import MappingProxyType

    schema = MappingProxyType({"type": "object", "required": ("a",), "properties": MappingProxyType({})})
    assert check_schema(schema) == ()
    assert (await check_answer("{}", schema)).violations == ("$.a is missing",)


async def test_the_draft_that_the_schema_names_is_used() -> None:
    old = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3, "exclusiveMaximum": True}
    assert check_schema(old) == ()
    assert (await check_answer("3", old)).violations
    assert check_schema({"exclusiveMaximum": True})


# --- what is not met ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "violation"),
    [
        ("[]", "$ is array, not object"),
        ("{}", "$.files is missing"),
        ('{"files": [{"a b": 1}]}', "$.files[0].path is missing"),
        ('{"files": [{"path": "x"}]}', '$.files[0]["a b"] is missing'),
        ('{"files": [{"path": 5, "a b": 1}]}', "$.files[0].path is integer, not string"),
        ('{"files": [{"path": "", "a b": 1, "mode": "x"}]}', '$.files[0].mode is none of "new", "edit"'),
        ('{"files": [], "count": true}', "$.count is boolean, not integer or null"),
        ('{"files": [], "count": 4}', "$.count: 4 is greater than the maximum of 3"),
        ('{"files": [], "version": 2}', "$.version is not 1"),
        ('{"files": [], "choice": {}}', "$.choice fits none of the allowed forms; nearest: $.choice.left is missing"),
        (
            '{"files": [], "extra": 1}',
            "$: Additional properties are not allowed ('extra' was unexpected)",
        ),
    ],
)
async def test_a_violation_says_where_and_what(text: str, violation: str) -> None:
    assert check_schema(MODULE) == ()
    assert await _violations(text, MODULE) == (violation,)


@pytest.mark.parametrize(
    ("text", "violation"),
    [
        ("", "the answer is not JSON: Expecting value at line 1 column 1"),
        ("Sure! {}", "the answer is not JSON: Expecting value at line 1 column 1"),
        ('{"a": tru', "the answer is not JSON: Expecting value at line 1 column 7"),
        ("{} {}", "the answer is not JSON: Extra data at line 1 column 4"),
        ("Here:\n```json\n{}\n```", "the answer is not JSON: Expecting value at line 1 column 1"),
        ("```yaml\na: 1\n```", "the answer is not JSON: Expecting value at line 1 column 1"),
        ('{"a": 1, "b": {"x\x1b": 1, "x\x1b": 2}}', "the answer is not JSON: Invalid control character at at"),
        (
            '{"b": {"\\u001b[x": 1, "\\u001b[x": 2}}',
            'the answer is not strict JSON: the key "\\u001b[x" is there twice',
        ),
        ("NaN", "the answer is not strict JSON: NaN is no number"),
        ('{"a": [-Infinity]}', "the answer is not strict JSON: -Infinity is no number"),
        ("1e999", "the answer is not strict JSON: a number is too large"),
        ("9" * 5_000, "the answer is not strict JSON: an integer has 5000 digits"),
        (_nested(100_000), "the answer is nested too deeply"),
    ],
    ids=range(13),
)
async def test_what_is_not_strict_json_is_a_violation_and_never_repaired(text: str, violation: str) -> None:
    (told,) = await _violations(text)
    assert told.startswith(violation)


async def test_no_more_than_twenty_violations_are_told_each_on_one_harmless_line() -> None:
    answer = json.dumps([f"\x1b[31m\n{number}" for number in range(500)])
    told = await _violations(answer, {"items": {"type": "string", "pattern": "^[a-z]+$"}})
    assert len(told) == MAX_VIOLATIONS
    assert all(sanitise(line) == line and "\n" not in line and len(line) <= 200 for line in told)


async def test_an_answer_of_many_megabytes_is_checked_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CHECK_LIMIT_S", allowed(CHECK_LIMIT_S))
    answer = json.dumps(["x" * 1_000] * 8_000)
    assert (await check_answer(answer, {"items": {"type": "string"}})).violations == ()


@pytest.mark.parametrize(
    ("pattern", "text", "met"),
    [
        ("^[a-z]+$", "abc", True),
        ("^[a-z]+$", "abc\n", False),
        ("a$|b$", "b\n", False),
        (r"^\$[$]$", "$$", True),
        (r"^[]$]$", "$", True),
        (r"\\$", "\\\n", False),
    ],
)
async def test_the_end_in_a_pattern_is_the_very_end(pattern: str, text: str, met: bool) -> None:
    checked = await check_answer(json.dumps(text), {"pattern": pattern})
    assert (checked.violations == ()) is met


async def test_a_pattern_with_a_meaning_is_told_by_its_meaning() -> None:
    schema = {"properties": {"day": {"pattern": "^[0-9]{2}$", "description": "Two digits."}}}
    assert await _violations('{"day": "1"}', schema) == ('$.day is "1", which its pattern refuses: Two digits.',)


# --- hostile schemas ----------------------------------------------------------------------------------------------

DOUBLED = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(24)}
BOMBS: dict[str, tuple[dict[str, object], str]] = {
    "pattern": ({"type": "string", "pattern": "^(a+)+$"}, json.dumps("a" * 40 + "b")),
    "references": ({"$defs": {**DOUBLED, "d24": {"type": "array"}}, "$ref": "#/$defs/d0"}, "[]"),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_check_that_does_not_end_is_killed_and_counts_as_not_met(bomb: str) -> None:
    schema, answer = BOMBS[bomb]
    before = _children()
    began = time.monotonic()
    assert await _violations(answer, schema) == ("the check took longer than 2 s and was stopped",)
    assert CHECK_LIMIT_S <= time.monotonic() - began < CHECK_LIMIT_S + allowed(20)
    assert _children() == before


@pytest.mark.parametrize("piece", ["[],", '{"a":1},', "1,"])
async def test_an_answer_of_a_million_values_holds_neither_memory_nor_the_loop(piece: str) -> None:
    text = f"[{piece * (8_000_000 // len(piece))}0]"
    async with held_loop() as held:
        checked = await check_answer(text, {})
    assert checked.violations == ("the answer holds more values than can be checked",)
    assert held.worst_s < allowed(0.25)


async def test_a_schema_that_is_its_own_reference_is_a_violation_not_a_crash() -> None:
    assert await _violations("{}", {"$ref": "#"}) == ("$: the schema or the answer is nested too deeply to be checked",)


async def test_cancelling_ends_the_checking_process() -> None:
    schema, answer = BOMBS["pattern"]
    before = _children()
    task = asyncio.create_task(check_answer(answer, schema))
    while _children() == before:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _children() == before


async def test_checks_run_beside_each_other() -> None:
    results = await asyncio.gather(*(check_answer(f"[{n}]", {"items": {"type": "integer"}}) for n in range(4)))
    assert [checked.data for checked in results] == [[0], [1], [2], [3]]


@pytest.mark.skipif(sys.platform == "win32", reason="processor limits are a POSIX facility")
def test_a_checking_process_left_alone_limits_its_own_processor_time() -> None:
    code = (
        "import resource as r, llmdesk.schema_check.worker as w; w._bound_itself(); print(r.getrlimit(r.RLIMIT_CPU)[0])"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(told.stdout) <= 15


async def test_the_checking_process_is_given_nothing_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spy = tmp_path / "python"
    seen = tmp_path / "seen"
    spy.write_text(f'#!/bin/sh\nexport -p > "{seen}"\nexec "{sys.executable}" "$@"\n')
    spy.chmod(0o700)
    monkeypatch.setenv("OLLAMA_API_KEY", "canary-key-value")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(sys, "executable", str(spy))
    assert (await check_answer("{}", {})).data == {}
    assert "canary" not in seen.read_text()


async def test_a_missing_interpreter_is_told_and_never_passes_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert await _violations("{}") == ("the answer could not be checked: No such file or directory",)


async def test_a_process_that_dies_at_once_never_passes_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert await _violations("{}") == ("the answer could not be checked: the checking process did not start",)


# --- nothing is fetched -------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


async def test_a_remote_reference_is_never_fetched(listener: socket.socket, tmp_path: Path) -> None:
    local = tmp_path / "schema.json"
    local.write_text("{}")
    port = listener.getsockname()[1]
    for reference in (f"http://127.0.0.1:{port}/schema.json", local.as_uri(), f"//127.0.0.1:{port}/x"):
        schema = {"properties": {"a": {"$ref": reference}}}
        (fault,) = check_schema(schema)
        (violation,) = await _violations('{"a": 1}', schema)
        for line in (fault, violation):
            assert line.startswith("$ref ")
            assert line.endswith("is not part of the schema, and nothing is fetched")
    with contextlib.suppress(BlockingIOError):
        listener.accept()
        pytest.fail("something connected")


# --- schemas that are wrong themselves ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"properties": {"a": {"type": "strin"}}}, "$.properties.a.type fits none of the allowed forms"),
        ({"pattern": "("}, "$.pattern: '(' is not a 'regex'"),
        ({"required": "a"}, "$.required is string, not array"),
        ({"$id": {"a": 1}}, '$["$id"] is object, not string'),
        ({"$schema": {"a": 1}}, '$["$schema"] is object, not string'),
        ({"properties": {"a": {"$id": 5}}}, '$.properties.a["$id"] is integer, not string'),
        ({"$ref": "#/$defs/missing"}, '$ref "#/$defs/missing" is not part of the schema'),
        ({"minimum": object()}, "$: the schema is not JSON: object is not JSON"),
        ([], "$: a schema is an object"),
        (None, "$: a schema is an object"),
    ],
)
def test_a_wrong_schema_is_found_before_anything_is_asked(schema: object, fault: str) -> None:
    (told,) = check_schema(schema)
    assert told.startswith(fault)


def test_a_schema_nested_beyond_reason_is_a_fault() -> None:
    schema: dict[str, object] = {}
    for _ in range(5_000):
        schema = {"not": schema}
    assert check_schema(schema) == ("$: the schema is nested too deeply",)


def test_references_within_the_schema_are_fine() -> None:
    schema = {
        "$id": "https://example.org/tree",
        "$defs": {"node": {"$anchor": "node", "properties": {"next": {"$ref": "#node"}, "$ref": {"type": "string"}}}},
        "properties": {"root": {"$ref": "#/$defs/node"}, "again": {"$ref": "https://example.org/tree"}},
        "enum": [{"$ref": "http://not-a-reference.example/"}],
    }
    assert check_schema(schema) == ()


def test_importing_the_module_loads_no_validator() -> None:
    heavy = "{'jsonschema', 'referencing', 'asyncio'}"
    code = f"import sys, llmdesk.schema_check; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


def _children() -> set[int]:
    """The living and unreaped child processes of this one."""
    listed = subprocess.run(["ps", "-o", "pid=,ppid=,comm=", "-A"], check=True, capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return {int(pid) for pid, parent, name in rows if int(parent) == os.getpid() and not name.startswith("ps")}
