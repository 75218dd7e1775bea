"""What the pages show is tried: their commands run as they stand, in the order of the page, and say what is shown.

They are run in a shell with a home of its own and the real ``llmdesk``. Behind each provider that a page sets up stands
a server of the demo. What cannot be run is at least understood by the real command line.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.kept_elsewhere import keep_elsewhere
from tests.support.page_shell import forking, page_shell
from tests.support.page_world import models_of, server, with_stand_ins
from tests.support.pages import DOCS, blocks
from tests.support.shown_commands import commands_in, understood

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.pages import Block

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands are those of a POSIX shell")

LEARNING = ("quick-start", "tutorial", "guide-power-user", "guide-engineer", "guide-architect", "migration",
            "troubleshooting", "extending")  # fmt: skip
"""Pages that are read from their beginning: each command finds what those before it have left."""

REFERENCE = ("commands", "demo", "reports", "schemas")
"""Pages that are looked things up in: their files, ids and names may be examples."""

RUN = [DOCS / f"{name}.md" for name in (*LEARNING, *REFERENCE)]

NOBODY = "http://127.0.0.1:9"
"""Where no Ollama is, whatever runs on the machine of the tests."""

NOT_RUN = {
    r"pip install|uv tool|pipx|python3 -m venv|activate": "installs into an environment",
    r"models pull|models push|ollama ": "fetches from a registry",
    r"^llmdesk serve": "runs until somebody stops it",
    r"^poe |pytest |lint-imports|llmdesk\.config\.reference": "works on a clone of the repository",
    r"^git ": "needs a repository with changes",
    r"_KEY=": "needs a key of the reader's own",
}
"""Blocks that are understood and not run: what stands in one of their lines, and why. All that is left out is here."""

EXAMPLES = {
    r"\b0192f0\b": "an id of a request or conversation that is nobody's",
    r"question\.txt|task\.md|conversations\.json": "a file of the reader's",
    r"--provider claude": "a provider of the reader's",
    r"\bjq\b": "needs jq, which is not everywhere",
}
"""The same, in pages for reference."""


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="llmdesk-pages-") as folder, forking(Path(folder)) as found:
        yield found


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server(models_of(block.text for page in RUN for block in _configurations(page))) as url:
        yield url


def _configurations(page: Path) -> list[Block]:
    return [block for block in blocks(page, "yaml") if block.text.startswith("version: 1\n")]


def _is_run(block: Block) -> bool:
    left_out = [*NOT_RUN, *(EXAMPLES if block.page.stem in REFERENCE else ())]
    return not any(re.search(what, line) for what in left_out for line in block.text.splitlines())


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_commands_of_a_page_do_what_it_says(page: Path, programs: Path, address: str, tmp_path: Path) -> None:
    shell = page_shell(tmp_path, programs, OLLAMA_HOST=NOBODY if page.stem in LEARNING else address)
    keep_elsewhere(Path(shell.environment["HOME"]), shell.folder)
    said = None
    for block in blocks(page, "sh", "text", "yaml"):
        if block.language == "yaml" and block in _configurations(page):
            shell.configure(with_stand_ins(block.text, address))
        elif block.language == "sh" and _is_run(block):
            said = shell.run(block.text)
            assert said.code == 0, f"{block.name}: exit code {said.code}\n{said.text}"
        elif block.language == "text" and said is not None:
            assert said.lacks(block.text) == [], f"{block.name}\n{said.text}"
        else:
            said = None


SHOWN = [block for page in [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))] for block in blocks(page, "sh")]


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.name)
def test_every_command_that_is_shown_is_one(block: Block) -> None:
    for words in commands_in(block.text):
        assert understood(words) == "", f"{block.name}: {' '.join(words)}"


def test_most_of_what_is_shown_is_run() -> None:
    of_ours = [block for page in RUN for block in blocks(page, "sh") if commands_in(block.text)]
    assert sum(map(_is_run, of_ours)) > 0.8 * len(of_ours)


def test_a_command_that_is_none_is_noticed() -> None:
    assert commands_in("x | llmdesk exec --lan chat > f && A=1 llmdesk 'out box'") == [
        ["exec", "--lan", "chat"],
        ["out box"],
    ]
    assert understood(["exec", "--lan", "chat"])
    assert understood(["out box"])
    assert not understood(["exec", "--lane", "chat"])
