"""Ollama's names of models: which are one, and which run on ollama.com."""

from __future__ import annotations


def full_name(name: str) -> str:
    """An Ollama name as it is compared: any case, and ``x`` is ``x:latest``."""
    name = name.lower()
    return name if ":" in name.rpartition("/")[2] else name + ":latest"


def same_model(wanted: str, listed: str) -> bool:
    """Whether two Ollama names mean one model."""
    return full_name(wanted) == full_name(listed)


def is_cloud_name(name: str) -> bool:
    """Whether an Ollama name runs on ollama.com even through a local server (tag ``cloud`` or ``*-cloud``)."""
    last = name.lower().rpartition("/")[2]  # a registry's port is no tag
    tag = last.rpartition(":")[2] if ":" in last else ""
    return tag == "cloud" or tag.endswith("-cloud")


def cloud_base_name(name: str) -> str:
    """The name ollama.com itself knows a cloud model by (internal/modelref of github.com/ollama/ollama)."""
    if not is_cloud_name(name):
        return name
    stem, _, tag = name.rpartition(":")
    return stem if tag.lower() == "cloud" else name[: -len("-cloud")]
