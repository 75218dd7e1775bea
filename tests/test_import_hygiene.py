"""What is imported when, seen in real processes: a light path must stay light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.fault_server import FaultServer

if TYPE_CHECKING:
    from pathlib import Path

PROBE = """
import json, sys
code = None
{work}
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""
RUN = "from llmdesk.__main__ import main\ncode = main({argv!r})"


def modules_after(work: str, **environment: str) -> tuple[object, set[str]]:
    """The top-level and dotted names loaded by a process that does ``work``."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(work=work)],
        capture_output=True, text=True, timeout=60, check=True, env={**os.environ, **environment},
    )  # fmt: skip
    code, names = json.loads(done.stdout.splitlines()[-1])
    return code, set(names)


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


BARE = roots(modules_after("pass")[1])
"""What the interpreter and its site-packages load by themselves."""


def foreign(names: set[str]) -> set[str]:
    """What is neither ours, nor the standard library's, nor loaded anyway."""
    return {root for root in roots(names) if root not in sys.stdlib_module_names} - BARE - {"llmdesk", "__main__"}


def test_importing_the_package_loads_only_the_standard_library() -> None:
    _, names = modules_after("import llmdesk")
    assert foreign(names) == set()
    assert [name for name in names if name.startswith("llmdesk.")] == []


@pytest.mark.parametrize("argv", [["version"], ["--help"], ["exec", "--help"], ["version", "--json"]])
def test_version_and_help_load_no_screen_no_network_and_no_adapter(argv: list[str]) -> None:
    code, names = modules_after(RUN.format(argv=argv))
    assert code == 0
    assert not foreign(names) & {"textual", "rich", "httpx", "ollama", "pydantic", "ruamel", "structlog", "jsonschema"}
    assert [name for name in names if name.startswith("llmdesk.providers.")] == []


def test_asking_loads_neither_the_screen_nor_what_only_a_file_or_a_program_needs(tmp_path: Path) -> None:
    with FaultServer.in_thread() as server:
        code, names = modules_after(
            RUN.format(argv=["exec", "hello"]), LLMDESK_HOME=str(tmp_path), OLLAMA_HOST=server.url
        )
        assert server.count("/api/chat") == 1
    assert code == 0
    assert "httpx" in names
    assert not foreign(names) & {"textual", "ollama", "ruamel", "jsonschema"}  # rich comes with httpx's own program


def test_asking_keeps_the_adapter_that_is_not_needed_away() -> None:
    _, names = modules_after("import llmdesk.wiring")
    assert [name for name in names if name.startswith("llmdesk.providers.")] in ([], ["llmdesk.providers.base"])
    assert not foreign(names) & {"httpx", "ollama", "textual", "ruamel", "structlog", "jsonschema", "tenacity"}
    assert "sqlite3" not in names


def test_the_screen_comes_up_without_what_only_a_request_needs() -> None:
    _, names = modules_after("import llmdesk.tui.app")
    assert not foreign(names) & {"httpx", "pydantic", "ollama", "ruamel", "jsonschema"}
    assert not names & {"sqlite3", "markdown_it"}


@pytest.mark.parametrize("name", ["Desk", "OllamaClient", "LLMConfig", "load_config", "LLMUnavailableError"])
def test_the_names_of_the_package_are_loaded_when_they_are_asked_for(name: str) -> None:
    _, names = modules_after(f"import llmdesk\nllmdesk.{name}\nassert '{name}' in dir(llmdesk)")
    assert "textual" not in names
