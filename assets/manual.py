"""The manual page, from the commands as they are defined and two tables of ``docs/commands.md``: no word is twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmdesk.cli.main import root
from llmdesk.core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"

Record = tuple[str, str]
"""An option as its help shows it: how it is written, what it does."""

FILES: tuple[Record, ...] = (
    ("config/llmdesk.yaml", "The configuration; 'llmdesk config init' writes a commented one."),
    ("data/llmdesk.db", "Conversations, requests and what they cost."),
    ("state/llm_state.json", "Which provider rests, and until when."),
    ("state/llmdesk.log", "What happened, without prompts, answers and keys."),
)
"""Below LLMDESK_HOME; without it each folder is where the system keeps such things."""


def manual() -> str:
    """The page as roff, with the macros of man(7)."""
    commands = list(_commands(root, "llmdesk"))
    common = _common([context for context, _ in commands])
    lines = [
        '.\\" Written by: python -m assets.installed',
        f'.TH LLMDESK 1 "" "llmdesk {__version__}" "User Commands"',
        ".SH NAME",
        f"llmdesk \\- {roff(_first_sentence(root))}",
        ".SH SYNOPSIS",
        ".B llmdesk",
        "[\\fIOPTIONS\\fR] [\\fICOMMAND\\fR [\\fIARGS\\fR]...]",
        ".SH DESCRIPTION",
        *_paragraphs(root.help or ""),
        ".SH OPTIONS",
        *_records(_options(commands[0][0], besides=common)),
        ".SS Of every command",
        *_records(common),
        ".SH COMMANDS",
    ]
    for context, command in commands[1:]:
        lines += [f".SS {_usage(context, command)}", *_paragraphs(command.help or "")]
        lines += _records(_options(context, besides=common))
    lines += [".SH EXIT STATUS", *_records(_table("Exit codes"))]
    lines += [".SH ENVIRONMENT", *_records(_table("Environment"))]
    lines += [
        ".SH FILES",
        "Below \\fBLLMDESK_HOME\\fR; \\fBllmdesk doctor\\fR says where they are without it.",
        *_records(FILES),
    ]
    lines += [".SH SEE ALSO", "\\fBllmdesk\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR for one command alone."]
    return "\n".join(lines) + "\n"


def roff(text: str) -> str:
    """Text that the formatter prints as it is: its own signs escaped, ASCII only."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
    ascii_only = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in escaped)
    return f"\\&{ascii_only}" if ascii_only.startswith((".", "'")) else ascii_only


def _commands(
    command: click.Command, name: str, above: click.Context | None = None
) -> Iterator[tuple[click.Context, click.Command]]:
    """A command and all below it, in the order of their help."""
    context = click.Context(command, parent=above, info_name=name)
    yield context, command
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from _commands(below, each, context)


def _options(context: click.Context, *, besides: list[Record]) -> list[Record]:
    options = [each for each in context.command.params if isinstance(each, click.Option)]
    records = [each.get_help_record(context) for each in options]
    return [record for record in records if record is not None and record not in besides]


def _common(contexts: list[click.Context]) -> list[Record]:
    """The options that all have."""
    shared = set.intersection(*(set(_options(context, besides=[])) for context in contexts))
    return [record for record in _options(contexts[0], besides=[]) if record in shared]


def _usage(context: click.Context, command: click.Command) -> str:
    words = [word for word in command.collect_usage_pieces(context) if word != "[OPTIONS]"]
    return roff(" ".join([context.command_path, *words]))


def _first_sentence(command: click.Command) -> str:
    return (command.help or "").partition(".")[0].lower()


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.replace("\b", "").strip()):
        yield ".PP"
        yield roff(" ".join(paragraph.split()))


def _records(records: list[Record] | tuple[Record, ...]) -> Iterator[str]:
    for written, told in records:
        yield ".TP"
        yield " ".join(_marked(word) for word in written.split(" "))
        yield roff(told)


def _marked(word: str) -> str:
    """What is written as it stands is bold, what stands for something else is not."""
    return f"\\fI{roff(word)}\\fR" if re.fullmatch(r"[A-Z=]+", word) else f"\\fB{roff(word)}\\fR"


def _table(heading: str) -> list[Record]:
    """The rows of the table below a heading of the page, without its marks.

    Raises:
        ValueError: the page has no such table.
    """
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)[2:]
    if not rows:
        raise ValueError(f"{PAGE.name} has no table below '{heading}'")
    return [(_unmarked(first), _unmarked(second)) for first, second in rows]


def _unmarked(text: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text).replace("`", "").replace("\\|", "|")
