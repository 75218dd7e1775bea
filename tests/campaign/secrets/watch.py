"""Writes down to whom a running llmdesk is about to send, and every child it starts with its whole environment.

An audit hook in the program's own process sees both before they happen; nothing of the product takes part in it. It can
also break the program on purpose, at the n-th event of a kind, with an error that quotes whatever it is told to quote.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_HOOK = """
import json, os, sys

_FILE = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
_ADDRESSES = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")
_NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
_EVENT, _, _COUNT = os.environ.pop("CAMPAIGN_BREAKS", "").partition("#")
_LEFT = [int(_COUNT or 0)]
_WORDS = os.environ.pop("CAMPAIGN_QUOTES", "")
_HERE = os.getpid()

def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

def _hear(event, arguments):
    told = None
    if event in _ADDRESSES:
        told = {{"address": arguments[1]}}
    elif event in _NAMES:
        told = {{"address": arguments[0]}}
    elif event == "subprocess.Popen":
        _, argv, _, env = arguments
        told = {{"argv": argv, "env": os.environ if env is None else env}}
    elif event in ("os.posix_spawn", "os.exec"):
        told = {{"argv": arguments[1], "env": arguments[2] or os.environ}}
    elif event in ("os.system", "os.spawn", "os.startfile"):
        told = {{"argv": [arguments[0]], "env": os.environ}}
    if told is not None and "argv" in told:
        argv = [told["argv"]] if isinstance(told["argv"], (str, bytes)) else told["argv"]
        told = {{"argv": [_text(each) for each in argv], "env": {{_text(k): _text(v) for k, v in told["env"].items()}}}}
    if told is not None:
        os.write(_FILE, (json.dumps([event, told], default=_text) + "\\n").encode())
    if event == _EVENT and os.getpid() == _HERE and _LEFT[0] > 0:
        _LEFT[0] -= 1
        if _LEFT[0] == 0:
            raise RuntimeError("broken on purpose: " + _WORDS)

sys.addaudithook(_hear)
"""

_HERE = (None, "", "localhost", "127.0.0.1", "::1", "::", "0.0.0.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A program that was started: the words of its command line, its environment."""

    argv: tuple[str, ...]
    env: dict[str, str]


class Watch:
    """What the processes of a round do; hand them ``environment``.

    Args:
        folder: an empty folder, for the hook and what it writes.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._log = folder / "heard.jsonl"
        (folder / "sitecustomize.py").write_text(_HOOK.format(log=str(self._log)))
        self.environment = {"PYTHONPATH": str(folder)}

    def _heard(self) -> list[tuple[str, dict[str, Any]]]:
        if not self._log.exists():
            return []
        return [(event, told) for event, told in map(json.loads, self._log.read_text().splitlines())]

    @property
    def events(self) -> int:
        """How much was heard; 0 means that the hook was not there."""
        return len(self._heard())

    def outside(self) -> list[str]:
        """Connections, datagrams and look-ups that are not of this machine."""
        found = []
        for event, told in self._heard():
            if event.startswith("socket."):
                address = told["address"]
                host = address[0] if isinstance(address, list) else address
                if host not in _HERE and not str(host).startswith("/"):
                    found.append(f"{event} {host}")
        return found

    def addresses(self) -> set[tuple[str, int]]:
        """Where connections went."""
        return {
            (str(told["address"][0]), int(told["address"][1]))
            for event, told in self._heard()
            if event == "socket.connect" and isinstance(told["address"], list)
        }

    def children(self) -> list[Child]:
        """The programs that were started, in order."""
        return [Child(argv=tuple(told["argv"]), env=dict(told["env"])) for _, told in self._heard() if "argv" in told]
