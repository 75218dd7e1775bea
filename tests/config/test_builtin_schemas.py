"""The schemas that come with llmdesk: in the package, strict, and what they let through."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.config.builtin_schemas import NAMES, PREFIX, builtin_schema
from llmdesk.config.loader import load_settings
from llmdesk.core.errors import ConfigurationError, UsageError
from llmdesk.schema_check import check_answer, check_schema
from llmdesk.schema_check.validation import violations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmdesk.core.types import Json

LOOKAROUND = ("(?=", "(?!", "(?<", "(?:")


def objects(schema: object) -> Iterator[Json]:
    """Every object schema below ``schema``."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for inner in schema.values():
            yield from objects(inner)


def module(path: str) -> str:
    return json.dumps({"files": [{"path": path, "content": "x = 1\n"}], "notes": ""})


@pytest.mark.parametrize("name", NAMES)
def test_each_is_data_of_the_package_and_usable(name: str) -> None:
    assert files("llmdesk.config").joinpath("schemas", f"{name}.json").is_file()
    assert check_schema(builtin_schema(name)) == ()
    assert builtin_schema(PREFIX + name) == builtin_schema(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_strict_modes_of_vendors_take_each(name: str) -> None:
    schema = builtin_schema(name)
    found = list(objects(schema))
    assert found
    for each in found:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])  # type: ignore[call-overload]
    assert not any(mark in json.dumps(schema) for mark in (*LOOKAROUND, "$ref"))


@pytest.mark.parametrize(
    "path", ["a.py", "src/pkg/mod_1.py", ".github/workflows/ci.yml", "a b/c+d@2.txt", "routes/[slug].ts", "é/ü.py"]
)
async def test_files_of_a_project_are_let_through(path: str) -> None:
    assert (await check_answer(module(path), builtin_schema("codegen"))).violations == ()


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "..", "../a", "a/../../b", "a/..", "a\\b", "..\\a", "C:/a", "C:a", "//host/a", "a//b", "./a",
     "a/.", "a/", "~/a", "~", ".. /a", "a.py\n", "a\x00.py", "a\n/b"],
)  # fmt: skip
def test_a_path_that_leaves_the_project_is_refused(path: str) -> None:
    (told,) = violations(module(path), dict(builtin_schema("codegen")))  # type: ignore[arg-type]
    assert told.startswith(f"$.files[0].path is {json.dumps(path)}, which its pattern refuses: ")


@given(st.text(alphabet="ab./\\~: \n", max_size=8))
def test_whatever_is_let_through_stays_below_its_folder_on_every_system(path: str) -> None:
    from pathlib import PurePosixPath, PureWindowsPath

    if violations(module(path), dict(builtin_schema("codegen"))):  # type: ignore[arg-type]
        return
    for kind in (PurePosixPath, PureWindowsPath):
        read = kind(path)
        assert not read.is_absolute()
        assert not read.drive
        assert ".." not in {part.rstrip(". ") or part.replace(" ", "") for part in read.parts}
        assert ".." not in read.parts
        assert read.as_posix() == path


def test_no_other_key_and_no_missing_one() -> None:
    schema = dict(builtin_schema("codegen"))
    assert violations('{"files": []}', schema) == ("$.notes is missing",)  # type: ignore[arg-type]
    assert violations('{"files": [], "notes": "", "more": 1}', schema)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "met"),
    [
        ({"pass": True, "issues": [], "confidence": 1, "escalate": False}, True),
        ({"pass": False, "issues": ["a", "b", "c"], "confidence": 0.25, "escalate": True}, True),
        ({"pass": False, "issues": ["a", "b", "c", "d"], "confidence": 0.25, "escalate": True}, False),
        ({"pass": True, "issues": [], "confidence": 1.01, "escalate": False}, False),
        ({"pass": "yes", "issues": [], "confidence": 1, "escalate": False}, False),
        ({"pass": True, "issues": [], "confidence": 1}, False),
    ],
)
def test_a_verdict_has_exactly_its_four_keys_in_range(verdict: dict[str, object], met: bool) -> None:
    assert (violations(json.dumps(verdict), dict(builtin_schema("verdict"))) == ()) is met  # type: ignore[arg-type]


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"there is no schema 'builtin:codgen'; did you mean 'codegen'\?"):
        builtin_schema("builtin:codgen")


def write(folder: Path, schema: str) -> Path:
    file = folder / "llmdesk.yaml"
    file.write_text(f"lanes:\n  codegen: {{targets: [local/largest], schema: '{schema}'}}\n")
    return file


def test_a_lane_names_one(tmp_path: Path) -> None:
    loaded = load_settings(write(tmp_path, "builtin:codegen"), {})
    assert loaded.schemas == {"codegen": builtin_schema("codegen")}


def test_a_lane_that_names_none_is_a_fault_at_its_place(tmp_path: Path) -> None:
    file = write(tmp_path, "builtin:verdikt")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, {})
    (fault,) = caught.value.faults
    assert fault.startswith(f"{file}:2:")
    assert fault.endswith("lanes.codegen.schema: there is no schema 'builtin:verdikt'; did you mean 'verdict'?")
