"""What the adapter of kind ``command`` is told of a program: plain values, with what differs on this platform."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.config.command_settings import CommandSettings, PlatformSettings
    from llmdesk.core.types import Json


def command_options(section: CommandSettings, env: Mapping[str, str]) -> Json:
    """The options of an endpoint of kind ``command``.

    Args:
        section: what the user wrote.
        env: the variables of the program's environment, resolved.
    """
    return {
        **on_platform(section),
        "env": dict(env),
        "stdin": section.stdin,
        "output": {"json": section.output.json_path, "jsonl": section.output.jsonl_path},
        "limits": {"quota": section.limits.quota, "rate": section.limits.rate, "auth": section.limits.auth},
    }


def on_platform(section: CommandSettings, platform: str = sys.platform) -> dict[str, Any]:
    """A program's own settings, with what differs on this platform in their place."""
    name = {"win32": "windows", "darwin": "macos"}.get(platform, "linux")
    here: PlatformSettings | None = section.platforms.get(name)  # type: ignore[call-overload]
    keys = ("command", "env", "cwd", "install")
    own = {key: getattr(section, key) for key in keys}
    return own | {key: value for key in keys if here and (value := getattr(here, key)) is not None}
