"""`privacy.record`: what each of its three values leaves in the files of a home, however a request ends.

The same scenarios run with all three. ``full`` is the control: there the search must find the words.
"""

from __future__ import annotations

import base64
import json
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from llmdesk.core.types import Message, Role
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, Mark, chat_answer, chat_chunk, error, stream
from tests.support.otlp_collector import METRICS, TRACES, be_collector, bodies
from tests.support.terminal import Terminal
from tests.support.tool_play import Play as Tool
from tests.support.word_search import files_that_hold, holds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.exec_world import ExecWorld
    from tests.support.fault_server import Play

RECORDS = ("full", "metadata", "off-record")

PROMPT = 'Käfer-prompt "4711" <&> + spy/glass'
SYSTEM = "Möwe-system 4712"
ATTACHED = " ".join(f"Dachs-file-{number:03}" for number in range(60))
FILE = "Luchs-name-4713.md"
ANSWER = "Reiher-answer 4714 of the best"
PARTIAL = "Otter-partial 4715 broken off"
THOUGHT = "Eule-thought 4716"
ECHO = "Specht-error 4717"
WORDS = (PROMPT, SYSTEM, ATTACHED, FILE, ANSWER, PARTIAL, THOUGHT, ECHO)

TEXTS = {
    "requests": ("title", "prompt", "payload", "answer"),
    "attempts": ("details", "discarded_text"),
}
"""The columns that hold what somebody said."""


def says(text: str = ANSWER, **more: Any) -> Play:
    return chat_answer(text, thinking=THOUGHT, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What two providers do in turn, the first of them as often as it is asked, and how `exec` ends."""

    first: Play
    second: Play
    code: int
    more: str = ""
    words: tuple[str, ...] = ()


SCHEMA = '{"type": "object", "required": ["word"], "properties": {"word": {"type": "string"}}}'
FAILING = error(500, f"broken by {ECHO}")
SCENARIOS = {
    "completed": Scenario(first=says(), second=says(), code=0),
    "cut, then answered": Scenario(first=says(PARTIAL, done=False), second=says(), code=0),
    "broken in the stream": Scenario(
        first=stream([chat_chunk(PARTIAL), {"error": f"boom {ECHO}"}]), second=says(), code=0
    ),
    "limited, then answered": Scenario(first=error(429, f"limit reached {ECHO}"), second=says(), code=0),
    "refused by its server": Scenario(first=error(400, f"no good {ECHO} {PROMPT}"), second=FAILING, code=1),
    "nobody answers": Scenario(first=error(429, f"limit reached {ECHO}"), second=FAILING, code=5),
    "cut everywhere": Scenario(first=says(PARTIAL, done=False), second=says(PARTIAL, done=False), code=5),
    "in time": Scenario(first=says(PARTIAL, done=False, end=Mark.HOLD), second=says(), code=5,
                        words=("--timeout", "1")),
    "blocked": Scenario(
        first=says(), second=says(), code=3,
        more="budgets: [{scope: request, limit_tokens: 270, kind: hard}]\n",
    ),
    "schema not met": Scenario(first=says(), second=says(), code=4, words=("--schema", SCHEMA)),
}  # fmt: skip


@pytest.fixture
def first() -> Iterator[FaultServer]:
    with FaultServer.in_thread() as server:
        yield server


@pytest.fixture
def second() -> Iterator[FaultServer]:
    with FaultServer.in_thread() as server:
        yield server


def home_of(folder: Path, record: str, first: FaultServer, second: FaultServer, more: str = "") -> ExecWorld:
    world = exec_world(folder / "home", OLLAMA_API_KEY="", EDITOR="true")
    quick = {"retry": {"attempts": 1}}
    world.configure(
        configuration(
            provider("p0", first.url, **quick),
            provider("p1", second.url, **quick),
            targets=["p0/gemma3:4b", "p1/gemma3:4b"],
            more=", system: system.md",
        )
        + "  critic: {targets: [p0/gemma3:4b], system: system.md}\n"
        + f"privacy: {{record: {record}}}\n{more}"
    )
    (world.home / "config" / "system.md").write_text(SYSTEM)
    (folder / FILE).write_text(ATTACHED)
    return world


def in_columns(world: ExecWorld) -> list[str]:
    """The words that the rows of requests and attempts hold, and how many files are kept beside them."""
    with closing(sqlite3.connect(world.database)) as connection:
        return [
            str(value)
            for table, columns in TEXTS.items()
            for row in connection.execute(f"SELECT {', '.join(columns)} FROM {table}")
            for value in row
            if value
        ]


def in_database(files: dict[str, list[str]]) -> bool:
    return bool(files) and all(name.startswith("data/llmdesk.db") for name in files)


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_however_a_request_ends(
    name: str, record: str, tmp_path: Path, first: FaultServer, second: FaultServer
) -> None:
    scenario = SCENARIOS[name]
    first.always("/api/chat", scenario.first)
    second.always("/api/chat", scenario.second)
    world = home_of(tmp_path, record, first, second, scenario.more)
    ran = world.run(
        "exec", "--json", "--verbose", "--job", "nightly", "--file", str(tmp_path / FILE), *scenario.words, PROMPT
    )
    assert ran.code == scenario.code, ran
    files = files_that_hold(world.home, *WORDS)
    match record:
        case "full":
            assert in_database(files), "the search finds what is there, and it is nowhere else"
            assert PROMPT in "".join(in_columns(world))
        case "off-record":
            assert files == {}
            assert world.run("outbox", "list", "--json").out == ""
            assert world.run("conversations", "list", "--json").out == ""
            if scenario.code == 5:
                assert "not kept" in world.run("exec", *scenario.words, PROMPT).err, "it is said that nothing keeps it"
        case "metadata":
            waiting = [json.loads(line) for line in world.run("outbox", "list", "--json").out.splitlines()]
            assert [entry["prompt"] for entry in waiting] == ([PROMPT] if scenario.code == 5 else [])
            for entry in waiting:
                assert PROMPT in "".join(in_columns(world)), "what waits is asked again as it was"
                assert world.run("outbox", "drop", entry["id"], "--yes").code == 0
            assert in_columns(world) == []
            assert not files or in_database(files)
            assert (
                world.run("conversations", "rm", ran.answer.get("conversation") or conversation_of(world), "--yes").code
                == 0
            )
            assert files_that_hold(world.home, PROMPT, SYSTEM, ATTACHED, FILE, ANSWER, PARTIAL, THOUGHT) == {}


def conversation_of(world: ExecWorld) -> str:
    (line,) = world.run("conversations", "list", "--json").out.splitlines()
    return str(json.loads(line)["id"])


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_is_ended_in_mid_answer(
    how: signal.Signals, record: str, tmp_path: Path, first: FaultServer, second: FaultServer
) -> None:
    first.always("/api/chat", says(PARTIAL, done=False, end=Mark.HOLD))
    world = home_of(tmp_path, record, first, second)
    process = world.start("exec", "--verbose", "--file", str(tmp_path / FILE), PROMPT)
    try:
        assert process.stdout is not None
        said = b""
        while PARTIAL[:20].encode() not in said and (piece := process.stdout.read1()):
            said += piece
        running = files_that_hold(world.home, *WORDS)
        process.send_signal(how)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    after = files_that_hold(world.home, *WORDS)
    again = world.run("outbox", "list", "--json").out
    assert (running == {}, after == {}, again == "") == ((record == "off-record",) * 3)


@pytest.mark.parametrize("record", ["full", "off-record"])
def test_a_database_that_takes_nothing(record: str, tmp_path: Path, first: FaultServer, second: FaultServer) -> None:
    first.always("/api/chat", says(PARTIAL, done=False))
    second.always("/api/chat", says())
    world = home_of(tmp_path, record, first, second)
    assert world.run("doctor").code in (0, 1)
    world.database.parent.mkdir(exist_ok=True)
    world.database.unlink(missing_ok=True)
    with closing(sqlite3.connect(world.database)) as connection:
        connection.execute("PRAGMA user_version = 999999")  # of a newer llmdesk: it is read, and not written
    assert world.run("exec", "--json", "--yes", "--file", str(tmp_path / FILE), PROMPT).code == 0
    overflow = world.home / "data" / "metrics.jsonl"
    assert len({json.loads(line)["number"] for line in overflow.read_text().splitlines()}) == 2, "of both attempts"
    assert files_that_hold(world.home, *WORDS) == {}


@pytest.mark.parametrize("record", RECORDS)
def test_a_linear_conversation_and_a_critic(
    record: str, tmp_path: Path, first: FaultServer, second: FaultServer
) -> None:
    first.always("/api/chat", says())
    world = home_of(tmp_path, record, first, second)
    told = world.run("--plain", stdin=f"{PROMPT}\nand again\n")
    assert (told.code, told.out.count(ANSWER)) == (0, 2)
    assert (files_that_hold(world.home, *WORDS) == {}) is (record == "off-record")
    shutil.rmtree(world.home / "data")
    (tmp_path / "task.md").write_text(PROMPT)
    assert world.run("check", "--task", str(tmp_path / "task.md"), "--output", str(tmp_path / FILE)).code == 1
    assert any("Dachs-file-059" in str(seen.json) for seen in first.seen("/api/chat"))
    assert (files_that_hold(world.home, *WORDS) == {}) is (record != "full")


@pytest.mark.terminal
@pytest.mark.parametrize("record", ["full", "off-record"])
def test_the_desk_in_a_terminal(record: str, tmp_path: Path, first: FaultServer, second: FaultServer) -> None:
    first.always("/api/chat", says())
    world = home_of(tmp_path, record, first, second)
    env = {**world.environment, "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    terminal = Terminal([sys.executable, "-m", "llmdesk"], env=env)
    try:
        terminal.wait_for("1 chat")
        terminal.send(f"{PROMPT}\r")
        terminal.wait_for("Reiher-answer 4714")
        terminal.send("Reiher-answer 4714 unsent")
        terminal.wait_for("unsent")
        assert (files_that_hold(world.home, *WORDS) == {}) is (record == "off-record")
        terminal.child.kill(signal.SIGTERM)
        terminal.wait_exit()
    finally:
        terminal.close()
    assert (files_that_hold(world.home, *WORDS) == {}) is (record == "off-record")


@pytest.mark.parametrize("record", RECORDS)
def test_a_program_of_the_command_line(record: str, tmp_path: Path, first: FaultServer, second: FaultServer) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tmp").mkdir()
    tool = Tool(folder=tmp_path / "tool")
    tool.script({"out": ANSWER})
    world = home_of(tmp_path, record, first, second)
    config = world.home / "config" / "llmdesk.yaml"
    line = f"  tool: {json.dumps({'kind': 'command', 'command': tool.words()})}\n"
    config.write_text(config.read_text().replace("lanes:\n", f"{line}lanes:\n"))
    world.environment["TMPDIR"] = str(tmp_path / "tmp")
    ran = world.run("exec", "--model", "tool/any", PROMPT)
    assert (ran.code, ran.out.strip()) == (0, ANSWER), ran
    assert (files_that_hold(world.home, *WORDS) == {}) is (record == "off-record")
    assert list((tmp_path / "tmp").iterdir()) == [], "nor is its working folder left behind"


async def test_metadata_keeps_nothing_at_all_of_what_belongs_to_no_conversation(
    tmp_path: Path, first: FaultServer, second: FaultServer
) -> None:
    first.play("/api/chat", says(PARTIAL, done=False), says(), says(PARTIAL, done=False, end=Mark.HOLD))
    second.always("/api/chat", says())
    world = home_of(tmp_path, "metadata", first, second)
    ask = Ask(prompt="", messages=(Message(role=Role.USER, content=PROMPT),), system=SYSTEM)
    async with make_desk(env=world.environment, log=lambda *_, **__: None) as desk:
        for _ in range(2):
            assert (await desk.send(ask).outcome()).text == ANSWER
        run = desk.send(ask)
        async for event in run:
            if PARTIAL[:8] in str(getattr(event, "text", "")):
                assert in_database(files_that_hold(world.home, *WORDS)), "while it runs it may be needed again"
                run.cancel(keep=False)
        assert files_that_hold(world.home, *WORDS) == {}, "not even in freed pages, while the desk is open"
    assert files_that_hold(world.home, *WORDS) == {}


@pytest.mark.parametrize("record", RECORDS)
def test_no_collector_is_told_a_word(record: str, tmp_path: Path, first: FaultServer, second: FaultServer) -> None:
    with FaultServer.in_thread() as collector:
        be_collector(collector)
        first.always("/api/chat", error(429, f"limit reached {ECHO} {PROMPT}"))
        second.always("/api/chat", says())
        more = f"telemetry: {{otlp_endpoint: '{collector.url}'}}\n"
        world = home_of(tmp_path, record, first, second, more)
        assert world.run("exec", "--file", str(tmp_path / FILE), PROMPT).code == 0
        assert {TRACES, METRICS} == {seen.path for seen in collector.seen()}
        told = b"".join(bodies(collector))
    assert b"gemma3:4b" in told
    assert [word for word in WORDS if holds(told, word)] == []
    assert (files_that_hold(world.home, *WORDS) == {}) is (record == "off-record")


@pytest.mark.parametrize(
    "written",
    [
        PROMPT,
        json.dumps({"p": PROMPT}),
        quote(PROMPT),
        base64.b64encode(f"xy{PROMPT}z".encode()).decode(),
        base64.b64encode(f"x{PROMPT}".encode()).decode(),
        ATTACHED[130:190],
    ],
)
def test_the_search_finds_a_word_however_it_is_written(written: str, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "any").write_text(f"before{written}behind" if " " in written else f'"{written}"')
    (tmp_path / "state" / "other").write_text("nothing of it")
    assert list(files_that_hold(tmp_path, PROMPT, ATTACHED)) == ["state/any"]
