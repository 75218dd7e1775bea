"""``${NAME}``, ``${NAME:-default}``, ``${keyring:SERVICE/NAME}``, ``$(command)`` and ``$$`` in a text; runs nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENTRY = re.compile(r"keyring:(?!-)([^}]*)\}")

MAX_DEPTH = 20
"""How deep defaults may lie within defaults; nobody has so many names for one thing."""


class TemplateError(ValueError):
    """A text that begins a ``${`` or ``$(`` and does not end it well."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A value of the environment; ``default`` is used when it is not set or empty, ``None`` = there is none."""

    name: str
    default: tuple[Part, ...] | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command line whose output stands here."""

    line: str

    @property
    def program(self) -> str:
        """Its first word; the others may hold anything."""
        return self.line.split(maxsplit=1)[0]

    @property
    def described(self) -> str:
        """Where the secret comes from, for messages."""
        return f"the output of {self.program}"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the system's keychain whose secret stands here."""

    service: str
    name: str

    @property
    def described(self) -> str:
        """Where the secret comes from, for messages."""
        return f"the keychain entry {self.service}/{self.name}"


Part = str | Variable | Command | Entry


def parse_template(text: str) -> tuple[Part, ...]:
    """Split ``text`` into literal text, variables, keychain entries and commands.

    A dollar sign that begins neither ``${`` nor ``$(`` stands for itself; ``$$`` is one dollar sign.

    Raises:
        TemplateError: a bracket is not closed, or there is no usable name or command in it, or defaults lie too deep.
    """
    parts, end = _parse(text, 0, depth=0)
    assert end == len(text)
    return parts


def escape(text: str) -> str:
    """Write ``text`` so that it stands for itself in a template."""
    return text.replace("$", "$$")


def missing_names(parts: tuple[Part, ...], env: Mapping[str, str]) -> tuple[str, ...]:
    """The variables without which the template has no value: not set or empty, and without a usable default."""
    names: list[str] = []
    for part in parts:
        if isinstance(part, Variable) and not env.get(part.name):
            lacking = part.default is None or missing_names(part.default, env)
            names += [part.name] if lacking else []
    return tuple(dict.fromkeys(names))


def has_command(parts: tuple[Part, ...]) -> bool:
    """Whether filling the template may run a program the text names."""
    return any(isinstance(part, Command) for part in _flat(parts))


def is_late(parts: tuple[Part, ...]) -> bool:
    """Whether filling the template may take time or ask the user: a command or the keychain."""
    return any(isinstance(part, Command | Entry) for part in _flat(parts))


def variable_names(parts: tuple[Part, ...]) -> frozenset[str]:
    """Every variable that is named, in defaults too."""
    return frozenset(part.name for part in _flat(parts) if isinstance(part, Variable))


def _flat(parts: tuple[Part, ...]) -> Iterator[Part]:
    """Every part, those of defaults included."""
    for part in parts:
        yield part
        if isinstance(part, Variable):
            yield from _flat(part.default or ())


def literal_text(parts: tuple[Part, ...]) -> str:
    """What stands in the file itself, defaults included: for a key, the part that must be kept private."""
    return "".join(
        part if isinstance(part, str) else literal_text(part.default or ()) if isinstance(part, Variable) else ""
        for part in parts
    )


def fill(parts: tuple[Part, ...], env: Mapping[str, str], fetch: Callable[[Command | Entry], str] | None = None) -> str:
    """Put the template together. What comes from the environment is not looked at again for templates.

    Args:
        parts: from ``parse_template``, with no ``missing_names``.
        env: where variables come from.
        fetch: runs a command or opens the keychain; without it, neither is allowed.

    Raises:
        TemplateError: there is a command or a keychain entry, and no ``fetch``.
        KeyError: a variable is missing.
    """
    done: list[str] = []
    for part in parts:
        if isinstance(part, str):
            done.append(part)
        elif isinstance(part, Variable):
            value = env.get(part.name)
            if not value and part.default is not None:
                value = fill(part.default, env, fetch)
            done.append(env[part.name] if value is None else value)
        elif fetch is not None:
            done.append(fetch(part))
        else:
            form = "$(command)" if isinstance(part, Command) else "${keyring:…}"
            raise TemplateError(f"{form} works for api_key, headers and env only. A dollar sign itself is $$.")
    return "".join(done)


def _parse(text: str, start: int, *, depth: int) -> tuple[tuple[Part, ...], int]:
    """Read parts from ``start``, up to the end or, within ``depth`` defaults, up to the brace that closes the last."""
    if depth > MAX_DEPTH:
        raise TemplateError(f"'${{' stands within '${{' on more than {MAX_DEPTH} levels.")
    parts: list[Part] = []
    literal = ""
    at = start
    while at < len(text) and not (depth and text[at] == "}"):
        two = text[at : at + 2]
        if two == "$$":
            literal, at = literal + "$", at + 2
        elif two in ("${", "$("):
            parts += [literal] if literal else []
            literal = ""
            part, at = _variable(text, at + 2, depth) if two == "${" else _command(text, at + 2)
            parts.append(part)
        else:
            literal, at = literal + text[at], at + 1
    return (*parts, *([literal] if literal else [])), at


def _variable(text: str, start: int, depth: int) -> tuple[Part, int]:
    if entry := _ENTRY.match(text, start):
        return _entry(entry[1]), entry.end()
    name = _NAME.match(text, start)
    if name is None:
        raise TemplateError("'${' is not followed by a name. Write ${NAME}, or $$ for a dollar sign.")
    at = name.end()
    default: tuple[Part, ...] | None = None
    if text.startswith(":-", at):
        default, at = _parse(text, at + 2, depth=depth + 1)
    if not text.startswith("}", at):
        raise TemplateError(f"'${{{name[0]}' is not closed. Write ${{{name[0]}}} or ${{{name[0]}:-default}}.")
    return Variable(name[0], default), at + 1


def _entry(written: str) -> Entry:
    """Read ``SERVICE/NAME``; the last slash parts them, so that a service may be an address."""
    service, _, name = written.rpartition("/")
    if not (service and name and written.isprintable() and written == written.strip()):
        raise TemplateError("'${keyring:' is followed by a service and a name: ${keyring:SERVICE/NAME}.")
    return Entry(service, name)


def _command(text: str, start: int) -> tuple[Part, int]:
    """Read up to the bracket that closes the command; brackets in quotes do not count."""
    depth, quote = 1, ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
        if depth == 0:
            line = text[start:at].strip()
            if not line:
                raise TemplateError("'$()' holds no command.")
            return Command(line), at + 1
    raise TemplateError("'$(' is not closed.")
