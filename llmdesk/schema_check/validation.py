"""What is wrong with a schema, or with an answer by its schema, as lines a model or a person can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmdesk.core.text import LINE_LIMIT, one_line
from llmdesk.schema_check.strict_json import decode, not_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator
    from referencing import Resource
    from referencing._core import Resolver
    from referencing.jsonschema import Schema

    from llmdesk.schema_check.strict_json import JsonValue

MAX_VIOLATIONS = 20
"""How many violations are told; a model cannot use more in one repair."""


_DOLLAR = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
"""What a regular expression is made of where ``$`` matters: escapes, classes of characters, and ``$`` itself."""


def check_schema(schema: object) -> tuple[str, ...]:
    """Say what is wrong with a schema itself: wrong types, broken patterns, references that lead out of it.

    Args:
        schema: a decoded JSON Schema; its ``$schema`` names the draft, 2020-12 without one.

    Returns:
        One line for each fault, none when the schema can be used.
    """
    if not isinstance(schema, Mapping):
        return ("$: a schema is an object",)
    try:
        given = plain(schema)
        draft = _draft_of(given)
        faults = draft(draft.META_SCHEMA, format_checker=draft.FORMAT_CHECKER).iter_errors(given)
        return _lines(faults) or tuple(dict.fromkeys(_loose_references(given)))[:MAX_VIOLATIONS]
    except RecursionError:
        return ("$: the schema is nested too deeply",)
    except (TypeError, ValueError) as error:
        return (one_line(f"$: the schema is not JSON: {error}"),)


def violations(text: str, schema: dict[str, JsonValue]) -> tuple[str, ...]:
    """Every way in which ``text`` fails ``schema``; runs in the worker."""
    from referencing.exceptions import Unresolvable

    try:
        decoded = decode(text)
    except (ValueError, RecursionError) as error:
        return (not_json(error),)
    try:
        return _lines(_validator(schema).iter_errors(decoded))
    except Unresolvable as error:
        return (one_line(f"$ref {_quoted(str(error.ref))} is not part of the schema, and nothing is fetched"),)
    except RecursionError:
        return ("$: the schema or the answer is nested too deeply to be checked",)


def plain(schema: Mapping[str, object]) -> dict[str, JsonValue]:
    """Turn read-only mappings and tuples into what the validator knows."""
    decoded: dict[str, JsonValue] = json.loads(json.dumps(schema, default=_as_dict))
    return decoded


def _as_dict(value: object) -> dict[object, object]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _validator(schema: dict[str, JsonValue]) -> Validator:
    """What compares answers with a schema that ``check_schema`` has found no fault in."""
    from referencing.jsonschema import EMPTY_REGISTRY

    # Without a registry of our own jsonschema fetches http: and file: references by itself.
    return _draft_of(schema)(schema, registry=EMPTY_REGISTRY)


def _draft_of(schema: dict[str, JsonValue]) -> type[Validator]:
    """The draft that a schema names, with our own reading of patterns; whatever else is wrong with the schema."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend, validator_for

    named = isinstance(schema.get("$schema"), str)
    draft = validator_for(schema, default=Draft202012Validator) if named else Draft202012Validator
    chosen: type[Validator] = extend(draft, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    return chosen


def _pattern(_: Validator, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if isinstance(instance, str) and not re.search(_ended(pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _ended(pattern: str) -> str:
    """Let ``$`` stand for the very end, as JSON Schema means it; Python's also stands before a last newline."""
    return _DOLLAR.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern)


def _loose_references(schema: dict[str, JsonValue]) -> Iterator[str]:
    from referencing import Resource
    from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

    root = Resource.from_contents(schema, default_specification=DRAFT202012)
    yield from _loose_in(root, EMPTY_REGISTRY.resolver_with_root(root))


def _loose_in(resource: Resource[Schema], resolver: Resolver[Schema]) -> Iterator[str]:
    from referencing.exceptions import Unresolvable

    contents = resource.contents
    reference = contents.get("$ref") if isinstance(contents, dict) else None
    if isinstance(reference, str):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            yield one_line(f"$ref {_quoted(reference)} is not part of the schema, and nothing is fetched")
    for inner in resource.subresources():
        yield from _loose_in(inner, resolver.in_subresource(inner))


def _lines(errors: Iterable[ValidationError]) -> tuple[str, ...]:
    lines: dict[str, None] = {}
    for error in errors:
        for line in _told(error):
            lines[one_line(line, LINE_LIMIT)] = None
            if len(lines) == MAX_VIOLATIONS:
                return tuple(lines)
    return tuple(lines)


def _told(error: ValidationError) -> Iterator[str]:
    path = _path(error.absolute_path)
    wanted = error.validator_value
    match error.validator:
        case "required" if isinstance(error.instance, dict) and isinstance(wanted, list):
            yield from (f"{path}{_step(name)} is missing" for name in wanted if name not in error.instance)
        case "type":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            yield f"{path} is {_kind(error.instance)}, not {' or '.join(map(str, kinds))}"
        case "enum" if isinstance(wanted, list):
            yield f"{path} is none of {', '.join(_quoted(value) for value in wanted)}"
        case "const":
            yield f"{path} is not {_quoted(wanted)}"
        case "pattern" if isinstance(error.schema, dict) and isinstance(
            meaning := error.schema.get("description"), str
        ):
            yield f"{path} is {_quoted(error.instance)}, which its pattern refuses: {meaning}"
        case "anyOf" | "oneOf" if error.context:
            nearest = max(error.context, key=lambda inner: (len(inner.absolute_path), inner.validator != "type"))
            yield f"{path} fits none of the allowed forms; nearest: {next(_told(nearest), '')}"
        case _:
            yield f"{path}: {error.message}"


def _path(steps: Iterable[str | int]) -> str:
    return "$" + "".join(map(_step, steps))


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() else f"[{_quoted(step)}]"


def _quoted(value: object) -> str:
    return one_line(json.dumps(value, ensure_ascii=False), 60)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "object")


_KINDS: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
}
