"""Keys in the whole program: where they may come from, that each is used, and that none is ever shown."""

from __future__ import annotations

import base64
import json
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer
from tests.support.keychains import FILE, filled
from tests.support.ollama_answers import chat_answer
from tests.support.plays import error, no_answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.exec_world import ExecWorld

CANARY = "canary/of+the=vault-0123456789abcdef"
FORMS = (
    CANARY,
    quote(CANARY, safe=""),
    quote_plus(CANARY),
    base64.b64encode(CANARY.encode()).decode().rstrip("="),
    base64.urlsafe_b64encode(CANARY.encode()).decode().rstrip("="),
)
ECHO = f"Incorrect API key provided: {CANARY} ({' '.join(FORMS)}). Bearer {CANARY}"
"""What a careless server says of a key it refuses."""

CHECK_FIELDS = ["provider", "kind", "status", "latency_ms", "models", "message", "cooldown_until"]


def at_home(folder: Path, text: str, *, mode: int = 0o600, **environment: str) -> ExecWorld:
    """A home with this configuration."""
    world = exec_world(folder / "home", **environment)
    world.configure(text)
    (folder / "home" / "config" / "llmdesk.yaml").chmod(mode)
    return world


def only(*providers: str, targets: list[str]) -> str:
    """A configuration with these providers and no default ones."""
    return configuration(*providers, "  cloud: null", "  local: null", targets=targets)


WAYS = {
    "environment": "${VAULT_KEY}",
    "command": f"$({sys.executable} -c \"import os; print(os.environ['VAULT_SECRET'])\")",
    "keychain": "${keyring:llmdesk/vault}",
    "private file": CANARY,
}


def world_with_key(folder: Path, way: str, url: str) -> ExecWorld:
    """A home whose one provider gets the canary as its key in one of the four ways."""
    given = {"environment": {"VAULT_KEY": CANARY}, "command": {"VAULT_SECRET": CANARY}}.get(way, {})
    if way == "keychain":
        names = ("PYTHON_KEYRING_BACKEND", "PYTHONPATH", FILE)
        given = {name: value for name, value in filled(folder, vault=CANARY).items() if name in names}
    return at_home(folder, only(provider("vault", url, api_key=WAYS[way]), targets=["vault/gemma3:4b"]), **given)


@pytest.mark.parametrize("way", WAYS)
def test_a_key_is_sent_however_it_is_given_and_shown_nowhere(tmp_path: Path, way: str) -> None:
    with FaultServer.in_thread() as server:
        world = world_with_key(tmp_path, way, server.url)
        server.play("/api/chat", chat_answer("Hello."), error(401, ECHO))
        answered = world.run("exec", "--json", "hi")
        assert (answered.code, answered.answer["text"]) == (0, "Hello.")
        (seen,) = server.seen("/api/chat")
        assert seen.headers["authorization"] == f"Bearer {CANARY}"
        refused = world.run("exec", "hi", "--verbose")
        assert refused.code == 5
        assert "401" in refused.err
        for path in ("/api/tags", "/api/me", "/api/usage"):
            server.always(path, error(401, ECHO))
        told = [
            answered,
            refused,
            world.run("config", "show"),
            world.run("config", "show", "--json"),
            world.run("config", "validate"),
            world.run("providers", "list"),
            world.run("providers", "check", "--json"),
            world.run("doctor"),
            world.run("outbox", "list", "--json"),
            world.run("exec", "--dry-run", "--json", "hi"),
        ]
    printed = "\n".join(ran.out + ran.err for ran in told)
    kept = {
        file: file.read_bytes()
        for file in (tmp_path / "home").rglob("*")
        if file.is_file() and file.name != "llmdesk.yaml"
    }
    assert any(file.name == "llmdesk.log" for file in kept)
    for form in FORMS:
        assert form not in printed
        assert not [str(file) for file, raw in kept.items() if form.encode() in raw]


def test_the_doctor_says_where_a_key_comes_from_and_which_one_is_missing(tmp_path: Path) -> None:
    with FaultServer.in_thread() as server:
        text = only(
            provider("vault", server.url, api_key="${VAULT_KEY}"),
            provider("other", server.url, api_key="${OTHER_KEY}"),
            targets=["vault/gemma3:4b"],
        )
        told = at_home(tmp_path, text, VAULT_KEY=CANARY).run("doctor").out
    assert "key from $VAULT_KEY" in told
    assert "no key: set OTHER_KEY" in told


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_key_written_out_needs_a_private_file(tmp_path: Path, mode: int) -> None:
    text = only(provider("vault", "http://127.0.0.1:9", api_key=CANARY), targets=["vault/x"])
    ran = at_home(tmp_path, text, mode=mode).run("config", "validate")
    assert ran.code == 2
    assert "chmod 600" in ran.out
    assert CANARY not in ran.out + ran.err


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_others_can_change_names_no_program(tmp_path: Path, mode: int) -> None:
    text = only(provider("vault", "http://127.0.0.1:9", api_key="$(touch ran)"), targets=["vault/x"])
    ran = at_home(tmp_path, text, mode=mode).run("exec", "hi")
    assert ran.code == 2
    assert "names programs to run" in ran.err
    assert not list(tmp_path.rglob("ran"))


def test_a_keychain_without_the_entry_sends_the_request_on_and_says_how_to_store_it(tmp_path: Path) -> None:
    names = ("PYTHON_KEYRING_BACKEND", "PYTHONPATH", FILE)
    given = {name: value for name, value in filled(tmp_path).items() if name in names}
    with FaultServer.in_thread(reply="From the other.") as server:
        text = only(
            provider("vault", server.url, api_key="${keyring:llmdesk/vault}"),
            provider("other", server.url),
            targets=["vault/gemma3:4b", "other/gemma3:4b"],
        )
        world = at_home(tmp_path, text, **given)
        answer = world.run("exec", "--json", "hi").answer
        checked = world.run("providers", "check", "--json")
    assert answer["text"] == "From the other."
    assert "keyring set llmdesk vault" in answer["attempts"][0]["message"]
    vault = json.loads(checked.out.splitlines()[0])
    assert vault["status"] == "needs attention"
    assert "keyring set llmdesk vault" in vault["message"]


def test_a_check_is_one_object_a_line_leaves_the_resting_alone_and_says_what_it_could_not_try(tmp_path: Path) -> None:
    with FaultServer.in_thread() as open_door, FaultServer.in_thread() as resting, FaultServer.in_thread() as refusing:
        open_door.always("/api/me", error(404, "not found"))
        for path in ("/api/me", "/api/usage"):
            refusing.always(path, error(401, "unauthorized"))
        text = only(
            provider("open", open_door.url, api_key="${VAULT_KEY}"),
            provider("resting", resting.url, api_key="${VAULT_KEY}"),
            provider("refusing", refusing.url, api_key="${VAULT_KEY}"),
            provider("down", "http://127.0.0.1:9"),
            provider("keyless", open_door.url, api_key="${NOT_SET}"),
            targets=["resting/gemma3:4b", "open/gemma3:4b"],
        )
        world = at_home(tmp_path, text, VAULT_KEY=CANARY)
        resting.play("/api/chat", error(429, "too many requests"))
        assert world.run("exec", "hi").code == 0
        before = resting.count()
        ran = world.run("providers", "check", "--json")
        assert resting.count() == before
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert all(list(row) == CHECK_FIELDS for row in rows)
    status = {row["provider"]: row["status"] for row in rows}
    assert status == {
        "open": "ok",
        "resting": "cooling",
        "refusing": "needs attention",
        "down": "down",
        "keyless": "no key",
    }
    found = {row["provider"]: row for row in rows}
    assert found["resting"]["cooldown_until"]
    assert isinstance(found["open"]["latency_ms"], int)
    assert found["open"]["message"] == "key not tried"
    assert ran.code == 0
    assert CANARY not in ran.out + ran.err


def test_a_check_takes_as_long_as_its_limit_whoever_hangs_and_however_many(tmp_path: Path) -> None:
    slow = tmp_path / "slow.sh"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o700)
    with FaultServer.in_thread() as hanging, FaultServer.in_thread() as well:
        for path in ("/api/version", "/api/tags", "/api/me"):
            hanging.always(path, no_answer())
        text = only(
            *(provider(f"h{number}", hanging.url) for number in range(12)),
            provider("vault", well.url, api_key=f"$({slow})"),
            provider("well", well.url),
            targets=["well/gemma3:4b"],
        )
        began = time.monotonic()
        ran = at_home(tmp_path, text).run("providers", "check", "--timeout", "5", "--json")
        took_s = time.monotonic() - began
    rows = {row["provider"]: row for row in map(json.loads, ran.out.splitlines())}
    assert {name: row["status"] for name, row in rows.items()} == {
        **{f"h{number}": "down" for number in range(12)}, "vault": "needs attention", "well": "ok",
    }  # fmt: skip
    assert rows["vault"]["message"] == f"vault: the output of {slow} did not come within 5 s."
    assert took_s < 20  # one after the other would be 65
