"""The programs whose behaviour is tried, each as it is started for that, with a home of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.apparatus import rivals
from benchmarks.apparatus.failing_server import SPARE
from benchmarks.apparatus.program import Started
from benchmarks.apparatus.programs import desk
from benchmarks.apparatus.token_server import MODEL
from benchmarks.apparatus.told import LLMDESK, variables
from benchmarks.judging.samples import OURS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TWO_TARGETS = """\
version: 1
providers:
  cloud: {{kind: ollama, base_url: "{url}", api_key: "${{OLLAMA_API_KEY}}", default_model: "{model}"}}
lanes:
  chat: {{targets: ["cloud/{model}", "local/{spare}"]}}
"""

_ELIA_SPARE = """\
max_retries = 2
[[models]]
id = "spare"
name = "ollama_chat/{spare}"
display_name = "Spare"
provider = "Ollama"
api_base = "{url}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A program to be tried.

    Args:
        name: in the table.
        start: how it is started, given a home and the address of the server.
        start_with_spare: the same, set up as far as its own settings allow to go on with the other model.
        submit: the key that sends a prompt; empty = the prompt is the last word of its command.
    """

    name: str
    start: Callable[[Path, str], Started]
    start_with_spare: Callable[[Path, str], Started]
    submit: str = "\r"


def ours() -> list[Tried]:
    """The desk and the command."""
    return [
        Tried(name=OURS, start=desk, start_with_spare=_desk_with_spare),
        Tried(name=f"{OURS} exec", start=_exec, start_with_spare=_exec_with_spare, submit=""),
    ]


def theirs(name: str, bin_folder: Path) -> Tried:
    """A rival that is installed."""
    if name == "llm":

        def command(home: Path, url: str) -> Started:
            env = variables(home, OLLAMA_HOST=url, LLM_USER_PATH=str(home / "llm"))
            return Started(argv=[str(bin_folder / "llm"), "-m", f"ollama/{MODEL}"], env=env, ready="")

        return Tried(name=name, start=command, start_with_spare=command, submit="")

    def start(home: Path, url: str) -> Started:
        return rivals.STARTS[name](bin_folder, home, url)

    def start_elia(home: Path, url: str) -> Started:
        started = start(home, url)
        with (home / ".config" / "elia" / "config.toml").open("a") as file:
            file.write(_ELIA_SPARE.format(spare=SPARE, url=url))
        return started

    if name == "elia":
        return Tried(name=name, start=start, start_with_spare=start_elia, submit="\n")
    return Tried(name=name, start=start, start_with_spare=start)


def _desk_with_spare(home: Path, url: str) -> Started:
    started = desk(home, url)
    (home / "config").mkdir(mode=0o700)
    (home / "config" / "llmdesk.yaml").write_text(_TWO_TARGETS.format(url=url, model=MODEL, spare=SPARE), "utf-8")
    return replace(started, env={**started.env, "OLLAMA_API_KEY": "tried"})


def _exec(home: Path, url: str) -> Started:
    return replace(desk(home, url), argv=[LLMDESK, "exec"], ready="")


def _exec_with_spare(home: Path, url: str) -> Started:
    return replace(_desk_with_spare(home, url), argv=[LLMDESK, "exec"], ready="")
