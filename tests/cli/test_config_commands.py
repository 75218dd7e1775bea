"""``llmdesk config``: with real files, good and bad."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support.cli_run import run_cli

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli_run import Ran


def config(home: Path, *argv: str, **env: str) -> Ran:
    return run_cli(["config", *argv], env={"LLMDESK_HOME": str(home), **env})


def write(home: Path, text: str) -> Path:
    path = home / "config" / "llmdesk.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_init_writes_a_private_file_that_is_valid_and_asks_nothing(tmp_path: Path) -> None:
    ran = config(tmp_path, "init", "--yes")
    path = tmp_path / "config" / "llmdesk.yaml"
    assert (ran.ending, ran.out) == (0, f"{path}\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().count("#") > 3
    assert config(tmp_path, "validate").ending == 0


def test_init_never_overwrites(tmp_path: Path) -> None:
    path = write(tmp_path, "version: 1\n")
    assert config(tmp_path, "init", "--yes").ending == 2
    assert path.read_text() == "version: 1\n"


@pytest.mark.parametrize("name", ["minimal", "full", "local"])
def test_every_example_is_valid(name: str, tmp_path: Path) -> None:
    assert config(tmp_path, "init", "--example", name).ending == 0
    ran = config(tmp_path, "validate")
    assert (ran.ending, ran.out) == (0, "")


def test_an_unknown_example_names_the_known_ones(tmp_path: Path) -> None:
    ran = config(tmp_path, "init", "--example", "huge")
    assert ran.ending == 2
    assert "minimal, full, local" in ran.err


def test_validate_prints_every_fault_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, "version: 1\nlans: {}\nlanes:\n  chat: {targets: [nope/x]}\n")
    ran = config(tmp_path, "validate")
    assert ran.ending == 2
    lines = ran.out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{path}:2:1: ")
    assert "lanes" in lines[0]
    records = config(tmp_path, "validate", "--json").records
    assert [(record["file"], record["line"]) for record in records] == [(str(path), 2), (str(path), 4)]


def test_validate_takes_another_file(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\nx: 1\n")
    assert config(tmp_path, "validate", str(other)).out.startswith(f"{other}:2:1: ")


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    ran = config(tmp_path, "validate")
    assert (ran.ending, ran.out) == (0, "")
    assert "defaults hold" in ran.err


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    assert config(tmp_path, "validate", "--config", str(tmp_path / "none.yaml")).ending == 2


def test_show_masks_secrets(tmp_path: Path) -> None:
    key = "sk-secretsecretsecret"
    write(
        tmp_path, f"version: 1\nproviders:\n  cloud: {{kind: ollama, base_url: https://ollama.com, api_key: {key}}}\n"
    )
    shown = config(tmp_path, "show")
    assert shown.ending == 0
    assert "cloud" in shown.out
    record = config(tmp_path, "show", "--json", LLMDESK_LANE="critic").records[0]
    assert record["default_lane"] == "critic"
    assert "secretsecret" not in shown.out + shown.err + json.dumps(record)


def test_show_with_a_broken_file_prints_its_faults(tmp_path: Path) -> None:
    path = write(tmp_path, "version: 1\nx: 1\n")
    ran = config(tmp_path, "show")
    assert (ran.ending, ran.out) == (2, "")
    assert ran.err.startswith(f"{path}:2:1: ")


def test_path_tells_where_the_file_would_be(tmp_path: Path) -> None:
    path = tmp_path / "config" / "llmdesk.yaml"
    assert config(tmp_path, "path").out == f"{path}\n"
    assert config(tmp_path, "path", "--json").records == [{"path": str(path), "exists": False}]
    named = run_cli(["config", "path", "--config", str(tmp_path / "a.yaml")])
    assert named.out == f"{tmp_path / 'a.yaml'}\n"


def test_schema_is_json_schema(tmp_path: Path) -> None:
    described = json.loads(config(tmp_path, "schema").out)
    assert "providers" in described["properties"]


def test_validate_finds_a_schema_that_no_answer_could_meet(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"type": "strin"}')
    file = tmp_path / "llmdesk.yaml"
    file.write_text("lanes:\n  chat:\n    schema: bad.json\n")
    ran = run_cli(["config", "validate", str(file)])
    assert ran.ending == 2
    assert ran.out.startswith(f"{file}:3:13: lanes.chat.schema: bad.json is not a usable JSON Schema: $.type")
    file.chmod(0o600)
    (tmp_path / "bad.json").write_text('{"type": "string"}')
    assert run_cli(["config", "validate", str(file)]).ending == 0
