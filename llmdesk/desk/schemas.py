"""The schema a caller names: a file, one that comes with llmdesk, JSON as it is, or the short form."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSchema:
    """A schema and what messages call it."""

    schema: Json = field(repr=False)
    name: str


def named_schema(text: str) -> NamedSchema:
    """Find the schema that ``text`` stands for; a file that exists comes before everything else.

    Raises:
        UsageError: one line that says what is wrong with it.
    """
    from llmdesk.config.builtin_schemas import PREFIX, builtin_schema
    from llmdesk.config.lane_files import parse_schema, read_schema

    path = Path(text)
    try:
        if _exists(text, path):
            return NamedSchema(schema=read_schema(Path(), text), name=path.name)
        if text.startswith(PREFIX):
            return NamedSchema(schema=builtin_schema(text), name=text)
        if text.lstrip().startswith("{"):
            return NamedSchema(schema=parse_schema(text), name="the schema")
        return NamedSchema(schema=_short(text), name="the schema")
    except UsageError as error:
        given = one_line(text, 60)
        told = str(error).removeprefix(f"{text} ").rstrip(".")
        raise UsageError(one_line(f"--schema {given}: {told}.")) from None


def _exists(text: str, path: Path) -> bool:
    try:
        return bool(text.strip()) and path.exists()
    except (OSError, ValueError):  # too long for a name, or no name at all
        return False


def _short(text: str) -> Json:
    from llmdesk.schema_check.short_form import parse_short_form

    # One word is a file that was mistyped, far more often than an object of one field.
    if not any(separator in text.strip() for separator in (",", " ", "\n")):
        hint = "" if any(mark in text for mark in "./\\") else "; in short form write at least 'name type'"
        raise UsageError(f"cannot be read: no such file{hint}")
    try:
        return parse_short_form(text)
    except UsageError as error:
        raise UsageError(f"no such file, and no short form of a schema either: {error}") from None
