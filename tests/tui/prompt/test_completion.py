"""What could be written where the cursor stands."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.tui.commands import as_prompt, meant, mentioned_files, parse
from llmdesk.tui.completion import (
    LOOK_BACK,
    Kind,
    commands_for,
    marked_first,
    paths_for,
    ranked,
    spot_at,
    taken,
    values_for,
)

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.tui.completion import (
        Spot,
    )

HERE = (("docs", True, 0), ("my notes", True, 0), (".git", True, 0), ("README.md", False, 1200), ("a b.txt", False, 3))


def spot(line: str, *, alone: bool = True) -> Spot | None:
    return spot_at(line, len(line), alone=alone)


def offered(line: str) -> list[str]:
    found = spot(line, alone=False)
    assert found is not None
    return [choice.name for choice in paths_for(found, HERE)]


@pytest.mark.parametrize("line", ["me@example.org", "see x@y", "@a@b", "no sign here", "@closed thing", '@"whole" '])
def test_an_address_and_what_has_ended_are_no_mention(line: str) -> None:
    assert spot(line, alone=False) is None


def test_a_mention_is_found_before_the_cursor_wherever_it_stands() -> None:
    found = spot_at("look at @RE and more", 11, alone=False)
    assert found is not None
    assert (found.kind, found.word, found.start) == (Kind.MENTION, "RE", 8)


def test_a_quoted_mention_goes_on_over_spaces() -> None:
    found = spot('@"my no', alone=False)
    assert found is not None
    assert (found.word, found.quoted) == ("my no", True)


def test_hidden_files_come_only_when_they_are_asked_for() -> None:
    assert ".git/" not in offered("@")
    assert offered("@.g") == [".git/"]


def test_a_file_named_whole_is_not_completed_any_more() -> None:
    assert offered("@README.md") == []


def test_enter_takes_only_what_begins_as_it_was_typed() -> None:
    for line, mark in (("@", -1), ("@rea", 0), ("@dme", -1)):
        found = spot(line, alone=False)
        assert found is not None
        assert marked_first(paths_for(found, HERE)) == mark


def test_commands_are_of_one_line_and_their_arguments_are_known() -> None:
    assert spot("/mo") is not None
    assert spot("/mo", alone=False) is None
    assert spot("/etc/ho") is None
    argument = spot("/theme pa")
    assert argument is not None
    assert (argument.kind, argument.command, argument.word) == (Kind.VALUE, "theme", "pa")
    assert spot("/quit x") is None


def test_each_lane_to_compare_is_completed_by_itself() -> None:
    found = spot("/compare chat cod")
    assert found is not None
    choices = values_for(found, [("chat", ""), ("codegen", "")])
    assert [choice.name for choice in choices] == ["codegen"]
    assert taken("/compare chat cod", found, choices[0]) == ("codegen ", 0)


def test_a_model_that_is_written_out_is_not_replaced_by_a_longer_one() -> None:
    found = spot("/model local/tiny")
    assert found is not None
    assert marked_first(values_for(found, [("local/tiny:latest", "")])) == -1


def test_commands_that_need_more_are_not_run_at_once() -> None:
    assert [choice.goes_on for choice in commands_for("/renam")] == [True]
    assert [choice.goes_on for choice in commands_for("/qui")] == [False]


names = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12).filter(
    lambda name: "/" not in name and '"' not in name and name == name.strip() and not name.startswith(".")
)


@given(before=st.sampled_from(["", "look at ", "a\tb "]), name=names, behind=st.sampled_from(["", " and go"]))
def test_what_is_taken_is_read_back_as_that_file(before: str, name: str, behind: str) -> None:
    line = f"{before}@{behind}"
    found = spot_at(line, len(before) + 1, alone=False)
    assert found is not None
    (choice,) = paths_for(found, [(name, False, 1)])
    text, over = taken(line, found, choice)
    whole = line[: found.start] + text + line[found.end + over :]
    assert whole.endswith(behind)
    from llmdesk.tui import commands

    words = [quoted or word for quoted, word in commands._MENTION.findall(whole)]
    assert name in words


@given(line=st.text(max_size=80), column=st.integers(0, 80), alone=st.booleans())
def test_any_line_has_a_spot_that_is_in_it_or_none(line: str, column: int, alone: bool) -> None:
    column = min(column, len(line))
    found = spot_at(line, column, alone=alone)
    if found is not None:
        assert 0 <= found.start <= found.end == column
        assert line[found.start : found.end].endswith(found.word)


@given(word=st.text("abc", max_size=4), known=st.lists(st.text("abcd", max_size=6), unique=True))
def test_the_ranked_hold_the_letters_and_those_that_begin_so_come_first(word: str, known: list[str]) -> None:
    found = ranked(word, known)
    begins = [name.startswith(word) for name in found]
    assert begins == sorted(begins, reverse=True)
    assert {name for name in known if word in name} <= set(found) <= set(known)


def test_only_the_end_of_a_long_line_is_looked_at() -> None:
    line = "@" + "x" * (LOOK_BACK + 10)
    assert spot(line, alone=False) is None


@pytest.mark.parametrize(
    ("text", "near"),
    [("/mdoel x", "model"), ("/fail", "failovers"), ("/themes", "theme"), ("/shrug", None), ("/etc/hosts", None),
     ("/usr is a folder", None), ("/model x", None), (" /mdoel", None), ("/mdoel\nand more", None), ("//mdoel", None)],
)  # fmt: skip
def test_a_mistyped_command_is_told_from_a_text(text: str, near: str | None) -> None:
    found = meant(text)
    assert (found[1] if found else None) == near


def test_a_space_or_a_second_slash_makes_a_text_of_a_command() -> None:
    assert parse("/help") is not None
    assert parse(" /help") is None
    assert parse("//help") is None
    assert as_prompt("//help") == "/help"


def test_mentioned_files_may_stand_in_quotes_and_end_a_sentence(tmp_path: Path) -> None:
    for name in ("a b.txt", "c.txt", "odd."):
        (tmp_path / name).write_text("x")
    with contextlib.chdir(tmp_path):
        assert mentioned_files('read @"a b.txt", @c.txt. and @odd.') == ["a b.txt", "c.txt", "odd."]
        assert mentioned_files("@nowhere me@c.txt @dataclass") == []
