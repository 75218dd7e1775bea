"""The settings in force, as YAML that loads again, with every secret masked."""

from __future__ import annotations

import io
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from llmdesk.config.convert import limits
from llmdesk.config.defaults import PROVIDERS
from llmdesk.config.secret import Secret
from llmdesk.config.template import escape
from llmdesk.core.lanes import DEFAULT_LANES
from llmdesk.core.text import redact

if TYPE_CHECKING:
    from llmdesk.config.loader import Loaded


def effective(loaded: Loaded) -> dict[str, Any]:
    """The settings as plain values: limits as they apply, secrets masked, what is not set left out."""
    dumped = loaded.settings.model_dump(by_alias=True, exclude_none=True)
    providers = dumped.pop("providers")
    plain: dict[str, Any] = {"version": dumped["version"], "default_lane": dumped["default_lane"], "providers": {}}
    plain |= _plain(dumped, filled=True)
    for name, provider in loaded.settings.providers.items():
        entry = _plain(providers[name], filled=name not in loaded.disabled)
        chosen = {key: value for key, value in asdict(limits(name, provider)).items() if value is not None}
        limits_shown = _plain(chosen, filled=True)
        plain["providers"][name] = {"kind": entry.pop("kind"), **entry, "timeouts": limits_shown}
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


def _plain(value: Any, *, filled: bool) -> Any:
    """Turn a dumped value into what YAML writes well: numbers as short as they are, no empty sections.

    Args:
        value: from the models.
        filled: templates have been filled, so that a dollar sign stands for itself and is written as such.
    """
    if isinstance(value, dict):
        shown = {key: _plain(item, filled=filled) for key, item in value.items()}
        return {key: item for key, item in shown.items() if item not in ({}, [])}
    if isinstance(value, list | tuple):
        return [_plain(item, filled=filled) for item in value]
    if isinstance(value, Secret):
        return value.shown
    if isinstance(value, Decimal | float):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, str):
        text = redact(value)
        return escape(text) if filled and any(sign in text for sign in ("${", "$(", "$$")) else text
    return value
