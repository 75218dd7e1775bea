"""What is imported when, seen in real processes: a light path must stay light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from llmdesk.providers import KINDS
from tests.support import openai_answers
from tests.support.exec_world import configuration, provider
from tests.support.fault_server import FaultServer

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


CHECKERS = {"jsonschema", "referencing", "rpds"}


def adapters(names: set[str]) -> set[str]:
    """The kinds of providers of which anything is loaded."""
    ours = (name.removeprefix("llmdesk.providers.") for name in names if name.startswith("llmdesk.providers."))
    return {name.partition(".")[0] for name in ours} & set(KINDS)


def test_every_kind_is_kept_apart_from_the_others_by_the_import_contracts() -> None:
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))
    (apart,) = (
        set(contract["modules"])
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["name"] == "adapters do not know each other"
    )
    assert {f"llmdesk.providers.{kind}" for kind in KINDS} <= apart


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
    assert not foreign(names) & CHECKERS
    assert [name for name in names if name.startswith("llmdesk.providers")] == []


def test_asking_loads_neither_the_screen_nor_what_only_a_file_or_a_program_needs(tmp_path: Path) -> None:
    with FaultServer.in_thread() as server:
        code, names = modules_after(
            RUN.format(argv=["exec", "hello"]), LLMDESK_HOME=str(tmp_path), OLLAMA_HOST=server.url
        )
        assert server.count("/api/chat") == 1
    assert code == 0
    assert "httpx" in names
    assert not foreign(names) & {"textual", "ollama", "ruamel", "jsonschema", "rich", "pygments"}


def test_asking_keeps_the_adapter_that_is_not_needed_away() -> None:
    _, names = modules_after("import llmdesk.wiring")
    assert [name for name in names if name.startswith("llmdesk.providers.")] in ([], ["llmdesk.providers.base"])
    assert not foreign(names) & {"httpx", "ollama", "textual", "ruamel", "structlog", "jsonschema", "tenacity"}
    assert "sqlite3" not in names


FIRST_PAINT = """
import asyncio
from llmdesk.core.errors import UsageError
from llmdesk.tui.app import DeskApp

async def open_desk():
    raise UsageError("there is no desk")

def painted():
    global code
    code = sorted(sys.modules)
    app.call_from_thread(app.exit)

app = DeskApp(open_desk, prepare=painted)
asyncio.run(app.run_async(headless=True))
"""


def test_the_first_paint_loads_no_adapter_no_network_and_no_schemas(tmp_path: Path) -> None:
    painted, _ = modules_after(FIRST_PAINT, LLMDESK_HOME=str(tmp_path))
    assert isinstance(painted, list)
    names = set(painted)
    assert "textual" in names
    assert [name for name in names if name.startswith("llmdesk.providers")] == []
    assert not foreign(names) & {"httpx", "pydantic", "ollama", "ruamel", *CHECKERS}
    assert "sqlite3" not in names


OPEN_DESK = """
import asyncio, os
from llmdesk.wiring import make_desk

async def run():
    async with make_desk(env=os.environ):
        pass

asyncio.run(run())
"""


def five_kinds(folder: Path, server: FaultServer) -> dict[str, str]:
    """An environment with one provider of each kind, and a lane that asks the one of kind ollama."""
    text = configuration(
        provider("local", server.url),
        provider("team", f"{server.url}/v1", kind="openai"),
        provider("claude", server.url, kind="anthropic", api_key="${THE_KEY}"),
        provider("gemini", server.url, kind="google", api_key="${THE_KEY}"),
        '  tool: {kind: command, command: ["true"]}',
        targets=["local/gemma3:4b", "team/gpt-test", "claude/haiku", "gemini/gemini-2.5-flash", "tool/any"],
    )
    path = folder / "config" / "llmdesk.yaml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return {"LLMDESK_HOME": str(folder), "THE_KEY": "key-of-the-house"}


def test_a_desk_with_every_kind_of_provider_loads_none_of_them_unasked(tmp_path: Path) -> None:
    with FaultServer.in_thread() as server:
        _, names = modules_after(OPEN_DESK, **five_kinds(tmp_path, server))
        assert server.requests == []
    assert adapters(names) == set()
    assert not foreign(names) & {"textual", "httpx", *CHECKERS}


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (["exec", "hello"], {"ollama"}),
        (["exec", "--model", "team/gpt-test", "hello"], {"openai"}),
        (["exec", "--dry-run", "hello"], set()),
        (["lanes"], set()),
    ],
    ids=["the first target", "a named one", "a dry run", "the lanes"],
)
def test_of_every_kind_only_that_which_is_asked_is_loaded(words: list[str], kinds: set[str], tmp_path: Path) -> None:
    with FaultServer.in_thread() as server:
        server.always("/v1/chat/completions", openai_answers.answer("Hello"))
        code, names = modules_after(RUN.format(argv=words), **five_kinds(tmp_path, server))
    assert code == 0
    assert adapters(names) == kinds
    assert not foreign(names) & {"textual", "ollama", *CHECKERS}


def test_the_screen_comes_up_without_what_only_a_request_needs() -> None:
    _, names = modules_after("import llmdesk.tui.app")
    assert not foreign(names) & {"httpx", "pydantic", "ollama", "ruamel", "jsonschema"}
    assert not names & {"sqlite3", "markdown_it"}


@pytest.mark.parametrize("name", ["Desk", "OllamaClient", "LLMConfig", "load_config", "LLMUnavailableError"])
def test_the_names_of_the_package_are_loaded_when_they_are_asked_for(name: str) -> None:
    _, names = modules_after(f"import llmdesk\nllmdesk.{name}\nassert '{name}' in dir(llmdesk)")
    assert "textual" not in names
