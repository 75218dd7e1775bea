"""The page about telemetry: its collector configurations hold together, and it names everything that is sent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from llmdesk.telemetry import names

PAGE = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text(encoding="utf-8")
CONFIGURATIONS = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "receivers:" in block]


@pytest.mark.parametrize("text", CONFIGURATIONS, ids=["printed", "handed on"])
def test_every_component_of_a_collector_is_declared_and_used(text: str) -> None:
    found = YAML(typ="safe").load(text)
    service = found.pop("service")
    used = {kind: set(service.get(kind, ())) for kind in ("extensions", "receivers", "processors", "exporters")}
    for pipeline in service["pipelines"].values():
        for kind, parts in pipeline.items():
            used[kind] |= set(parts)
    assert {kind: set(parts) for kind, parts in found.items()} == {kind: parts for kind, parts in used.items() if parts}
    assert set(service["pipelines"]) == {"traces", "metrics"}
    assert found["receivers"]["otlp"]["protocols"]["http"]["endpoint"] == "127.0.0.1:4318"


def test_every_name_that_leaves_is_on_the_page() -> None:
    sent = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
    short = {f".{value.split('.', 2)[2]}" for value in sent if value.startswith(("gen_ai.usage.", "gen_ai.request."))}
    missing = {
        value
        for value in sent - {names.REASON, names.LOST, names.WAITED, names.SCOPE}
        if f"`{value}`" not in PAGE and not any(value.endswith(end) and f"`{end}`" in PAGE for end in short)
    }
    assert missing == set()
