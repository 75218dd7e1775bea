"""The workflows and forms for the public: they parse, cover what the package promises, and call what is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GATE = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

WORKFLOWS = sorted((GITHUB / "workflows").iterdir())
YAML_FILES = sorted(path for path in GITHUB.rglob("*") if path.suffix in (".yml", ".yaml"))
PAGES = sorted(GITHUB.rglob("*.md"))

SYSTEMS = {
    "Operating System :: POSIX": "ubuntu-latest",
    "Operating System :: MacOS": "macos-latest",
    "Operating System :: Microsoft :: Windows": "windows-latest",
}
OF_RUNNERS = {"sudo", "apt-get", "test", "cd", "cp", "sha256sum", "gh", "shellcheck", "python3", "uv"}
"""Programs that GitHub's runners have, or that a step before has brought."""

UV = {"build", "lock", "python", "run"}


def load(path: Path) -> dict[str, Any]:
    """A file as YAML 1.2, in which ``on`` is a word; a key that stands there twice is a fault."""
    value = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{path.stem}.{name}", job) for path in WORKFLOWS for name, job in load(path)["jobs"].items()]


def steps() -> list[tuple[str, dict[str, Any]]]:
    return [(name, step) for name, job in jobs() for step in job.get("steps", ())]


def commands() -> list[list[str]]:
    """The words of every command that a step runs, those inside others too."""
    runs = [step["run"] for _, step in steps() if "run" in step]
    runs += [inner for run in runs for inner in re.findall(r"\$\((.*?)\)", run)]
    parts = [part for run in runs for part in re.split(r"&&|\n", re.sub(r"\$\(.*?\)", "INNER", run))]
    return [shlex.split(part.partition(" > ")[0]) for part in parts if part.strip()]


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.name)
def test_a_file_is_yaml_without_doubled_keys(path: Path) -> None:
    assert load(path)


def test_there_are_the_tests_and_the_release() -> None:
    assert [path.name for path in WORKFLOWS] == ["release.yml", "tests.yml"]


def test_every_python_and_every_system_of_the_classifiers_is_tested() -> None:
    matrix = load(GITHUB / "workflows/tests.yml")["jobs"]["tests"]["strategy"]["matrix"]
    classifiers = PROJECT["project"]["classifiers"]
    pythons = [each.rpartition(" ")[2] for each in classifiers if re.search(r"Python :: 3\.\d+$", each)]
    assert matrix["python"] == pythons
    assert pythons[0] == PROJECT["project"]["requires-python"].removeprefix(">=")
    assert matrix["system"] == [SYSTEMS[each] for each in classifiers if each.startswith("Operating System")]


def test_every_program_that_is_called_is_there() -> None:
    called = commands()
    assert len(called) > 20
    assert {words[0] for words in called} <= OF_RUNNERS
    assert {words[1] for words in called if words[0] == "uv"} <= UV


def test_what_is_run_from_the_lock_is_a_tool_of_the_development_group_or_a_task() -> None:
    tools = {re.split(r"[^a-z-]", each)[0] for each in PROJECT["dependency-groups"]["dev"]}
    named = {"lint-imports": "import-linter", "poe": "poethepoet"}
    for words in commands():
        if words[:3] == ["uv", "run", "--locked"]:
            assert named.get(words[3], words[3]) in tools
            if words[3] == "poe":
                assert words[4] in PROJECT["tool"]["poe"]["tasks"]


def test_what_the_checks_run_is_what_the_gate_of_one_machine_runs() -> None:
    checks = {" ".join(words[3:]) for words in commands() if words[:3] == ["uv", "run", "--locked"]}
    assert {"poe site", "pytest tests/scenarios"} <= checks
    checks -= {"poe site", "pytest tests/scenarios"}  # the gate calls these by their paths
    assert checks == {"pytest", "ruff check .", "ruff format --check .", "mypy", "lint-imports --no-logo --no-cache"}
    assert [each for each in checks if not re.search(rf"(?m){re.escape(each)}'?$", GATE)] == []


def test_every_file_of_the_repository_that_is_called_is_there_and_takes_these_options() -> None:
    calls = [words for words in commands() if any(word.startswith((".ci/", "assets/")) for word in words)]
    assert {word for words in calls for word in words if word.startswith(".ci/")} == {
        ".ci/audit", ".ci/installing", ".ci/run", ".ci/standalone",
    }  # fmt: skip
    for words in calls:
        place = next(i for i, word in enumerate(words) if word.startswith((".ci/", "assets/")))
        text = (ROOT / words[place]).read_text(encoding="utf-8")
        assert [word for word in words[place:] if word.startswith("--") and f'"{word}"' not in text] == []


def test_no_job_may_do_more_than_it_must() -> None:
    for path in WORKFLOWS:
        assert load(path)["permissions"] == {}
    may = {name: set(job["permissions"].items()) - {("contents", "read")} for name, job in jobs()}
    assert {name: rights for name, rights in may.items() if rights} == {
        "release.attest": {("id-token", "write"), ("attestations", "write"), ("artifact-metadata", "write")},
        "release.publish": {("id-token", "write")},
        "release.announce": {("contents", "write")},
    }


def test_every_action_is_one_commit_with_its_version_beside_it() -> None:
    lines = [line for path in WORKFLOWS for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    others = [line for line in lines if "uses: ./" not in line]
    assert len(others) > 10
    pinned = {}
    for line in others:
        found = re.fullmatch(r"\s*(?:- )?uses: ([\w-]+/[\w-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
        assert found is not None, line
        assert pinned.setdefault(found[1], found.groups()) == found.groups(), "the same one everywhere"


def test_no_text_of_others_reaches_a_shell_by_a_template() -> None:
    assert [name for name, step in steps() if "${{" in step.get("run", "")] == []


def test_no_key_is_stored_and_none_is_left_in_the_clone() -> None:
    assert not [path.name for path in WORKFLOWS if "secrets." in path.read_text(encoding="utf-8")]
    checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_job_ends_by_itself() -> None:
    assert [name for name, job in jobs() if "timeout-minutes" not in job and "uses" not in job] == []


def test_what_is_published_was_tested_attested_and_built_once() -> None:
    release = load(GITHUB / "workflows/release.yml")["jobs"]
    assert [release[name].get("needs") for name in ("build", "attest", "publish", "announce")] == [
        "tests", "build", "attest", "publish",
    ]  # fmt: skip
    assert release["tests"]["uses"] == "./.github/workflows/tests.yml"
    assert "workflow_call" in load(GITHUB / "workflows/tests.yml")["on"]
    builds = [name for name, step in steps() if "uv build" in step.get("run", "")]
    assert builds == ["release.build"]


def test_updates_are_looked_for_wherever_something_is_locked() -> None:
    told = {(each["package-ecosystem"], each["directory"]) for each in load(GITHUB / "dependabot.yml")["updates"]}
    assert told == {("uv", "/"), ("github-actions", "/"), ("npm", "/tests/outside")}
    assert (ROOT / "uv.lock").exists()
    assert (ROOT / "tests/outside/package-lock.json").exists()


@pytest.mark.parametrize("name", ["bug", "idea"])
def test_a_form_has_what_github_asks_of_one(name: str) -> None:
    form = load(GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml")
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in form["body"]} <= {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    assert len({field["id"] for field in fields}) == len(fields) > 2
    assert all(field["attributes"]["label"] for field in fields)


def test_a_report_goes_to_commands_that_exist() -> None:
    from llmdesk.cli.main import COMMANDS

    text = (GITHUB / "ISSUE_TEMPLATE/bug.yml").read_text(encoding="utf-8")
    assert {"doctor", "demo"} == set(re.findall(r"`llmdesk ([a-z]+)`", text)) <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_contributors_are_given_the_commands_that_are_run() -> None:
    text = (GITHUB / "CONTRIBUTING.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = next(line for line in readme.splitlines() if line.endswith("uv run --locked pytest"))
    assert f"\n{command}\nbash .ci/run\n" in text
    for module in re.findall(r"`python -m ([\w.]+)`", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists()


def test_the_code_of_conduct_names_a_way_to_report() -> None:
    text = (GITHUB / "CODE_OF_CONDUCT.md").read_text(encoding="utf-8")
    assert "INSERT" not in text
    told = "*Security → Report a vulnerability*"
    assert told in " ".join(text.split())
    assert told in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
