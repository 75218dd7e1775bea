"""A crash leaves no image of the memory behind: it would hold every key and prompt, also off the record."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.exec_world import exec_world

if TYPE_CHECKING:
    from collections.abc import Iterator

resource = pytest.importorskip("resource")

ABORTED = "import os, sys; sys.argv[1:] = ['version']; from llmdesk.__main__ import main; main(); os.abort()"


@pytest.fixture
def _cores_allowed() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.mark.usefixtures("_cores_allowed")
def test_an_abort_dumps_no_core(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ABORTED], cwd=tmp_path, capture_output=True, timeout=60, check=False,
        env={**exec_world(tmp_path / "home").environment, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == -signal.SIGABRT
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("core")] == []
