"""What each command imports, counted in real processes: a command that has grown heavier by accident fails here.

The figures stand in ``imports.toml``. ``WRITE_COUNTS=1 pytest tests/counts/test_imports.py`` writes them anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.cli.main import COMMANDS
from tests.support import ollama_answers
from tests.support.exec_world import CLEAN, configuration, exec_world, provider
from tests.support.fault_server import FaultServer
from tests.support.terminal import REPOSITORY, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIGURES = Path(__file__).with_name("imports.toml")

HEAD = f"""\
# What each command of llmdesk imports, as tests/{FIGURES.parent.name}/test_imports.py has counted it. Written by
#     WRITE_COUNTS=1 pytest tests/counts/test_imports.py
# own, foreign, standard: modules of llmdesk, of other packages, of Python. packages: parts of llmdesk. roots: other
# packages. heavy: those of Python's that cost milliseconds. A few modules more are let pass, a new name is not; nor
# are many fewer, so that what was gained stays gained.
"""

SLACK = {"own": 3, "foreign": 3, "standard": 30}
"""How many modules more than written are let pass. Python's own differ from one version to the next."""

HEAVY = frozenset({
    "asyncio", "concurrent", "ctypes", "curses", "doctest", "email", "http", "logging", "multiprocessing", "pdb",
    "pydoc", "sqlite3", "ssl", "subprocess", "tkinter", "tomllib", "unittest", "urllib", "xml", "zoneinfo",
})  # fmt: skip
"""Packages of the standard library whose coming is told by name."""

LIGHTER = 0.85
"""Below this share of what is written, a command has become so much lighter that it is to be written down."""

PLATFORM = re.compile(r"_sysconfigdata_|_?cython_|.*__mypyc$")
"""Modules beside the packages: the build of this Python, and what compiled packages keep their code in."""

PROBE = """
import sys
before = set(sys.modules)
import atexit, json
def write():
    names = sorted(set(sys.modules) - before)
    with open({out!r}, "w") as file:
        json.dump([code, names], file)
atexit.register(write)
from llmdesk.__main__ import main
code = main({argv!r})
"""
"""Looks when everything else is over: a log is written by a thread that the end of the process waits for."""

VERDICT = json.dumps({"pass": True, "issues": [], "confidence": 1, "escalate": False})
"""An answer that serves whoever asks, a critic too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """What a process has imported, as ``imports.toml`` has it."""

    own: int
    foreign: int
    standard: int
    packages: frozenset[str]
    roots: frozenset[str]
    heavy: frozenset[str]

    @classmethod
    def of(cls, names: list[str]) -> Imports:
        """Sort the names of modules."""
        roots = {name: name.partition(".")[0] for name in names if not PLATFORM.match(name)}
        own = [name for name, root in roots.items() if root == "llmdesk"]
        standard = [name for name, root in roots.items() if root in sys.stdlib_module_names]
        others = {root for root in roots.values() if root not in sys.stdlib_module_names} - {"llmdesk", "__main__"}
        return cls(
            own=len(own),
            foreign=sum(root in others for root in roots.values()),
            standard=len(standard),
            packages=frozenset(name.split(".")[1] for name in own if "." in name),
            roots=frozenset(others),
            heavy=HEAVY.intersection(roots.values()),
        )

    @classmethod
    def written(cls, name: str) -> Imports:
        """What the file says of a command."""
        found = read_figures().get(name)
        assert found is not None, f"{name} is not in {FIGURES.name}; WRITE_COUNTS=1 writes it"
        return cls(
            **{each: found[each] for each in SLACK},
            **{each: frozenset(found[each]) for each in ("packages", "roots", "heavy")},
        )

    def beyond(self, written: Imports) -> list[str]:
        """What has grown, in words."""
        counted = (
            f"{count} modules of kind {kind} instead of {meant}"
            for kind, slack in SLACK.items()
            if (count := getattr(self, kind)) > (meant := getattr(written, kind)) + slack
        )
        named = (
            f"new in {kind}: {', '.join(sorted(new))}"
            for kind in ("packages", "roots", "heavy")
            if (new := getattr(self, kind) - getattr(written, kind))
        )
        return [*counted, *named]

    def below(self, written: Imports) -> list[str]:
        """What has become much less, in words: left as it is written, it could grow again unseen."""
        return [
            f"{count} modules of kind {kind} instead of {meant}"
            for kind in ("own", "foreign")
            if (count := getattr(self, kind)) < (meant := getattr(written, kind)) * LIGHTER
        ]

    def section(self, name: str) -> str:
        """What the file is to say of a command."""
        counts = "".join(f"{kind} = {getattr(self, kind)}\n" for kind in SLACK)
        lists = "".join(
            f"{kind} = {json.dumps(sorted(getattr(self, kind)))}\n" for kind in ("packages", "roots", "heavy")
        )
        return f"\n[{json.dumps(name)}]\n{counts}{lists}"


def read_figures() -> dict[str, dict[str, Any]]:
    return tomllib.loads(FIGURES.read_text()) if FIGURES.exists() else {}


def judge(name: str, found: Imports) -> None:
    """Compare with what is written, or write."""
    if os.environ.get("WRITE_COUNTS"):
        kept = {each: Imports.written(each) for each in read_figures()} | {name: found}
        known = [each for each in (*WORDS, *MOMENTS) if each in kept]
        FIGURES.write_text(HEAD + "".join(kept[each].section(each) for each in known))
        pytest.fail(f"{FIGURES.name} was written; look at the difference.")
    written = Imports.written(name)
    grown = found.beyond(written)
    shrunk = found.below(written) if name in WORDS else []  # while the desk starts, threads import at their own pace
    assert not grown, f"{name}: {'; '.join(grown)}. If this is meant, WRITE_COUNTS=1 writes {FIGURES.name} anew."
    assert not shrunk, f"{name}: {'; '.join(shrunk)}. That is good; WRITE_COUNTS=1 writes it into {FIGURES.name}."


# --- the commands ---

WORDS: dict[str, list[str]] = {
    "version": ["version"],
    "--help": ["--help"],
    "exec --help": ["exec", "--help"],
    "exec": ["exec", "hello"],
    "exec --dry-run": ["exec", "--dry-run", "hello"],
    "exec --demo": ["exec", "--demo", "hello"],
    "--plain": ["--plain"],
    "check": ["check", "--task", "TASK", "--output", "TASK"],
    "outbox list": ["outbox", "list"],
    "failovers": ["failovers"],
    "stats": ["stats"],
    "metrics summary": ["metrics", "summary"],
    "metrics export": ["metrics", "export"],
    "budgets": ["budgets"],
    "providers list": ["providers", "list"],
    "providers check": ["providers", "check"],
    "lanes": ["lanes"],
    "models list": ["models", "list"],
    "conversations list": ["conversations", "list"],
    "conversations search": ["conversations", "search", "hello"],
    "conversations export": ["conversations", "export", "CONVERSATION"],
    "config init": ["--config", "NEW", "config", "init", "--yes"],
    "config validate": ["config", "validate"],
    "config show": ["config", "show"],
    "config path": ["config", "path"],
    "config schema": ["config", "schema"],
    "doctor": ["doctor"],
    "serve": ["serve", "--port", "0"],
}
"""A name of each command, and its words; it is run in a home with a configuration and one answered request."""

MOMENTS = ("the desk: first paint", "the desk: ready", "the desk: at rest")
"""When it is looked at what the desk has imported: something is painted, the lane is there, nothing more comes."""


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer.in_thread() as server:
        server.always("/api/chat", ollama_answers.chat_answer(VERDICT, input_tokens=None))
        yield server


@pytest.fixture(scope="module")
def used_home(server: FaultServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home in which something has been asked once, and the id of that conversation."""
    world = exec_world(tmp_path_factory.mktemp("used") / "home")
    world.configure(configuration(provider("local", server.url), targets=["local/gemma3:4b"]))
    ran = world.run_cold("exec", "hello")
    assert ran.code == 0, ran.err
    with closing(sqlite3.connect(world.database)) as connection:
        ((conversation,),) = connection.execute("SELECT id FROM conversations").fetchall()
    return world.home, conversation


@pytest.fixture
def home(used_home: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of it, for one process."""
    shutil.copytree(used_home[0], tmp_path / "home")
    return tmp_path / "home"


def run(argv: list[str], home: Path, out: Path) -> list[str]:
    """Let a process do a command; the modules it has imported."""
    with subprocess.Popen(
        [sys.executable, "-c", PROBE.format(argv=argv, out=str(out))],
        cwd=REPOSITORY, env={**CLEAN, "LLMDESK_HOME": str(home), "NO_COLOR": "1"}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        if argv[0] == "serve":
            assert process.stdout is not None
            assert "http" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
        _, told = process.communicate("hello\n", timeout=60)
    assert out.exists(), told
    code, names = json.loads(out.read_text())
    assert code == 0, told
    assert isinstance(names, list)
    return names


@pytest.mark.parametrize("name", WORDS)
def test_a_command_imports_no_more_than_it_did(
    name: str, home: Path, used_home: tuple[Path, str], tmp_path: Path
) -> None:
    task = tmp_path / "task.md"
    task.write_text("Say hello.")
    filled = {"CONVERSATION": used_home[1], "NEW": str(tmp_path / "new.yaml"), "TASK": str(task)}
    names = run([filled.get(word, word) for word in WORDS[name]], home, tmp_path / "names.json")
    judge(name, Imports.of(names))


def test_every_command_is_counted() -> None:
    counted = {word for words in WORDS.values() for word in words}
    assert set(COMMANDS) - counted == {"demo"}, "which is the desk, over what exec --demo imports"
    assert set(read_figures()) == {*WORDS, *MOMENTS}


# --- the desk ---

WATCHED = """
import sys
before = set(sys.modules)
import json, os, re, signal
def write(name):
    names = sorted(set(sys.modules) - before)
    with open({folder!r} + "/begun", "w") as file:
        json.dump(names, file)
    os.replace(file.name, {folder!r} + "/" + name)
signal.signal(signal.SIGUSR1, lambda *_: write("now"))
controls = re.compile(r"\\x1b(?:\\[[0-?]*[ -/]*[@-~]|[]P_^].*?(?:\\x07|\\x1b\\\\)|[ -/]*[0-~])", re.DOTALL)
wanted = dict([("painted", r"\\S"), ("ready", r"\\b1 chat\\b")])
from textual.drivers.linux_driver import LinuxDriver
def watched(self, data, take=LinuxDriver.write):
    text = controls.sub("", data)
    for name in [name for name, pattern in wanted.items() if re.search(pattern, text)]:
        del wanted[name]
        write(name)
    take(self, data)
LinuxDriver.write = watched
from llmdesk.__main__ import main
main([])
"""

REST_S = 0.3
"""When nothing has been imported for so long, the desk is at rest, seconds."""


def pumped(terminal: Terminal, holds: Callable[[], bool], what: str, limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come:\n{terminal.text}"
        terminal.pump(0.02)


def names_now(terminal: Terminal, folder: Path) -> list[str]:
    """Ask the process what it has imported by now."""
    told = folder / "now"
    told.unlink(missing_ok=True)
    os.kill(terminal.child.pid, signal.SIGUSR1)
    pumped(terminal, told.exists, "an answer to the signal")
    names = json.loads(told.read_text())
    assert isinstance(names, list)
    return names


def names_at_rest(terminal: Terminal, folder: Path) -> list[str]:
    before: list[str] = []
    while (names := names_now(terminal, folder)) != before:
        before = names
        rest = time.monotonic() + REST_S
        pumped(terminal, lambda rest=rest: time.monotonic() > rest, "a little time")  # type: ignore[misc]
    return names


@pytest.fixture(scope="module")
def desk(
    server: FaultServer, used_home: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """What the desk has imported at each moment of its start in a terminal."""
    folder = tmp_path_factory.mktemp("desk")
    environment = {**CLEAN, "LLMDESK_HOME": str(folder / "home"), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    shutil.copytree(used_home[0], folder / "home")
    terminal = Terminal([sys.executable, "-c", WATCHED.format(folder=str(folder))], env=environment)
    try:
        pumped(terminal, (folder / "ready").exists, "the desk")
        rest = names_at_rest(terminal, folder)
    finally:
        terminal.close()
    painted, ready = (json.loads((folder / moment).read_text()) for moment in ("painted", "ready"))
    return dict(zip(MOMENTS, (painted, ready, rest), strict=True))


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_desk_has_imported_no_more_than_it_had(moment: str, desk: dict[str, list[str]]) -> None:
    judge(moment, Imports.of(desk[moment]))
