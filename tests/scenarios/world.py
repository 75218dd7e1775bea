"""The installed program as its users meet it: a home, servers that stand in for the real ones, commands, a desk.

Nothing here knows the program from inside. It is the executable that ``LLMDESK_PROGRAM`` names, else the one beside the
interpreter of the tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.exec_world import CLEAN, Ran
from tests.support.fault_server import FaultServer, chat_chunk, done_chunk, free_port, line, model_entry
from tests.support.ollama_answers import NDJSON
from tests.support.plays import Play
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import ExitStack

    from tests.support.fault_server import Seen
    from tests.support.plays import Step

PROGRAM = Path(os.environ.get("LLMDESK_PROGRAM") or Path(sys.executable).with_name("llmdesk")).absolute()
"""The program under test; read here, since tests do not see variables of that name."""

LIMIT_S = 120.0
"""How long commands that merely have to end may take, seconds; they take one."""

ROWS, COLUMNS = 44, 160
KEYS = {"alt+1": "\x1b1", "alt+2": "\x1b2", "alt+y": "\x1by", "f6": "\x1b[17~", "f7": "\x1b[18~"}
"""What a terminal sends for a key, as xterm does."""


def pattern(told: str) -> re.Pattern[str]:
    """What a scenario quotes: ``…`` stands for anything in the same line, a space for a break of lines, too."""
    parts = (r"\s+".join(map(re.escape, part.split(" "))) for part in told.split("…"))
    return re.compile("[^\n]*?".join(parts))


def says(text: str, told: str) -> bool:
    """Whether ``text`` holds what a scenario quotes."""
    return pattern(told).search(text) is not None


@dataclass
class Held:
    """An answer of Ollama's that waits in its middle."""

    begins: str
    rest: str = ""
    gate: threading.Event = field(default_factory=threading.Event)

    def steps(self) -> Iterator[Step]:
        """Its pieces, as they may be sent."""
        yield line(chat_chunk(self.begins))
        while not self.gate.is_set():
            yield 0.02
        yield line(chat_chunk(self.rest))
        yield line(done_chunk())

    def go_on(self, rest: str) -> None:
        """Let it end so."""
        self.rest = rest
        self.gate.set()


@dataclass
class World:
    """What one scenario has to itself.

    Attributes:
        folder: all its files are below it.
        unpacked: where a program that unpacks itself does so.
        stack: closes what was started.
        environment: of every process it starts.
        servers: by name, each from when it is first spoken of.
        held: answers that wait in their middle, by the prompt.
        desks: in the order in which they were opened.
        said: what the commands so far have written.
        last: what the last command did.
    """

    folder: Path
    unpacked: Path
    stack: ExitStack
    environment: dict[str, str] = field(default_factory=dict)
    servers: dict[str, FaultServer] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    desks: list[Terminal] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    last: Ran | None = None

    def __post_init__(self) -> None:
        """Make an environment with nothing of the surrounding one, in which nothing answers yet."""
        self.home.mkdir()
        self.tools.mkdir()
        (self.tools / "llmdesk").symlink_to(PROGRAM)
        self.environment |= {
            **CLEAN,
            "PATH": f"{self.tools}:{CLEAN['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "LLMDESK_HOME": str(self.home),
            "LLMDESK_STANDALONE": str(self.unpacked),
            "NO_COLOR": "1",
            "OLLAMA_HOST": f"http://127.0.0.1:{free_port()}",
        }

    # --- files ----------------------------------------------------------------------------------------------------

    @property
    def home(self) -> Path:
        """``LLMDESK_HOME``."""
        return self.folder / "home"

    @property
    def program(self) -> str:
        """The program under test, by the name and from the place that a user would start it."""
        return str(self.tools / "llmdesk")

    @property
    def tools(self) -> Path:
        """A folder on the ``PATH``."""
        return self.folder / "tools"

    @property
    def database(self) -> Path:
        """Requests, conversations, numbers."""
        return self.home / "data" / "llmdesk.db"

    @property
    def state(self) -> Path:
        """Who rests until when."""
        return self.home / "state" / "llm_state.json"

    @property
    def configuration(self) -> Path:
        """The configuration."""
        return self.home / "config" / "llmdesk.yaml"

    @property
    def log(self) -> Path:
        """The log."""
        return self.home / "state" / "llmdesk.log"

    def add_tool(self, name: str, text: str) -> None:
        """Put a program on the ``PATH``."""
        (self.tools / name).write_text(text, encoding="utf-8")
        (self.tools / name).chmod(0o755)

    def configure(self, text: str) -> None:
        """Write the configuration, as its owner would keep it."""
        self.configuration.parent.mkdir(exist_ok=True)
        self.configuration.write_text(text, encoding="utf-8")
        self.configuration.chmod(0o600)

    # --- servers --------------------------------------------------------------------------------------------------

    def server(self, name: str, *models: str) -> FaultServer:
        """The server of this name, started when it is first spoken of; ``NAME_ADDRESS`` is where it listens."""
        if name not in self.servers:
            entries = [model_entry(model) for model in models]
            found = self.stack.enter_context(FaultServer.in_thread(models=entries))
            self.servers[name] = found
            self.environment[f"{name.upper()}_ADDRESS"] = found.url
        return self.servers[name]

    def asked(self, name: str) -> list[Seen]:
        """The prompts that reached a server."""
        return [seen for seen in self.server(name).seen() if seen.method == "POST" and "messages" in seen.json]

    def hold(self, name: str, prompt: str, begins: str) -> None:
        """Let the answer of a server to this prompt begin so, and wait until the scenario lets it go on."""
        held = self.held[prompt] = Held(begins=begins)
        self.answer(name, prompt, Play(headers=NDJSON, body=held.steps))

    def answer(self, name: str, prompt: str, play: Play) -> None:
        """Let a server answer this prompt so, and all others as it would."""
        server, before = self.server(name), self.server(name).respond

        def respond(seen: Seen) -> Play | None:
            messages = seen.json.get("messages") or [{}]
            if prompt in str(messages[-1].get("content")):
                return play
            return before(seen) if before is not None else None

        server.respond = respond

    # --- the program ----------------------------------------------------------------------------------------------

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command; it does not outlive the scenario."""
        process = subprocess.Popen(
            [self.program, *words], env=self.environment, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.stack.enter_context(process)
        self.stack.callback(process.kill)
        return process

    def run(self, *words: str) -> Ran:
        """Run a command to its end."""
        return self._run([self.program, *words])

    def run_script(self, text: str) -> Ran:
        """Run lines of the shell to their end, or to the first that fails."""
        return self._run(["/bin/sh", "-ec", text])

    def _run(self, argv: Sequence[str]) -> Ran:
        done = subprocess.run(
            argv, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip
        self.last = Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())
        self.said += [self.last.out, self.last.err]
        return self.last

    def open_desk(self, *words: str) -> Terminal:
        """Open the desk in a terminal of its own."""
        look = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        desk = Terminal(
            [self.program, *words], env=self.environment | look, rows=ROWS, columns=COLUMNS, cwd=self.folder
        )
        self.stack.callback(desk.close)
        self.desks.append(desk)
        desk.wait_for("1 chat")
        return desk

    @property
    def ran(self) -> Ran:
        """What the last command did."""
        assert self.last is not None, "no command has run yet"
        return self.last

    @property
    def heard(self) -> str:
        """All of it, for whoever reads why a scenario failed."""
        return f"exit code {self.ran.code}, stdout:\n{self.ran.out}\nstderr:\n{self.ran.err}"

    @property
    def desk(self) -> Terminal:
        """The desk that was opened last."""
        return self.desks[-1]
