"""The one file for Linux: the few lines of shell before what is packed, with a tree that stands for the real one.

The real one is built by ``.ci/standalone`` and tried by ``.ci/installing --standalone FILE``.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the one file is for Linux")

PLAYED = """#!/bin/sh
umask
for word in "$@"; do printf '[%s]' "${word##*/}"; done
"""


def builder() -> ModuleType:
    """The command as a module; nothing is kept of it beside itself."""
    loader = SourceFileLoader("standalone_builder", str(ROOT / ".ci" / "standalone"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A packed tree whose interpreter tells its mask and its words."""
    tree = tmp_path / "build" / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "python3").write_text(PLAYED, encoding="utf-8")
    (tree / "bin" / "python3").chmod(0o755)
    (tree / "bin" / "large").write_bytes(os.urandom(300_000))
    made: Path = builder().pack(tree, "9.9", tmp_path / "a folder")
    return made


def start(program: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Start it with this environment and nothing else."""
    return subprocess.run(
        ["sh", "-c", 'umask 027; exec "$0" "$@"', str(program), *words], env={"PATH": "/usr/bin:/bin", **env},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_it_unpacks_once_and_hands_every_word_on(program: Path, tmp_path: Path) -> None:
    first = start(program, "exec", "two words", "", "$(x)", HOME=str(tmp_path))
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "0027\n[-I][start.py][exec][two words][][$(x)]", "with the mask of the user"
    (place,) = (tmp_path / ".cache/llmdesk-standalone").iterdir()
    assert place.stat().st_mode & 0o077 == 0, "nobody else can put anything there"
    (place / "bin/python3").write_text("#!/bin/sh\necho kept\n", encoding="utf-8")
    assert start(program, HOME=str(tmp_path)).stdout == "kept\n"


def test_many_first_starts_at_once_leave_one_folder(program: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: start(program, "version", XDG_CACHE_HOME=str(tmp_path)), range(8)))
    assert {(run.returncode, run.stdout, run.stderr) for run in runs} == {(0, "0027\n[-I][start.py][version]", "")}
    assert len(list((tmp_path / "llmdesk-standalone").iterdir())) == 1


def test_half_a_file_starts_nothing_and_leaves_nothing(program: Path, tmp_path: Path) -> None:
    whole = program.read_bytes()
    program.write_bytes(whole[: len(whole) // 2])
    ran = start(program, LLMDESK_STANDALONE=str(tmp_path / "there"))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"cannot be unpacked below {tmp_path}/there" in ran.stderr
    assert list((tmp_path / "there").iterdir()) == []


def test_without_a_home_it_says_what_to_name(program: Path) -> None:
    ran = start(program)
    assert ran.returncode != 0
    assert "LLMDESK_STANDALONE" in ran.stderr


def test_another_version_has_a_folder_of_its_own(program: Path, tmp_path: Path) -> None:
    start(program, LLMDESK_STANDALONE=str(tmp_path / "there"))
    (tmp_path / "build/tree/bin/python3").write_text("#!/bin/sh\necho newer\n", encoding="utf-8")
    newer = builder().pack(tmp_path / "build" / "tree", "9.9", tmp_path / "newer")
    assert start(newer, LLMDESK_STANDALONE=str(tmp_path / "there")).stdout == "newer\n"
    assert len(list((tmp_path / "there").iterdir())) == 2


def test_the_same_tree_makes_the_same_file(program: Path, tmp_path: Path) -> None:
    os.utime(tmp_path / "build/tree/bin/large", (1, 1))
    again = builder().pack(tmp_path / "build" / "tree", "9.9", tmp_path / "again")
    assert again.read_bytes() == program.read_bytes()
