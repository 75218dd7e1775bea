"""The file on top of the defaults: by name, written entries replace, ``null`` removes, the file's order comes first."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

from llmdesk.config.defaults import (
    ALIASES,
    CLOUD_KEY,
    CLOUD_URL,
    LOCAL_ADDRESS,
    OVERRIDES,
    PROVIDERS,
    USUAL,
    default_targets,
)
from llmdesk.config.draft import nearest
from llmdesk.config.yaml_tree import read_tree
from llmdesk.core.addresses import origin
from llmdesk.core.lanes import DEFAULT_LANES, LARGEST

if TYPE_CHECKING:
    from llmdesk.config.draft import Draft
    from llmdesk.config.yaml_tree import Path


def merge_defaults(draft: Draft) -> None:
    """Turn what the file says into complete settings: defaults below, the environment's own settings on top."""
    data = draft.data
    for name in [name for name, value in data.items() if value is None]:
        del data[name]  # a heading with nothing below it
    first = _single_provider(draft)
    _merge_providers(draft)
    _merge_lanes(draft, first)
    for variable, path in OVERRIDES.items():
        if value := draft.env.get(variable):
            _set(data, path, value)
            draft.named[path] = variable


def _set(data: dict[str, Any], path: Path, value: str) -> None:
    for step in path[:-1]:
        data = data.setdefault(str(step), {})
        if not isinstance(data, dict):
            return
    data[str(path[-1])] = value


def _single_provider(draft: Draft) -> str | None:
    """Read the short form, ``provider: KIND`` and ``model: NAME``; returns the model ref it puts first in each lane."""
    data = draft.data
    if "provider" not in data:
        return None
    known = (*PROVIDERS, "ollama", *USUAL)
    named = data.pop("provider")
    if not isinstance(named, str) or named not in known:
        draft.fault(("provider",), f"unknown provider{nearest(named, known) if isinstance(named, str) else ''}")
        named = "ollama"
    if "providers" in data:
        draft.fault(("provider",), "write either provider: or providers:, not both", key=True)
    moved = {"model": "default_model", "base_url": "base_url", "api_key": "api_key"}
    entry = {new: data.pop(old) for old, new in moved.items() if old in data}
    if "default_model" not in entry:
        draft.fault(("provider",), "'model' is missing", key=True)
    address = origin(str(entry["base_url"])) == origin(CLOUD_URL) if "base_url" in entry else "api_key" in entry
    name = {"ollama": "cloud" if address else "local"}.get(named, named)
    data.setdefault("providers", {name: {"kind": named if named in USUAL else "ollama", **entry}})
    for old, new in moved.items():
        for places in (draft.tree.values, draft.tree.keys):
            if (old,) in places:
                places["providers", name, new] = places[old,]
    return f"{name}/{entry.get('default_model')}"


def _merge_providers(draft: Draft) -> None:
    written = draft.data.get("providers", {})
    if not isinstance(written, dict):
        return
    merged = {name: _completed(draft, name, entry) for name, entry in written.items() if entry is not None}
    merged |= {name: dict(entry) for name, entry in PROVIDERS.items() if name not in written}
    draft.data["providers"] = merged


def _completed(draft: Draft, name: str, entry: Any) -> Any:
    """Fill in the kind's address and short names, and the usual name of the key at the vendor's own address."""
    if not isinstance(entry, dict):
        return entry
    entry = dict(entry)
    kind = entry.get("kind")
    if kind == "openai" and isinstance(entry.get("preset"), str):
        entry = _with_preset(draft, name, entry)
    if kind == "command" and isinstance(entry.get("preset"), str):
        entry = _with_tool(draft, name, entry)
    vendor, key = {"ollama": (CLOUD_URL, CLOUD_KEY), **USUAL}.get(str(kind), ("", ""))
    if not vendor:
        return entry
    here = kind == "ollama" and name != "cloud" and "api_key" not in entry
    entry.setdefault("base_url", LOCAL_ADDRESS if here else vendor)
    at_vendor = origin(str(entry["base_url"])) == origin(vendor)
    if at_vendor:
        entry.setdefault("api_key", key)
        if kind == "openai":  # its own address, written out: the same endpoint as the preset
            entry.setdefault("preset", "openai")
    if kind in ALIASES and (at_vendor or kind != "openai"):  # many speak OpenAI's format, and have other models
        written = entry.get("models")
        if written is None or isinstance(written, dict):
            entry["models"] = {**ALIASES[kind], **(written or {})}
    return entry


def _with_preset(draft: Draft, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    presets = read_presets()
    preset = entry["preset"]
    if preset not in presets:
        draft.fault(("providers", name, "preset"), f"unknown preset '{preset}'{nearest(preset, presets)}")
        return entry
    found = deepcopy(presets[preset])  # it is filled in place
    if note := found.pop("note", None):
        draft.provider_notes[name] = f"provider {name}: {note}."
    by_organization = found.pop("organization_url", None)
    if isinstance(by_organization, str) and isinstance(organization := entry.get("organization"), str):
        found["base_url"] = by_organization.replace("{organization}", organization)
    if "base_url" in entry:  # a key is bound to its own address
        found.pop("api_key", None)
    headers, written = found.get("headers", {}), entry.get("headers")
    if headers and isinstance(written, dict):  # one more header leaves those the endpoint asks for
        entry = {**entry, "headers": {**headers, **written}}
    return {**found, **entry}


def _with_tool(draft: Draft, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    tools = read_tools()
    preset = entry["preset"]
    if preset not in tools:
        draft.fault(("providers", name, "preset"), f"unknown preset '{preset}'{nearest(preset, tools)}")
        return {"command": [preset], **entry}  # one fault is enough
    found = deepcopy(tools[preset])
    if note := found.pop("note", None):
        draft.provider_notes[name] = f"provider {name}: {note}."
    return {**found, **entry}


def read_tools() -> dict[str, dict[str, Any]]:
    """The command-line tools of ``tools.yaml`` a provider of kind ``command`` can name as its ``preset``."""
    return _shipped("tools.yaml")


def read_presets() -> dict[str, dict[str, Any]]:
    """The endpoints of ``defaults.yaml`` a provider can name as its ``preset``."""
    return _shipped("defaults.yaml")["presets"]


@cache
def _shipped(name: str) -> dict[str, dict[str, Any]]:
    """A file of the package, read once however many providers have a preset of it."""
    from importlib.resources import files

    text = files("llmdesk.config").joinpath(name).read_text(encoding="utf-8")
    root: dict[str, dict[str, Any]] = read_tree(text).root
    return root


def _merge_lanes(draft: Draft, first: str | None) -> None:
    written = draft.data.get("lanes", {})
    providers = draft.data.get("providers")
    targets = default_targets(providers if isinstance(providers, dict) else {})
    if first is not None:
        targets = [first, *(target for target in (f"local/{LARGEST}",) if target in targets)]
    if not isinstance(written, dict):
        return
    merged: dict[str, Any] = {}
    for name, lane in written.items():
        if isinstance(lane, dict) and "targets" not in lane and targets:
            merged[name] = {"targets": list(targets), **lane}
        elif lane is not None:
            merged[name] = lane
    if targets:
        merged |= {name: {"targets": list(targets)} for name in DEFAULT_LANES if name not in written}
    draft.data["lanes"] = merged
    if merged and "default_lane" not in draft.data and "chat" not in merged:
        draft.data["default_lane"] = next(iter(merged))
    if not merged:
        draft.fault(("lanes",), "no lane is left; write one with targets", key=True)
