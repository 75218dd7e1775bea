"""The settings described: JSON Schema for editors and the reference page, both from the models and their docstrings.

The docstrings under the fields are read from the source when they are asked for: pydantic could collect them itself,
but would do so at each start.
"""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

if TYPE_CHECKING:
    from types import ModuleType

    from pydantic import BaseModel

INTRODUCTION = """\
# Configuration

<!-- Made by llmdesk/config/describe.py from the settings; `python -m llmdesk.config.describe FILE` writes it. -->

`llmdesk.yaml` stands in the folder `llmdesk config path` prints; `LLMDESK_CONFIG` or `--config` name another file, and
`LLMDESK_HOME` puts everything below one folder. Without a file everything works: `cloud` (when `OLLAMA_API_KEY` is
set), `local`, and seven lanes that ask the one and then the other. `llmdesk config init` writes a commented file,
`llmdesk config validate` lists everything that is wrong with it, `llmdesk config show` prints what is in force.

- **Order.** Defaults, then the file, then the environment, then the command line. The environment's own settings are
  `LLMDESK_LANE` (`default_lane`), `LLMDESK_THEME` (`ui.theme`), `LLMDESK_NETWORK` (`privacy.network`) and
  `LLMDESK_RECORD` (`privacy.record`); `OLLAMA_HOST` and the usual names of keys feed the defaults.
- **By name.** Providers and lanes of the file extend the defaults. An entry that is written replaces the default of
  that name as a whole; `null` removes it. Lanes stand in the file's order, then the defaults.
- **Templates.** `${NAME}` and `${NAME:-default}` come from the environment, `$$` is a dollar sign. A provider with a
  missing name is switched off and the rest works; elsewhere it is an error. Inside `{ }` and `[ ]` YAML wants quotes
  around them. In `api_key`, `headers` and `env`, `$(command)` stands for the output of a command (words, no shell) and
  `${keyring:SERVICE/NAME}` for an entry of the system's keychain; either has 10 seconds, and only when the provider is
  called. The keychain needs `pip install 'llmdesk[keyring]'` and an entry made by `keyring set SERVICE NAME`.
- **Keys.** Write them as templates. A key written out is accepted in a file only you can read (mode 0600). A file
  that others can change may name no programs. [providers.md](providers.md) shows each provider with its key.
- **Addresses.** Plain `http://` is for this machine, or with `allow_http: true`.
- **Short form.** `provider: ollama` (or `cloud`, `local`, `openai`, `anthropic`, `google`) and `model: NAME`, with
  `base_url` and `api_key` where needed, put that model first in every lane.
- **Not accepted:** unknown or duplicate keys, anchors, aliases, tags, files over 1 MiB.
"""


def schema() -> dict[str, Any]:
    """JSON Schema of ``llmdesk.yaml``, with a description of every setting."""
    from llmdesk.config.settings import Settings

    described: dict[str, Any] = Settings.model_json_schema(by_alias=True)
    texts = field_texts()
    for name, definition in {**described.get("$defs", {}), "Settings": described}.items():
        for key, field in definition.get("properties", {}).items():
            if text := texts.get((name, key)):
                field["description"] = text
    _loosen(described)
    _name_bounds(described)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}


def _loosen(described: dict[str, Any]) -> None:
    """Allow what loading fills in or reads from a template, so that an editor does not mark it."""
    definitions = described["$defs"]
    described.pop("required", None)
    for section in ("providers", "lanes"):
        entries = described["properties"][section]
        for part in ("additionalProperties", "patternProperties"):
            if part in entries and part == "patternProperties":
                entries[part] = {key: {"anyOf": [value, {"type": "null"}]} for key, value in entries[part].items()}
            elif isinstance(entries.get(part), dict):
                entries[part] = {"anyOf": [entries[part], {"type": "null"}]}
    for name, definition in definitions.items():
        if name == "LaneSettings":
            definition.pop("required", None)
        if "required" in definition and "kind" in definition["properties"]:
            definition["required"] = ["kind"]
            if name == "CommandSettings":
                definition["anyOf"] = [{"required": ["command"]}, {"required": ["preset"]}]


_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def _name_bounds(node: Any) -> None:
    """Give bounds their JSON Schema names, which pydantic leaves out for types that convert first."""
    for key in list(node) if isinstance(node, dict) else ():
        _name_bounds(node[key])
        if key in _BOUNDS and isinstance(node[key], int | float):
            node[_BOUNDS[key]] = node.pop(key)
    for item in node if isinstance(node, list) else ():
        _name_bounds(item)


def field_texts() -> dict[tuple[str, str], str]:
    """(model, key as written in the file) -> the docstring under the field, on one line."""
    from llmdesk.config import command_settings, common_settings, provider_settings, settings

    texts: dict[tuple[str, str], str] = {}
    own: dict[str, dict[str, str]] = {}
    for module in (common_settings, command_settings, provider_settings, settings):
        own |= _class_texts(module)
    for model in _models():
        inherited: dict[str, str] = {}
        for base in reversed(model.__mro__):
            inherited |= own.get(base.__name__, {})
        for name, field in model.model_fields.items():
            if name in inherited:
                texts[model.__name__, field.alias or name] = inherited[name]
    return texts


def _class_texts(module: ModuleType) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        texts = found.setdefault(node.name, {})
        for field, below in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                texts[field.target.id] = " ".join(below.value.value.split())
    return found


def _models() -> list[type[BaseModel]]:
    from llmdesk.config import command_settings as k
    from llmdesk.config import common_settings as c
    from llmdesk.config import provider_settings as p
    from llmdesk.config import settings as s

    return [
        s.Settings, p.OllamaSettings, p.OpenAISettings, p.AnthropicSettings, p.GoogleSettings, k.CommandSettings,
        c.RetrySettings, c.TimeoutSettings, c.RateLimitSettings, k.PlatformSettings, k.OutputSettings, k.UsagePaths,
        k.LimitSettings,
        s.LaneSettings, c.ParamSettings, s.AgentSettings, s.ModelSettings, s.PriceSettings, s.BudgetSettings,
        s.RoutingSettings, s.SmallPromptSettings, s.PrivacySettings, s.TelemetrySettings, s.ScreenSection,
    ]  # fmt: skip


_HEADINGS = {
    "Settings": "Top level",
    "OllamaSettings": "providers: kind ollama",
    "OpenAISettings": "providers: kind openai",
    "AnthropicSettings": "providers: kind anthropic",
    "GoogleSettings": "providers: kind google",
    "CommandSettings": "providers: kind command",
    "RetrySettings": "providers: retry",
    "TimeoutSettings": "providers: timeouts",
    "RateLimitSettings": "providers: rate_limit",
    "PlatformSettings": "providers, kind command: platforms",
    "OutputSettings": "providers, kind command: output",
    "UsagePaths": "providers, kind command: output, usage",
    "LimitSettings": "providers, kind command: limits",
    "LaneSettings": "lanes",
    "ParamSettings": "params (of providers, lanes and agents)",
    "AgentSettings": "agents",
    "ModelSettings": "models",
    "PriceSettings": "models: price",
    "BudgetSettings": "budgets",
    "RoutingSettings": "routing",
    "SmallPromptSettings": "routing: small_prompt",
    "PrivacySettings": "privacy",
    "TelemetrySettings": "telemetry",
    "ScreenSection": "ui",
}


NAMES = (
    "A provider's own `models` go before these. Those of kind openai hold at OpenAI's own address only: other servers "
    "of its format have other models."
)
"""What stands above the table of short names."""


def reference() -> str:
    """The reference page, in Markdown."""
    from llmdesk.config.defaults import ALIASES
    from llmdesk.config.merge import read_presets, read_tools

    texts = field_texts()
    lines = [INTRODUCTION]
    for model in _models():
        lines += [f"## {_HEADINGS[model.__name__]}", "", " ".join((model.__doc__ or "").split()), ""]
        lines += ["| key | default | meaning |", "| --- | --- | --- |"]
        for name, field in model.model_fields.items():
            key = field.alias or name
            text = texts[model.__name__, key].replace("|", "\\|")
            lines.append(f"| `{key}` | {_default(field)} | {text}{_choices(text, field.annotation)} |")
        lines.append("")
    lines += ["## Short names of models", "", NAMES, ""]
    lines += ["| kind | short name | model |", "| --- | --- | --- |"]
    lines += [f"| {kind} | `{name}` | `{model}` |" for kind, names in ALIASES.items() for name, model in names.items()]
    lines += ["", "## Presets of kind openai", "", "| preset | address | key |", "| --- | --- | --- |"]
    for name, preset in read_presets().items():
        key = f"`{preset['api_key']}`" if "api_key" in preset else "none"
        lines.append(f"| `{name}` | `{preset['base_url']}` | {key} |")
    lines += ["", "## Presets of kind command", "", "See [tools](tools.md).", ""]
    lines += ["| preset | how it is installed |", "| --- | --- |"]
    for name, tool in read_tools().items():
        install = str(tool["install"]).replace("|", "\\|")
        lines.append(f"| `{name}` | `{install}` |")
    return "\n".join(lines) + "\n"


def _choices(text: str, annotation: Any) -> str:
    """The values that a setting can have, where they are few and ``text`` does not name all of them."""
    values = [f"`{value}`" for value in _literals(annotation)]
    if len(values) < 2 or all(value in text for value in values):
        return ""
    return f" {'Keys:' if get_origin(annotation) is dict else 'One of'} {', '.join(values)}."


def _literals(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) for value in _literals(part))


def _default(field: Any) -> str:
    from pydantic_core import PydanticUndefined

    if field.default_factory is not None or field.default in (None, ()):
        return ""
    if field.default is PydanticUndefined:
        return ""
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


if __name__ == "__main__":
    import sys
    from pathlib import Path

    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
