"""What a command imports, seen in real processes: completion and ``--help`` run the program at every key press."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llmdesk.providers import KINDS
from tests.support.desk_world import CLOUD
from tests.support.reported import TODAY, Books, a_world, done

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "asyncio", "httpx", "httpcore", "ollama", "pydantic", "textual", "rich", "ruamel", "sqlite3", "structlog",
    "jsonschema", "tenacity", "platformdirs", "filelock", "pygments", "markdown_it", "ssl", "socket",
}  # fmt: skip
OURS_BEHIND = ("llmdesk.desk", "llmdesk.wiring", "llmdesk.router", "llmdesk.providers", "llmdesk.storage",
               "llmdesk.config", "llmdesk.tui", "llmdesk.demo", "llmdesk.client")  # fmt: skip

PROBE = """
import json, sys
from llmdesk.__main__ import main
code = main({argv!r})
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def modules_after(argv: list[str], typed: str = "") -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(argv=argv)],
        capture_output=True, text=True, timeout=60, check=True, input=typed,
    )  # fmt: skip
    code, names = json.loads(done.stdout.splitlines()[-1])
    return code, set(names)


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["version"], 0),
        (["version", "--json"], 0),
        (["--help"], 0),
        (["exec", "--help"], 0),
        (["outbox", "--help"], 0),
        (["models", "pull", "--help"], 0),
        (["stats", "--help"], 0),
        (["metrics", "summary", "--help"], 0),
        (["metrics", "summary", "--by", "weather"], 2),
        (["stats", "--json", "--format", "csv"], 2),
        (["config", "--help"], 0),
        (["exec", ""], 2),
        (["exec", "x", "--params", "temprature=1"], 2),
        (["nonsense"], 2),
    ],
)
def test_what_needs_no_desk_imports_nothing_heavy(argv: list[str], code: int) -> None:
    ended, names = modules_after(argv)
    assert ended == code
    assert not HEAVY & names
    assert not [name for name in names if name.startswith(OURS_BEHIND)]


ONLY_FOR_OTHERS = {
    "httpx", "httpcore", "ollama", "textual", "rich", "jsonschema", "genai_prices", "pandas", "opentelemetry",
    "keyring", "structlog", "pygments", "markdown_it",
}  # fmt: skip


@pytest.mark.parametrize(
    "argv",
    [
        ["stats"],
        ["stats", "--by", "day", "--format", "csv"],
        ["metrics", "summary"],
        ["metrics", "export"],
        ["budgets"],
        ["failovers", "--format", "json"],
    ],
)
def test_a_report_imports_nothing_that_only_asking_or_the_screen_needs(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_world(tmp_path / "home")
    Books(world).book(done(TODAY, CLOUD), lane="codegen")
    monkeypatch.setenv("LLMDESK_HOME", str(tmp_path / "home"))
    ended, names = modules_after(argv)
    assert ended == 0
    assert not ONLY_FOR_OTHERS & names
    adapters = {f"llmdesk.providers.{kind}" for kind in (*KINDS, "http")}
    assert not [name for name in names if name.startswith((*adapters, "llmdesk.tui", "llmdesk.demo"))]


def test_help_of_the_root_imports_no_command() -> None:
    _, names = modules_after(["--help"])
    assert not [name for name in names if name.startswith("llmdesk.cli.commands.")]


def test_a_command_imports_only_its_own_module() -> None:
    _, names = modules_after(["version"])
    assert [n for n in names if n.startswith("llmdesk.cli.commands.")] == ["llmdesk.cli.commands.version"]


def test_a_conversation_in_lines_loads_no_parser_not_even_for_its_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMDESK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    ended, names = modules_after([], "/help\n/conversations\n")
    assert ended == 0
    assert "llmdesk.cli.linear.commands" in names
    assert not [name for name in names if name == "click" or name.startswith("llmdesk.cli.commands")]


def test_importing_the_package_imports_only_the_standard_library() -> None:
    code = "import sys, llmdesk; print([n for n in sys.modules if n.startswith('llmdesk.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_completion_offers_commands_and_options() -> None:
    env_words = {"COMP_WORDS": "llmdesk out", "COMP_CWORD": "1", "_LLMDESK_COMPLETE": "bash_complete"}
    import os

    done = subprocess.run(
        [sys.executable, "-m", "llmdesk"],
        capture_output=True, text=True, timeout=60, check=True, env={**os.environ, **env_words},
    )  # fmt: skip
    assert done.stdout.strip() == "plain,outbox"
