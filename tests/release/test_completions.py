"""Completion as a user has it: the tabulator is pressed in a real bash, zsh and fish, each in a pseudo-terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import REPOSITORY, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = Path(sysconfig.get_path("scripts"))
PROMPT = "ready> "
LIMIT_S = 60.0
"""A press of the tabulator starts an interpreter."""

CONFIGURATION = """\
version: 1
lanes:
  haiku: {targets: [local/largest]}
agents: {archivist: {lane: haiku}}
"""

NEW_ENOUGH = "((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404))"

BEGIN = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
LOAD = {
    "bash": 'eval "$(_LLMDESK_COMPLETE=bash_source llmdesk)"',
    "zsh": 'autoload -Uz compinit && compinit -u -D && eval "$(_LLMDESK_COMPLETE=zsh_source llmdesk)"',
    "fish": "_LLMDESK_COMPLETE=fish_source llmdesk | source",
}
PROMPTS = {
    "bash": f"PS1='{PROMPT}'; bind 'set enable-bracketed-paste off'",
    "zsh": f"PROMPT='{PROMPT}'; unsetopt prompt_sp",
    "fish": f"function fish_prompt; printf '{PROMPT}'; end",
}


@contextmanager
def shell(name: str, folder: Path, *, load: str = "") -> Iterator[Terminal]:
    """A shell that has loaded the completion, with a clear screen."""
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name} here")
    if name == "bash" and subprocess.run(["bash", "-c", NEW_ENOUGH], check=False).returncode != 0:
        pytest.skip("the bash here is older than 4.4, which cannot complete")
    config = folder / "home" / "config"
    config.mkdir(parents=True)
    (config / "llmdesk.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "a_task_to_do.md").write_text("Say hello.", encoding="utf-8")
    env = {
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "TERM": "xterm",
        "LC_ALL": "C.UTF-8", "LLMDESK_HOME": str(folder / "home"),
    }  # fmt: skip
    terminal = Terminal(BEGIN[name], env=env, rows=40, columns=110)
    try:
        steps = (PROMPTS[name], f"cd '{folder}'", load or LOAD[name], "clear", "echo loa''ded")
        for step in steps:
            terminal.send(f"{step}\r")
        terminal.wait_for(rf"loaded\s+{PROMPT.strip()}\s*$", LIMIT_S)
        yield terminal
    finally:
        terminal.close()


each_shell = pytest.mark.parametrize("name", ["bash", "zsh", "fish"])


@pytest.mark.skipif(not (SCRIPTS / "llmdesk").exists(), reason="llmdesk is not installed as a program here")
class TestInAShell:
    """What stands in the line after the tabulator."""

    @each_shell
    def test_a_command_is_completed(self, name: str, tmp_path: Path) -> None:
        with shell(name, tmp_path) as terminal:
            terminal.send("llmdesk versi\t")
            terminal.wait_for(rf"{PROMPT}llmdesk version", LIMIT_S)

    @each_shell
    def test_several_are_listed(self, name: str, tmp_path: Path) -> None:
        with shell(name, tmp_path) as terminal:
            terminal.send("llmdesk conversations s\t\t")
            terminal.wait_until(lambda text: "show" in text and "search" in text, "both commands", LIMIT_S)

    @each_shell
    def test_an_option_is_completed(self, name: str, tmp_path: Path) -> None:
        with shell(name, tmp_path) as terminal:
            terminal.send("llmdesk exec --dry\t")
            terminal.wait_for(rf"{PROMPT}llmdesk exec --dry-run", LIMIT_S)

    @each_shell
    def test_a_lane_of_the_configuration_is_completed(self, name: str, tmp_path: Path) -> None:
        with shell(name, tmp_path) as terminal:
            terminal.send("llmdesk exec --lane hai\t")
            terminal.wait_for(rf"{PROMPT}llmdesk exec --lane haiku", LIMIT_S)

    @each_shell
    def test_files_are_left_to_the_shell(self, name: str, tmp_path: Path) -> None:
        with shell(name, tmp_path) as terminal:
            terminal.send("llmdesk check --task a_ta\t")
            terminal.wait_for(rf"{PROMPT}llmdesk check --task a_task_to_do\.md", LIMIT_S)


def offered(folder: Path, *words: str, config: str = CONFIGURATION) -> list[str]:
    """What is offered for the last word, by a real process that is asked as bash asks; nothing else is said."""
    place = folder / "config"
    place.mkdir(parents=True, exist_ok=True)
    (place / "llmdesk.yaml").write_text(config, encoding="utf-8")
    env = {
        "LLMDESK_HOME": str(folder), "_LLMDESK_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["llmdesk", *words]), "COMP_CWORD": str(len(words)),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "llmdesk"], env={"PATH": os.environ["PATH"], **env}, cwd=REPOSITORY,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--lane", "hai"), ["haiku"]),
        (("exec", "--agent", "a"), ["archivist"]),
        (("failovers", "--provider", "l"), ["local"]),
        (("models", "list", "c"), ["cloud"]),
        (("--theme", "mid"), ["midnight"]),
    ],
)
def test_names_of_the_user_are_offered(words: tuple[str, ...], names: list[str], tmp_path: Path) -> None:
    assert offered(tmp_path, *words) == names


def test_a_name_that_a_shell_would_read_as_more_is_not_offered(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "themes"
    folder.mkdir(parents=True)
    for name in ("own", "two words", "$(touch never)", "a,b", "c\x1b[2J"):
        (folder / f"{name}.yaml").write_text("", encoding="utf-8")
    assert offered(tmp_path, "--theme", "''") == ["ansi16", "contrast", "daylight", "midnight", "own"]


def test_a_faulty_configuration_offers_nothing_and_says_nothing(tmp_path: Path) -> None:
    assert offered(tmp_path, "exec", "--lane", "ha", config="version: 7\nlans: {}\n") == []


def test_the_configuration_that_is_named_before_counts(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\nlanes: {elsewhere: {targets: [local/largest]}}\n", encoding="utf-8")
    assert offered(tmp_path, "exec", "--config", str(other), "--lane", "else") == ["elsewhere"]


def test_offering_a_name_runs_no_command_for_a_key(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    config = f'version: 1\nproviders: {{cloud: {{kind: ollama, api_key: "$(touch {mark})"}}}}\n'
    assert "chat" in offered(tmp_path, "exec", "--lane", "ch", config=config)
    assert not mark.exists()
