"""`llmock`: the wires of OpenAI, Anthropic and Gemini with faults, and a verdict on the client that met them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.outside.programs import Program

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE_PATHS = {"openai": "/v1", "anthropic": "/anthropic", "google": "/gemini"}
"""Kind -> where its wire begins."""

REPORT_LIMIT_S = 30.0


def start(*arguments: str, dice: int = 1) -> Program:
    """Start a server with these arguments of ``llmock serve``; its random faults follow from ``dice``."""
    program = f"import random; random.seed({dice}); from llmock.cli import app; app()"
    return Program(
        [sys.executable, "-c", program, "serve", "--port", "0", "--log-level", "info", *arguments],
        says=r"running on (http://\S+)",
    )


def script(server: Program, *behaviours: Mapping[str, object]) -> None:
    """Queue what shall happen to the requests that match."""
    server.ask("POST", "/_llmock/scenario", {"behaviors": list(behaviours)})


def requests(server: Program) -> list[dict[str, Any]]:
    """What has been asked, and what was done to it, oldest first."""
    found = server.ask("GET", "/_llmock/requests")["requests"]
    assert isinstance(found, list)
    return found


def verdict(server: Program, *, strict: bool = False) -> dict[str, Any]:
    """What `llmock report` says of the client.

    Raises:
        AssertionError: it says that the client misbehaved; the report is the message.
    """
    code, said = _report(server, *["--strict"] * strict, "--json")
    if code != 0:
        raise AssertionError(_report(server)[1])
    found = json.loads(said)
    assert isinstance(found, dict)
    return found


def _report(server: Program, *more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from llmock.cli import app; app()", "report", "--url", server.url, *more],
        capture_output=True, text=True, timeout=REPORT_LIMIT_S, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
