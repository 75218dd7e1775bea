"""A server that repeats the key it was called with: neither its answer nor its models carry it any further."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer
from tests.support.ollama_answers import chat_answer, model_entry, show, tags
from tests.support.word_search import files_that_hold

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.exec_world import ExecWorld

KEY = "house-key-4711-of-the-door"


def world_of(folder: Path, first: FaultServer, second: FaultServer) -> ExecWorld:
    world = exec_world(folder / "home", HOUSE_KEY=KEY)
    told = configuration(
        provider("first", first.url, api_key="${HOUSE_KEY}"),
        provider("second", second.url),
        targets=["first/gemma3:4b", "second/gemma3:4b"],
    )
    world.configure(told)
    return world


@pytest.mark.parametrize("size", [1, 3, 8, 200])
def test_an_answer_with_the_key_is_masked_kept_masked_and_sent_on_masked(tmp_path: Path, size: int) -> None:
    with FaultServer.in_thread() as first, FaultServer.in_thread(reply="Well.") as second:
        world = world_of(tmp_path, first, second)
        first.play("/api/chat", chat_answer(f"You are {KEY}, are you?", thinking=f"Who is {KEY}", size=size))
        told = world.run("exec", "--verbose", "who am I")
        assert told.out.strip() == "You are ***, are you?"
        assert KEY not in told.err
        again = world.run("exec", "--continue", "--model", "second/gemma3:4b", "and now?")
        assert again.code == 0
        (seen,) = second.seen("/api/chat")
        assert "You are ***, are you?" in json.dumps(seen.json)
        assert KEY.encode() not in seen.body
        assert files_that_hold(world.home, KEY) == {}


def test_a_password_packed_in_a_header_is_known_from_the_first_answer_on(tmp_path: Path) -> None:
    packed = base64.b64encode(f"me:{KEY}".encode()).decode()
    with FaultServer.in_thread() as server:
        server.always("/api/chat", chat_answer(f"You are {KEY}, are you?"))
        world = exec_world(tmp_path / "home", DOOR=f"Basic {packed}")
        told = provider("first", server.url, headers={"Authorization": "${DOOR}"})
        world.configure(configuration(told, targets=["first/gemma3:4b"]))
        assert world.run("exec", "who am I").out.strip() == "You are ***, are you?"


def test_a_broken_answer_keeps_its_masked_beginning_whole(tmp_path: Path) -> None:
    with FaultServer.in_thread() as first, FaultServer.in_thread(reply="Well.") as second:
        world = world_of(tmp_path, first, second)
        first.always("/api/chat", chat_answer(f"{KEY} and hou", size=2, done=False))
        answer = world.run("exec", "--json", "who am I").answer
        assert answer["text"] == "Well."
        shown = [json.loads(line) for line in world.run("failovers", "--json").out.splitlines()]
        assert shown
        assert files_that_hold(world.home, KEY) == {}
        assert files_that_hold(world.home, "*** and hou") != {}


def test_a_model_called_like_the_key_is_not_listed(tmp_path: Path) -> None:
    with FaultServer.in_thread() as first, FaultServer.in_thread() as second:
        world = world_of(tmp_path, first, second)
        first.always("/api/tags", tags([model_entry("gemma3:4b"), model_entry(f"{KEY.encode().hex()}:1b")]))
        first.always("/api/show", show(f"for {KEY}"))
        listed = world.run("models", "list", "first", "--json")
        assert [json.loads(line)["model"] for line in listed.out.splitlines()] == ["gemma3:4b"]
        told = world.run("models", "show", "first/gemma3:4b", "--json")
        assert told.code == 0
        assert KEY not in told.out
        assert "***" in told.out
