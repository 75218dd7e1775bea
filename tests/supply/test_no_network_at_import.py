"""Importing llmdesk, or asking it what it is, opens no socket and looks up no name: any attempt ends the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.exec_world import exec_world

ROOT = Path(__file__).resolve().parents[2]

NO_NETWORK = """
import os, sys

def refuse(event, arguments):
    if event.startswith("socket.") and event not in ("socket.gethostname", "socket.__new__", "socket.bind"):
        os.write(2, f"network: {event} {arguments!r}\\n".encode())
        os._exit(99)

sys.addaudithook(refuse)
"""
"""A socket alone, or bound, talks to nobody: event loops make a pair, and a library looks whether there is IPv6."""

EVERYTHING = """
import importlib, pkgutil, llmdesk

names = [found.name for found in pkgutil.walk_packages(llmdesk.__path__, "llmdesk.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
COMMAND = "from llmdesk.__main__ import main\nsys.exit(main({words!r}))"
SPEAKING = """
import socket
{what}
"""


def isolated(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    environment = {**exec_world(folder / "home").environment, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", NO_NETWORK + code], env=environment, capture_output=True, text=True, timeout=120,
        check=False, cwd=folder,
    )  # fmt: skip


def test_importing_every_module_talks_to_nobody(tmp_path: Path) -> None:
    done = isolated(tmp_path, EVERYTHING)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) > 300


@pytest.mark.parametrize(
    "words",
    [["--help"], ["version"], ["config", "show"], ["config", "schema"], ["config", "validate"],
     ["config", "init", "--yes"], ["lanes"], ["stats"], ["outbox", "list"]],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_asks_nobody_talks_to_nobody(tmp_path: Path, words: list[str]) -> None:
    done = isolated(tmp_path, COMMAND.format(words=words))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "what",
    [
        "socket.getaddrinfo('localhost', 80)",
        "socket.socket().connect(('127.0.0.1', 9))",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    ],
)
def test_whoever_talks_is_noticed(tmp_path: Path, what: str) -> None:
    assert isolated(tmp_path, SPEAKING.format(what=what)).returncode == 99
