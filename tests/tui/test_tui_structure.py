"""The modules of the screen build on one another: what a module imports, for types too, never imports it back."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import llmdesk.tui

FOLDER = Path(llmdesk.tui.__file__).parent


def imported(path: Path) -> set[str]:
    """The modules of the screen that are imported anywhere in a file, inside functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("llmdesk.tui."):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.startswith("llmdesk.tui.")}
    return found


def test_no_module_of_the_screen_imports_one_that_builds_on_it() -> None:
    graph = {
        ".".join(("llmdesk", "tui", *path.relative_to(FOLDER).with_suffix("").parts)): imported(path)
        for path in FOLDER.rglob("*.py")
    }
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("llmdesk.tui.screens.chat") < order.index("llmdesk.tui.app")
