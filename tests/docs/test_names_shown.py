"""Every key, option, slash command, setting and variable that the pages name is one of the program's."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import click
import pytest

from llmdesk.cli.linear.commands import COMMANDS as LINEAR
from llmdesk.cli.main import root
from llmdesk.config.describe import models
from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.commands import COMMANDS
from tests.support.pages import DOCS, ROOT, code_words, pages, prose
from tests.support.said_in_code import texts

if TYPE_CHECKING:
    from pathlib import Path

OF_THE_REPOSITORY = ("benchmarks.md", "installing.md", "testing.md", "reliability.md", "CHANGELOG.md")
"""Pages whose commands and variables are those of tests and tools; the list of changes tells of what was, too."""

PAGES = [page for page in pages() if page.parent != DOCS / "decisions" and page.name not in OF_THE_REPOSITORY]

each_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])

OTHER_KEYS = {
    "ctrl+d": "the end of the input, in the linear mode",
    "ctrl+tab": "a key of oterm",
    "ctrl+shift+v": "pastes, in a browser",
    "ctrl+t": "browsers keep it",
    "ctrl+w": "browsers keep it",
    "alt+j": "a key that somebody binds, as an example",
    "alt+k": "a key that somebody binds, as an example",
    "alt+o": "a key that somebody binds, as an example",
    "f10": "a row of the policy",
    "f11": "a row of the policy",
}
OTHER_OPTIONS = {
    "--db": "oterm's",
    "--web": "a collector's",
}
OTHER_SLASHES = {
    "/api": "the beginning of a path",
    "/mdoel": "a mistyped one",
    "/proc": "a folder",
}
OTHER_NAMES = {
    "ansi": "a key of themes",
    "limit": "a word in a message",
    "local": "the beginning of a message",
}


@cache
def keys() -> frozenset[str]:
    """The keys that do something, as people write them."""
    return frozenset(key for action in ACTIONS for key in action.keys.split(","))


@cache
def options() -> frozenset[str]:
    """The options of every command."""
    found: set[str] = set()
    left: list[click.Command] = [root]
    while left:
        command = left.pop()
        for param in command.params:
            found.update(param.opts)
        if isinstance(command, click.Group):
            context = click.Context(command)
            left += [each for name in command.list_commands(context) if (each := command.get_command(context, name))]
    return frozenset(found)


@cache
def settings() -> frozenset[str]:
    """The names of all settings, on whatever level."""
    return frozenset(name for model in models() for name in model.model_fields)


@each_page
def test_every_key_that_is_named_does_something(page: Path) -> None:
    named = re.findall(
        r"(?i)(?<![\w+-])(?:(?:ctrl|alt|shift)\+)+[a-z0-9]+\b|(?<![\w`.])f(?:1[0-2]|[1-9])\b", prose(page)
    )
    assert {key.lower() for key in named} - keys() - OTHER_KEYS.keys() == set()


@each_page
def test_every_option_that_is_named_is_one(page: Path) -> None:
    told = [word for word in code_words(page) if word.startswith(("-", "llmdesk "))]
    named = {option for word in told for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", word)}
    assert named - options() - OTHER_OPTIONS.keys() == set()


@each_page
def test_every_slash_command_that_is_named_is_one(page: Path) -> None:
    named = {found[1] for word in code_words(page) if (found := re.fullmatch(r"(/[a-z]+)(?: .*)?", word))}
    known = {f"/{command.name}" for command in (*COMMANDS, *LINEAR)} | {"/now", "/next", "/cancel"}
    assert named - known - OTHER_SLASHES.keys() == set()


@each_page
def test_every_setting_that_is_named_is_one(page: Path) -> None:
    words = code_words(page)
    pairs = {found[1] for word in words if (found := re.fullmatch(r"([a-z_]+): .+", word))}
    paths = {part for word in words if re.fullmatch(r"(?:privacy|telemetry|ui|routing)(?:\.[a-z_]+)+", word)
             for part in word.split(".")}  # fmt: skip
    assert (pairs | paths) - settings() - OTHER_NAMES.keys() == set()


@each_page
def test_every_variable_of_ours_that_is_named_is_read(page: Path) -> None:
    named = set(re.findall(r"\b_?LLMDESK_[A-Z_]+\b", page.read_text("utf-8")))
    assert {name for name in named if not any(name in text for text in texts())} == set()


def test_what_is_looked_for_is_much() -> None:
    assert len(keys()) > 60
    assert len(options()) > 50
    assert len(settings()) > 80
