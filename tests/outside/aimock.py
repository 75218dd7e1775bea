"""`@copilotkit/aimock`: one server for the wires of Ollama, OpenAI, Anthropic and Gemini, with faults on demand."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.outside.programs import Program

HERE = Path(__file__).parent
ANSWERS = HERE / "answers" / "answers.json"
TEXTS = {
    fixture["match"]["userMessage"]: fixture["response"]["content"]
    for fixture in json.loads(ANSWERS.read_text(encoding="utf-8"))["fixtures"]
    if "content" in fixture["response"]
}
"""A word of the prompt -> the answer it gets."""

INSTALL_LIMIT_S = 100.0
CHUNK_CHARACTERS = 7


def missing() -> str:
    """Why the server cannot run here; empty where it can."""
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"Node.js is missing here ({' and '.join(absent)} not found)" if absent else ""


def install() -> Path:
    """Install the locked package beside its lock file, once for all workers, and return its program.

    Raises:
        AssertionError: npm failed; what it said is in the message.
    """
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    mark = HERE / "node_modules" / ".installed-from"
    with FileLock(HERE / ".npm.lock"):
        if not (mark.is_file() and mark.read_text(encoding="utf-8") == wanted):
            npm = shutil.which("npm")
            assert npm is not None
            done = subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=HERE, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"npm ci failed in {HERE}:\n{done.stdout}\n{done.stderr}"
            mark.write_text(wanted, encoding="utf-8")
    return HERE / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"


def start(program: Path, *, dice: int = 1, keys: str = "") -> Program:
    """Start a server whose random numbers follow from ``dice``; with ``keys`` it answers nobody else."""
    node = shutil.which("node")
    assert node is not None
    return Program(
        [
            node, "--require", HERE / "seeded_random.cjs", program,
            "--port", "0", "--fixtures", ANSWERS, "--chunk-size", str(CHUNK_CHARACTERS), "--journal-max", "0",
        ],
        says=r"listening on (http://\S+)",
        env={"DICE_SEED": str(dice), **({"AIMOCK_API_KEYS": keys} if keys else {})},
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One client of a server, told apart by a header: its faults and its journal are its own."""

    server: Program
    name: str

    @property
    def headers(self) -> dict[str, str]:
        """What a provider sends to be this client."""
        return {"X-Test-Id": self.name}

    def faults(self, **rates: float) -> None:
        """From now on let requests of this client go wrong at these rates (``rateLimitRate`` …)."""
        self.server.ask("POST", "/__aimock/chaos", rates, self.headers)

    def heal(self) -> None:
        """No more faults for this client."""
        self.server.ask("DELETE", "/__aimock/chaos", headers=self.headers)

    def journal(self) -> list[dict[str, Any]]:
        """The requests for answers that came from this client, with what was done to each, oldest first."""
        entries = self.server.ask("GET", f"/__aimock/journal?testId={self.name}")
        return [entry for entry in entries if entry["method"] == "POST"]
