"""Whatever stands in a file, loading ends in settings or in faults."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from llmdesk.config import convert
from llmdesk.config.example import example
from llmdesk.config.loader import load_settings, validate
from llmdesk.config.show import show
from llmdesk.config.yaml_tree import read_tree

BASE = read_tree(example("full")).root

WORDS = ["", "x", "local/largest", "lane:chat", "ollama", "command", "${A}", "${A:-1}", "$(x)", "$$", "text", "0.5"]
SCALARS = st.none() | st.booleans() | st.integers(-3, 10**9) | st.floats() | st.sampled_from(WORDS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS[1:]), inner, max_size=2)
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for key, item in entries for below in paths(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(paths(BASE)), VALUES), min_size=1, max_size=3))
def test_any_value_in_any_place_gives_settings_or_faults(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    data = BASE
    for path, value in changes:
        try:
            data = replaced(data, path, value)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier change took the place away
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "llmdesk.yaml"
        with file.open("w") as stream:
            YAML(typ="safe", pure=True).dump(data, stream)
        file.chmod(0o600)
        faults = validate(file, {})
        assert all(line.startswith(f"{file}:") and "\n" not in line for line in faults)
        if faults:
            return
        loaded = load_settings(file, {})
        assert convert.lanes(loaded)
        assert convert.provider_rules(loaded)
        assert all(convert.endpoint(loaded, name) for name in loaded.settings.providers)
        assert show(loaded)
