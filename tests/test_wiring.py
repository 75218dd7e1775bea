"""The composition root over real servers: what a configuration, an environment and a disk make of a desk."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.errors import ConfigurationError, ErrorKind
from llmdesk.core.types import Accepted, FinishReason, Message, ModelRef, Role, Status
from llmdesk.core.views import Ask, Attachment, Level, ProviderState
from llmdesk.wiring import DEMO_MARK, make_desk
from tests.support.desk_world import ask, story, until
from tests.support.exec_world import configuration, provider
from tests.support.fault_server import (
    FaultServer,
    chat_answer,
    chat_chunk,
    done_chunk,
    error,
    loaded,
    model_entry,
    stream,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmdesk.desk import Desk

LIMIT = error(429, "you've reached your hourly usage limit, please wait or upgrade to continue")


@pytest.fixture
async def cloud() -> AsyncIterator[FaultServer]:
    async with FaultServer(reply="From the cloud.") as server:
        yield server


@pytest.fixture
async def local() -> AsyncIterator[FaultServer]:
    async with FaultServer(reply="From here.") as server:
        yield server


class Home:
    """A folder with a configuration over two servers."""

    def __init__(self, folder: Path, cloud: FaultServer, local: FaultServer) -> None:
        self.folder, self.cloud, self.local = folder, cloud, local
        self.env = {"LLMDESK_HOME": str(folder), "KEY": "key-of-the-cloud"}
        self.configure()

    def configure(self, more: str = "", lane: str = "", **cloud: object) -> None:
        text = configuration(
            provider("cloud", self.cloud.url, **{"api_key": "${KEY}", "models": {"big": "gpt-oss:120b"}, **cloud}),
            provider("local", self.local.url),
            targets=["cloud/big", "local/largest"],
            more=lane,
        )
        path = self.folder / "config" / "llmdesk.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + more, encoding="utf-8")

    def desk(self, **more: Any) -> Desk:
        return make_desk(env=self.env, **more)


@pytest.fixture
def home(tmp_path: Path, cloud: FaultServer, local: FaultServer) -> Home:
    return Home(tmp_path / "home", cloud, local)


async def test_a_request_goes_over_the_wire_and_is_kept_private(home: Home) -> None:
    async with home.desk() as desk:
        outcome = await ask(desk, "hello", system="Be brief.")
        assert (outcome.status, outcome.text, outcome.kept) == (Status.COMPLETED, "From the cloud.", True)
        assert str(outcome.target) == "cloud/gpt-oss:120b"
        assert desk.warnings == ()
        assert not desk.demo
    (seen,) = home.cloud.seen("/api/chat")
    assert seen.headers["authorization"] == "Bearer key-of-the-cloud"
    assert seen.json["messages"] == [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"},
    ]  # fmt: skip
    for path in home.folder.rglob("*"):
        allowed = 0o700 if path.is_dir() else 0o600
        if path.parent.name != "config":
            assert stat.S_IMODE(path.stat().st_mode) & ~allowed == 0, path


async def test_after_a_429_the_deadline_is_on_disk_before_the_local_server_hears_anything(home: Home) -> None:
    home.cloud.always("/api/chat", LIMIT)
    state = home.folder / "state" / "llm_state.json"
    home.local.on_request = lambda _: seen.append(json.loads(state.read_text())["cloud_cooldown_until"])
    seen: list[float] = []
    async with home.desk() as desk, home.desk() as other:
        assert (await ask(desk)).text == "From here."
        assert (await ask(other)).text == "From here."
        statuses = {s.provider: s.state for s in await other.check_providers()}
    assert seen
    assert home.cloud.count() == 1
    assert statuses == {"cloud": ProviderState.COOLING, "local": ProviderState.OK}


async def test_a_partial_answer_is_never_in_what_is_sent_next(home: Home) -> None:
    home.cloud.play("/api/chat", *[chat_answer("CANARY half", done=False)] * 3)
    async with home.desk() as desk:
        first = await ask(desk, "q1")
        assert first.text == "From here."
        await ask(desk, "q2", conversation=first.conversation)
    assert home.cloud.count("/api/chat") == 4
    for request in home.cloud.requests + home.local.requests:
        assert b"CANARY" not in request.body
    assert [m["content"] for m in home.cloud.seen("/api/chat")[-1].json["messages"]] == ["q1", "From here.", "q2"]


@pytest.mark.parametrize(
    ("chunks", "kind", "reasoning"),
    [
        ([done_chunk("")], ErrorKind.TRUNCATED, ""),
        ([chat_chunk(" \n"), done_chunk("")], ErrorKind.TRUNCATED, ""),
        ([chat_chunk(thinking="hm"), done_chunk("")], None, "hm"),
    ],
    ids=["nothing", "blanks", "reasoning"],
)
async def test_an_empty_answer_is_none_unless_there_was_reasoning(
    home: Home, chunks: list[dict[str, object]], kind: ErrorKind | None, reasoning: str
) -> None:
    home.cloud.always("/api/chat", stream(chunks))
    async with home.desk() as desk:
        outcome = await ask(desk)
        assert outcome.attempts[0].error_kind is kind
        assert outcome.reasoning == reasoning
        assert (outcome.target or ModelRef("", "")).provider == ("cloud" if kind is None else "local")
        if kind is None:
            found = await desk.conversation(outcome.conversation or "")
            assert found.messages[1].completeness == "no answer text"


async def test_an_answer_cut_by_its_limit_is_complete_with_that_mark(home: Home) -> None:
    home.cloud.always("/api/chat", chat_answer("as far as", reason="length"))
    async with home.desk() as desk:
        outcome = await ask(desk)
        assert (outcome.status, outcome.finish_reason) == (Status.COMPLETED, FinishReason.LENGTH)
        found = await desk.conversation(outcome.conversation or "")
        assert found.messages[1].completeness == "cut by limit"


async def test_text_that_no_utf8_can_hold_goes_over_the_wire_as_replaced(home: Home) -> None:
    async with home.desk() as desk:
        assert (await ask(desk, "a\ud800b", attachments=(Attachment(name="\udcff", text="\udfff"),))).kept
        messages = [Message(role=Role.USER, content="c\ud800d")]
        assert (await desk.generate(messages=messages)).status is Status.COMPLETED
    first, second = (request.json["messages"][0]["content"] for request in home.cloud.seen("/api/chat"))
    assert first == 'a\ufffdb\n\n<file name="\ufffd">\n\ufffd\n</file>'
    assert second == "c\ufffdd"


async def test_a_schema_lane_sends_its_schema_where_that_is_understood_and_checks_it_here(home: Home) -> None:
    folder = home.folder / "config" / "schemas"
    folder.mkdir(parents=True)
    schema = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
    (folder / "x.json").write_text(json.dumps(schema))
    home.configure(lane=", schema: schemas/x.json, schema_repairs: 0")
    home.cloud.always("/api/chat", chat_answer('{"x": "no"}'))
    home.local.always("/api/chat", chat_answer('{"x": 1}'))
    async with home.desk() as desk:
        outcome = await ask(desk)
    assert outcome.data == {"x": 1}
    assert outcome.attempts[0].error_kind is ErrorKind.SCHEMA
    assert "x.json" in outcome.attempts[0].message
    assert home.local.seen("/api/chat")[0].json["format"] == schema


async def test_a_missing_key_disables_its_provider_alone(home: Home) -> None:
    del home.env["KEY"]
    async with home.desk() as desk:
        assert (await ask(desk)).text == "From here."
        statuses = {s.provider: s for s in await desk.check_providers()}
    assert statuses["cloud"].state is ProviderState.NO_KEY
    assert "KEY" in statuses["cloud"].message
    assert home.cloud.count() == 0


async def test_local_only_lets_nothing_reach_a_cloud(home: Home) -> None:
    home.configure(more="privacy: {network: local-only}\n", base_url="https://ollama.com")
    async with home.desk() as desk:
        outcome = await ask(desk)
    assert outcome.text == "From here."
    assert [(a.outcome.value, a.reason) for a in outcome.attempts] == [("skipped", "privacy"), ("completed", "")]


async def test_faults_of_the_configuration_are_told_before_anything_is_opened(home: Home) -> None:
    (home.folder / "config" / "llmdesk.yaml").write_text("version: 1\nlans: {}\ndefault_lane: 7\n")
    with pytest.raises(ConfigurationError) as refused:
        home.desk()
    assert len(refused.value.faults) == 2
    assert not (home.folder / "data").exists()


async def test_without_a_file_and_a_key_the_local_ollama_answers(tmp_path: Path, local: FaultServer) -> None:
    local.models = [model_entry("small:1b", parameters="1B"), model_entry("large:8b", parameters="8B")]
    env = {"LLMDESK_HOME": str(tmp_path), "OLLAMA_HOST": local.url.removeprefix("http://"), DEMO_MARK: "1"}
    async with make_desk(env=env) as desk:
        assert desk.demo
        assert desk.default_lane == "chat"
        assert [lane.name for lane in desk.lanes()][:2] == ["chat", "codegen"]
        found = await desk.discover()
        assert found.can_answer
        outcome = await ask(desk)
        assert str(outcome.target) == "local/large:8b"
        assert len(await desk.models("local")) == 2
        assert [(await desk.show_model(ModelRef("local", "large:8b")))["details"]] != [None]


async def test_models_are_kept_through_the_desk_and_one_that_was_pulled_is_asked_again(home: Home) -> None:
    ref = ModelRef("local", "new:1b")
    home.local.models = []
    async with home.desk() as desk:
        home.local.play("/api/chat", error(404, "model 'new:1b' not found"))
        assert (await ask(desk, model=ref)).error is not None
        assert [a.reason for a in (await ask(desk, model=ref)).attempts] == ["gone"]
        assert [step.status async for step in desk.pull_model(ref)][-1] == "success"
        assert (await ask(desk, model=ref)).text == "From here."
        made = desk.create_model(ModelRef("local", "mine"), base="new:1b", system="Be brief.")
        assert [step.status async for step in made][-1] == "success"
        await desk.copy_model(ref, "copy:1b")
        assert [step.status async for step in desk.push_model(ref)][-1] == "success"
        await desk.delete_model(ref)
        home.local.running = [loaded("copy:1b")]
        assert [(name, model.name) for name, model in await desk.running_models()] == [("local", "copy:1b")]
    paths = [request.path for request in home.local.requests]
    assert {"/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete"} <= set(paths)
    assert home.local.seen("/api/copy")[0].json == {"source": "new:1b", "destination": "copy:1b"}


async def test_where_no_folder_can_be_written_answers_still_come_and_are_marked_as_not_kept(
    home: Home, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    config = home.folder / "config" / "llmdesk.yaml"
    env = {**home.env, "LLMDESK_HOME": str(tmp_path / "file" / "home")}
    async with make_desk(config=config, env=env, log=lambda *_, **__: None) as desk:
        assert any("last only for this run" in warning for warning in desk.warnings)
        events = await story(desk.send(Ask(prompt="q1")))
        assert isinstance(events[0], Accepted)
        assert not events[0].kept
        first = events[-1].outcome  # type: ignore[union-attr]
        assert (first.text, first.kept) == ("From the cloud.", False)
        home.cloud.always("/api/chat", LIMIT)
        second = await ask(desk, "q2", conversation=first.conversation)
        assert second.text == "From here."
        assert [m["content"] for m in home.local.seen("/api/chat")[0].json["messages"]] == ["q1", first.text, "q2"]
        assert (await ask(desk, "q3")).attempts[0].reason == "cooling", "the cooldown holds in memory"
        (database,) = [f for f in await desk.doctor() if f.topic == "database"]
        assert (database.level, "in memory" in database.text) == (Level.PROBLEM, True)
    assert (tmp_path / "file").read_text() == "in the way"


async def test_retrying_in_memory_says_too_that_nothing_is_kept(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    home.configure(lane=", failover: never")
    env = {**home.env, "LLMDESK_HOME": str(tmp_path / "file" / "home")}
    config = home.folder / "config" / "llmdesk.yaml"
    home.cloud.play("/api/chat", LIMIT)
    async with make_desk(config=config, env=env, log=lambda *_, **__: None) as desk:
        paused = await ask(desk, "q1")
        assert (paused.status, paused.kept) == (Status.PAUSED, False)
        events = await story(await desk.retry(paused.request_id, probe=True))
        assert isinstance(events[0], Accepted)
        assert not events[0].kept
        assert events[-1].outcome.text == "From the cloud."  # type: ignore[union-attr]


def open_files() -> int:
    """How many descriptors this process has open; 0 where the system does not tell."""
    listed = Path("/proc/self/fd")
    return sum(1 for _ in listed.iterdir()) if listed.exists() else 0


async def test_everything_is_closed_when_the_desk_is_left(home: Home) -> None:
    before = open_files()
    async with home.desk(log=lambda *_, **__: None) as desk:
        await ask(desk)
        home.cloud.always("/api/chat", LIMIT)
        await ask(desk)
    await until(lambda: home.cloud.open_connections == home.local.open_connections == 0)
    assert list((home.folder / "state" / "instances").iterdir()) == []
    await until(lambda: open_files() <= before)


async def test_no_prompt_answer_or_key_is_in_the_log(home: Home) -> None:
    from llmdesk.logs import close_log

    home.cloud.play("/api/chat", LIMIT)
    async with home.desk() as desk:
        await ask(desk, "CANARY-prompt")
    close_log()
    text = (home.folder / "state" / "llmdesk.log").read_text()
    (line,) = [json.loads(line) for line in text.splitlines() if "request finished" in line]
    assert (line["status"], line["provider"], line["attempts"]) == ("completed", "local", 2)
    for secret in ("CANARY", "From here", "key-of-the-cloud"):
        assert secret not in text


async def test_off_the_record_a_conversation_goes_on_and_nothing_of_it_is_on_disk(
    tmp_path: Path, cloud: FaultServer, local: FaultServer
) -> None:
    home = Home(tmp_path, cloud, local)
    home.configure(more="privacy: {record: off-record}\n")
    cloud.play("/api/chat", chat_answer("canary-answer"), LIMIT)
    local.always("/api/chat", error(500, "model requires more system memory (7.5 GiB) than is available"))
    async with make_desk(env=home.env) as desk:
        first = await ask(desk, "canary-prompt")
        second = await desk.send(Ask(prompt="canary-again", conversation=first.conversation)).outcome()
        assert (first.status, first.kept) == (Status.COMPLETED, False)
        assert (second.status, second.kept) == (Status.PAUSED, False)
    sent = [message["content"] for message in cloud.seen("/api/chat")[1].json["messages"]]
    assert sent == ["canary-prompt", "canary-answer", "canary-again"]
    assert "cooldowns" in json.loads((tmp_path / "state" / "llm_state.json").read_text())
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"canary" not in path.read_bytes(), path


async def test_a_rejected_key_is_named_by_where_it_came_from(
    tmp_path: Path, cloud: FaultServer, local: FaultServer
) -> None:
    home = Home(tmp_path, cloud, local)
    cloud.always("/api/chat", error(401, "unauthorized"))
    async with make_desk(env=home.env) as desk:
        outcome = await ask(desk, "hello")
    assert outcome.attempts[0].message == "cloud: key rejected (401). Check $KEY."


async def test_only_who_asks_a_lane_hears_of_its_disabled_providers(
    tmp_path: Path, cloud: FaultServer, local: FaultServer
) -> None:
    home = Home(tmp_path, cloud, local)
    del home.env["KEY"]
    async with make_desk(env=home.env) as desk:
        assert desk.warnings == ()
        assert desk.lane_notes("chat") == ("provider cloud is disabled: $KEY is not set",)
        assert desk.lane_notes("no such lane") == ()


async def test_local_only_looks_at_nothing_beyond_this_machine_and_says_so(
    tmp_path: Path, cloud: FaultServer, local: FaultServer
) -> None:
    home = Home(tmp_path, cloud, local)
    home.configure(more="privacy: {network: local-only}\n", base_url="https://ollama.test", allow_http=True)
    async with make_desk(env=home.env) as desk:
        found = {status.provider: status for status in await desk.check_providers(timeout_s=5)}
        levels = {f.text.partition(" ")[0]: f.level for f in await desk.doctor() if f.topic == "provider"}
    assert found["cloud"].state is ProviderState.UNKNOWN
    assert "local-only" in found["cloud"].message
    assert (levels["cloud"], levels["local"]) == (Level.NOTE, Level.OK)


@pytest.mark.parametrize(("on_path", "shown"), [(True, "llmdesk demo"), (False, "./bin/llmdesk demo")])
async def test_the_demo_is_offered_by_the_command_that_works_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: bool, shown: str
) -> None:
    program = tmp_path / "bin" / "llmdesk"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", ["./bin/llmdesk"])
    env = {"LLMDESK_HOME": str(tmp_path / "home"), "OLLAMA_HOST": "127.0.0.1:9"}
    async with make_desk(env=env | ({"PATH": str(program.parent)} if on_path else {})) as desk:
        hints = [finding.hint for finding in (await desk.discover()).findings]
    assert shown in hints
