"""What a power cut would take that a killed process does not lose: whatever was written and not yet on the disk.

A killed program leaves all that it wrote with the system; only the order of its operations tells what it had made sure
of (policy D1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.campaign.crash.operations import Operation
    from tests.campaign.crash.stage import Trial

SYNCS = ("fsync", "fdatasync")
RENAMES = ("rename", "renameat", "renameat2")
LOG = "-wal"
HEAD = 32
"""The size of the head of SQLite's log (sqlite.org/fileformat2.html, 4.1), which is written without a commit."""


PASSING = "/groups/"
"""Which processes run is written down there for those who come after a crash; a power cut ends them all."""


def is_on_the_disk(trial: Trial) -> Iterator[Violation]:
    """No file gets its name before its content is safe; no target is asked before what it must not be asked without."""
    if not trial.traced.followed:
        return
    done = trial.traced.operations
    for name in named_too_early(done):
        yield Violation(rule="I9", words=f"{name} got its name before its content was on the disk")
    if trial.heard.all and not commits_are_synced(done):
        yield Violation(rule="I2", words="a prompt was sent before the commit that holds it was on the disk")
    if trial.heard.local and trial.cools and not name_is_synced(done, trial.world.state.name):
        yield Violation(rule="I3b", words="the next target was asked before the name of the state file was on the disk")


def named_too_early(operations: Iterable[Operation]) -> Iterator[str]:
    """The files that were renamed with something in them that this program had written and not synced."""
    dirty: set[str] = set()
    for each in operations:
        if each.size:
            dirty.add(each.path)
        elif each.name in SYNCS:
            dirty.discard(each.path)
        elif each.name in RENAMES and each.paths[0] in dirty and PASSING not in each.path:
            yield each.path.rpartition("/")[2]


def commits_are_synced(operations: Sequence[Operation]) -> bool:
    """Whether something that was put into the log of the database was synced."""
    written = [at for at, each in enumerate(operations) if each.path.endswith(LOG) and each.size > HEAD]
    synced = [at for at, each in enumerate(operations) if each.path.endswith(LOG) and each.name in SYNCS]
    return bool(written) and bool(synced) and synced[-1] > written[0]


def name_is_synced(operations: Sequence[Operation], name: str) -> bool:
    """Whether the folder was synced after a file of this name was put into it."""
    folders = [
        (at, each.path.rpartition("/")[0])
        for at, each in enumerate(operations)
        if each.name in RENAMES and each.path.rpartition("/")[2] == name
    ]
    return any(each.name in SYNCS and each.path == folder for at, folder in folders for each in operations[at:])
