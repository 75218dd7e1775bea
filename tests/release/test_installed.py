"""What is installed beside the program is what the commands are now, reads without a warning, and is in the wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from assets.installed import COMPLETIONS, FOLDER, installed
from assets.manual import manual, roff
from llmdesk.cli.main import COMMANDS, root

ROOT = Path(__file__).resolve().parents[2]
FILES = installed()


def shown(width: int = 100) -> str:
    """The manual page as ``man`` shows it, without a word of complaint."""
    if sys.platform != "linux" or shutil.which("man") is None:
        pytest.skip("there is no man-db here")
    page = FOLDER / "man/man1/llmdesk.1"
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "MANWIDTH": str(width), "LC_ALL": "C.UTF-8", "MANROFFOPT": "-c"}
    done = subprocess.run(
        ["man", "--warnings", "-l", str(page)], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    return re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout).replace("\N{HYPHEN}", "-")


@pytest.mark.parametrize("place", sorted(FILES))
def test_a_file_is_what_the_commands_are_now(place: str) -> None:
    assert (FOLDER / place).read_text(encoding="utf-8") == FILES[place], "write it anew: python -m assets.installed"


def test_nothing_else_lies_there() -> None:
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert there == set(FILES) == {"man/man1/llmdesk.1", *COMPLETIONS.values()}


def test_the_wheel_takes_them() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert wheel["wheel"]["shared-data"] == {"assets/share": "share"}


def test_the_page_shows_every_command_with_its_options() -> None:
    text = shown()
    words = " ".join(text.split())
    assert set(COMMANDS) <= set(re.findall(r"^ {3}llmdesk ([a-z]+)", text, re.MULTILINE))
    with click.Context(root, info_name="llmdesk") as context:
        for name in COMMANDS:
            command = root.get_command(context, name)
            assert command is not None
            written = [each for param in command.params for each in param.opts if each.startswith("-")]
            assert [each for each in written if each not in words] == []


def test_the_page_ends_with_what_scripts_look_for() -> None:
    headings = re.findall(r"^[A-Z]+(?: [A-Z]+)*$", shown(), re.MULTILINE)
    assert headings[:4] == ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"]
    assert headings[-5:] == ["COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"]
    assert re.search(r"EXIT STATUS\n\s+0\s+completed\n", shown())


def test_an_option_can_be_searched_for_and_copied() -> None:
    assert "\\-\\-dry\\-run" in manual(), "an ASCII hyphen, not a typographical one"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (".com", "\\&.com"),
        ("'x'", "\\&'x'"),
        ("a\\b", "a\\eb"),
        ("more …", "more \\[u2026]"),
        ("~/x^2", "\\(ti/x\\(ha2"),
    ],
)
def test_no_text_is_taken_for_an_order_to_the_formatter(text: str, written: str) -> None:
    assert roff(text) == written


@pytest.mark.parametrize("shell", sorted(COMPLETIONS))
def test_a_script_is_what_the_program_itself_prints(shell: str) -> None:
    """As the documentation says to load it, so that both ways complete alike."""
    done = subprocess.run(
        [sys.executable, "-m", "llmdesk"], env={"PATH": "/usr/bin:/bin", "_LLMDESK_COMPLETE": f"{shell}_source"},
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == FILES[COMPLETIONS[shell]]
