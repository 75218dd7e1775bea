"""No text becomes code, nothing is unpickled, no shell is asked, no certificate is waved through.

One place compiles, at import, what it puts together from names of fields in our own source, as ``dataclasses`` does.

The linter's security rules say the same (``S`` in pyproject.toml) and can be silenced line by line; this cannot.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "llmdesk").rglob("*.py"))

CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput",
    "subprocess.getstatusoutput", "ssl._create_unverified_context", "tempfile.mktemp",
    "asyncio.create_subprocess_shell",
}  # fmt: skip
IMPORTS = {"pickle", "cPickle", "dill", "shelve", "marshal", "telnetlib", "ftplib", "yaml", "xml.etree", "lxml"}
COMPILES = {"llmdesk/core/values.py": ["exec()"]}
"""By module: what it may do all the same."""

WORDS = {"shell": True, "verify": False, "check_hostname": False, "allow_pickle": True, "typ": "unsafe"}
"""Arguments with values they must not have; the last one is ruamel.yaml's loader that makes objects."""


def found_in(tree: ast.AST) -> list[str]:
    """What a module does that none may do."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            found += [f"{node.lineno}: {name}()"] if name in CALLS else []
            for word in node.keywords:
                value = word.value.value if isinstance(word.value, ast.Constant) else None
                if word.arg in WORDS and value is not None and value == WORDS[word.arg]:
                    found.append(f"{node.lineno}: {word.arg}={value}")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"{node.lineno}: import {name}" for name in names if name in IMPORTS]
        elif isinstance(node, ast.Attribute) and node.attr in ("CERT_NONE", "_create_unverified_context"):
            found.append(f"{node.lineno}: {node.attr}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_evaluates_nothing(path: Path) -> None:
    found = [each.partition(": ")[2] for each in found_in(ast.parse(path.read_text(encoding="utf-8")))]
    assert found == COMPILES.get(path.relative_to(ROOT).as_posix(), [])


@pytest.mark.parametrize(
    "line",
    ["eval(x)", "subprocess.run(x, shell=True)", "import pickle", "from pickle import loads", "os.system('x')",
     "httpx.get(u, verify=False)", "context.verify_mode = ssl.CERT_NONE", "import yaml", "YAML(typ='unsafe')"],
)  # fmt: skip
def test_what_is_looked_for_is_found(line: str) -> None:
    assert found_in(ast.parse(line))


def test_the_linter_looks_for_more_of_it() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert {"S", "BLE", "PTH", "DTZ"} <= set(lint["select"])
    assert [rule for rule in lint["ignore"] if rule.startswith("S")] == ["S101"]
    assert not [rule for rule in lint["per-file-ignores"]["llmdesk/**"] if rule.startswith("S")]
