"""Secrets: kept as the template the user wrote, resolved only when a provider is called, never printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from llmdesk.config.template import (
    Command,
    Entry,
    TemplateError,
    Variable,
    fill,
    is_late,
    literal_text,
    missing_names,
    parse_template,
    variable_names,
)
from llmdesk.core.errors import SetupBroken
from llmdesk.core.text import MASK, redact

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from threading import Event

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

    from llmdesk.config.template import Part

_SECRET_NAME = re.compile(r"key|token|secret|password|auth|cookie", re.IGNORECASE)


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
        """Where the value comes from: variables, programs and keychain entries by name, or the file."""
        try:
            return _sources(parse_template(self.template))
        except TemplateError:
            return "the file"

    @property
    def variables(self) -> frozenset[str]:
        """The variables it is made of, those that only stand in for others included."""
        try:
            return variable_names(parse_template(self.template))
        except TemplateError:
            return frozenset()

    @property
    def late(self) -> bool:
        """Whether getting the value may take time or ask the user: a command or the keychain."""
        try:
            return is_late(parse_template(self.template))
        except TemplateError:
            return False

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


def resolve_secret(
    template: str,
    env: Mapping[str, str],
    *,
    provider: str = "provider",
    stop: Event | None = None,
    withheld: Container[str] = (),
) -> str | None:
    """Resolve a key or header value, and teach it to the redactor. Blocks while a command or the keychain works.

    Args:
        template: what the user wrote.
        env: where variables come from, and the environment of commands.
        provider: the name to put into messages.
        stop: set by another thread when nobody wants the value any more.
        withheld: variables that a command does not get, because they are the keys of others.

    Returns:
        The value without surrounding space; ``None`` when a variable is missing or nothing is left.

    Raises:
        SetupBroken: a command or the keychain failed, or the value is not printable ASCII. Neither output nor value
            is in the message.
    """
    from llmdesk.config.fetch import fetch

    parts = parse_template(template)
    if missing_names(parts, env):
        return None
    shown = {name: value for name, value in env.items() if name not in withheld} if is_late(parts) else env
    value = fill(parts, env, lambda part: fetch(part, shown, provider, stop)).strip()
    if not value:
        return None
    redact.learn(value)
    if fault := key_fault(value):
        raise SetupBroken(f"{provider}: {_sources(parts)} {fault}.")
    return value


_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

_USER_AND_PASSWORD = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?([^/@:]*):(.*)@[^@]*", re.IGNORECASE)


def learn_proxies(env: Mapping[str, str]) -> None:
    """Teach the redactor the passwords of the proxies that the environment names: a proxy may repeat its own."""
    for name in _PROXIES:
        for address in (env.get(name, ""), env.get(name.lower(), "")):
            if found := _USER_AND_PASSWORD.fullmatch(address.strip()):
                redact.learn(found[2])
                redact.learn(unquote(found[2]))


def is_secret_name(name: str) -> bool:
    """Whether a header or variable of this name usually holds a secret."""
    return bool(_SECRET_NAME.search(name))


def key_fault(value: str) -> str:
    """What makes ``value`` unusable in an HTTP header (policy S3); empty when nothing does."""
    if value.isascii() and value.isprintable():
        return ""
    return "holds characters no key has (printable ASCII only)"


def _sources(parts: tuple[Part, ...]) -> str:
    """Name where a value comes from, first choice first: variables, programs, the keychain, or the file."""
    names: list[str] = []
    for part in parts:
        if isinstance(part, Variable):
            instead = _sources(part.default) if part.default and not literal_text(part.default) else ""
            names.append(f"${part.name}{' or ' if instead else ''}{instead}")
        elif isinstance(part, Command | Entry):
            names.append(part.described)
    return " and ".join(names) or "the key in the file"


def _masked(parts: tuple[Part, ...]) -> str:
    shown: list[str] = []
    for part in parts:
        if isinstance(part, Variable):
            default = "" if part.default is None else f":-{_masked(part.default)}"
            shown.append(f"${{{part.name}{default}}}")
        elif isinstance(part, Command):
            more = " …" if " " in part.line else ""
            shown.append(f"$({part.program}{more})")
        elif isinstance(part, Entry):
            shown.append(f"${{keyring:{part.service}/{part.name}}}")
        else:
            shown.append(MASK)
    return "".join(shown)
