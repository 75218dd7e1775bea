"""The system prompts and schemas lanes name; their paths are relative to the configuration, and schemas may be ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.config.builtin_schemas import PREFIX, builtin_schema
from llmdesk.core.errors import UsageError
from llmdesk.core.json_cost import is_too_divided

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmdesk.config.draft import Draft
    from llmdesk.core.types import Json

    SchemaCheck = Callable[[Json], Sequence[str]]

MAX_BYTES = 4 * 1024 * 1024
"""The largest file a lane may name, bytes."""

MAX_VALUES = 20_000
"""Values and keys that a schema may hold; each is compared with the rules of a schema before it is used."""


def read_lane_files(draft: Draft, check: SchemaCheck | None = None) -> tuple[dict[str, str], dict[str, Json]]:
    """Read what the lanes name; a file that cannot be used is a fault of the draft.

    Args:
        draft: the configuration.
        check: says what is wrong with a schema; without it, any JSON object is one.

    Returns:
        Lane -> system prompt, and lane -> JSON Schema.
    """
    systems: dict[str, str] = {}
    schemas: dict[str, Json] = {}
    folder = draft.file.parent if draft.file else Path()
    lanes = draft.data.get("lanes")
    for name, lane in (lanes if isinstance(lanes, dict) else {}).items():
        for key in ("system", "schema"):
            named = lane.get(key) if isinstance(lane, dict) else None
            if not isinstance(named, str) or not named:
                continue
            try:
                if key == "system":
                    systems[name] = _read(folder, named)
                else:
                    schemas[name] = read_schema(folder, named)
                    for fault in check(schemas[name]) if check is not None else ():
                        draft.fault(("lanes", name, key), f"{named} is not a usable JSON Schema: {fault}")
            except UsageError as error:
                draft.fault(("lanes", name, key), str(error))
    return systems, schemas


def read_schema(folder: Path, name: str) -> Json:
    """Read the JSON Schema that ``name`` stands for: a file of ``folder``, or ``builtin:NAME`` where no file has it.

    Raises:
        UsageError: it cannot be read, is no JSON object, or no built-in schema has that name.
    """
    if name.startswith(PREFIX) and not (folder / name).exists():
        return builtin_schema(name)
    return parse_schema(_read(folder, name))


def _read(folder: Path, name: str) -> str:
    try:
        path = folder / Path(name).expanduser()
    except RuntimeError:
        raise UsageError(f"there is no home folder for '{name}'") from None
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise UsageError(f"{path} is larger than 4 MiB")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8") from None


def parse_schema(text: str) -> Json:
    """Decode a JSON Schema.

    Raises:
        UsageError: it is no JSON object.
    """
    if is_too_divided(text.encode("utf-8", "replace"), leaves=MAX_VALUES, nodes=MAX_VALUES):
        raise UsageError(f"more than {MAX_VALUES} values; no schema has so many")
    try:
        schema = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise UsageError(f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except (ValueError, RecursionError):
        raise UsageError("not JSON a schema can be made of") from None
    if not isinstance(schema, dict):
        raise UsageError("a JSON Schema is an object here: {…}")
    return schema


def _refuse(constant: str) -> object:
    raise ValueError(constant)
