"""What the page on installing names is there: the script's options, the commands of the repository, variables, ways."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
TOOLS = ("assets/install.sh", ".ci/installing", ".ci/standalone", ".ci/start-times")
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in TOOLS}
BLOCKS = re.findall(r"(?ms)^```sh\n(.*?)^```", PAGE)


def test_every_option_is_one_of_the_tools() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) - {"--demo"}
    assert named == {"--with", "--uninstall", "--standalone", "--python"}
    assert [option for option in named if not any(option in text for text in TEXTS.values())] == []


def test_every_variable_is_read() -> None:
    own = (ROOT / "llmdesk/cli/face.py").read_text(encoding="utf-8") + (ROOT / "llmdesk/paths.py").read_text("utf-8")
    read = "".join(TEXTS.values()) + own
    named = set(re.findall(r"\b_?LLMDESK_[A-Z_]+\b", PAGE))
    assert {"LLMDESK_INSTALL_FROM", "LLMDESK_STANDALONE"} <= named
    assert [name for name in named if name not in read] == []


@pytest.mark.skipif(os.name == "nt", reason="there is no sh")
@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_tells_how_it_is_called(name: str) -> None:
    start = ["sh"] if name.endswith(".sh") else [sys.executable, "-B"]
    done = subprocess.run(
        [*start, str(ROOT / name), "--help"], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert name in PAGE
    assert done.stdout.lower().startswith("usage:")


def test_every_file_of_the_repository_is_there() -> None:
    named = set(re.findall(r"(?<![\w/~.-])((?:\.ci|\.github|assets)/[\w./-]+)", PAGE))
    assert named >= set(TOOLS)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_each_way_of_the_page_is_tried_and_each_that_is_tried_is_on_the_page() -> None:
    tried = re.findall(r'"([a-z-]+)": by_', TEXTS[".ci/installing"])
    assert tried == ["pip", "uv", "pipx", "script", "script-uv", "script-pipx"]
    installs = " ".join(line for block in BLOCKS for line in block.splitlines() if "install" in line)
    assert all(
        word in installs for word in ("bin/pip install .", "uv tool install .", "pipx install .", "assets/install.sh")
    )


def test_the_extras_are_those_of_the_package() -> None:
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
    shown = {name for names in re.findall(r'"(?:\.|llmdesk)\[([a-z,]+)\]"', PAGE) for name in names.split(",")}
    assert shown
    assert shown <= extras
    packed = re.search(r"^EXTRAS = \((.*)\)$", TEXTS[".ci/standalone"], re.MULTILINE)
    assert packed is not None
    named = set(re.findall(r'"(\w+)"', packed[1]))
    assert named <= extras
    assert all(f"`{name}`" in PAGE for name in named)


@pytest.mark.skipif(os.name == "nt", reason="there is no sh")
@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_a_shell(block: str) -> None:
    done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
