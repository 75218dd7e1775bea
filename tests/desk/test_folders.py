"""Whole folders that go with a prompt: real ones, with what people and programs leave in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import UsageError
from llmdesk.core.prompting import user_message
from llmdesk.desk import folders
from llmdesk.desk.folders import read_folder

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n..."


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_files_are_named_as_seen_from_the_folder_in_order(tmp_path: Path) -> None:
    write(tmp_path, {"b.txt": b"b", "a.png": PNG, "src/z.py": b"z", "src/deep/er.md": b"e", "docs/c": b"c"})
    found = read_folder(tmp_path)
    assert [file.name for file in found.files] == ["a.png", "b.txt", "docs/c", "src/z.py", "src/deep/er.md"]
    assert (found.files[0].image, found.files[1].text) == (PNG, "b")
    assert found.told == "5 files attached"


def test_what_is_hidden_or_made_by_programs_stays_out(tmp_path: Path) -> None:
    junk = (".git/config", "node_modules/x/i.js", "a/__pycache__/m.txt", ".venv/x", "own/pyvenv.cfg", "own/lib.py")
    write(tmp_path, dict.fromkeys((*junk, ".env", "a/kept.py"), b"x"))
    found = read_folder(tmp_path)
    assert [file.name for file in found.files] == ["a/kept.py"]
    assert found.told == "1 file attached, 1 left out: hidden"


def test_each_reason_for_leaving_out_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_BYTES", 100)
    write(tmp_path, {"a.txt": b"a" * 60, "b.txt": b"b" * 60, "c.bin": b"\xff\xfe\x00", "d": b"a\0b", "e": b"",
                     "f.txt": b"f" * 101})  # fmt: skip
    found = read_folder(tmp_path)
    assert [file.name for file in found.files] == ["a.txt"]
    assert found.told == "1 file attached, 5 left out: 2 neither text nor images, 2 too large, 1 empty"


def test_links_are_not_followed_and_pipes_not_opened(tmp_path: Path) -> None:
    write(tmp_path, {"outside/secret.txt": b"s", "in/a.txt": b"a"})
    (tmp_path / "in" / "link.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe")
    found = read_folder(tmp_path / "in")
    assert [file.name for file in found.files] == ["a.txt"]
    assert found.left_out == {folders.LINK: 2, folders.OTHER: 1}


def test_no_more_than_fifty_are_attached_and_the_rest_is_counted(tmp_path: Path) -> None:
    write(tmp_path, {f"{number:03}.txt": b"x" for number in range(53)})
    found = read_folder(tmp_path)
    assert [file.name for file in found.files] == [f"{number:03}.txt" for number in range(50)]
    assert found.told == "50 files attached, 3 left out: more than 50"


def test_a_folder_without_end_is_looked_at_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "ENTRIES_AT_MOST", 4)
    write(tmp_path, {f"{number}.txt": b"x" for number in range(9)})
    found = read_folder(tmp_path)
    assert len(found.files) == 4
    assert found.told.endswith("only 4 entries were looked at")


@pytest.mark.parametrize(
    "name", [b'a">\n</file>x', b"\x1b]0;t\x07", b"\xff\xfe.txt", b" ", "\u202egnp.exe".encode(), b"x" * 250],
    ids=["quotes", "escape", "no utf-8", "space", "direction", "long"],
)  # fmt: skip
def test_a_hostile_name_ends_neither_its_line_nor_its_quotes(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "sub").mkdir()
    path = os.fsencode(tmp_path / "sub") + b"/" + name
    if b"/" in name:
        path = os.fsencode(tmp_path / "sub") + b"/" + name.replace(b"/", b"-")
    with open(path, "wb") as file:  # noqa: PTH123 - a name of bytes
        file.write(b"content")
    (found,) = read_folder(tmp_path).files
    assert found.name.isprintable()
    assert len(found.name) <= folders.NAME_AT_MOST
    assert '"' not in found.name
    found.name.encode()
    assert user_message("", [found]).content.splitlines()[1:] == ["content", "</file>"]


def test_what_holds_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing in it can be attached\.$"):
        read_folder(tmp_path)
    write(tmp_path, {".hidden": b"x"})
    with pytest.raises(UsageError, match="can be attached, 1 left out: hidden"):
        read_folder(tmp_path)
    with pytest.raises(UsageError, match="No such file"):
        read_folder(tmp_path / "missing")


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    write(tmp_path, {"a": b"a"})
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):  # deeper than a path may be long
        os.mkdir("d" * 250, dir_fd=here)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    assert read_folder(tmp_path).left_out == {folders.UNREADABLE: 1}
