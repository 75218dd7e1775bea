"""The programs that are measured on a terminal: the desk and its floors."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.apparatus.program import Started
from benchmarks.apparatus.told import LLMDESK, variables

FLOORS = str(Path(__file__).with_name("floors.py"))


def empty_app(folder: Path) -> Started:
    """A Textual app with one line."""
    return Started(argv=[sys.executable, FLOORS, "empty"], env=variables(folder), ready="READY")


def plain_chat(folder: Path, url: str) -> Started:
    """A prompt and answers as plain text, in Textual."""
    return Started(argv=[sys.executable, FLOORS, "static", url], env=variables(folder), ready="READY")


def desk(home: Path, url: str, *words: str, ready: str = "Ask something") -> Started:
    """The desk, its files below ``home``, with a local server at ``url``."""
    home.mkdir(parents=True, exist_ok=True)
    env = variables(home, LLMDESK_HOME=str(home), OLLAMA_HOST=url)
    return Started(argv=[LLMDESK, *words], env=env, ready=ready)
