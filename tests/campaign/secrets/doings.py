"""What is done in a round: asking in every way, looking at everything, crashing, and taking it all away again."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.campaign.secrets import echoes
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

    from tests.campaign.secrets.household import Household

LIMIT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a process printed, on both streams or on its terminal."""

    name: str
    code: int | None
    out: bytes
    err: bytes = b""

    def rows(self) -> list[dict[str, object]]:
        """stdout as one JSON object a line; what is none is left out."""
        found = []
        for line in self.out.splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            found += [value] if isinstance(value, dict) else []
        return found


def run(
    house: Household, *words: str, stdin: str = "", program: tuple[str, ...] = ("-m", "llmdesk"), **env: str
) -> Told:
    """Run the program to its end, in a folder that is searched afterwards."""
    return run_in({**house.world.environment, **env}, house.folder / "cwd", *words, stdin=stdin, program=program)


def run_in(
    env: dict[str, str], folder: Path, *words: str, stdin: str = "", program: tuple[str, ...] = ("-m", "llmdesk")
) -> Told:
    """Run the program to its end in this environment and folder."""
    done = subprocess.run(
        [sys.executable, *program, *words], env=env, input=stdin.encode(), capture_output=True, timeout=LIMIT_S,
        check=False, cwd=folder, preexec_fn=_let_cores_be,
    )  # fmt: skip
    return Told(name=" ".join(words)[:60], code=done.returncode, out=done.stdout, err=done.stderr)


def _let_cores_be() -> None:
    """Allow core dumps, as some systems do."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


# --- asking -------------------------------------------------------------------------------------------------------


def _exec(*more: str) -> Callable[[Household, Random], Told]:
    def ask(house: Household, rng: Random) -> Told:
        verbose = ["--verbose"] if house.verbose else []
        return run(house, "exec", *verbose, *more, house.prompt.text)

    return ask


def _exec_model(house: Household, rng: Random) -> Told:
    door = rng.choice(house.doors[:-1])
    return run(house, "exec", "--json", "--model", f"{door.name}/{echoes.MODELS[door.wire]}", house.prompt.text)


def _exec_schema(house: Household, rng: Random) -> Told:
    return run(house, "exec", "--json", "--schema", "name, born int", house.prompt.text)


def _from_stdin(house: Household, rng: Random) -> Told:
    return run(house, "exec", "-", stdin=house.prompt.text)


def _plain(house: Household, rng: Random) -> Told:
    lines = [
        house.prompt.text,
        "/raw",
        "/doctor",
        "/providers",
        "/stats",
        f"{house.prompt.text} again",
        "/raw",
        "/tokens",
    ]
    return run(house, "--plain", *(["--verbose"] if house.verbose else []), stdin="\n".join(lines) + "\n")


def _critic(house: Household, rng: Random) -> Told:
    return run(house, "check", "--task", "attached.md", "--output", "attached.md", "--json")


_EVENTS = ("socket.connect", "sqlite3.connect", "open", "os.rename", "subprocess.Popen", "import", "os.mkdir")


def _broken(house: Household, rng: Random) -> Told:
    """An exception out of nowhere that quotes the prompt, and keys where the program knows them by then."""
    event = rng.choice(_EVENTS)
    count = rng.randint(1, {"import": 400, "open": 60}.get(event, 3))
    known = [key.text for key in house.doors[0].own if house.doors[0].way not in ("command", "basic")]
    quotes = " ".join([house.prompt.text, *(known if event == "socket.connect" else [])])
    more = {"CAMPAIGN_BREAKS": f"{event}#{count}", "CAMPAIGN_QUOTES": quotes}
    told = run(house, "exec", "--json", house.prompt.text, **more)
    return Told(name=f"exec broken at {event} {count}", code=told.code, out=told.out, err=told.err)


def _aborted(house: Household, rng: Random) -> Told:
    """Ended in mid-request by a signal that leaves a core dump where one may be left."""
    assert house.holding is not None
    how = rng.choice([signal.SIGABRT, signal.SIGSEGV, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGINT])
    before = house.holding.server.count(echoes.PATHS["ollama"])
    process = subprocess.Popen(
        [sys.executable, "-m", "llmdesk", "exec", "--verbose", "--model", "hold/gemma3:4b", house.prompt.text],
        env={**house.world.environment, "PYTHONFAULTHANDLER": "1"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=house.folder / "cwd", preexec_fn=_let_cores_be,  # noqa: PLW1509 - it only calls setrlimit
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        while house.holding.server.count(echoes.PATHS["ollama"]) == before and process.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError("the request never arrived")
            time.sleep(0.01)
        process.send_signal(how)
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
        process.wait()
    return Told(name=f"exec ended by {how.name}", code=process.returncode, out=out, err=err)


def _debugged(house: Household, rng: Random) -> Told:
    """With everything on that makes Python and its libraries talk."""
    more = {"PYTHONASYNCIODEBUG": "1", "PYTHONFAULTHANDLER": "1", "PYTHONTRACEMALLOC": "1", "HTTPX_LOG_LEVEL": "trace"}
    return run(house, "exec", "--json", "--verbose", house.prompt.text, **more)


def _on_screen(house: Household, rng: Random) -> Told:
    """The desk in a pseudo-terminal: ask, look at what was sent, at the panels, at the log; then leave."""
    env = {**house.world.environment, "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    env.pop("NO_COLOR", None)
    terminal = Terminal([sys.executable, "-m", "llmdesk"], env=env, rows=50, columns=160)
    try:
        terminal.wait_for("1 chat")
        terminal.send(f"\x1b[200~{house.prompt.text}\x1b[201~\r")
        _settle(terminal, 1.2)
        for words in rng.sample(
            ["/raw", "/log", "/providers", "/failovers", "/outbox", "/models", "/doctor", "/lanes"], 5
        ):
            terminal.send("\x1b")
            _settle(terminal, 0.2)
            terminal.send(f"{words}\r")
            _settle(terminal, 0.35)
            terminal.send("\r\x1b[B\r")
            _settle(terminal, 0.25)
        terminal.send(f"\x1b\x1b{house.prompt.text[:20]} unsent")
        _settle(terminal, 0.4)
        shown = "\n".join(terminal.screen.display).encode()
        terminal.child.kill(rng.choice([signal.SIGTERM, signal.SIGHUP]))
        code = terminal.wait_exit()
    finally:
        terminal.close()
    return Told(name="the desk on a screen", code=code, out=bytes(terminal.raw), err=shown)


def _settle(terminal: Terminal, seconds: float) -> None:
    """Take what comes until nothing has come for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        terminal.pump(0.05)


SCREENS = ("/raw", "/log", "/providers", "/failovers", "/outbox", "/models", "/doctor", "/lanes")

_EDIT = """
import asyncio, os
from llmdesk.core.edits import Edit
from llmdesk.wiring import make_desk

async def run():
    async with make_desk(env=os.environ) as desk:
        proposal = await desk.configuration.propose([Edit(path=("lanes", "chat", "failover"), value="auto")])
        print(proposal.diff)
        print(repr(proposal))
        print(await desk.configuration.write(proposal))
        print(desk.providers(), desk.lanes())

asyncio.run(run())
"""


def _edited(house: Household, rng: Random) -> Told:
    """A change of the settings as the screen makes it: the difference is shown, a copy of the old file kept."""
    told = run(house, program=("-c", _EDIT))
    return Told(name="settings changed", code=told.code, out=told.out, err=told.err)


def _imported(house: Household, rng: Random) -> Told:
    """A conversation from elsewhere, with the same words in it."""
    talk = [{"role": "user", "content": house.prompt.text}, {"role": "assistant", "content": house.answer.text}]
    file = house.folder / "vault" / "talk.json"
    file.write_text(json.dumps(talk))
    return run(house, "conversations", "import", str(file), "--json")


def _served(house: Household, rng: Random) -> Told:
    """The desk as a page: what the page says, and what its server says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "llmdesk", "serve", "--port", "0", "--verbose"], env=house.world.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=house.folder / "cwd",
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        page = b""
        if address.startswith("http://"):
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=LIMIT_S) as found:
                page = found.read() + str(found.headers).encode()
        process.terminate()
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
        process.wait()
    return Told(name="serve", code=process.returncode, out=address.encode() + page + out, err=err)


ASKING: dict[str, Callable[[Household, Random], Told]] = {
    "exec": _exec(),
    "exec --json": _exec("--json", "--job", "nightly", "--file", "attached.md"),
    "exec --no-stream": _exec("--no-stream", "--file", "attached.md"),
    "exec --dry-run": _exec("--dry-run", "--json"),
    "exec --timeout": _exec("--timeout", "1", "--model", "hold/gemma3:4b"),
    "exec --model": _exec_model,
    "exec --schema": _exec_schema,
    "exec -": _from_stdin,
    "--plain": _plain,
    "check": _critic,
    "broken": _broken,
    "aborted": _aborted,
    "debugged": _debugged,
    "settings changed": _edited,
    "conversations import": _imported,
    "serve": _served,
}  # fmt: skip

SCREEN = _on_screen

LOOKS: tuple[tuple[str, ...], ...] = (
    ("config", "show"),
    ("config", "show", "--json"),
    ("config", "validate"),
    ("config", "path"),
    ("doctor",),
    ("doctor", "--json", "--verbose"),
    ("providers", "list", "--verbose"),
    ("providers", "check", "--json", "--timeout", "5"),
    ("providers", "check", "--verbose", "--timeout", "5"),
    ("models", "list"),
    ("models", "list", "--json"),
    ("models", "ps"),
    ("models", "show", "p0/gemma3:4b"),
    ("lanes", "--json"),
    ("stats", "--by", "model", "--period", "all"),
    ("metrics", "summary", "--json"),
    ("metrics", "export"),
    ("failovers", "--json"),
    ("failovers", "--format", "csv"),
    ("outbox", "list", "--json"),
    ("outbox", "list"),
    ("budgets",),
    ("conversations", "list"),
)


def look(house: Household, words: tuple[str, ...]) -> Told:
    """Run a command that only shows."""
    return run(house, *words)


def show_everything(house: Household) -> list[Told]:
    """Every request and conversation there is, shown and exported."""
    told = []
    for row in run(house, "outbox", "list", "--json").rows()[:2]:
        told += [run(house, "outbox", "show", str(row["id"])), run(house, "outbox", "show", str(row["id"]), "--json")]
    for row in run(house, "conversations", "list", "--json").rows()[:2]:
        told += [run(house, "conversations", "export", str(row["id"]), "--format", kind) for kind in ("md", "json")]
    return told


def take_all_away(house: Household) -> list[Told]:
    """Drop and delete whatever can be."""
    waiting = run(house, "outbox", "list", "--json").rows()
    told = [run(house, "outbox", "drop", str(row["id"]), "--yes") for row in waiting]
    for more in ((), ("--archived",)):
        kept = run(house, "conversations", "list", "--json", *more).rows()
        told += [run(house, "conversations", "rm", str(row["id"]), "--yes") for row in kept]
    return told
