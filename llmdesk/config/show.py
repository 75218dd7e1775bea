"""The settings in force, as YAML that loads again, with every secret masked."""

from __future__ import annotations

import io
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from llmdesk.config.convert import limits
from llmdesk.config.defaults import PROVIDERS
from llmdesk.config.secret import Secret
from llmdesk.core.lanes import DEFAULT_LANES
from llmdesk.core.text import redact

if TYPE_CHECKING:
    from llmdesk.config.loader import Loaded


def effective(loaded: Loaded) -> dict[str, Any]:
    """The settings as plain values: limits as they apply, secrets masked, what is not set left out."""
    plain: dict[str, Any] = _plain(loaded.settings.model_dump(by_alias=True, exclude_none=True))
    for name, provider in loaded.settings.providers.items():
        entry = plain["providers"][name]
        chosen = {key: value for key, value in asdict(limits(provider)).items() if value is not None}
        plain["providers"][name] = {"kind": entry.pop("kind"), **entry, "timeouts": _plain(chosen)}
    for section, defaults in (("providers", PROVIDERS), ("lanes", DEFAULT_LANES)):
        plain[section] |= {name: None for name in defaults if name not in plain[section]}
    return plain


def show(loaded: Loaded) -> str:
    """The settings in force as YAML. A provider that is off has the reason as a comment."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    values = effective(loaded)
    providers = CommentedMap(values["providers"])
    for name, reason in loaded.disabled.items():
        providers.yaml_add_eol_comment(f"disabled, {reason}", name)
    values["providers"] = providers
    writer = YAML()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.width = 4096
    out = io.StringIO()
    writer.dump(CommentedMap(values), out)
    return out.getvalue()


def _plain(value: Any) -> Any:
    """Turn a dumped value into what YAML writes well: numbers as short as they are, no empty sections."""
    if isinstance(value, dict):
        shown = {key: _plain(item) for key, item in value.items()}
        return {key: item for key, item in shown.items() if item not in ({}, [])}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Secret):
        return value.shown
    if isinstance(value, Decimal | float):
        return int(value) if value == int(value) else float(value)
    return redact(value) if isinstance(value, str) else value
