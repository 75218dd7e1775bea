"""Packages whose names load late: each is there, and loads nothing but its own topic."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llmdesk.core import types, views


@pytest.mark.parametrize("package", [types, views])
def test_every_public_name_is_there(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]
    assert len(names) == len(set(names))
    for name in names:
        assert getattr(package, name) is not None


@pytest.mark.parametrize("package", [types, views])
def test_any_other_name_is_an_error_like_that_of_a_module(package: object) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        package.Nothing  # type: ignore[attr-defined] # noqa: B018


def test_a_name_loads_its_own_topic_alone() -> None:
    code = (
        "import sys; from llmdesk.core.views import Topic\n"
        "print(sorted(m.rpartition('.')[2] for m in sys.modules if m.startswith('llmdesk.core.views.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['screen']\n"
