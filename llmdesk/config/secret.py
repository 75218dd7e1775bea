"""Secrets: kept as the template the user wrote, resolved only when a provider is called, never printed."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from llmdesk.config.template import Command, Part, TemplateError, Variable, fill, missing_names, parse_template
from llmdesk.core.errors import SetupBroken
from llmdesk.core.text import MASK, redact

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_SECRET_NAME = re.compile(r"key|token|secret|password|auth|cookie", re.IGNORECASE)

COMMAND_LIMIT_S = 10.0
"""How long a ``$(command)`` may take, seconds."""


class Secret:
    """A template that stands for a secret. Printing, logging or dumping it shows no value, literal ones included."""

    __slots__ = ("template",)

    def __init__(self, template: str) -> None:
        self.template = template

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.template == self.template

    def __hash__(self) -> int:
        return hash(self.template)

    @property
    def shown(self) -> str:
        """The template with everything masked but the names of variables and the program a command runs."""
        try:
            return _masked(parse_template(self.template))
        except TemplateError:
            return MASK

    @property
    def source(self) -> str:
        """Where the value comes from: variables and programs by name, or the file."""
        try:
            return _sources(parse_template(self.template))
        except TemplateError:
            return "the file"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate from a string, dump as the masked template (pydantic's protocol for custom types)."""
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(
            _as_secret,
            core_schema.is_instance_schema(cls),
            json_schema_input_schema=core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda secret: secret.shown, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )


def _as_secret(value: Any) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, str) and value:
        return Secret(value)
    raise ValueError("must be text; put it in quotes if it is")


def resolve_secret(template: str, env: Mapping[str, str], *, provider: str = "provider") -> str | None:
    """Resolve a key or header value, and teach it to the redactor. Blocks while a ``$(command)`` runs.

    Args:
        template: what the user wrote.
        env: where variables come from, and the environment of commands.
        provider: the name to put into messages.

    Returns:
        The value without surrounding space; ``None`` when a variable is missing or nothing is left.

    Raises:
        SetupBroken: a command failed, or the value is not printable ASCII. Neither output nor value is in the message.
    """
    parts = parse_template(template)
    if missing_names(parts, env):
        return None
    value = fill(parts, env, lambda line: _run(line, env, provider)).strip()
    if not value:
        return None
    redact.learn(value)
    if fault := key_fault(value):
        raise SetupBroken(f"{provider}: {_sources(parts)} {fault}.")
    return value


def is_secret_name(name: str) -> bool:
    """Whether a header or variable of this name usually holds a secret."""
    return bool(_SECRET_NAME.search(name))


def key_fault(value: str) -> str:
    """What makes ``value`` unusable in an HTTP header (policy S3); empty when nothing does."""
    if value.isascii() and value.isprintable():
        return ""
    return "holds characters no key has (printable ASCII only)"


def _sources(parts: tuple[Part, ...]) -> str:
    """Name where a value came from: variables and programs, or the file."""
    names = [f"${part.name}" for part in parts if isinstance(part, Variable)]
    names += [f"the output of {_program(part)}" for part in parts if isinstance(part, Command)]
    return " and ".join(names) or "the key in the file"


def _program(command: Command) -> str:
    return command.line.split(maxsplit=1)[0]


def _masked(parts: tuple[Part, ...]) -> str:
    shown: list[str] = []
    for part in parts:
        if isinstance(part, Variable):
            default = "" if part.default is None else f":-{_masked(part.default)}"
            shown.append(f"${{{part.name}{default}}}")
        elif isinstance(part, Command):
            more = " …" if " " in part.line else ""
            shown.append(f"$({_program(part)}{more})")
        else:
            shown.append(MASK)
    return "".join(shown)


def _run(line: str, env: Mapping[str, str], provider: str) -> str:
    """Run one command without a shell and return its output without the newline at its end."""
    import shlex
    import subprocess

    try:
        words = shlex.split(line)
    except ValueError as error:
        raise SetupBroken(f"{provider}: the command of $(…) cannot be read: {error}.") from None
    program = words[0]
    try:
        # A session of its own takes the terminal away from the command: it cannot ask, and it can be ended whole.
        # Keys of providers are none of its business; whatever else it needs (PATH, agents, tokens) it gets.
        process = subprocess.Popen(  # noqa: S603 - the user's own words, no shell
            words,
            env={name: value for name, value in env.items() if not name.endswith("_API_KEY")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be started"
        raise SetupBroken(f"{provider}: {program} in $(…): {reason}.") from None
    try:
        output, _ = process.communicate(timeout=COMMAND_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise SetupBroken(f"{provider}: {program} in $(…) gave no key within {COMMAND_LIMIT_S:g} s.") from None
    finally:
        if process.poll() is None:
            _end(process)
    if process.returncode:
        raise SetupBroken(f"{provider}: {program} in $(…) failed with exit code {process.returncode}.")
    try:
        return output.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SetupBroken(f"{provider}: {program} in $(…) gave something that is not text.") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a command that takes too long, with what it started, and reap it."""
    import signal

    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()
