"""What the program is stopped in: each scenario a command as a user types it, on files as a user has them.

A scenario says which files there are before, what the servers do, what must be so at once when the program is dead
beside what must always be so (``judge``), and what must work when it is started again.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, ClassVar

from llmdesk.config.example import example
from llmdesk.storage.migrations import migrate
from llmdesk.storage.schema import MIGRATIONS
from tests.campaign.crash.files import holders, look_into
from tests.campaign.crash.judge import cooldown_is_there, file_is_whole_or_absent, nothing_else_changed
from tests.campaign.crash.stage import DOWN, LIMIT, LOCAL_ANSWER, Heard
from tests.campaign.crash.tracer import Refuse, trace
from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.campaign.crash.files import Row
    from tests.campaign.crash.operations import Operation
    from tests.campaign.crash.stage import Stage, Trial
    from tests.support.exec_world import ExecWorld, Ran

ASKED = "What was asked when it was stopped?"
EARLIER = "What was asked before?"
LATER = "What is asked afterwards?"


class Scenario:
    """One command, and what becomes of it; the common one asks a question."""

    name: ClassVar[str]
    told: ClassVar[str]
    """In one line."""
    cools: ClassVar[bool] = False
    """The cloud answers 429."""
    refuse: ClassVar[tuple[Refuse, ...]] = ()

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        """Make the files that are there before: by default a home that was used once."""
        world.configure(stage.configuration())
        expect(world.run("exec", "--json", "--no-input", EARLIER))

    def script(self, stage: Stage) -> None:
        """Tell the servers what to do; unless told they are healthy."""

    def words(self, world: ExecWorld) -> list[str]:
        """The command."""
        return ["exec", "--json", "--no-input", ASKED]

    def argv(self, world: ExecWorld) -> list[str]:
        """The command line of the process."""
        return world.argv(*self.words(world))

    def dead(self, trial: Trial) -> Iterator[Violation]:
        """What must be so when the program is dead."""
        return iter(())

    def again(self, trial: Trial) -> Iterator[Violation]:
        """Start the program again; what must work."""
        yield from works(trial.world.run("exec", "--json", "--no-input", LATER), LATER)
        for prompt in dict.fromkeys((*trial.heard.all, LATER)):
            if len(trial.now().requests_of(prompt)) != 1:
                yield Violation(rule="I2", words=f"{prompt!r} is not there once")


def expect(ran: Ran, code: int = 0) -> Ran:
    """What must have worked for a scenario to mean anything."""
    assert ran.code == code, (ran.code, ran.out, ran.err)
    return ran


def works(ran: Ran, what: str, code: int = 0) -> Iterator[Violation]:
    """The next start does its work, without a traceback."""
    if ran.code != code:
        said = ran.err.strip().splitlines() or ran.out.strip().splitlines() or [""]
        yield Violation(rule="I19", words=f"the next start: {what!r} ends with {ran.code}: {said[-1][:200]}")
    if "Traceback" in ran.err:
        yield Violation(rule="I20", words=f"a traceback: {ran.err.strip().splitlines()[-1][:200]}")


def starts_without_a_change(trial: Trial) -> Iterator[Violation]:
    """The program is started to look at something: before what is done next changes what it is meant to."""
    yield from works(trial.world.run("outbox", "list"), "outbox list")
    yield from nothing_else_changed(trial.left, trial.now())


class First(Scenario):
    name = "first"
    told = "the first question ever: folders, database and every step of its schema, answer"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        world.configure(stage.configuration())


class State(Scenario):
    name = "state"
    told = "429: the cooldown is written, the local model answers"
    cools = True

    def script(self, stage: Stage) -> None:
        stage.cloud.always("/api/chat", LIMIT)

    def again(self, trial: Trial) -> Iterator[Violation]:
        asked = trial.stage.cloud.count("/api/chat")
        yield from super().again(trial)
        if trial.heard.local:
            yield from cooldown_is_there(trial.world)
            if trial.stage.cloud.count("/api/chat") != asked:
                yield Violation(rule="I3", words="the cloud was asked again during its cooldown")


class FirstState(State):
    name = "first state"
    told = "429 at the first question ever: everything of both"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        world.configure(stage.configuration())


class Migration(Scenario):
    name = "migration"
    told = "a database of an early schema is brought up to date, with a backup before each step"
    steps: ClassVar[int] = 3

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        world.configure(stage.configuration())
        world.database.parent.mkdir(mode=0o700)
        world.database.touch(mode=0o600)
        with closing(sqlite3.connect(world.database, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            migrate(connection, world.database, now=lambda: 1_700_000_000.0, migrations=MIGRATIONS[: self.steps])
            connection.execute("INSERT INTO conversations VALUES ('c1', 'Earlier', 'chat', 1, 1, 1)")
            connection.executemany(
                "INSERT INTO messages (conversation, turn, request, role, content, completeness, created_at) "
                "VALUES ('c1', 1, 'r1', ?, ?, ?, 1)",
                [("user", EARLIER, None), ("assistant", LOCAL_ANSWER, "full")],
            )
            connection.execute(
                "INSERT INTO requests (id, status, owner, lane, conversation, title, prompt, payload, record_text, "
                "created_at, finished_at) VALUES ('r1', 'completed', '1-x', 'chat', 'c1', 'Earlier', ?, '', 1, 1, 2)",
                (EARLIER,),
            )

    def words(self, world: ExecWorld) -> list[str]:
        return ["outbox", "list", "--json"]

    def dead(self, trial: Trial) -> Iterator[Violation]:
        if not self.steps <= trial.left.version <= len(MIGRATIONS):
            yield Violation(rule="I10", words=f"schema {trial.left.version}")
        if [row["content"] for row in trial.left.rows("messages")] != [EARLIER, LOCAL_ANSWER]:
            yield Violation(rule="I19", words="messages were lost on the way")

    def again(self, trial: Trial) -> Iterator[Violation]:
        yield from super().again(trial)
        if trial.now().version != len(MIGRATIONS):
            yield Violation(rule="I19", words=f"schema {trial.now().version} after the next start")


class OldestMigration(Migration):
    name = "oldest migration"
    told = "a database of the first schema is brought up to date: every step"
    steps = 1


class Pausing(Scenario):
    name = "pausing"
    told = "nobody can answer: the request goes to the outbox"

    def script(self, stage: Stage) -> None:
        stage.cloud.always("/api/chat", DOWN)
        stage.local.always("/api/chat", DOWN)

    def again(self, trial: Trial) -> Iterator[Violation]:
        trial.stage.healthy()
        yield from super().again(trial)
        for request in trial.now().requests_of(ASKED):
            if request["status"] != "paused" or not request["payload"]:
                yield Violation(rule="I2", words=f"it is {request['status']} and cannot be asked again")


class Resuming(Scenario):
    name = "resuming"
    told = "a paused request is taken out of the outbox and answered"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        super().prepare(stage, world)
        stage.cloud.always("/api/chat", DOWN)
        stage.local.always("/api/chat", DOWN)
        expect(world.run("exec", "--json", "--no-input", ASKED), 5)

    def words(self, world: ExecWorld) -> list[str]:
        return ["outbox", "retry", "--json", "--no-stream"]

    def again(self, trial: Trial) -> Iterator[Violation]:
        yield from starts_without_a_change(trial)
        yield from works(trial.world.run("outbox", "retry", "--json", "--no-stream"), "outbox retry")
        now = trial.left = trial.now()
        (request,) = now.requests_of(ASKED)
        if request["status"] != "completed":
            yield Violation(rule="I2", words=f"it is {request['status']} after it was asked again")
        said = [row["role"] for row in now.rows("messages") if row["conversation"] == request["conversation"]]
        if said != ["user", "assistant"]:
            yield Violation(rule="I1", words=f"its conversation is {said}")


def _of_the_database(operation: Operation) -> bool:
    return operation.path.rpartition("/")[2].startswith("llmdesk.db") and operation.takes_room


class Overflow(Scenario):
    name = "overflow"
    told = "the database takes nothing: the numbers of an answer wait in a file beside it"
    refuse = (Refuse(error=errno.ENOSPC, which=_of_the_database),)

    def words(self, world: ExecWorld) -> list[str]:
        return ["exec", "--json", "--no-input", "--yes", ASKED]

    def dead(self, trial: Trial) -> Iterator[Violation]:
        if trial.left.tables != trial.before.tables:
            yield Violation(rule="I19", words="the database was changed although it could not be")
        trial.heard = Heard()  # its user has agreed that it is not kept

    def again(self, trial: Trial) -> Iterator[Violation]:
        waiting = kept_lines(trial.world)
        yield from works(trial.world.run("exec", "--json", "--no-input", LATER), LATER)
        yield from booked_once(trial, waiting)


class Folding(Scenario):
    name = "folding"
    told = "what waits in that file is booked at the next start"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        super().prepare(stage, world)
        for _ in range(2):
            argv = world.argv("exec", "--json", "--no-input", "--yes", ASKED)
            expect_code(trace(argv, world.home, world.environment, refuse=Overflow.refuse).code)

    def words(self, world: ExecWorld) -> list[str]:
        return ["outbox", "list", "--json"]

    def again(self, trial: Trial) -> Iterator[Violation]:
        yield from works(trial.world.run("exec", "--json", "--no-input", LATER), LATER)
        attempts = [row for row in trial.now().rows("attempts") if row["request"] not in _requests(trial)]
        if len(attempts) != 2 or sum(row["output_tokens"] or 0 for row in attempts) == 0:
            yield Violation(rule="I8", words=f"{len(attempts)} of 2 attempts that waited are booked")


def _requests(trial: Trial) -> set[str]:
    return {row["id"] for row in trial.now().rows("requests")}


def kept_lines(world: ExecWorld) -> list[tuple[str, int]]:
    """The attempts, as (request, number), whose whole line waits to be booked."""
    found = []
    for path in world.database.parent.glob("metrics.jsonl*"):
        if path.name == "metrics.jsonl" or ".booking-" in path.name:  # what is damaged is put aside for good
            for line in path.read_bytes().split(b"\n")[:-1]:
                row = json.loads(line)
                found.append((row["request"], row["number"]))
    return found


def booked_once(trial: Trial, waiting: list[tuple[str, int]]) -> Iterator[Violation]:
    """Every line that was whole is an attempt now, and nothing waits any more."""
    now = trial.now()
    for key in waiting:
        if key not in now.tables["attempts"]:
            yield Violation(rule="I8", words=f"attempt {key} waited and is not booked")
    if kept_lines(trial.world):
        yield Violation(rule="I8", words="lines still wait after the next start")


def expect_code(code: int) -> None:
    """A traced process of a preparation must have worked."""
    assert code == 0, code


class Init(Scenario):
    name = "init"
    told = "config init: a configuration is written"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        world.home.mkdir(mode=0o700)

    def words(self, world: ExecWorld) -> list[str]:
        return ["config", "init", "--yes"]

    def dead(self, trial: Trial) -> Iterator[Violation]:
        yield from file_is_whole_or_absent(_config(trial.world), example().encode())

    def again(self, trial: Trial) -> Iterator[Violation]:
        there = _config(trial.world).exists()
        yield from works(trial.world.run("config", "init", "--yes"), "config init", 2 if there else 0)
        yield from works(trial.world.run("config", "validate"), "config validate")
        yield from file_is_whole_or_absent(_config(trial.world), example().encode())


def _config(world: ExecWorld) -> Path:
    return world.home / "config" / "llmdesk.yaml"


class Export(Scenario):
    name = "export"
    told = "a conversation is written to a file"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        super().prepare(stage, world)
        (world.home.parent / "out").mkdir()

    def words(self, world: ExecWorld) -> list[str]:
        (conversation,) = look_into(world.database).rows("conversations")
        return ["conversations", "export", conversation["id"], "--output", str(_exported(world))]

    def dead(self, trial: Trial) -> Iterator[Violation]:
        yield from file_is_whole_or_absent(_exported(trial.world), self.whole(trial))

    def again(self, trial: Trial) -> Iterator[Violation]:
        there = _exported(trial.world).exists()
        yield from works(trial.world.run(*self.words(trial.world)), "export", 2 if there else 0)
        yield from file_is_whole_or_absent(_exported(trial.world), self.whole(trial))
        if names := [path.name for path in _exported(trial.world).parent.iterdir() if path != _exported(trial.world)]:
            yield Violation(rule="I9", words=f"beside the export lie {names}")

    def whole(self, trial: Trial) -> bytes:
        """What an export says, as it is printed."""
        *words, _, _ = self.words(trial.world)
        return expect(trial.stage.copy(trial.world).run(*words)).out.encode()


def _exported(world: ExecWorld) -> Path:
    return world.home.parent / "out" / "talk.md"


class Import(Scenario):
    name = "import"
    told = "three conversations of another program are taken in"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        super().prepare(stage, world)
        _foreign(world).write_text(json.dumps([_of_chatgpt(number) for number in range(3)]), encoding="utf-8")

    def words(self, world: ExecWorld) -> list[str]:
        return ["conversations", "import", str(_foreign(world))]

    def dead(self, trial: Trial) -> Iterator[Violation]:
        yield from self.whole(trial.left.rows("conversations"), trial.left.rows("messages"))

    def again(self, trial: Trial) -> Iterator[Violation]:
        yield from works(trial.world.run(*self.words(trial.world)), "import")
        now = trial.now()
        yield from self.whole(now.rows("conversations"), now.rows("messages"))
        if len(now.rows("conversations")) != 4:
            yield Violation(rule="I19", words=f"{len(now.rows('conversations'))} of 4 conversations are there")

    def whole(self, conversations: list[Row], messages: list[Row]) -> Iterator[Violation]:
        """A conversation is there with all its messages, or not at all."""
        for conversation in conversations:
            count = sum(message["conversation"] == conversation["id"] for message in messages)
            if count != 2:
                yield Violation(rule="I19", words=f"a conversation has {count} of 2 messages")


def _foreign(world: ExecWorld) -> Path:
    return world.home.parent / "conversations.json"


def _of_chatgpt(number: int) -> dict[str, object]:
    def message(name: str, parent: str | None, role: str, text: str) -> dict[str, object]:
        said = {"author": {"role": role}, "content": {"content_type": "text", "parts": [text]}, "create_time": 1e9}
        return {"id": name, "parent": parent, "children": [], "message": {"id": name, **said}}

    told = [message("a", None, "user", f"Question {number}"), message("b", "a", "assistant", f"Answer {number}")]
    return {"id": f"talk-{number}", "title": f"Talk {number}", "create_time": 1e9, "update_time": 1e9 + number,
            "mapping": {each["id"]: each for each in told}, "current_node": "b"}  # fmt: skip


class Removing(Scenario):
    name = "removing"
    told = "a conversation is deleted for good"

    def words(self, world: ExecWorld) -> list[str]:
        (conversation,) = look_into(world.database).rows("conversations")
        return ["conversations", "rm", conversation["id"], "--yes"]

    def dead(self, trial: Trial) -> Iterator[Violation]:
        if trial.left.rows("conversations"):
            if len(trial.left.rows("messages")) != 2:
                yield Violation(rule="I19", words="half of a conversation is gone")
        elif trial.left.rows("messages") or trial.left.requests_of(EARLIER):
            yield Violation(rule="I11", words="a deleted conversation left messages or a prompt behind")

    def again(self, trial: Trial) -> Iterator[Violation]:
        yield from starts_without_a_change(trial)
        if trial.left.rows("conversations"):
            yield from works(trial.world.run(*self.words(trial.world)), "rm")
            trial.left = trial.now()
        if found := holders(trial.world.home, EARLIER):
            yield Violation(rule="I11", words=f"what was deleted stands in {found}")


class OffRecord(Scenario):
    name = "off the record"
    told = "a question that is not to be kept: no file ever holds it"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        world.configure(stage.configuration("privacy: {record: off-record}\n"))
        expect(world.run("exec", "--json", "--no-input", EARLIER))

    def dead(self, trial: Trial) -> Iterator[Violation]:
        for text in (ASKED, LOCAL_ANSWER):
            if found := holders(trial.world.home, text):
                yield Violation(rule="I11", words=f"{text!r} stands in {found}")
        trial.heard = Heard()

    def again(self, trial: Trial) -> Iterator[Violation]:
        yield from works(trial.world.run("exec", "--json", "--no-input", LATER), LATER)


class Budget(Scenario):
    name = "budget"
    told = "a hard budget: what an answer may cost is reserved, then booked"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        world.configure(stage.configuration("budgets:\n  - {scope: day, limit_tokens: 100000, kind: hard}\n"))
        expect(world.run("exec", "--json", "--no-input", EARLIER))

    def again(self, trial: Trial) -> Iterator[Violation]:
        yield from super().again(trial)
        now = trial.now()
        booked = sum((row["input_tokens"] or 0) + (row["output_tokens"] or 0) for row in now.rows("attempts"))
        spent = sum(row["tokens"] for row in now.rows("spend") if row["scope"] == "day")
        if spent != booked:
            yield Violation(rule="I8", words=f"{spent} tokens are spent, and attempts tell of {booked}")
        if len(trial.heard.all) and not any(row["request"] for row in now.rows("attempts")):
            yield Violation(rule="I8", words="an answer was asked for and nothing is booked")


class Tool(Scenario):
    name = "tool"
    told = "a command-line tool answers: its processes are written down while it runs"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        tool = {"kind": "command", "command": [sys.executable, "-I", "-S", "-c", f"print({LOCAL_ANSWER!r})"]}
        text = stage.configuration(targets=("tool/any",)).replace("lanes:", f"  tool: {json.dumps(tool)}\nlanes:")
        world.configure(text)
        _config(world).chmod(0o600)
        expect(world.run("exec", "--json", "--no-input", EARLIER))


_KEEPING = """
import asyncio, sys
from pathlib import Path
from llmdesk.core.views import Draft
from llmdesk.storage.database import Database
from llmdesk.storage.drafts import DraftStore
from llmdesk.storage.instance import Instance

async def main(home):
    instance = Instance(home / "state")
    database = Database(home / "data" / "llmdesk.db", on_warning=print)
    store = DraftStore(database, instance.id, instance.is_alive)
    if sys.argv[2] == "keep":
        for count in range(1, 4):
            await store.keep(Draft(lane="chat", text="word " * count))
            print(count, flush=True)
    else:
        for draft in await store.claim():
            print(draft.text.count("word"))
    await database.aclose()
    instance.close()

asyncio.run(main(Path(sys.argv[1])))
"""


class Drafts(Scenario):
    name = "drafts"
    told = "what is being typed is kept, word by word, and taken up by the next desk"

    def argv(self, world: ExecWorld) -> list[str]:
        return [sys.executable, "-c", _KEEPING, str(world.home), "keep"]

    def dead(self, trial: Trial) -> Iterator[Violation]:
        kept = [row["text"].count("word") for row in trial.left.rows("drafts")]
        acknowledged = len(trial.traced.out.split())
        if not acknowledged <= max(kept, default=0) <= acknowledged + 1:
            yield Violation(rule="I2", words=f"{acknowledged} words were kept, and {kept} are there")

    def again(self, trial: Trial) -> Iterator[Violation]:
        argv = [sys.executable, "-c", _KEEPING, str(trial.world.home), "claim"]
        done = subprocess.run(argv, env=trial.world.environment, capture_output=True, text=True, check=False)
        kept = [str(row["text"].count("word")) for row in trial.left.rows("drafts")]
        if done.returncode or done.stdout.split() != kept:
            yield Violation(rule="I2", words=f"{kept} was kept, and {done.stdout.split()} is taken up {done.stderr}")
        trial.left = look_into(trial.world.database)


_EDITING = """
import os, sys
from pathlib import Path
from llmdesk.config.keeping import propose, write
from llmdesk.core.edits import Edit
file = Path(sys.argv[1])
write(propose(file, [Edit(path=("default_lane",), value=sys.argv[2])], os.environ), at=1.7e9)
"""


class Editing(Scenario):
    name = "editing"
    told = "a setting is changed: the file as it was is kept beside it"

    def prepare(self, stage: Stage, world: ExecWorld) -> None:
        world.configure(stage.configuration())
        _config(world).chmod(0o600)

    def argv(self, world: ExecWorld) -> list[str]:
        return [sys.executable, "-c", _EDITING, str(_config(world)), "codegen"]

    def dead(self, trial: Trial) -> Iterator[Violation]:
        text = trial.stage.configuration()
        found = _config(trial.world).read_text()
        if found != text and "default_lane: codegen" not in found:
            yield Violation(rule="I9", words=f"the configuration holds {len(found)} characters")
        for copy in _config(trial.world).parent.glob("llmdesk.yaml.bak-*"):
            yield from file_is_whole_or_absent(copy, text.encode())
        for left in _config(trial.world).parent.glob(".*"):
            os.utime(left, (0, 0))  # the next change comes later

    def again(self, trial: Trial) -> Iterator[Violation]:
        argv = [sys.executable, "-c", _EDITING, str(_config(trial.world)), "repair"]
        done = subprocess.run(argv, env=trial.world.environment, capture_output=True, text=True, check=False)
        if done.returncode or "default_lane: repair" not in _config(trial.world).read_text():
            yield Violation(rule="I19", words=f"the next edit fails: {done.stderr[-200:]}")
        yield from works(trial.world.run("config", "validate"), "config validate")


ALL: tuple[type[Scenario], ...] = (
    State, First, FirstState, Migration, OldestMigration, Pausing, Resuming, Overflow, Folding, Init, Export, Import,
    Removing, OffRecord, Budget, Tool, Drafts, Editing,
)  # fmt: skip
