"""`privacy.network: local-only`: whatever the program is told to do, no byte leaves loopback, of a look-up either.

Every command runs as a process whose sockets are written down; a proxy that the environment names must see nobody.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.exec_world import exec_world
from tests.support.fault_server import FaultServer, model_entry
from tests.support.socket_watch import SocketWatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.exec_world import ExecWorld

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
STUB = {**model_entry("stub:latest"), "remote_host": "https://cloud.invalid", "remote_model": "stub"}
AWAY = {
    "cloud": {"kind": "ollama", "base_url": "https://cloud.invalid"},
    "openai": {"kind": "openai", "base_url": "https://openai.invalid/v1", "billing": "metered"},
    "claude": {"kind": "anthropic", "base_url": "https://claude.invalid"},
    "gemini": {"kind": "google", "base_url": "https://gemini.invalid"},
    "lan": {"kind": "openai", "base_url": "http://gpu-box.invalid:8000/v1", "allow_http": True},
}


@pytest.fixture
def local() -> Iterator[FaultServer]:
    with FaultServer.in_thread(models=[model_entry("gemma3:4b"), STUB]) as server:
        yield server


@pytest.fixture
def trap() -> Iterator[FaultServer]:
    with FaultServer.in_thread() as server:
        yield server


def world_of(
    folder: Path, network: str, local: FaultServer, trap: FaultServer, *, away: bool = True
) -> tuple[ExecWorld, SocketWatch]:
    """A home with a remote provider of every kind before the local one, and the record of its sockets."""
    watch = SocketWatch(folder / "watch")
    proxies = dict.fromkeys(PROXIES, trap.url)
    world = exec_world(folder / "home", SERVICE_KEY="key-of-the-service", **proxies, **watch.environment)
    ran = [sys.executable, "-c", f"open({str(folder / 'ran')!r}, 'w'); print('key-from-a-command')"]
    quick = {"retry": {"attempts": 1}}
    providers: dict[str, object] = {"local": {"kind": "ollama", "base_url": local.url, **quick}}
    if away:
        providers |= {name: {**told, "api_key": "${SERVICE_KEY}", **quick} for name, told in AWAY.items()}
        providers["late"] = {**AWAY["claude"], "api_key": f"$({' '.join(ran[:1])} --version)", **quick}
        providers["tool"] = {"kind": "command", "command": ran, **quick}
    targets = [f"{name}/some-model" for name in providers if name != "local"]
    targets += (
        ["local/stub", "local/big:cloud", "local/gpt-oss:120b-cloud", "local/largest"] if away else ["local/largest"]
    )
    settings = {
        "version": 1, "providers": providers, "lanes": {"chat": {"targets": targets}},
        "privacy": {"network": network},
        "telemetry": {"otlp_endpoint": "https://collector.invalid:4318" if away else None},
        "budgets": [{"scope": "day", "limit_usd": 1.0, "kind": "soft"}],
    }  # fmt: skip
    world.configure(json.dumps(settings))
    return world, watch


COMMANDS: dict[str, tuple[list[str], str]] = {
    "exec": (["exec", "--json", "hello"], ""),
    "exec, a remote model": (["exec", "--json", "--model", "openai/gpt-5-mini", "hello"], ""),
    "exec, a cloud stub": (["exec", "--json", "--model", "local/stub", "hello"], ""),
    "exec, a program": (["exec", "--json", "--model", "tool/any", "hello"], ""),
    "exec, a dry run": (["exec", "--dry-run", "--json", "hello"], ""),
    "linear": (["--plain"], "hello\n"),
    "providers": (["providers", "list"], ""),
    "providers check": (["providers", "check"], ""),
    "doctor": (["doctor"], ""),
    "models list": (["models", "list"], ""),
    "models list of one": (["models", "list", "cloud"], ""),
    "models ps": (["models", "ps"], ""),
    "models pull": (["models", "pull", "cloud/some-model"], ""),
    "models push": (["models", "push", "cloud/me/some-model", "--yes"], ""),
    "models push of one here": (["models", "push", "local/me/some-model", "--yes"], ""),
    "stats": (["stats", "--by", "model"], ""),
    "budgets": (["budgets"], ""),
    "lanes": (["lanes"], ""),
}


def test_local_only_lets_no_byte_leave_whatever_the_command(
    tmp_path: Path, local: FaultServer, trap: FaultServer
) -> None:
    world, watch = world_of(tmp_path, "local-only", local, trap)
    ran = {name: world.run(*words, stdin=stdin) for name, (words, stdin) in COMMANDS.items()}
    assert watch.outside() == []
    assert trap.connections == 0
    assert not (tmp_path / "ran").exists(), "no program was asked"
    assert [name for name in watch.programs() if "python" in name] == [], "no command was run for a key"
    assert [seen.json["model"] for seen in local.seen("/api/chat")] == ["gemma3:4b"] * 2, (
        "nor a model that runs elsewhere"
    )
    assert local.count("/api/push") == 0, "nor is this machine's server told to publish"
    assert "local/me/some-model: not pushed, because privacy.network is local-only." in (
        ran["models push of one here"].err
    )
    assert ran["exec"].answer["model"] == "gemma3:4b"
    skipped = {attempt["provider"] for attempt in ran["exec"].answer["attempts"] if attempt["outcome"] == "skipped"}
    assert skipped >= {*AWAY, "late", "tool"}
    for name in ("exec, a remote model", "exec, a cloud stub", "exec, a program"):
        assert (ran[name].code, ran[name].answer["status"]) == (5, "paused"), ran[name]
        assert "local-only" in ran[name].out
    assert "otlp_endpoint is not on this machine" in ran["exec"].err + ran["doctor"].out + ran["exec"].out


def test_the_watch_and_the_trap_see_what_leaves_when_it_may(
    tmp_path: Path, local: FaultServer, trap: FaultServer
) -> None:
    world, watch = world_of(tmp_path, "any", local, trap)
    world.run("providers", "check")
    assert trap.connections >= len(AWAY), "every remote provider was called through the proxy"
    world.environment.update(dict.fromkeys(PROXIES, ""))
    world.run("exec", "--json", "--model", "openai/gpt-5-mini", "hello")
    assert ("socket.getaddrinfo", "openai.invalid") in watch.outside()


def test_a_server_of_this_machine_is_called_without_a_proxy_when_anything_may_be_called(
    tmp_path: Path, local: FaultServer, trap: FaultServer
) -> None:
    world, watch = world_of(tmp_path, "any", local, trap, away=False)
    assert world.run("exec", "--json", "hello").answer["model"] == "gemma3:4b"
    assert world.run("providers", "check").code == 0
    assert ("socket.connect", ["127.0.0.1", local.port]) in watch.heard()
    assert trap.connections == 0
    assert watch.outside() == []


def test_a_pull_asks_the_server_of_this_machine_and_nobody_else(
    tmp_path: Path, local: FaultServer, trap: FaultServer
) -> None:
    world, watch = world_of(tmp_path, "local-only", local, trap)
    world.run("models", "pull", "local/gemma3:4b")
    assert local.count("/api/pull") == 1
    assert (watch.outside(), trap.connections) == ([], 0)
