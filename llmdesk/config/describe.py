"""The settings described, for editors as JSON Schema: from the models and the docstrings under their fields.

The docstrings under the fields are read from the source when they are asked for: pydantic could collect them itself,
but would do so at each start.
"""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from pydantic import BaseModel


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
        named = entries["patternProperties"]
        entries["patternProperties"] = {key: {"anyOf": [value, {"type": "null"}]} for key, value in named.items()}
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
    for model in models():
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


def models() -> dict[type[BaseModel], str]:
    """Every model of the settings -> its heading on the reference page, in the order of that page."""
    from llmdesk.config import command_settings as k
    from llmdesk.config import common_settings as c
    from llmdesk.config import provider_settings as p
    from llmdesk.config import settings as s

    return {
        s.Settings: "Top level",
        **{model: f"providers: kind {kind}" for kind, model in p.KIND_MODELS.items()},
        c.RetrySettings: "providers: retry",
        c.TimeoutSettings: "providers: timeouts",
        c.RateLimitSettings: "providers: rate_limit",
        k.PlatformSettings: "providers, kind command: platforms",
        k.OutputSettings: "providers, kind command: output",
        k.UsagePaths: "providers, kind command: output, usage",
        k.LimitSettings: "providers, kind command: limits",
        s.LaneSettings: "lanes",
        c.ParamSettings: "params (of providers, lanes and agents)",
        s.AgentSettings: "agents",
        s.ModelSettings: "models",
        s.PriceSettings: "models: price",
        s.BudgetSettings: "budgets",
        s.RoutingSettings: "routing",
        s.SmallPromptSettings: "routing: small_prompt",
        s.PrivacySettings: "privacy",
        s.TelemetrySettings: "telemetry",
        s.ScreenSection: "ui",
    }
