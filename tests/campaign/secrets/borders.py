"""``network: local-only`` under everything that could lead elsewhere: no byte leaves loopback, of a look-up either.

Proxies in every spelling of their variables, addresses that only look local, a server on this machine that redirects,
that hands models on to a cloud, that answers with links and images, and a collector elsewhere; all drawn from a seed.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.campaign.secrets import doings, echoes
from tests.campaign.secrets.rounds import Round
from tests.campaign.secrets.watch import Watch
from tests.support.exec_world import exec_world
from tests.support.fault_server import FaultServer
from tests.support.ollama_answers import chat_answer, model_entry
from tests.support.plays import error, redirect

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
LOOK_LOCAL = (
    "http://localhost.invalid:{port}", "http://127.0.0.1.invalid:{port}", "http://10.11.12.13:{port}",
    "http://[::ffff:10.11.12.13]:{port}", "http://0x7f000001.invalid:{port}", "http://2130706433.invalid:{port}",
    "http://127.0.0.1@elsewhere.invalid:{port}", "http://elsewhere.invalid:{port}/127.0.0.1",
    "http://169.254.169.254/v1", "http://[fe80::1]:{port}", "http://192.0.2.1:{port}", "http://localhost%2einvalid:{port}",
)  # fmt: skip
"""Addresses of elsewhere, some of which look like this machine; from the environment, so that only one is off."""

STUBS = (
    {"remote_host": "https://cloud.invalid", "remote_model": "stub"},
    {"remote_host": "https://cloud.invalid:443"},
    {"remote_model": "gpt-oss:120b"},
)
ANSWER = (
    "![a picture](https://pictures.invalid/a.png) [a link](http://links.invalid/x) <img src='https://tags.invalid/b.png'>"
    " \x1b]8;;https://osc.invalid\x1b\\x\x1b]8;;\x1b\\ file://files.invalid/c \\\\smb.invalid\\d"
)
SCHEMA = {"$ref": "https://schemas.invalid/s.json", "properties": {"a": {"$ref": "http://schemas.invalid/t.json#/x"}}}

COMMANDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("exec", "--json", "hello"), ""),
    (("exec", "--json", "--model", "local/stub", "hello"), ""),
    (("exec", "--json", "--model", "local/gpt-oss:120b-cloud", "hello"), ""),
    (("exec", "--json", "--model", "near/some-model", "hello"), ""),
    (("exec", "--json", "--model", "away/gpt-5-mini", "hello"), ""),
    (("exec", "--json", "--model", "tool/any", "hello"), ""),
    (("exec", "--json", "--schema", json.dumps(SCHEMA), "hello"), ""),
    (("exec", "--dry-run", "hello"), ""),
    (("check", "--task", "-", "--output", "answer.md"), "hello"),
    (("--plain",), "hello\n/providers\n/doctor\n/models\n"),
    (("providers", "check", "--timeout", "4"), ""),
    (("doctor",), ""),
    (("models", "list"), ""),
    (("models", "ps"), ""),
    (("models", "show", "local/stub"), ""),
    (("models", "pull", "local/gemma3:4b"), ""),
    (("models", "pull", "away/x"), ""),
    (("models", "push", "local/me/x", "--yes"), ""),
    (("stats", "--by", "model"), ""),
    (("budgets",), ""),
    (("outbox", "retry", "--yes"), ""),
    (("exec", "--demo", "hello"), ""),
)  # fmt: skip


def play(seed: int, count: int = 8) -> Round:
    """Play the round of this seed, with so many commands."""
    rng = random.Random(f"borders {seed}")
    with tempfile.TemporaryDirectory(prefix="llmdesk-borders-") as folder, ExitStack() as stack:
        return _played(seed, rng, Path(folder), stack, count)


def _played(seed: int, rng: random.Random, folder: Path, stack: ExitStack, count: int) -> Round:
    found = Round(seed=seed, story=["local-only"])
    stub = {**model_entry("stub:latest"), **rng.choice(STUBS)}
    local = stack.enter_context(FaultServer.in_thread(models=[model_entry("gemma3:4b"), stub], reply=ANSWER))
    trap = stack.enter_context(FaultServer.in_thread())
    watch = Watch(folder / "watch")
    world = exec_world(folder / "home", **watch.environment, TMPDIR=str(folder), SERVICE_KEY="key-of-the-service-4711")
    world.environment.update(dict.fromkeys(rng.sample(PROXIES, rng.randint(3, 6)), trap.url))
    if rng.random() < 0.5:
        world.environment[rng.choice(("NO_PROXY", "no_proxy"))] = rng.choice(("", "elsewhere.invalid", "10.0.0.0/8"))
    if rng.random() < 0.5:
        world.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "https://collector.invalid"
    world.configure(json.dumps(_settings(rng, local, trap, folder, world.environment)))
    (folder / "home" / "config" / "llmdesk.yaml").chmod(0o600)
    (folder / "cwd").mkdir()
    (folder / "cwd" / "answer.md").write_text(ANSWER)
    for path in ("/api/chat", "/api/tags", "/api/ps", "/api/version"):
        if rng.random() < 0.25:
            where = rng.choice((f"{trap.url}{path}", "https://elsewhere.invalid/api/chat", "//elsewhere.invalid/x"))
            local.play(path, redirect(rng.choice((301, 302, 307, 308)), where))
            found.story.append(f"{path} redirects to {where}")
    if rng.random() < 0.3:
        local.play("/api/chat", error(401, {"signin_url": "https://signin.invalid/connect?key=x"}), chat_answer(ANSWER))
    for words, stdin in rng.sample(COMMANDS, count):
        told = doings.run_in(world.environment, folder / "cwd", *words, stdin=stdin)
        found.processes += 1
        found.story.append(f"{' '.join(words)[:60]} -> {told.code}")
        if b"Traceback (most recent call last)" in told.out + told.err:
            found.leaks.append(f"a traceback: {' '.join(words)}")
    _judge(found, watch, local, trap, folder)
    return found


def _settings(
    rng: random.Random, local: FaultServer, trap: FaultServer, folder: Path, environment: dict[str, str]
) -> dict[str, object]:
    quick = {"retry": {"attempts": 1}, "timeouts": {"first_token_s": 5, "idle_s": 5}}
    environment["NEAR"] = rng.choice(LOOK_LOCAL).format(port=trap.port)
    environment["AWAY"] = rng.choice(("https://openai.invalid/v1", "http://192.0.2.7:8000/v1"))
    ran = [sys.executable, "-c", f"open({str(folder / 'ran')!r}, 'w'); print('key-from-a-command-4711')"]
    wire = rng.choice(echoes.WIRES)
    providers: dict[str, object] = {
        "cloud": {"kind": "ollama", "base_url": "https://cloud.invalid", "api_key": "${SERVICE_KEY}", **quick},
        "local": {"kind": "ollama", "base_url": local.url, **quick},
        "near": {"kind": wire, "base_url": "${NEAR}", "allow_http": True, "api_key": "${SERVICE_KEY}", **quick},
        "away": {"kind": "openai", "base_url": "${AWAY}", "allow_http": True, "api_key": "${SERVICE_KEY}", **quick},
        "tool": {"kind": "command", "command": ran, **quick},
    }
    targets = ["cloud/gpt-oss:120b", "near/some-model", "away/gpt-5-mini", "tool/any", "local/stub", "local/big:cloud"]
    rng.shuffle(targets)
    settings: dict[str, object] = {
        "version": 1,
        "providers": providers,
        "lanes": {
            "chat": {"targets": [*targets, "local/largest"]},
            "critic": {"targets": [targets[0], "local/largest"]},
        },
        "privacy": {"network": "local-only", "record": rng.choice(("full", "metadata", "off-record"))},
        "telemetry": {"otlp_endpoint": rng.choice((None, "https://collector.invalid:4318", "http://192.0.2.9:4318"))},
    }
    if rng.random() < 0.3:  # said in the environment instead, which is stronger than the file
        environment["LLMDESK_NETWORK"] = "local-only"
        settings["privacy"] = {"network": "any"}
    return settings


def _judge(found: Round, watch: Watch, local: FaultServer, trap: FaultServer, folder: Path) -> None:
    found.searched += watch.events
    if watch.events == 0:
        found.leaks.append("nothing was heard of the program: the watch did not work")
    found.leaks += [f"left this machine: {where}" for where in sorted(set(watch.outside()))]
    if trap.connections:
        found.leaks.append(f"the proxy, or where a redirect led, saw {trap.connections} connections")
    if (folder / "ran").exists():
        found.leaks.append("a program was run")
    asked = {str(seen.json.get("model")) for seen in local.seen("/api/chat")} - {"gemma3:4b"}
    found.leaks += [f"a model that runs elsewhere was asked: {name}" for name in sorted(asked)]
    if local.count("/api/push"):
        found.leaks.append("a model was published")
