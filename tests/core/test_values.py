"""Values made fast are what the standard library's dataclasses are, seen from outside."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import dataclass as standard
from dataclasses import field
from typing import Any

import pytest

from llmdesk.core.values import dataclass as fast

MADE = [0]


def counted() -> list[int]:
    MADE[0] += 1
    return [MADE[0]]


def family(dataclass: object) -> dict[str, type]:
    made = standard if dataclass is standard else fast

    @made(frozen=True, slots=True, kw_only=True)
    class Whole:
        """Every kind of field."""

        needed: int
        usual: str = "usual"
        list_of: list[int] = field(default_factory=counted, compare=False)
        hidden: str = field(default="h", repr=False)
        unhashed: list[int] = field(default_factory=list, hash=False)

        @property
        def twice(self) -> int:
            """Twice as much."""
            return 2 * self.needed

    @made(frozen=True, slots=True)
    class Placed:
        """By position."""

        first: int
        second: str = "2"

    @made(frozen=True, slots=True)
    class One:
        """A single one."""

        only: tuple[int, ...]

    @made(frozen=True, slots=True)
    class Nothing:
        """None at all."""

    @made(frozen=True, slots=True)
    class Checked:
        """One that looks at what it got."""

        size: int
        sign: str = field(default="+", init=False)
        kept: str = field(default="", kw_only=True)

        def __post_init__(self) -> None:
            """Refuse less than nothing."""
            if self.size < 0:
                raise ValueError("less than nothing")

    @made(frozen=True, slots=True)
    class Own:
        """One with words and a hash of its own."""

        size: int

        def __repr__(self) -> str:
            return f"<{self.size}>"

        def __hash__(self) -> int:
            return 7

    @made(frozen=True, slots=True)
    class Alike:  # noqa: PLW1641 - that is the point
        """One that compares in its own way."""

        size: int

        def __eq__(self, other: object) -> bool:
            return True

    return {each.__name__: each for each in (Whole, Placed, One, Nothing, Checked, Own, Alike)}


STANDARD, FAST = family(standard), family(fast)
CALLS = [
    ("Whole", (), {"needed": 1}), ("Whole", (), {"needed": 1, "usual": "u", "list_of": [1], "hidden": "x"}),
    ("Placed", (1,), {}), ("Placed", (1, "b"), {}), ("Placed", (), {"second": "b", "first": 3}),
    ("One", ((1, 2),), {}), ("Nothing", (), {}), ("Checked", (3,), {"kept": "k"}), ("Own", (4,), {}),
]  # fmt: skip
WRONG = [
    ("Whole", (1,), {}), ("Whole", (), {}), ("Whole", (), {"needed": 1, "foreign": 2}), ("Placed", (), {}),
    ("Placed", (1, 2, 3), {}), ("Checked", (1, "+"), {}), ("Checked", (), {"size": 1, "sign": "-"}),
]  # fmt: skip


def plain(text: str) -> str:
    return text.replace("family.<locals>.", "")


@pytest.mark.parametrize(("name", "args", "more"), CALLS)
def test_a_value_shows_compares_and_hashes_like_the_standard_one(
    name: str, args: tuple[object, ...], more: dict[str, object]
) -> None:
    ours, theirs = FAST[name](*args, **more), STANDARD[name](*args, **more)
    same, same_there = FAST[name](*args, **more), STANDARD[name](*args, **more)
    if name != "Whole":
        assert repr(ours) == repr(theirs)
    assert (ours == same) is (theirs == same_there)
    assert (ours == theirs) is False
    assert ours.__eq__(1) is NotImplemented
    assert hash(ours) == hash(same)
    if name != "Nothing":
        assert hash(ours) == hash(theirs)
    for each in dataclasses.fields(ours):
        if each.name != "list_of":
            assert getattr(ours, each.name) == getattr(theirs, each.name)


def test_what_is_not_to_be_shown_or_compared_is_not() -> None:
    one, other = FAST["Whole"](needed=1, hidden="secret"), FAST["Whole"](needed=1, hidden="secret")
    assert one.list_of != other.list_of  # a fresh one each time
    assert one == other
    assert "secret" not in repr(one)
    assert one != FAST["Whole"](needed=1, hidden="other")
    assert "Whole(needed=1, usual='usual', list_of=[" in repr(one)


@pytest.mark.parametrize(("name", "args", "more"), WRONG)
def test_wrong_arguments_are_refused_in_the_same_words(
    name: str, args: tuple[object, ...], more: dict[str, object]
) -> None:
    with pytest.raises(TypeError) as theirs:
        STANDARD[name](*args, **more)
    with pytest.raises(TypeError) as ours:
        FAST[name](*args, **more)
    assert plain(str(ours.value)).replace(f"{name}.", "") == plain(str(theirs.value)).replace(f"{name}.", "")


@pytest.mark.parametrize("family_", [STANDARD, FAST])
def test_nothing_of_a_value_can_be_changed(family_: dict[str, type]) -> None:
    value = family_["Placed"](1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'first'"):
        value.first = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'first'"):
        del value.first
    assert not hasattr(value, "__dict__")


def test_nothing_can_be_put_beside_its_fields() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'third'"):
        FAST["Placed"](1).third = 3


@pytest.mark.parametrize("family_", [STANDARD, FAST])
def test_the_tools_of_the_standard_library_work_on_it(family_: dict[str, type]) -> None:
    whole: Any = family_["Whole"]
    assert dataclasses.is_dataclass(whole)
    value = whole(needed=1, list_of=[1])
    assert dataclasses.replace(value, needed=2).needed == 2
    assert dataclasses.replace(value, needed=2).twice == 4
    assert dataclasses.asdict(value) == {
        "needed": 1, "usual": "usual", "list_of": [1], "hidden": "h", "unhashed": [],
    }  # fmt: skip
    assert [each.name for each in dataclasses.fields(value)] == ["needed", "usual", "list_of", "hidden", "unhashed"]
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value
    placed: Any = family_["Placed"]
    assert placed.__match_args__ == ("first", "second")


def test_the_initialiser_tells_what_it_takes_as_the_standard_one_does() -> None:
    for name in ("Placed", "Checked", "One"):
        ours, theirs = inspect.signature(FAST[name]), inspect.signature(STANDARD[name])
        assert list(ours.parameters) == list(theirs.parameters)
        for each in ours.parameters.values():
            assert each == theirs.parameters[each.name]


def test_the_check_after_filling_is_made() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        FAST["Checked"](-1)


@fast(frozen=True, slots=True, kw_only=True)
class Sent:
    """One that goes to another process."""

    name: str
    sizes: tuple[int, ...] = ()


def test_a_value_goes_through_pickle_unchanged() -> None:
    sent = Sent(name="a", sizes=(1, 2))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(sent, protocol)) == sent


def test_what_is_more_than_a_plain_value_is_the_standard_librarys() -> None:
    @fast(frozen=True, slots=True, order=True)
    class Ranked:
        """With an order."""

        size: int

    @fast(slots=True)
    class Open:
        """One that changes."""

        size: int

    assert Ranked(1) < Ranked(2)  # type: ignore[operator, unused-ignore]
    opened = Open(1)
    opened.size = 2
    assert opened.size == 2
    assert opened == Open(2)


def test_one_that_compares_in_its_own_way_still_has_a_hash() -> None:
    for family_ in (STANDARD, FAST):
        assert family_["Alike"](1) == 5
        assert hash(family_["Alike"](1)) == hash((1,))
