"""Changes of the configuration as values: what is wanted, what it would make of the file, what reading it brought."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""What an edit can put into the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One setting that is to be another.

    ``path`` is the way to it by keys; what is missing on the way is made. ``remove`` takes the key out; ``value`` then
    means nothing. ``comment`` stands behind the value where it is new and has a line of its own.
    """

    path: tuple[str, ...]
    value: Plain = None
    remove: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What edits would make of the configuration file; nothing is written before the user has seen it.

    ``before`` is the text as it was read, ``None`` = there is no file yet. ``diff`` shows the change line by line, as
    ``diff -u`` does, with secrets masked; the texts themselves may hold some.
    """

    file: str
    before: str | None = field(repr=False)
    after: str = field(repr=False)
    diff: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneEntry:
    """A lane as the configuration has it: targets as they are written (``lane:NAME`` and short names stay).

    ``written`` is false for a lane that only the defaults have. ``params`` are those that are set.
    """

    name: str
    targets: tuple[str, ...]
    failover: str = "auto"
    resume: str = "ask"
    system: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    written: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """What became of the last time the configuration was read while the desk runs.

    ``faults`` are all that is wrong with it, each as ``file:line:column: message``; then nothing was taken over.
    ``notes`` are lines worth telling: what only another start takes over, for example.
    """

    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
