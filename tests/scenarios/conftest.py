"""The words that the scenarios have in common; what only one of them says stands beside it."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, parsers, then, when

from tests.scenarios.world import KEYS, PROGRAM, World, says
from tests.support import openai_answers as openai
from tests.support.fault_server import chat_answer, error
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = {"Ollama's cloud": "cloud", "the local Ollama": "local", "OpenAI": "openai", "Claude": "claude"}
OLLAMA = "(?P<who>Ollama's cloud|the local Ollama)"
WHO = "(?P<who>" + "|".join(SERVERS) + ")"
TIMES = {"never asked": 0, "asked once": 1, "asked twice": 2, "asked three times": 3}
LIMIT = "you've reached your hourly usage limit, please wait or upgrade to continue"
"""What ollama.com says with a 429."""

QUIT = "\x11"
"""ctrl+q."""

BOTH = """\
version: 1
providers:
  cloud:
    kind: ollama
    base_url: "${CLOUD_ADDRESS}"
    api_key: "${OLLAMA_API_KEY}"
    retry: {attempts: 3, delay_s: 0}
"""
"""The defaults, but for the address of the cloud and the pause before it is asked again."""


@pytest.fixture(scope="session")
def unpacked() -> Iterator[Path]:
    """Where the one file for Linux unpacks itself at its first start."""
    assert os.access(PROGRAM, os.X_OK), f"there is no program to test: {PROGRAM}"
    with tempfile.TemporaryDirectory(prefix="llmdesk-scenarios-") as folder:
        yield Path(folder)


@pytest.fixture
def world(tmp_path: Path, unpacked: Path) -> Iterator[World]:
    """What one scenario has to itself."""
    with ExitStack() as stack:
        yield World(tmp_path, unpacked, stack)


# --- given -----------------------------------------------------------------------------------------------------------


@given(parsers.parse("an Ollama on this machine with the model {model}"))
def local_with(world: World, model: str) -> None:
    world.environment["OLLAMA_HOST"] = world.server("local", model).url


@given("an Ollama on this machine without any model")
def local_without_models(world: World) -> None:
    world.environment["OLLAMA_HOST"] = world.server("local").url


@given("a key for Ollama's cloud, which has the model gpt-oss:120b")
def cloud_first(world: World) -> None:
    world.server("cloud", "gpt-oss:120b")
    world.environment["OLLAMA_API_KEY"] = "key-of-the-cloud"
    world.configure(BOTH)


@given("my configuration is")
def configured(world: World, docstring: str) -> None:
    assert "OLLAMA_API_KEY" not in world.environment or "${CLOUD_ADDRESS}" in docstring, "it would ask the real cloud"
    world.configure(docstring)


@given(parsers.re(OLLAMA + ' (?:says|then says|is back and says) "(?P<text>.*)"'))
def ollama_says(world: World, who: str, text: str) -> None:
    server = world.server(SERVERS[who])
    server.as_usual("/api/chat")
    server.reply = text


@given(parsers.re(OLLAMA + ' says at first "(?P<text>.*)"'))
def ollama_says_first(world: World, who: str, text: str) -> None:
    world.server(SERVERS[who]).play("/api/chat", chat_answer(text))


@given(parsers.re("a key for (?P<who>OpenAI|Claude)"))
def vendor_key(world: World, who: str) -> None:
    world.server(SERVERS[who])
    world.environment[{"OpenAI": "OPENAI_API_KEY", "Claude": "ANTHROPIC_API_KEY"}[who]] = f"sk-of-{SERVERS[who]}"


@given(parsers.re('OpenAI always answers "(?P<text>.*)", (?P<read>[0-9]+) tokens in and (?P<written>[0-9]+) out'))
def openai_answers(world: World, text: str, read: str, written: str) -> None:
    play = openai.answer(text, usage=openai.tokens(int(read), int(written)))
    world.server("openai").always("/v1/chat/completions", play)


@given("Ollama's cloud is rate limited")
def rate_limited(world: World) -> None:
    world.server("cloud").always("/api/chat", error(429, LIMIT))


@given("Ollama's cloud is overloaded")
def overloaded(world: World) -> None:
    world.server("cloud").always("/api/chat", error(503, "Server overloaded, please retry shortly"))


@given(parsers.parse('Ollama\'s cloud breaks off after "{text}"'))
def breaks_off(world: World, text: str) -> None:
    world.server("cloud").always("/api/chat", chat_answer(text, done=False))


@given(parsers.parse('the local Ollama is slow to answer "{prompt}": it begins "{begins}"'))
def held(world: World, prompt: str, begins: str) -> None:
    world.hold("local", prompt, begins)


# --- when ------------------------------------------------------------------------------------------------------------


@when(parsers.parse('I ask "{prompt}"'))
def ask(world: World, prompt: str) -> None:
    world.run("exec", "--json", prompt)


@when(parsers.parse("I run llmdesk {words}"))
def run(world: World, words: str) -> None:
    world.run(*shlex.split(words))


@when("I run these commands")
def run_commands(world: World, docstring: str) -> None:
    """As a script of the shell, each line of which must succeed."""
    world.run_script(docstring)
    assert world.ran.code == 0, world.heard


@when("I open the desk")
def open_desk(world: World) -> None:
    world.open_desk()


@when(parsers.parse('I ask "{prompt}" at the desk'))
def ask_at_the_desk(world: World, prompt: str) -> None:
    world.desk.send(f"{prompt}\r")


@when(parsers.parse("I press {key}"))
def press(world: World, key: str) -> None:
    world.desk.send(KEYS.get(key, key))


@when(parsers.parse('the answer to "{prompt}" goes on with "{rest}"'))
def goes_on(world: World, prompt: str, rest: str) -> None:
    world.held[prompt].go_on(rest)


@when("the desk is killed")
def kill_the_desk(world: World) -> None:
    os.kill(world.desk.child.pid, signal.SIGKILL)
    assert world.desk.wait_exit() == -signal.SIGKILL


@when("I leave the desk")
def leave_the_desk(world: World) -> None:
    desk, deadline = world.desk, time.monotonic() + PATIENCE_S
    desk.send(QUIT)
    while desk.child.isalive() and time.monotonic() < deadline:
        desk.pump()
        if "Quit again to leave" in desk.text:  # what it says while a request is just ending
            desk.send(QUIT)
            break
    assert desk.wait_exit() == 0


# --- then ------------------------------------------------------------------------------------------------------------


@then(parsers.parse('the answer is "{text}"'))
def answer_is(world: World, text: str) -> None:
    assert (world.ran.code, world.ran.answer["status"], world.ran.answer["text"]) == (0, "completed", text), world.heard


@then(parsers.parse("the answer comes from {target}"))
def answer_comes_from(world: World, target: str) -> None:
    assert f"{world.ran.answer['provider']}/{world.ran.answer['model']}" == target


@then(parsers.parse('llmdesk says "{told}"'))
def it_says(world: World, told: str) -> None:
    assert says(world.ran.err, told), world.heard


@then(parsers.parse('llmdesk prints "{told}"'))
def it_prints(world: World, told: str) -> None:
    assert says(world.ran.out, told), world.heard


@then("llmdesk prints nothing")
def it_prints_nothing(world: World) -> None:
    assert world.ran.out == ""


@then("llmdesk prints these rows")
def it_prints_rows(world: World, datatable: list[list[str]]) -> None:
    """Run with ``--json``: one object a line. An empty cell stands for what is unknown."""
    names, *wanted = datatable
    rows = [json.loads(line) for line in world.ran.out.splitlines()]
    assert [["" if row[name] is None else str(row[name]) for name in names] for row in rows] == wanted


@then(parsers.parse("the table {name} has these rows"))
def table_has_rows(world: World, name: str, datatable: list[list[str]]) -> None:
    names, *wanted = datatable
    with (world.folder / name).open(encoding="utf-8", newline="") as file:
        assert [[row[name] for name in names] for row in csv.DictReader(file)] == wanted


@then(parsers.parse('the file {name} says "{text}"'))
def file_says(world: World, name: str, text: str) -> None:
    assert text in (world.folder / name).read_text(encoding="utf-8")


@then(parsers.parse('the file {name} does not say "{text}"'))
def file_does_not_say(world: World, name: str, text: str) -> None:
    assert text not in (world.folder / name).read_text(encoding="utf-8")


@then(parsers.parse("the exit code is {code:d}"))
def exit_code_is(world: World, code: int) -> None:
    assert world.ran.code == code, world.heard


@then(parsers.re(WHO + " was (?P<times>" + "|".join(TIMES) + ")"))
def was_asked(world: World, who: str, times: str) -> None:
    assert len(world.asked(SERVERS[who])) == TIMES[times]


@then(parsers.re(WHO + ' was told "(?P<text>.*)"'))
def was_told(world: World, who: str, text: str) -> None:
    assert text in "".join(str(seen.json["messages"]) for seen in world.asked(SERVERS[who]))


@then("nobody was asked anything")
def nobody_asked(world: World) -> None:
    assert {name: server.connections for name, server in world.servers.items() if server.connections} == {}


@then(parsers.parse('the desk shows "{told}"'))
def desk_shows(world: World, told: str) -> None:
    world.desk.wait_until(lambda text: says(text, told), told)


@then(parsers.parse('the desk no longer shows "{told}"'))
def desk_no_longer_shows(world: World, told: str) -> None:
    world.desk.wait_until(lambda text: not says(text, told), f"the end of {told}")
