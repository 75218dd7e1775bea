"""``llmdesk config``: write, check and show the configuration. Works with a broken file, so it opens no desk."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import TEXT, desk_command, desk_group
from llmdesk.cli.session import EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.config.loader import Loaded
    from llmdesk.core.types import Json
    from llmdesk.paths import Paths

_FAULT = re.compile(r"(?P<file>.*?):(?P<line>\d+):(?P<column>\d+): (?P<message>.*)", re.DOTALL)


@desk_group("config")
def command() -> None:
    """Write, check and show the configuration."""


@desk_command("init", short_help="Write a commented configuration.")
@click.option("--example", "name", type=TEXT, metavar="NAME", help="Begin with this example; a wrong name lists all.")
@click.pass_obj
def init(session: Session, name: str | None) -> int:
    """Write a commented configuration, readable for its owner only; what exists is never overwritten."""
    from llmdesk.config.example import EXAMPLES, example, write_example

    chosen = name if name is not None else EXAMPLES[0]
    text = example(chosen)
    path = _paths(session).config_file
    write_example(path, text)
    if session.json:
        session.out.record({"path": str(path), "example": chosen})
    else:
        session.out.line(str(path))
        session.out.say("Written. Edit it, then run: llmdesk config validate")
    return EXIT_OK


@desk_command("validate", short_help="Print every fault with line and column.")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def validate(session: Session, file: Path | None) -> int:
    """Print every fault of FILE, or of the configuration in force, as file:line:column: message."""
    from llmdesk.config import loader

    path = file if file is not None else _paths(session).existing_config()
    faults = loader.validate(path, session.env, check_schema=_schema_faults)
    for fault in faults:
        if session.json:
            session.out.record(_fault_report(fault))
        else:
            session.out.line(fault)
    if faults:
        return EXIT_USAGE
    session.out.say(f"{path}: no faults." if path is not None else "There is no file; the defaults hold.")
    return EXIT_OK


def _schema_faults(schema: Json) -> tuple[str, ...]:
    from llmdesk.schema_check import check_schema

    return check_schema(schema)


def _fault_report(fault: str) -> dict[str, object]:
    found = _FAULT.fullmatch(fault)
    if found is None:
        return {"file": None, "line": None, "column": None, "message": fault}
    return {**found.groupdict(), "line": int(found["line"]), "column": int(found["column"])}


@desk_command("show", short_help="The settings in force, secrets masked.")
@click.pass_obj
def show(session: Session) -> int:
    """Print the settings in force as YAML, with --json as JSON; secrets are masked."""
    from llmdesk.config import show as shown

    loaded = _load(session)
    if session.json:
        session.out.record(shown.effective(loaded))
    else:
        session.out.document(shown.show(loaded))
    for note in loaded.provider_notes.values():
        session.out.say(f"note: {note}")
    return EXIT_OK


@desk_command("path", short_help="Where the configuration is, or would be.")
@click.pass_obj
def show_path(session: Session) -> int:
    """Print where the configuration is, or would be."""
    path = _paths(session).config_file
    if session.json:
        session.out.record({"path": str(path), "exists": path.exists()})
    else:
        session.out.line(str(path))
    return EXIT_OK


@desk_command("schema", short_help="JSON Schema for editors.")
@click.pass_obj
def schema(session: Session) -> int:
    """Print the JSON Schema of the configuration, for editors."""
    from llmdesk.config import describe

    session.out.line(json.dumps(describe.schema(), ensure_ascii=True, indent=None if session.json else 2))
    return EXIT_OK


def _paths(session: Session) -> Paths:
    from llmdesk.paths import find_paths

    return find_paths(session.config, session.env)


def _load(session: Session) -> Loaded:
    from llmdesk.config.loader import load_settings

    return load_settings(_paths(session).existing_config(), session.env)


for _sub in (init, validate, show, show_path, schema):
    command.add_command(_sub)
