from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.config.scalars import plain_scalar
from llmdesk.config.yaml_tree import MAX_DEPTH, Place, read_tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("False", False),
        ("no", "no"), ("off", "off"), ("yes", "yes"), ("12:30", "12:30"), ("0123", "0123"), ("0x1f", "0x1f"),
        ("1_000", "1_000"), ("2026-10-21", "2026-10-21"), ("1.2.3", "1.2.3"), ("9" * 5000, "9" * 5000),
        ("0", 0), ("-7", -7), ("400000", 400000), ("0.25", 0.25), ("2.00", 2.0), (".5", 0.5), ("1e3", 1000.0),
        (".inf", math.inf), ("-.inf", -math.inf), (".", "."), ("-", "-"), ("e5", "e5"), ("1e", "1e"),
    ],
)  # fmt: skip
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


def test_nan_is_read_as_such() -> None:
    assert math.isnan(plain_scalar(".nan"))  # type: ignore[arg-type]


@given(st.text())
def test_any_text_is_some_scalar(text: str) -> None:
    assert isinstance(plain_scalar(text), str | int | float | bool | None)


@given(st.integers(-(10**29), 10**29) | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_being_written(number: float) -> None:
    assert plain_scalar(repr(number)) == number


def test_values_and_the_places_of_keys_and_values() -> None:
    tree = read_tree("a: 1\nb:\n  - x\n  - {c: 'no', d: no}\n")
    assert tree.root == {"a": 1, "b": ["x", {"c": "no", "d": "no"}]}
    assert tree.faults == []
    assert tree.place(("a",)) == Place(1, 4)
    assert tree.place(("a",), key=True) == Place(1, 1)
    assert tree.place(("b", 1, "d")) == Place(4, 18)
    assert tree.place(("b", 1, "d"), key=True) == Place(4, 15)
    assert tree.place(("b", 1, "gone", "deeper")) == Place(4, 5)
    assert tree.place(("gone",)) is None


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("a: 1\nb: 2\na: {x: &y 3}\n", ["3:1 duplicate key 'a' (first in line 1)", "3:8 &y is an anchor"]),
        ("a: &x [1]\nb: *x\n", ["1:4 &x is an anchor", "2:4 *x is an alias"]),
        ("a: !!python/object/apply:os.system [id]\n", ["1:4 a tag"]),
        ("a: !!int 3\nb: ! x\n", ["1:4 a tag", "2:4 a tag"]),
        ("<<: *x\na: 1\n", ["1:5 *x is an alias"]),
        ("? [a]\n: 1\n", ["1:3 a key must be a word"]),
        ("&k a: 1\n", ["1:1 a key with an anchor"]),
        ("a: 1\n---\nb: 2\n", ["2:1 a second document"]),
        ("a:\n\tb: 1\n", ["2:1 a tab"]),
        ("a: b: c\n", ["1:5 a ': ' where no key can stand"]),
        ("a: @x\n", ["1:4 character '@' that cannot start any token"]),
        ("a: [1, 2\n", ["2:1 expected"]),
        ("a: {k: ${X}}\n", ['1:9 inside { } or [ ] a ${...} must be in quotes: "${NAME}"']),
        ("a: [x, ${X:-b}]\n", ["1:9 inside { } or [ ] a ${...} must be in quotes"]),
        ("ok: 1\na: \x01\n", ["2:4 a control character"]),
        ("x: 1\nx: 2\nb: {k: ${X}}\n", ["2:1 duplicate key 'x'", "3:9 inside { }"]),
    ],
)
def test_structural_faults_stand_where_they_are(text: str, faults: list[str]) -> None:
    found = [f"{f.place.line}:{f.place.column} {f.message}" for f in read_tree(text).faults]
    assert len(found) == len(faults), found
    for line, expected in zip(found, faults, strict=True):
        assert line.startswith(expected)


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "\n".join("  " * n + "a:" for n in range(200))])
def test_deep_nesting_is_refused_before_it_hurts(text: str) -> None:
    (fault,) = read_tree(text).faults
    assert fault.message == f"too deeply nested (at most {MAX_DEPTH} levels)"


def test_a_bomb_of_aliases_builds_nothing() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    tree = read_tree("\n".join(lines))
    assert len(tree.faults) == 40 + 2 * 39
    assert tree.root["a39"] == [None, None]


def test_too_many_entries_are_refused() -> None:
    assert "entries" in read_tree("\n".join(f"k{n}: [1, 2, 3]" for n in range(10_000))).faults[0].message


@given(st.text(alphabet="ab:- \n\t{}[]&*!|>'\"#$,?%@`~01."))
def test_any_text_gives_values_or_faults(text: str) -> None:
    tree = read_tree(text)
    assert all(f.place.line >= 1 and f.place.column >= 1 and "\n" not in f.message for f in tree.faults)
