"""A command that fetches one key is given none of the others, whatever their variables are called."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from llmdesk.config.credentials import resolve_secrets
from llmdesk.config.loader import load_settings

if TYPE_CHECKING:
    from pathlib import Path

TELL = "import os; print(','.join(sorted(name for name in os.environ if name.startswith(('HOUSE', 'OTEL', 'AWS')))))"


def test_a_command_gets_no_variable_that_is_the_key_of_another(tmp_path: Path) -> None:
    (tmp_path / "tell.py").write_text(TELL)
    asking = f"$({sys.executable} {tmp_path}/tell.py)"
    providers = {
        "asking": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": asking},
        "other": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "${HOUSE_ONE:-${HOUSE_TWO}}"},
        "third": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "headers": {"X-Team": "${HOUSE_THREE}"}},
        "tool": {
            "kind": "command", "command": ["true"],
            "env": {"TOOL_TOKEN": "${HOUSE_FOUR}", "AWS_PROFILE": "${AWS_PROFILE}", "PATH": "${PATH}"},
        },
    }  # fmt: skip
    file = tmp_path / "llmdesk.yaml"
    file.write_text(json.dumps({"version": 1, "providers": providers}))
    file.chmod(0o600)
    names = ("HOUSE_ONE", "HOUSE_TWO", "HOUSE_THREE", "HOUSE_FOUR", "HOUSE_NUMBER", "AWS_PROFILE")
    env = {
        "PATH": os.environ["PATH"],
        **{name: f"value-of-{name}" for name in names},
        "OTEL_EXPORTER_OTLP_HEADERS": "a=b",
    }
    found = resolve_secrets(load_settings(file, env), "asking", env)
    assert found.key == "AWS_PROFILE,HOUSE_NUMBER"
