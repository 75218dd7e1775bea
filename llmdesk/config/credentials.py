"""Where the secrets of a provider come from: told without resolving any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.config.command_options import on_platform
from llmdesk.config.command_settings import CommandSettings
from llmdesk.config.provider_settings import HttpSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmdesk.config.common_settings import CommonSettings
    from llmdesk.config.secret import Secret


def key_source(section: CommonSettings) -> str:
    """Name where the key comes from (``$NAME``, the output of a program, the keychain, the file); empty = no key."""
    key = section.api_key if isinstance(section, HttpSettings) else None
    return key.source if key else ""


def late_source(section: CommonSettings) -> str:
    """Name what has to be run or opened before the provider can be called; empty = nothing."""
    return next((secret.source for secret in _secrets(section) if secret.late), "")


def _secrets(section: CommonSettings) -> Iterable[Secret]:
    if isinstance(section, HttpSettings):
        return (*((section.api_key,) if section.api_key else ()), *section.headers.values())
    if isinstance(section, CommandSettings):
        variables: dict[str, Secret] = on_platform(section)["env"]
        return variables.values()
    return ()
