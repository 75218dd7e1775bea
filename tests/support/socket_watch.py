"""Writes down every address that a process and its Python children would send a byte to, and every program they start.

An audit hook sees what the interpreter is about to do, before it is done: connections, datagrams, look-ups of names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HOOK = """
import json, os, sys

_FILE = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
_ADDRESSES = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")
_NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
_PROGRAMS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.spawn")

def _hear(event, arguments):
    if event in _ADDRESSES:
        told = arguments[1]
    elif event in _NAMES or event in _PROGRAMS:
        told = arguments[0]
    else:
        return
    if isinstance(told, bytes):
        told = told.decode("utf-8", "replace")
    os.write(_FILE, (json.dumps([event, told], default=str) + "\\n").encode())

sys.addaudithook(_hear)
"""
_HERE = (None, "", "localhost", "127.0.0.1", "::1")


class SocketWatch:
    """What the processes of a test are about to send, and to whom.

    Args:
        folder: an empty folder for the hook and what it writes.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._log = folder / "heard.jsonl"
        (folder / "sitecustomize.py").write_text(_HOOK.format(log=str(self._log)))
        self.environment = {"PYTHONPATH": str(folder)}

    def heard(self) -> list[tuple[str, object]]:
        """Every event, in its order."""
        if not self._log.exists():
            return []
        return [(event, told) for event, told in map(json.loads, self._log.read_text().splitlines())]

    def outside(self) -> list[tuple[str, object]]:
        """Connections, datagrams and look-ups that are not of this machine."""
        return [(event, told) for event, told in self.heard() if event.startswith("socket.") and not _here(told)]

    def programs(self) -> list[str]:
        """The programs that were started."""
        return [str(told) for event, told in self.heard() if not event.startswith("socket.")]


def _here(told: object) -> bool:
    host = told[0] if isinstance(told, list) else told
    return host in _HERE or str(host).startswith("/")  # a socket of this machine's file system
