"""The page of all keys says what the table of actions says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.screens.help import SECTIONS
from llmdesk.tui.swallowed import keepers_of

if TYPE_CHECKING:
    from llmdesk.tui.actions import Action

PAGE = Path(__file__).resolve().parents[2] / "docs" / "keys.md"

HEAD = "| action | keys | command | palette | does | kept by |\n| --- | --- | --- | --- | --- | --- |\n"


def row(action: Action) -> str:
    keys = [key for key in action.keys.split(",") if key]
    kept = dict.fromkeys(f"{keeper.name} ({key})" for key in keys for keeper in keepers_of(key))
    command = f"`/{action.command}`" if action.command else ""
    told = " ".join(f"`{key}`" for key in keys) or "none"
    cells = (f"`{action.id}`", told, command, "yes" if action.palette else "", action.help, ", ".join(kept))
    return "| " + " | ".join(cells) + " |\n"


def tables() -> str:
    """What stands in the page below its first lines."""
    text = ""
    for scope, title in SECTIONS.items():
        rows = [row(action) for action in ACTIONS if action.scope == scope]
        if rows:
            text += f"\n## {title}\n\n{HEAD}{''.join(rows)}"
    return text


def test_the_page_of_keys_is_what_the_actions_are() -> None:
    before, sign, written = PAGE.read_text().partition("<!-- generated -->\n")
    assert sign
    if os.environ.get("WRITE_PAGES"):
        PAGE.write_text(before + sign + tables())
        pytest.fail("The page was written; look at the difference.")
    assert written == tables(), "WRITE_PAGES=1 writes it"


def test_every_action_is_on_the_page() -> None:
    assert {action.scope for action in ACTIONS} <= set(SECTIONS)
