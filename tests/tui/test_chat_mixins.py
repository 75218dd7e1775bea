"""The parts the chat screen is made of do not shadow one another."""

from __future__ import annotations

import ast
import inspect
from itertools import combinations
from textwrap import dedent

import pytest

from llmdesk.tui.screens.chat import ChatScreen

HOOKS = frozenset({"check_action"})
"""What several parts may answer: each of them asks the next one too."""

PARTS = [part for part in ChatScreen.__mro__ if part.__module__.startswith("llmdesk.tui.screens.")]
APART = [(a, b) for a, b in combinations(PARTS, 2) if not issubclass(a, b)]


def written(part: type) -> set[str]:
    """The methods and attributes that stand in the source of a class, those it sets on ``self`` too."""
    (tree,) = ast.parse(dedent(inspect.getsource(part))).body
    assert isinstance(tree, ast.ClassDef)
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                found.add(target.attr)
    return {name for name in found if not name.startswith("__")}


@pytest.mark.parametrize(("one", "other"), APART, ids=lambda part: part.__name__)
def test_parts_of_the_chat_screen_have_no_name_in_common(one: type, other: type) -> None:
    assert not (written(one) & written(other)) - HOOKS


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_what_several_parts_answer_is_passed_on(hook: str) -> None:
    answering = [part for part in PARTS if hook in written(part)]
    assert len(answering) > 1, "no longer needed here"
    for part in answering[:-1]:
        assert f"super().{hook}(" in inspect.getsource(vars(part)[hook]), part
