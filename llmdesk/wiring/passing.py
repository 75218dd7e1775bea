"""What is said of folders that cannot be used: one cause, one line, and in it what is gone with the process (D4)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.paths import is_writable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmdesk.config.settings import Settings
    from llmdesk.paths import Paths, Unusable


def told(paths: Paths, unusable: Sequence[Unusable], settings: Settings) -> Iterator[str]:
    """The lines of a start: at most one for all the folders that cannot be written, one for each other fault."""
    lost = [each.folder for each in unusable if not is_writable(each.folder)]
    passing = _passing(paths, lost, settings)
    if not passing:
        # Nothing passes, so that what the system said is all there is to say.
        yield from map(str, unusable)
    elif paths.homeless:
        yield f"There is no home folder: {passing} only for this run. Set HOME or LLMDESK_HOME."
    else:
        causes = {each.cause for each in unusable if each.folder in lost and each.cause}
        cause = f" ({causes.pop()})" if len(causes) == 1 else ""
        yield f"{_named(lost)} cannot be written{cause}: {passing} only for this run."
        yield from (str(each) for each in unusable if each.folder not in lost)


def _passing(paths: Paths, lost: Sequence[Path], settings: Settings) -> str:
    """What is gone with the process, up to its verb; empty = nothing."""
    kept = settings.privacy.record != "off-record"
    lasting = ["conversations", "the outbox"] if paths.data_dir in lost and kept else []
    lasting += ["cooldowns"] if paths.state_dir in lost else []
    counted = "budgets count" if paths.data_dir in lost and settings.budgets else ""
    return " and ".join(filter(None, (_row(lasting) and f"{_row(lasting)} last", counted)))


def _named(folders: Sequence[Path]) -> str:
    if len(folders) == 1:
        return str(folders[0])
    try:
        above = Path(os.path.commonpath(folders))
    except ValueError:  # on several drives
        return _row([str(folder) for folder in folders])
    return f"{_row([str(folder.relative_to(above)) for folder in folders])} in {above}"


def _row(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
