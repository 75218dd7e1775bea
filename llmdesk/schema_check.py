"""Check an answer against a JSON Schema, in a process of its own that is killed when it takes too long.

A pattern such as ``^(a+)+$`` or a bomb of ``$ref`` runs for hours inside the validator and cannot be interrupted from
within, so the validator runs where it can be killed. Nothing is ever fetched: a reference that leaves the schema is a
fault (docs/policy.md, H1 to H5).
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from llmdesk.core.text import LINE_LIMIT, one_line, storable

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator
    from referencing import Resource
    from referencing._core import Resolver
    from referencing.jsonschema import Schema

JsonValue: TypeAlias = "str | int | float | bool | Mapping[str, JsonValue] | Sequence[JsonValue] | None"
"""What ``json`` decodes to."""

CHECK_LIMIT_S = 2.0
"""How long one check may take, seconds (policy H2); more means that the answer does not match."""

START_LIMIT_S = 20.0
"""How long the checking process may take to load on a busy machine, seconds; not part of the check."""

MAX_VIOLATIONS = 20
"""How many violations are told; a model cannot use more in one repair."""

MAX_DIGITS = 4_300
"""The longest integer that is read, digits: what ``int()`` itself accepts since CPython 3.11."""

_CPU_LIMIT_S = 15
_READY = b"ready\n"
_WORKER = "import sys; sys.path[:] = sys.argv[1:]; from llmdesk.schema_check import serve; serve()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found. ``data`` is the decoded answer, ``None`` unless ``violations`` is empty.

    Each violation is one sanitised line such as ``$.files[0].path is missing``; at most ``MAX_VIOLATIONS``.
    """

    data: object | None = None
    violations: tuple[str, ...] = ()


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
        plain = _plain(schema)
        validator = _validator(plain)
        meta = type(validator)(type(validator).META_SCHEMA, format_checker=type(validator).FORMAT_CHECKER)
        return _lines(meta.iter_errors(plain)) or tuple(dict.fromkeys(_loose_references(plain)))[:MAX_VIOLATIONS]
    except RecursionError:
        return ("$: the schema is nested too deeply",)
    except (TypeError, ValueError) as error:
        return (one_line(f"$: the schema is not JSON: {error}"),)


async def check_answer(text: str, schema: Mapping[str, object]) -> Checked:
    """Decode an answer strictly and compare it with ``schema``.

    A Markdown fence around the whole answer is taken off; apart from that nothing is repaired or invented. Leaving by
    cancellation kills the checking process too.

    Args:
        text: the answer of the model, whole.
        schema: a schema that ``check_schema`` found no fault in.
    """
    try:
        payload = json.dumps({"text": text, "schema": schema}, default=_as_dict).encode()
    except (RecursionError, TypeError, ValueError):
        return Checked(violations=("the schema is not one that can be checked",))
    violations = await _ask_worker(payload)
    if violations:
        return Checked(violations=violations)
    try:
        return Checked(data=_decode(text))
    except (ValueError, RecursionError) as error:
        return Checked(violations=(_not_json(error),))


# --- the answer as JSON, strictly ---------------------------------------------------------------------------------


def _decode(text: str) -> JsonValue:
    """Decode JSON as RFC 8259 means it: no NaN, no key twice, no number that nothing else could read."""
    decoded: JsonValue = json.loads(
        _unfenced(text),
        object_pairs_hook=_object,
        parse_int=_integer,
        parse_float=_number,
        parse_constant=_constant,
    )
    return decoded if "\\u" not in text else _without_surrogates(decoded)


def _unfenced(text: str) -> str:
    stripped = text.strip()
    if not (stripped.startswith("```") and stripped.endswith("```") and len(stripped) > 6):
        return stripped
    tag, newline, body = stripped[3:-3].partition("\n")
    return body if newline and tag.strip().lower() in ("", "json") else stripped


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    made = dict(pairs)
    if len(made) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {_quoted(twice)} is there twice")
    return made


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"an integer has {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _without_surrogates(value: JsonValue) -> JsonValue:
    """Replace lone surrogates in every string (policy Q4)."""
    match value:
        case str():
            return storable(value)
        case list():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {storable(key): _without_surrogates(item) for key, item in value.items()}
        case _:
            return value


def _not_json(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the answer is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"the answer is not JSON: {error.msg} at line {error.lineno} column {error.colno}"
    return one_line(f"the answer is not strict JSON: {error}")


# --- violations as lines ------------------------------------------------------------------------------------------


def _as_dict(value: object) -> dict[object, object]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _plain(schema: Mapping[object, object]) -> dict[str, JsonValue]:
    """Turn read-only mappings and tuples into what the validator knows."""
    plain: dict[str, JsonValue] = json.loads(json.dumps(schema, default=_as_dict))
    return plain


def _validator(schema: dict[str, JsonValue]) -> Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
    from referencing.jsonschema import EMPTY_REGISTRY

    # Without a registry of our own jsonschema fetches http: and file: references by itself.
    chosen = validator_for(schema, default=Draft202012Validator)
    return chosen(schema, registry=EMPTY_REGISTRY)


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


def _violations(text: str, schema: dict[str, JsonValue]) -> tuple[str, ...]:
    """Every way in which ``text`` fails ``schema``; runs in the worker."""
    from referencing.exceptions import Unresolvable

    try:
        decoded = _decode(text)
    except (ValueError, RecursionError) as error:
        return (_not_json(error),)
    try:
        return _lines(_validator(schema).iter_errors(decoded))
    except Unresolvable as error:
        return (one_line(f"$ref {_quoted(str(error.ref))} is not part of the schema, and nothing is fetched"),)
    except RecursionError:
        return ("$: the schema or the answer is nested too deeply to be checked",)


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


# --- the process --------------------------------------------------------------------------------------------------


async def _ask_worker(payload: bytes) -> tuple[str, ...]:
    """Run one check in a fresh process; none outlives this call, however it ends."""
    import asyncio

    # Isolated and without the site module: quick to start, deaf to PYTHON* variables, and it sees exactly the packages
    # this process sees. No key of the environment is handed on; Windows cannot start a program without one.
    command = [sys.executable, "-I", "-S", "-c", _WORKER, *(path for path in sys.path if Path(path).is_absolute())]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={} if os.name == "posix" else None,
            start_new_session=True,
        )
    except OSError as error:
        return (one_line(f"the answer could not be checked: {error.strerror or error}"),)
    try:
        assert process.stdout is not None
        greeting = await asyncio.wait_for(process.stdout.readline(), START_LIMIT_S)
        if greeting != _READY:
            return ("the answer could not be checked: the checking process did not start",)
        told, _ = await asyncio.wait_for(process.communicate(payload), CHECK_LIMIT_S)
        return tuple(json.loads(told))
    except TimeoutError:
        return (f"the check took longer than {CHECK_LIMIT_S:g} s and was stopped",)
    except ValueError:
        return ("the answer could not be checked: the checking process broke",)
    finally:
        if process.returncode is None:
            process.kill()
        # Reading to the end closes the pipes as well as waiting for the process.
        await process.communicate()


def serve() -> None:
    """Be the checking process: read one text and schema from stdin, write the violations to stdout."""
    _bound_itself()
    _violations("0", {})  # loads the validator before the clock of the check starts
    out = sys.stdout.buffer
    out.write(_READY)
    out.flush()
    asked = json.loads(sys.stdin.buffer.read())
    try:
        found = _violations(asked["text"], asked["schema"])
    except MemoryError:
        found = ("the answer is too large to be checked",)
    out.write(json.dumps(found).encode())
    out.flush()


def _bound_itself() -> None:
    """End by itself even if whoever started it is gone (POSIX)."""
    try:
        import resource
    except ImportError:
        return
    for limit, most in ((resource.RLIMIT_CPU, _CPU_LIMIT_S), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(limit)
        ceiling = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (ceiling, hard))
