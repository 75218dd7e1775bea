"""The schemas that come with llmdesk, named ``builtin:codegen`` and ``builtin:verdict`` wherever a schema is named."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError

if TYPE_CHECKING:
    from llmdesk.core.types import Json

PREFIX = "builtin:"

NAMES = ("codegen", "verdict")
"""``codegen``: files with path and content, and notes. ``verdict``: what the critic answers."""


def builtin_schema(named: str) -> Json:
    """Read a schema of the package.

    Both are written for the strict modes of the vendors: every key is required, no other is allowed, and patterns do
    without looking ahead (OpenAI, "Structured outputs: supported schemas").

    Args:
        named: its name, with or without ``builtin:``.

    Raises:
        UsageError: there is no such schema; the nearest name is told.
    """
    name = named.removeprefix(PREFIX)
    if name not in NAMES:
        from llmdesk.config.draft import nearest

        raise UsageError(f"there is no schema '{PREFIX}{name}'{nearest(name, NAMES)}")
    schema: Json = json.loads(files("llmdesk.config").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8"))
    return schema
