"""Where everything lives and who may read it: modes, places, homes that cannot be used, several instances, the demo."""

from __future__ import annotations

import json
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.exec_world import CLEAN, ExecWorld, Ran, configuration, exec_world, provider
from tests.support.fault_server import FaultServer, chat_answer, error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWER = "Hello from Ollama."
OPEN_MASK = 0


@pytest.fixture
def local() -> Iterator[FaultServer]:
    with FaultServer.in_thread() as server:
        yield server


def run(at: ExecWorld, *words: str) -> Ran:
    """Run with a mask that would let everybody read what is made."""
    done = subprocess.run(
        at.argv(*words), env=at.environment, stdin=subprocess.DEVNULL, capture_output=True,
        timeout=60, check=False, umask=OPEN_MASK,
    )  # fmt: skip
    return Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


def exposed(folder: Path) -> list[str]:
    """Everything below a folder that is not its owner's alone."""
    wrong = []
    for path in folder.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        if (mode := stat.S_IMODE(path.lstat().st_mode)) != wanted:
            wrong.append(f"{mode:o} {path}")
    return wrong


def test_everything_made_is_its_owners_alone_while_it_runs_and_afterwards(tmp_path: Path) -> None:
    with FaultServer.in_thread() as cloud, FaultServer.in_thread() as near:
        at = exec_world(tmp_path / "home", OLLAMA_API_KEY="key-of-the-cloud", OLLAMA_HOST=near.url)
        assert run(at, "config", "init").code == 0
        assert run(at, "config", "validate").code == 0
        (at.home / "config" / "llmdesk.yaml").write_text(
            configuration(
                provider("cloud", cloud.url, api_key="${OLLAMA_API_KEY}"),
                provider("local", near.url),
                targets=["cloud/gpt-oss:120b", "local/largest"],
            )
        )
        cloud.play("/api/chat", error(429, "limit"))
        near.play("/api/chat", chat_answer("word " * 60, pause_s=0.02))
        running = at.start("exec", "hi", umask=OPEN_MASK)
        while not near.count("/api/chat"):
            assert running.poll() is None
            time.sleep(0.01)
        assert any(path.name == "llmdesk.db-wal" for path in at.database.parent.iterdir())
        assert exposed(at.home) == []
        out, _ = running.communicate()
        assert out.decode() == "word " * 60
        (talk,) = [json.loads(line) for line in run(at, "conversations", "--json").out.splitlines()]
        assert run(at, "conversations", "export", talk["id"], "--output", str(at.home / "talk.md")).code == 0
    assert exposed(at.home) == []
    names = {path.name for path in at.home.rglob("*") if path.is_file()}
    assert {"llmdesk.yaml", "llm_state.json", "llmdesk.db", "llmdesk.log", "talk.md"} <= names


def test_without_a_home_of_its_own_it_lives_where_the_platform_says(tmp_path: Path, local: FaultServer) -> None:
    for made, variables in (
        ((".config", ".local/share", ".local/state"), {}),
        (("c", "d", "s"), {f"XDG_{kind}_HOME": str(tmp_path / "xdg" / kind[0].lower())
                           for kind in ("CONFIG", "DATA", "STATE")}),
    ):  # fmt: skip
        root = tmp_path / "xdg" if variables else tmp_path / "plain"
        root.mkdir()
        at = ExecWorld(home=root, environment={**CLEAN, "HOME": str(root), "OLLAMA_HOST": local.url, **variables})
        assert run(at, "exec", "hi").out == ANSWER
        config, data, state = (root / name / "llmdesk" for name in made)
        assert (data / "llmdesk.db").is_file()
        assert (state / "llmdesk.log").is_file()
        assert run(at, "config", "path").out == f"{config / 'llmdesk.yaml'}\n"
        assert exposed(root) == []


@pytest.mark.parametrize("broken", ["home", "state"])
def test_a_home_that_cannot_be_used_costs_the_memory_and_not_the_answer(
    tmp_path: Path, local: FaultServer, broken: str
) -> None:
    at = {
        "home": ExecWorld(home=tmp_path, environment={**CLEAN, "HOME": str(tmp_path / "file" / "home")}),
        "state": exec_world(tmp_path),
    }[broken]
    (tmp_path / ("state" if broken == "state" else "file")).write_text("in the way")
    at = ExecWorld(home=at.home, environment={**at.environment, "OLLAMA_HOST": local.url})
    answered = run(at, "exec", "hi")
    assert (answered.code, answered.out) == (0, ANSWER)
    assert "note: " in answered.err
    assert "Traceback" not in answered.err
    local.always("/api/chat", error(503, "down"))
    paused = run(at, "exec", "hi", "--timeout", "0.5")
    assert paused.code == 5
    assert ("Kept in the outbox" in paused.err) is (broken == "state")
    doctor = run(at, "doctor", "--json")
    assert doctor.code == 1
    assert [json.loads(line)["topic"] for line in doctor.out.splitlines() if '"problem"' in line]
    listed = run(at, "conversations")
    assert listed.code == 0
    if broken != "state":
        assert "cannot be written" in listed.err


def test_damaged_files_are_set_aside_and_told(tmp_path: Path, local: FaultServer) -> None:
    at = exec_world(tmp_path, OLLAMA_HOST=local.url, OLLAMA_API_KEY="key-of-the-cloud")
    at.configure(configuration(provider("cloud", local.url), provider("local", local.url), targets=["cloud/gemma3:4b"]))
    at.state.parent.mkdir()
    at.database.parent.mkdir()
    at.state.write_text('{"version": 1')
    at.database.write_text("no database at all")
    ran = at.run("exec", "hi")
    assert (ran.code, ran.out) == (0, ANSWER)
    assert ran.err.count("note: ") == 2
    assert len(list(tmp_path.glob("state/llm_state.json.corrupt-*"))) == 1
    assert len(list(tmp_path.glob("data/llmdesk.db.corrupt-*"))) == 1
    assert at.run("exec", "hi").err == ""

    at.state.write_text(json.dumps({"cloud_cooldown_until": time.time() + 300}))
    (cloud, _) = [json.loads(line) for line in at.run("providers", "--json").out.splitlines()]
    assert cloud["status"] == "cooling", "the oldest format, standing alone, is read"


def test_three_instances_at_once_keep_everything(tmp_path: Path, local: FaultServer) -> None:
    at = exec_world(tmp_path, OLLAMA_HOST=local.url)
    local.always("/api/chat", chat_answer("word " * 10, pause_s=0.05))
    started = [at.start("exec", "--quiet", f"prompt {n}") for n in range(3)]
    for process in started:
        out, err = process.communicate()
        assert (process.returncode, out.decode(), err) == (0, "word " * 10, b"")
    titles = {json.loads(line)["title"] for line in at.run("conversations", "--json").out.splitlines()}
    assert titles == {"prompt 0", "prompt 1", "prompt 2"}


def test_a_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary, home = tmp_path / "tmp", tmp_path / "home"
    temporary.mkdir()
    at = exec_world(home, TMPDIR=str(temporary), OLLAMA_HOST="127.0.0.1:9")
    assert "DEMO" in at.run("exec", "--demo", "hi").out
    assert at.run("exec", "--demo", "slow", "--timeout", "0.5").code == 5
    assert list(temporary.iterdir()) == []
    assert not home.exists()


def test_local_only_reaches_nobody_else_whatever_the_command(tmp_path: Path, local: FaultServer) -> None:
    commands = (["providers", "check"], ["doctor"], ["models", "list", "cloud"],
                ["models", "pull", "cloud/x"], ["exec", "hi"], ["exec", "hi", "--model", "cloud/x"], [])  # fmt: skip
    with FaultServer.in_thread() as proxy:
        at = exec_world(
            tmp_path, OLLAMA_HOST=local.url, OLLAMA_API_KEY="key-of-the-cloud", HTTPS_PROXY=proxy.url,
            HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url,
        )  # fmt: skip
        assert at.run("providers", "check").code == 0
        assert proxy.connections == 1, "the trap works"
        at.configure("privacy: {network: local-only}\n")
        for words in commands:
            ran = run(at, *words)
            assert proxy.connections == 1, (words, ran)
