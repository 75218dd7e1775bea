"""Every text of the program's source, its documentation aside: what a page quotes can be looked for there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "llmdesk"


@cache
def texts() -> frozenset[str]:
    """The texts, each hole of one shown as ``…``."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        _collect(ast.parse(path.read_bytes()), found)
    return frozenset(found)


def _collect(tree: ast.AST, found: set[str]) -> None:
    aside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=parts):
                found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts))
            case ast.Constant(value=str() as text) if id(node) not in aside:
                found.add(text)


def is_said(sentence: str) -> bool:
    """Whether the program may say this; ``…`` stands for what differs, and the pieces may stand in several places."""
    pieces = [piece.strip(" .:,;()") for piece in sentence.split("…")]
    told = [piece for piece in pieces if len(piece) > 2]
    return any(len(piece) > 6 for piece in told) and all(any(piece in text for text in texts()) for piece in told)
