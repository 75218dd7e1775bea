"""A home in which every text that others can write is hostile, and the servers behind it.

Each place has a mark of its own in front of its hostile text, so that a check that looks for the text knows whether it
arrived at all: ``zqTITLE`` followed by an escape, which is shown as a sign.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmdesk.core.types import ModelRef
from llmdesk.core.views import Ask, Attachment, Draft, DraftedPrompt
from llmdesk.wiring import make_desk
from tests.campaign.terminal.corpus import REACHED, line_of, without_nul
from tests.support.exec_world import CLEAN
from tests.support.fault_server import FaultServer
from tests.support.ollama_answers import NDJSON, chat_chunk, done_chunk, loaded, model_entry
from tests.support.plays import Play, json_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.fault_server import Seen

SIGN = "␛"
"""How an escape is shown (U+241B)."""

TOOL = """import sys
sys.stderr.buffer.write(open({said!r}, "rb").read())
sys.exit(3)
"""


_PAIR = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
"""How JSON spells a character beyond U+FFFF; YAML has another way."""


def packed(chunk: Mapping[str, object]) -> bytes:
    """One line of a stream, in ASCII: so a lone surrogate gets as far as the decoder."""
    return json.dumps(chunk).encode() + b"\n"


@dataclass
class HostileServer(FaultServer):
    """Does what the name of the model says: ``erring``, ``limited``, ``down``, ``cut``, ``endless``; others answer."""

    said: dict[str, str] = field(default_factory=dict)

    def _next(self, seen: Seen) -> Play:
        if seen.path != "/api/chat":
            return self._told(seen)
        match str(seen.json.get("model")):
            case "erring":
                return self._refusal(400, "REFUSAL")
            case "limited":
                return self._refusal(429, "LIMITED")
            case "down":
                return self._refusal(503, "DOWN")
            case "cut":
                return Play(headers=NDJSON, body=(packed(chat_chunk(self.said["CUT"])),))
            case "endless":
                return Play(headers=NDJSON, body=self._words)
            case _:
                return self._reply()

    def _told(self, seen: Seen) -> Play:
        """What is asked about a server and its models."""
        match seen.path:
            case "/api/show":
                told = {"license": self.said["LICENSE"], "modelfile": "FROM x", "model_info": {}, "capabilities": []}
                return json_answer({"details": {"family": self.said["LICENSE"]}, **told})
            case "/api/ps":
                return json_answer({"models": [loaded(self.said["RUNNING"])]})
            case "/api/pull":
                return Play(headers=NDJSON, body=tuple(packed({"status": self.said["PULL"]}) for _ in range(3)))
            case _:
                return super()._next(seen)

    def _refusal(self, status: int, mark: str) -> Play:
        return Play(status=status, body=(json.dumps({"error": self.said[mark]}).encode(),), framing="length")

    def _reply(self) -> Play:
        served, thinking, text = self.said["SERVED"], self.said["REASONING"], self.said["ANSWER"]
        size = max(len(text) // 40, 7)  # odd pieces, so that sequences are torn
        chunks = [chat_chunk(thinking=thinking, model=served)]
        chunks += [chat_chunk(text[at : at + size], model=served) for at in range(0, len(text), size)]
        return Play(headers=NDJSON, body=tuple(map(packed, [*chunks, done_chunk(model=served)])))

    def _words(self) -> Iterator[bytes | float]:
        for number in range(100_000):
            yield packed(chat_chunk(f"word{number} "))
            yield 0.02
        yield packed(done_chunk())


@dataclass(frozen=True, kw_only=True)
class HostileWorld:
    """Where the program runs."""

    home: Path
    server: HostileServer
    payload: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the program, in a terminal of many colours."""
        return {
            **CLEAN, "HOME": str(self.home), "LLMDESK_HOME": str(self.home), "TERM": "xterm-256color",
            "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
        }  # fmt: skip

    @property
    def files(self) -> Path:
        """A folder with files of hostile names."""
        return self.home / "files"

    @property
    def database(self) -> Path:
        """The database."""
        return self.home / "data" / "llmdesk.db"

    def said(self, mark: str, limit: int = 1_200) -> str:
        """The hostile text of a place; one of many rows is marked at its end too, as the end is what is in sight."""
        text = f"zq{mark}{REACHED}{self.payload[:limit]}"
        return f"{text}\nzq{mark}{REACHED}" if "\n" in text or len(text) > 300 else text

    def line(self, mark: str, limit: int = 60) -> str:
        """The same in one short line."""
        return line_of(f"zq{mark}{REACHED}{self.payload[:limit]}")

    def name(self, mark: str, limit: int = 40) -> str:
        """The same for arguments and settings."""
        return without_nul(self.line(mark, limit))

    def file_name(self, mark: str) -> str:
        """A name of a file: what cannot be printed is not offered, so this has only what can."""
        rest = "".join(char for char in self.payload if char.isprintable() and char not in '/"')[:20]
        return f"zq{mark}[@click=app.quit]{rest}".encode()[:200].decode(errors="ignore")


@contextmanager
def hostile_world(home: Path, payload: str, *, answer: str = "", seeded: bool = True) -> Iterator[HostileWorld]:
    """A world in which ``payload`` is everywhere; ``answer`` = what models say, if it is another text."""
    with HostileServer.in_thread() as server:
        world = HostileWorld(home=home, server=server, payload=payload)
        for mark in ("REFUSAL", "LIMITED", "DOWN", "CUT", "REASONING", "ANSWER", "LICENSE", "PULL"):
            server.said[mark] = world.said(mark)
        server.said["ANSWER"] = answer or server.said["ANSWER"]
        server.said["RUNNING"] = world.line("RUNNING")
        server.said["SERVED"] = world.line("SERVED")
        server.models = [
            model_entry("gemma3:4b"),
            model_entry(world.name("MODEL").replace("\ud800", ""), family=world.name("FAMILY"), parameters="7B"),
        ]
        _write_files(world)
        (home / "config").chmod(0o700)
        (home / "config" / "llmdesk.yaml").write_text(_configuration(world), encoding="utf-8")
        if seeded:
            asyncio.run(_live(world))
            log = home / "state" / "llmdesk.log"
            with log.open("a", encoding="utf-8") as file:
                told = {"event": world.line("EVENT"), "level": "info", "timestamp": "2026-01-01T00:00:00Z",
                        "detail": world.line("DETAIL")}  # fmt: skip
                file.write(json.dumps(told) + "\n" + without_nul(world.line("LOGLINE")) + "\n")
        yield world


def _write_files(world: HostileWorld) -> None:
    world.files.mkdir(parents=True)
    for name in ("FOUND", "SEEN"):
        (world.files / f"{world.file_name(name)}.txt").write_text(
            world.said("CONTENT"), encoding="utf-8", errors="replace"
        )
    (world.home / "said").write_text(_twice(world), encoding="utf-8", errors="surrogatepass")
    (world.home / "tool.py").write_text(TOOL.format(said=str(world.home / "said")))
    prompts = world.home / "config" / "prompts"
    prompts.mkdir(parents=True)
    text = f"---\ndescription: x\n---\n{without_nul(world.said('LIBRARY'))}"
    (prompts / "library.md").write_text(text, encoding="utf-8", errors="replace")
    themes = world.home / "config" / "themes"
    themes.mkdir()
    for mark, body in (("PALETTE", 'colors: {primary: "#ffffff"}'), ("WRONG", f"x: {json.dumps(world.line('WRONG'))}")):
        name = f"name: {json.dumps(without_nul(world.line(mark)))}\n" if mark == "PALETTE" else ""
        (themes / f"{mark.lower()}.yaml").write_text(name + body, encoding="utf-8", errors="replace")
    mapping = {
        "a": {"id": "a", "parent": None, "children": ["b"], "message": None},
        "b": {"id": "b", "parent": "a", "children": [], "message": {
            "author": {"role": "user"}, "content": {"content_type": "text", "parts": [world.said("SAID")]}}},
    }  # fmt: skip
    export = [{"title": world.said("IMPORTED"), "mapping": mapping, "current_node": "b", "id": "one"}]
    (world.home / "conversations.json").write_text(json.dumps(export))


def _twice(world: HostileWorld) -> str:
    """All of it, and the last line again, which is what is told of a program that failed."""
    last = "".join(world.line("STDERR").splitlines())  # whatever may pass for the end of a line
    return f"{world.said('STDERR')}\n{last}\n"


def _configuration(world: HostileWorld) -> str:
    quick = {"attempts": 1, "delay_s": 0}
    provider = {"kind": "ollama", "base_url": world.server.url, "retry": quick}
    tool = {"kind": "command", "command": [sys.executable, str(world.home / "tool.py")], "retry": quick,
            "install": world.name("INSTALL"), "models": {"m": "m"}}  # fmt: skip
    missing = {"kind": "command", "command": [world.name("PROGRAM")], "install": world.name("INSTALL")}
    targets = {
        "chat": ["local/gemma3:4b"],
        "failing": ["local/erring"],
        "over": ["other/limited", "local/gemma3:4b"],
        "asks": ["third/limited", f"local/{world.name('TARGET')}"],
        "paused": ["third/down"],
        "tools": ["tool/m"],
        "missing": ["missing/m"],
        "endless": ["local/endless"],
    }
    lanes: dict[str, object] = {name: {"targets": each} for name, each in targets.items()}
    lanes["asks"] = {"targets": targets["asks"], "failover": "ask"}
    lanes |= dict.fromkeys(("codegen", "repair", "critic", "planner", "clarifier", "reviewer"))
    tree = {
        "version": 1,
        "providers": {"cloud": None, "local": provider, "other": provider, "third": provider, "tool": tool,
                      "missing": missing},
        "lanes": lanes,
        "agents": {"agent": {"lane": "chat"}},
        "budgets": [{"scope": "day", "limit_usd": 2.0, "kind": "soft"}, {"scope": "job", "limit_tokens": 50_000}],
        "ui": {"keys": {world.name("ACTION"): "f1", "help": world.name("KEY")}, "theme": world.name("THEME")},
    }  # fmt: skip
    return _PAIR.sub(_as_yaml, json.dumps(tree))


def _as_yaml(pair: re.Match[str]) -> str:
    return f"\\U{ord(json.loads(chr(34) + pair[0] + chr(34))):08x}"


async def _live(world: HostileWorld) -> None:
    """Use the desk until there is something in every store; what a desk would tidy up is written past it."""
    environment = {**world.environment, "NO_COLOR": "1"}
    async with make_desk(env=environment) as desk:
        first = await desk.send(Ask(prompt=world.said("PROMPT"), lane="chat", job=world.name("JOB"))).outcome()
        assert first.conversation is not None
        for lane in ("failing", "over", "paused", "tools", "missing"):
            await desk.send(Ask(prompt=world.said(lane.upper()), lane=lane)).outcome()
        await desk.send(Ask(prompt="cut", model=ModelRef("local", "cut"))).outcome()
        await desk.import_conversations(world.home / "conversations.json")
        conversations = desk._parts.conversations
        await conversations.rename(first.conversation, world.line("TITLE"))
        await conversations.tag(first.conversation, [world.line("TAG", 10)])
        draft = Draft(
            lane="chat", text=world.said("DRAFT"), saved_at=time.time(),
            attachments=(Attachment(name=world.line("FILE"), text="x"),),
            queue=(DraftedPrompt(text=world.said("QUEUED")),), aside=(world.said("ASIDE"),),
        )  # fmt: skip
        await desk.keep_draft(draft)
