"""The library of prompts on the disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import UsageError
from llmdesk.tui.prompts import MAX_BYTES, load_prompts, save_prompt

if TYPE_CHECKING:
    from pathlib import Path


def test_a_heading_describes_and_is_not_sent_and_another_first_line_is_both(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# What it does\n\nDo {this}.\n")
    (tmp_path / "A.md").write_bytes(b"\xef\xbb\xbfReview this.\r\nWell.\r\n")
    (tmp_path / "notes.txt").write_text("no prompt")
    first, second = load_prompts(tmp_path)
    assert (first.name, first.description, first.text) == ("A", "Review this.", "Review this.\nWell.")
    assert (second.name, second.description, second.text) == ("b", "What it does", "Do {this}.")


def test_no_folder_is_an_empty_library_and_a_link_to_one_is_followed(tmp_path: Path) -> None:
    assert load_prompts(tmp_path / "none") == ()
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.md").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [prompt.name for prompt in load_prompts(tmp_path / "link")] == ["x"]


def test_files_that_are_no_prompts_say_why(tmp_path: Path) -> None:
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty.md").write_text("# only a heading\n")
    (tmp_path / "large.md").write_bytes(b"x" * (MAX_BYTES + 1))
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "lost.md").symlink_to(tmp_path / "nowhere")
    problems = {prompt.name: prompt.problem for prompt in load_prompts(tmp_path)}
    assert "not a text" in problems["binary"]
    assert "is empty" in problems["empty"]
    assert "larger than 256 KiB" in problems["large"]
    assert problems["pipe"]
    assert problems["lost"]


def test_a_prompt_that_is_kept_is_read_back_and_replaced_only_on_demand(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    assert save_prompt(folder, "one", "# Heading\ntext")
    assert save_prompt(folder, "two", "text")
    assert [prompt.text for prompt in load_prompts(folder)] == ["# Heading\ntext", "text"]
    assert (folder / "one.md").stat().st_mode & 0o777 == 0o600
    assert not save_prompt(folder, "one", "other")
    assert save_prompt(folder, "one", "other", replace=True)
    assert load_prompts(folder)[0].text == "other"
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "a/b", "-x", "x" * 70, "a\nb"])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        save_prompt(tmp_path, name, "text")
    assert list(tmp_path.iterdir()) == []
