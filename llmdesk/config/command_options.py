"""What the adapter of kind ``command`` is told of a program: plain values, with what differs on this platform."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.config.command_settings import CommandSettings, PlatformSettings
    from llmdesk.core.types import Json

INHERITED = frozenset({"PATH", "HOME", "LANG", "TERM", "TMPDIR", "USER", "SHELL"})
"""Variables a program gets besides those its settings name, and every ``LC_*`` (policy S5)."""

INHERITED_ON_WINDOWS = frozenset({
    "APPDATA", "COMSPEC", "LOCALAPPDATA", "PATHEXT", "PROGRAMDATA", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP",
    "USERNAME", "USERPROFILE",
})  # fmt: skip
"""What programs need there to start at all."""


def inherited(env: Mapping[str, str], platform: str = sys.platform) -> dict[str, str]:
    """The part of our environment that a program may see: no keys, and not that another tool started us."""
    names = INHERITED | INHERITED_ON_WINDOWS if platform == "win32" else INHERITED
    return {name: value for name, value in env.items() if name.upper() in names or name.startswith("LC_")}


def command_options(section: CommandSettings, env: Mapping[str, str]) -> Json:
    """The options of an endpoint of kind ``command``.

    Args:
        section: what the user wrote.
        env: the variables of the program's environment, resolved.
    """
    output, usage = section.output, section.output.usage
    return {
        **on_platform(section),
        "env": dict(env),
        "stdin": section.stdin,
        "output": {
            "json": output.json_path,
            "jsonl": output.jsonl_path,
            "keep": output.keep,
            "reasoning": output.reasoning,
            "error": output.error,
            "failed": output.failed,
            "model": output.model,
            "usage": usage.model_dump(exclude_none=True) if usage is not None else None,
        },
        "limits": {"quota": section.limits.quota, "rate": section.limits.rate, "auth": section.limits.auth},
    }


def on_platform(section: CommandSettings, platform: str = sys.platform) -> dict[str, Any]:
    """A program's own settings, with what differs on this platform in their place."""
    name = {"win32": "windows", "darwin": "macos"}.get(platform, "linux")
    here: PlatformSettings | None = section.platforms.get(name)  # type: ignore[call-overload]
    keys = ("command", "env", "cwd", "install")
    own = {key: getattr(section, key) for key in keys}
    return own | {key: value for key in keys if here and (value := getattr(here, key)) is not None}
