"""Off the record spend stays on the disk, in numbers, and nothing that anybody said does."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.types import Status
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, Mark, chat_answer, error

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.exec_world import ExecWorld

CANARY = "canary-of-nobodys-business"
LIMIT = 2_000


def off_the_record(home: Path, *urls: str, budget: dict[str, Any] | None = None) -> ExecWorld:
    """A home without a record, over one provider for each URL."""
    world = exec_world(home)
    names = [f"p{number}" for number in range(len(urls))]
    budgets = [budget or {"scope": "day", "limit_tokens": LIMIT, "kind": "hard"}]
    world.configure(
        configuration(
            *(provider(name, url) for name, url in zip(names, urls, strict=True)),
            targets=[f"{name}/gemma3:4b" for name in names],
        )
        + f"privacy: {{record: off-record}}\nbudgets: {json.dumps(budgets)}\n"
    )
    return world


def telling(*, used: int = 1_900, **fields: Any) -> Any:
    """An answer that says the word in its text, its reasoning and the name of its model, and what it has used."""
    return chat_answer(
        f"I say {CANARY}.", thinking=CANARY, model=CANARY, input_tokens=used - 400, output_tokens=400, **fields
    )


def files_that_tell(home: Path) -> list[Path]:
    files = [path for path in home.rglob("*") if path.is_file() and "config" not in path.parts]
    assert any(path.name == "llmdesk.db" for path in files)
    return [path for path in files if CANARY.encode() in path.read_bytes()]


def rows(world: ExecWorld, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(world.database) as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_what_one_process_spent_binds_the_next_and_no_file_holds_a_word(tmp_path: Path) -> None:
    with FaultServer.in_thread() as first, FaultServer.in_thread() as second:
        first.always("/api/chat", error(429, f"you have reached your limit, {CANARY}"))
        second.always("/api/chat", telling())
        world = off_the_record(tmp_path, first.url, second.url)
        answered = world.run("exec", "--json", "--job", "nightly", f"tell me of {CANARY}")
        assert (answered.code, CANARY in answered.answer["text"]) == (0, True)
        blocked = world.run("exec", "--json", f"tell me more of {CANARY}")
        assert (blocked.code, blocked.answer["status"]) == (3, "blocked")
        assert second.count("/api/chat") == 1
        (budget,) = (json.loads(line) for line in world.run("budgets", "--json").out.splitlines())
        steps = [json.loads(line) for line in world.run("failovers", "--json").out.splitlines()]
    assert (budget["spent"], budget["reserved"]) == (1_900, 0)
    assert [(s["from"], s["to"], s["reason"], s["message"]) for s in steps[-1:]] == [
        ("p0/gemma3:4b", "p1/gemma3:4b", "rate", "")
    ]
    assert rows(world, "SELECT sum(tokens) FROM spend WHERE scope = 'job' AND key = 'nightly'") == [(1_900,)]
    for table in ("requests", "messages", "conversations", "attachments"):
        assert rows(world, f"SELECT count(*) FROM {table}") == [(0,)]
    assert files_that_tell(tmp_path) == []


def test_a_process_that_is_killed_in_mid_answer_leaves_neither_a_word_nor_a_reservation(tmp_path: Path) -> None:
    with FaultServer.in_thread() as server:
        server.always("/api/chat", telling(done=False, end=Mark.HOLD))
        world = off_the_record(tmp_path, server.url)
        process = world.start("exec", f"tell me of {CANARY}")
        try:
            assert process.stdout is not None
            said = b""
            while CANARY.encode() not in said:
                said += process.stdout.read1()
            assert len(rows(world, "SELECT * FROM reservations")) == 1
        finally:
            process.kill()
            process.communicate()
        assert files_that_tell(tmp_path) == []
        (budget,) = (json.loads(line) for line in world.run("budgets", "--json").out.splitlines())
    assert budget["reserved"] == 0
    assert 0 < budget["spent"] < 30, "the prompt alone, by our estimate"
    assert rows(world, "SELECT * FROM reservations") == []


async def test_the_budget_of_a_conversation_holds_within_the_run(tmp_path: Path) -> None:
    async with FaultServer() as server:
        server.always("/api/chat", telling())
        world = off_the_record(
            tmp_path, server.url, budget={"scope": "conversation", "limit_tokens": LIMIT, "kind": "hard"}
        )
        async with make_desk(env=world.environment, log=lambda *_, **__: None) as desk:
            first = await desk.send(Ask(prompt=f"tell me of {CANARY}")).outcome()
            second = await desk.send(Ask(prompt="more", conversation=first.conversation)).outcome()
            other = await desk.send(Ask(prompt="something else")).outcome()
            _, newest, oldest = await desk.budgets()
            assert files_that_tell(tmp_path) == [], "not even while it runs"
        assert [o.status for o in (first, second, other)] == [Status.COMPLETED, Status.BLOCKED, Status.COMPLETED]
        assert len(server.seen("/api/chat")) == 2
        assert (newest.period, newest.spent) == (other.conversation, 1_900)
        assert (oldest.period, oldest.spent) == (first.conversation, 1_900)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ("full", "conversations, the outbox and cooldowns last and budgets count only for this run."),
        ("off-record", "cooldowns last and budgets count only for this run."),
    ],
)
async def test_where_nothing_can_be_written_budgets_hold_for_this_run_and_it_is_said(
    tmp_path: Path, record: str, told: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    async with FaultServer() as server:
        server.always("/api/chat", telling())
        world = off_the_record(tmp_path, server.url)
        config = tmp_path / "config" / "llmdesk.yaml"
        config.write_text(config.read_text().replace("off-record", record))
        environment = {**world.environment, "LLMDESK_HOME": str(tmp_path / "file" / "home")}
        async with make_desk(config=config, env=environment, log=lambda *_, **__: None) as desk:
            assert [warning for warning in desk.warnings if warning.endswith(f": {told}")]
            first = await desk.send(Ask(prompt="one")).outcome()
            second = await desk.send(Ask(prompt="two")).outcome()
        assert [first.status, second.status] == [Status.COMPLETED, Status.BLOCKED]
