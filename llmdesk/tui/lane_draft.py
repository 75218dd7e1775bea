"""A lane while it is being changed: what may be changed, what is refused, and the edits that come of it."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, cast

from llmdesk.core.edits import Edit
from llmdesk.core.lanes import LARGEST
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.core.edits import LaneEntry, Plain

LANE_PREFIX = "lane:"
FAILOVER = ("auto", "ask", "never")
RESUME = ("auto", "ask", "never")
NUMBERS: Mapping[str, type[int | float]] = {"temperature": float, "max_output_tokens": int}
"""The parameters that can be set here, and what each is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a target can be: provider names, models by provider as far as they are listed, and lanes."""

    providers: Sequence[str]
    models: Mapping[str, Sequence[str]]
    lanes: Sequence[str]

    @property
    def refs(self) -> tuple[str, ...]:
        """Everything that can be picked."""
        listed = [f"{provider}/{model}" for provider, models in self.models.items() for model in models]
        return (*dict.fromkeys(listed), *(f"{LANE_PREFIX}{name}" for name in self.lanes))


def target_problem(text: str, lane: LaneEntry, known: Known) -> str:
    """Why a target cannot be added to a lane; empty = it can."""
    if text in lane.targets:
        return f"{text} is one of its targets already."
    if text.startswith(LANE_PREFIX):
        return _lane_problem(text.removeprefix(LANE_PREFIX), lane, known)
    provider, slash, model = text.partition("/")
    if not slash or not model:
        return f"A target is written provider/model.{_nearest(text, known.refs)}"
    if provider not in known.providers:
        return f"There is no provider '{provider}'.{_nearest(provider, known.providers)}"
    listed = known.models.get(provider, ())
    if listed and model not in listed and model != LARGEST:
        return f"{provider} has no model '{model}'.{_nearest(model, listed)}"
    return ""


def _lane_problem(name: str, lane: LaneEntry, known: Known) -> str:
    if name == lane.name:
        return "A lane cannot contain itself."
    return "" if name in known.lanes else f"There is no lane '{name}'.{_nearest(name, known.lanes)}"


def name_problem(name: str, lanes: Sequence[str]) -> str:
    """Why a new lane cannot be called so; empty = it can."""
    if name in lanes:
        return f"There is a lane '{name}' already."
    if (
        not name
        or not all(char.isascii() and (char.isalnum() or char in "._-") for char in name)
        or not name[0].isalnum()
    ):
        return "A name is made of letters, digits, dots, dashes and underscores."
    return ""


def number_problem(name: str, text: str) -> str:
    """Why a parameter cannot have this value; empty = it can. No text takes the parameter away."""
    try:
        value = NUMBERS[name](text) if text else 1
    except ValueError:
        return f"{name} is a {'whole ' if NUMBERS[name] is int else ''}number; empty = not set."
    top = 2 if name == "temperature" else 10_000_000
    low = 0 if name == "temperature" else 1
    return "" if low <= value <= top else f"{name} is from {low} to {top}."


def _nearest(name: str, names: Sequence[str]) -> str:
    found = get_close_matches(name, names, 1, 0.4)
    return f" Did you mean {found[0]}?" if found else ""


def next_of(values: Sequence[str], value: str) -> str:
    """The value after this one, the first after the last."""
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]


def moved(lane: LaneEntry, at: int, by: int) -> LaneEntry:
    """The lane with a target at another place; the same where there is none."""
    to = at + by
    if not (0 <= at < len(lane.targets) and 0 <= to < len(lane.targets)):
        return lane
    targets = list(lane.targets)
    targets.insert(to, targets.pop(at))
    return replace(lane, targets=tuple(targets))


def without(lane: LaneEntry, at: int) -> LaneEntry:
    """The lane without a target; the last one stays."""
    if len(lane.targets) < 2 or not 0 <= at < len(lane.targets):
        return lane
    return replace(lane, targets=lane.targets[:at] + lane.targets[at + 1 :])


def with_number(lane: LaneEntry, name: str, text: str) -> LaneEntry:
    """The lane with a parameter set, or without it."""
    params = {key: value for key, value in lane.params.items() if key != name}
    if text:
        params[name] = NUMBERS[name](text)
    return replace(lane, params=params)


_COMMENTS = {
    "targets": "asked in this order",
    "failover": "auto | ask | never",
    "resume": "of paused requests: auto | ask | never",
    "system": "a text file beside this one",
}


def edits_of(before: Sequence[LaneEntry], now: Sequence[LaneEntry]) -> tuple[Edit, ...]:
    """What has to be written so that the lanes are as they are now; lanes that are the same are left alone.

    A lane that only the defaults have so far would go to the front of the file's; those before it are named too then,
    with nothing of their own, so that the order stays.
    """
    old = {lane.name: lane for lane in before}
    edits: list[Edit] = []
    unwritten: list[str] = []
    for lane in now:
        known = old.get(lane.name)
        if known == lane:
            if not lane.written:
                unwritten.append(lane.name)
            continue
        if known is not None and not known.written:
            edits += [Edit(path=("lanes", name), value={}, comment="as usual") for name in unwritten]
            unwritten.clear()
        edits += _edits(known if known is not None and known.written else None, lane)
    return tuple(edits)


def _edits(known: LaneEntry | None, lane: LaneEntry) -> list[Edit]:
    path = ("lanes", lane.name)
    before = _values(known) if known is not None else {}
    edits = []
    for key, value in _values(lane).items():
        if before.get(key) == value or (known is None and key != "targets" and value == _DEFAULTS.get(key)):
            continue
        if value in ("", None):
            edits += [Edit(path=(*path, key), remove=True)] if known is not None else []
        else:
            edits.append(Edit(path=(*path, key), value=value, comment=_COMMENTS.get(key, "")))
    params = dict(known.params) if known is not None else {}
    for name in dict.fromkeys([*params, *lane.params]):
        if params.get(name) != lane.params.get(name):
            value = cast("Plain", lane.params.get(name))
            edits.append(Edit(path=(*path, "params", name), value=value, remove=name not in lane.params))
    return edits


_DEFAULTS: Mapping[str, Plain] = {"failover": "auto", "resume": "ask", "system": ""}


def _values(lane: LaneEntry) -> dict[str, Plain]:
    return {
        "targets": list(lane.targets),
        "failover": lane.failover,
        "resume": lane.resume,
        "system": lane.system,
    }
