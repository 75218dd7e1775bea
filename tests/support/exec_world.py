"""`llmdesk exec` as a real process over servers of the test: a home of its own, a written configuration, its output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.warm_start import WarmStart

if TYPE_CHECKING:
    from pathlib import Path

CLEAN = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "TMPDIR") if name in os.environ}
LIMIT_S = 60
WARM = (WarmStart(CLEAN), WarmStart(CLEAN))
"""One forks one process at a time; where two are wanted at once the second begins, and not before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a process did."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecWorld:
    """A home folder and the environment of the processes that use it."""

    home: Path
    environment: dict[str, str]

    @property
    def state(self) -> Path:
        """The cooldown file."""
        return self.home / "state" / "llm_state.json"

    @property
    def database(self) -> Path:
        """The database."""
        return self.home / "data" / "llmdesk.db"

    def configure(self, text: str) -> None:
        """Write the configuration."""
        folder = self.home / "config"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "llmdesk.yaml").write_text(text, encoding="utf-8")

    def argv(self, *words: str) -> list[str]:
        """The command line of a process."""
        return [sys.executable, "-m", "llmdesk", *words]

    def start(self, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start a process; the caller ends it."""
        return subprocess.Popen(
            self.argv(*words),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **more,
        )

    def run(self, *words: str, stdin: str = "") -> Ran:
        """Run a process to its end, one that begins warm where it can."""
        for beginner in WARM:
            if (warm := beginner.run(words, self.environment, stdin.encode(), LIMIT_S)) is not None:
                code, out, err = warm
                return Ran(code=code, out=out.decode(), err=err.decode())
        return self.run_cold(*words, stdin=stdin)

    def run_cold(self, *words: str, stdin: str = "") -> Ran:
        """Start a process, which imports what it needs, and let it run to its end."""
        done = subprocess.run(
            self.argv(*words),
            env=self.environment,
            input=stdin.encode(),
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        return Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


def exec_world(home: Path, **environment: str) -> ExecWorld:
    """A world below ``home``, with nothing of the surrounding environment but what a process needs to start."""
    clean = {**CLEAN, "LLMDESK_HOME": str(home), "NO_COLOR": "1", **environment}
    return ExecWorld(home=home, environment=clean)


def provider(name: str, url: str, **more: object) -> str:
    """One provider of kind ollama as a line of the configuration; retries without delay unless said otherwise."""
    fields: dict[str, object] = {"kind": "ollama", "base_url": url, "retry": {"attempts": 3, "delay_s": 0}, **more}
    return f"  {name}: {json.dumps(fields)}"


def configuration(*providers: str, targets: list[str], more: str = "") -> str:
    """A configuration with the given providers and one lane."""
    lines = ["version: 1", "providers:", *providers]
    lines += ["lanes:", f"  chat: {{targets: {json.dumps(targets)}{more}}}"]
    return "\n".join(lines) + "\n"
