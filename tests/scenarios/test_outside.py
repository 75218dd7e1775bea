"""What holds for all scenarios: each is run, and no step knows the program from inside."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
STEPS = sorted(set(HERE.glob("*.py")) - {Path(__file__)})


def called(tree: ast.AST, name: str) -> list[str]:
    """The first words given to a function."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return [ast.literal_eval(call.args[0]) for call in calls if call.func.id == name]


def test_every_feature_is_run_and_once() -> None:
    run = [name for path in STEPS for name in called(ast.parse(path.read_text(encoding="utf-8")), "scenarios")]
    features = sorted(path.name for path in HERE.glob("*.feature"))
    assert sorted(run) == features
    assert len(features) >= 13


def test_no_step_imports_the_program_or_starts_it_as_a_module() -> None:
    for path in STEPS:
        text = path.read_text(encoding="utf-8")
        imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
        names |= {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
        assert names, path
        assert not {name for name in names if name.split(".")[0] == "llmdesk"}, path
        assert '"-m"' not in text, path
