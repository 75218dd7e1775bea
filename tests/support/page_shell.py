"""A shell for what the pages show: bash, where ``llmdesk`` is the real program, forked from one that has imported it.

A page runs dozens of commands, and three quarters of what each costs would be importing. ``llmdesk`` on the ``PATH`` of
this shell is a few lines that hand their streams, words, folder and environment to a process which forks; the fork is
llmdesk, with an exit code of its own. ``python -m tests.support.page_shell SOCKET`` is what it is forked from.
"""

from __future__ import annotations

import array
import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60

_PROGRAM = """\
#!{python} -IS
import array, json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
told = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
line.sendmsg([len(told).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
line.sendall(told)
sys.exit(line.recv(1)[0])
"""

_AS_LEFT = """\
if [ -e '{left}' ]; then . '{left}'; fi
{block}
{{ export -p; printf "cd '%s'\\n" "$PWD"; }} > '{left}'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a block of a page did: its exit code, and what stood in the terminal, both streams as they came."""

    code: int
    text: str

    def lacks(self, shown: str) -> list[str]:
        """The lines of what a page shows that are not there, in this order; ``…`` stands for anything."""
        lines = iter(self.text.splitlines())
        wanted = [line for line in shown.splitlines() if line.strip(" …")]
        return [each for each in wanted if not any(_pattern(each).fullmatch(_plain(line)) for line in lines)]


def _plain(line: str) -> str:
    return " ".join(line.split())


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\s*…\s*", _plain(line))))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShell:
    """A folder to work in, a home of its own, and an environment that knows nothing of the surrounding one."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def configuration(self) -> Path:
        """Where llmdesk looks for its file."""
        return Path(self.environment["LLMDESK_HOME"]) / "config" / "llmdesk.yaml"

    def configure(self, text: str) -> None:
        """Write that file."""
        self.configuration.parent.mkdir(parents=True, exist_ok=True)
        self.configuration.write_text(text, encoding="utf-8")
        self.configuration.chmod(0o600)

    def run(self, block: str) -> Said:
        """Run a block, where and with what the one before has left; the first command that fails ends it."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", _AS_LEFT.format(block=block, left=self.folder.parent / "left")],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
            check=False,
        )
        return Said(code=done.returncode, text=done.stdout.decode())


@contextmanager
def forking(folder: Path) -> Iterator[Path]:
    """Start what is forked from; yields a folder for the ``PATH`` that holds ``llmdesk``."""
    address = str(folder / "socket")
    program = folder / "bin" / "llmdesk"
    program.parent.mkdir()
    program.write_text(_PROGRAM.format(python=sys.executable, address=address), encoding="utf-8")
    program.chmod(0o700)
    parent = subprocess.Popen(
        [sys.executable, "-m", __name__, address], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        yield program.parent
    finally:
        parent.terminate()
        parent.communicate()


def page_shell(folder: Path, programs: Path, **environment: str) -> PageShell:
    """A shell below ``folder``."""
    work, home = folder / "work", folder / "home"
    work.mkdir()
    home.mkdir(mode=0o700)
    usual = {"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(home), "TERM": "xterm"}
    return PageShell(folder=work, environment={**usual, "LLMDESK_HOME": str(folder / "llmdesk"), **environment})


# --- what is forked from ---------------------------------------------------------------------------------------------


def main() -> None:
    """Import everything, then fork for each that asks; several may run at once."""
    import gc
    import runpy

    from tests.support.warm_start import _import_everything

    _import_everything()
    gc.freeze()
    door = socket.socket(socket.AF_UNIX)
    door.bind(sys.argv[1])
    door.listen(16)
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        line = door.accept()[0]
        if os.fork() == 0:
            door.close()
            _become(line)
            break
        line.close()
    runpy.run_module("llmdesk", run_name="__main__", alter_sys=True)


def _reap(_number: int, _frame: object) -> None:
    """Let those go that have waited for a fork; their time counts as the parent's."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become(line: socket.socket) -> None:
    """In one fork: wait for the other and tell its exit code. In the other: be what was asked for."""
    head, given, _, _ = line.recvmsg(8, socket.CMSG_SPACE(3 * 4))
    streams = array.array("i", given[0][2])
    told = b""
    while len(told) < int.from_bytes(head, "big"):
        told += line.recv(1 << 16)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if child := os.fork():
        for stream in streams:
            os.close(stream)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        line.sendall(bytes([code if code >= 0 else 128 - code]))
        os._exit(0)
    line.close()
    words, environment, folder = json.loads(told)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[1:] = words


if __name__ == "__main__":
    main()
