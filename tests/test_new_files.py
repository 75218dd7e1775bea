"""New files are there whole or not at all, for their owner only, and never in the place of another."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from llmdesk.new_files import create_whole, make_private_folder
from tests.support.stored import full_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["as this system does it", "as systems without nameless files do it"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "without" in request.param:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_new_file_is_whole_private_and_alone(tmp_path: Path, open_umask: None) -> None:
    create_whole(tmp_path / "talk.md", b"every word")
    (path,) = tmp_path.iterdir()
    assert (path.name, path.read_bytes()) == ("talk.md", b"every word")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "talk.md").write_text("mine")
    (tmp_path / "link.md").symlink_to(tmp_path / "nowhere")
    for name in ("talk.md", "link.md"):
        with pytest.raises(FileExistsError):
            create_whole(tmp_path / name, b"theirs")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.md", "talk.md"]
    assert (tmp_path / "talk.md").read_text() == "mine"


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with full_disk(1000), pytest.raises(OSError, match="large"):
        create_whole(tmp_path / "talk.md", b"x" * 5000)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        create_whole(tmp_path / "no" / "talk.md", b"x")


def test_every_missing_folder_is_private_and_existing_ones_are_left(tmp_path: Path, open_umask: None) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a" / "b")
    make_private_folder(tmp_path / "a" / "b")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")] == [
        0o755, 0o700, 0o700,
    ]  # fmt: skip
