"""A process that begins warm is the same process as one that is started, to whoever asks."""

from __future__ import annotations

import os
import struct
import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.campaign.crash.tracer import why_not
from tests.support.exec_world import CLEAN, exec_world
from tests.support.warm_start import WarmStart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

LIMIT_S = 60.0
EVERYTHING = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
"""A filter that allows every system call: ret SECCOMP_RET_ALLOW (include/uapi/linux/seccomp.h)."""


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmStart]:
    beginner = WarmStart(CLEAN)
    for command in ("version", "config", "exec", "nonsense", "lanes"):
        assert beginner.run([command], dict(CLEAN), b"", LIMIT_S) is None, "the first of a command is started"
    yield beginner
    beginner.close()


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (["version", "--json"], ""),
        (["config", "validate"], ""),
        (["lanes", "--json"], ""),
        (["exec", "--dry-run", "--json", "-"], "é\n" * 100_000),
        (["exec", "-"], " \n"),
        (["nonsense"], ""),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_it_writes_and_ends_as_one_that_is_started(
    words: list[str], stdin: str, warm: WarmStart, tmp_path: Path
) -> None:
    world = exec_world(tmp_path, OLLAMA_HOST="http://127.0.0.1:9")
    cold = world.run_cold(*words, stdin=stdin)
    assert warm.run(words, world.environment, stdin.encode(), LIMIT_S) == (
        cold.code, cold.out.encode(), cold.err.encode()
    )  # fmt: skip


def test_nothing_of_one_is_left_in_the_next(warm: WarmStart, tmp_path: Path) -> None:
    first, second = exec_world(tmp_path / "first"), exec_world(tmp_path / "second")
    first.configure("version: 1\nlanes: {mine: {targets: [local/x]}}\ndefault_lane: mine\n")
    heard = [warm.run(["lanes", "--json"], world.environment, b"", LIMIT_S) for world in (first, second, first)]
    assert ["mine" in found[1].decode() for found in heard if found] == [True, False, True]


def test_it_stands_where_its_asker_stands(warm: WarmStart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.yaml").write_text("version: 1\nlanes: {here: {targets: [local/x]}}\ndefault_lane: here\n")
    world = exec_world(tmp_path / "home", LLMDESK_CONFIG="other.yaml")
    found = warm.run(["lanes", "--json"], world.environment, b"", LIMIT_S)
    assert found is not None
    assert "here" in found[1].decode()


@pytest.mark.parametrize("name", ["TZ", "LC_ALL", "PYTHONPATH", "PATH"])
def test_what_an_interpreter_reads_at_its_start_asks_for_a_start(name: str, warm: WarmStart) -> None:
    assert warm.run(["version"], {**CLEAN, name: "other"}, b"", LIMIT_S) is None


def test_one_that_is_held_does_nothing_before_it_is_let_go_and_then_takes_on_its_filter(warm: WarmStart) -> None:
    if why_not():
        pytest.skip(why_not())
    with tempfile.TemporaryFile() as out:
        streams = (os.open(os.devnull, os.O_RDONLY), out.fileno(), out.fileno())
        for let_go in (False, True):
            with warm.held(["version"], CLEAN, streams, EVERYTHING) as held:
                assert held is not None
                assert warm.run(["version"], CLEAN, b"", LIMIT_S) is None, "one at a time"
                if let_go:
                    held.let_go()
            out.seek(0)
            assert (b"llmdesk" in out.read()) is let_go
        os.close(streams[0])
    assert warm.run(["version"], CLEAN, b"", LIMIT_S) is not None
