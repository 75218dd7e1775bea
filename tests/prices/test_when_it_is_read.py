"""The price list stays on the disk until a request needs a price that only it can know."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import openai_answers
from tests.support.exec_world import configuration, provider
from tests.support.fault_server import FaultServer

if TYPE_CHECKING:
    from pathlib import Path

PROBE = """
import json, sys
from llmdesk.__main__ import main
code = main({argv!r})
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""
WRITTEN = "models: {team/gpt-test: {price: {input_usd_per_mtok: 1, output_usd_per_mtok: 2}}}\n"


@pytest.mark.parametrize(
    ("model", "more"),
    [("local/gemma3:4b", ""), ("team/gpt-test", ""), ("team/gpt-test", WRITTEN)],
    ids=["free", "a server of one's own", "a written price"],
)
def test_a_request_that_the_list_cannot_price_does_not_read_it(model: str, more: str, tmp_path: Path) -> None:
    with FaultServer.in_thread() as server:
        server.always("/v1/chat/completions", openai_answers.answer("Hello"))
        entries = [provider("local", server.url), provider("team", f"{server.url}/v1", kind="openai")]
        path = tmp_path / "config" / "llmdesk.yaml"
        path.parent.mkdir()
        path.write_text(configuration(*entries, targets=[model]) + more, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", PROBE.format(argv=["exec", "hello"])],
            capture_output=True, text=True, timeout=60, check=True, env={**os.environ, "LLMDESK_HOME": str(tmp_path)},
        )  # fmt: skip
    code, names = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert not {name for name in names if name.partition(".")[0] in ("genai_prices", "httpx2")}
