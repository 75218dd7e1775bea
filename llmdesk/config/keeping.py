"""Writing a change into the configuration file that its user has seen: checked first, the old file kept beside it."""

from __future__ import annotations

import secrets
import stat
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.config.edit import apply_edits, diff_of
from llmdesk.config.loader import load_settings
from llmdesk.config.source import Source, read_source
from llmdesk.core.edits import Proposal
from llmdesk.core.errors import UsageError
from llmdesk.new_files import create_whole, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from llmdesk.config.lane_files import SchemaCheck
    from llmdesk.core.edits import Edit

LEFT_OVER_S = 60.0
"""No change takes so long: what is to replace a file, and is older, seconds, is left over."""

_MARK = 4
"""So many random bytes tell what is to replace a file from other names."""


def propose(
    file: Path, edits: Sequence[Edit], env: Mapping[str, str], *, check_schema: SchemaCheck | None = None
) -> Proposal:
    """Say what edits would make of ``file``, which need not exist; nothing is written.

    Raises:
        ConfigurationError: the file has faults as it is, or would have them, each as ``file:line:column: message``.
        UsageError: a setting cannot be reached.
    """
    from llmdesk.config.example import example

    exists = file.exists()
    source = read_source(file) if exists else Source(text=example())
    if exists:  # faults of today come before those of a change
        load_settings(file, env, check_schema=check_schema)
    text = source.text.replace("\r\n", "\n")
    after = apply_edits(text, edits)
    load_settings(file, env, check_schema=check_schema, source=replace(source, text=after))
    return Proposal(
        file=str(file),
        before=source.text if exists else None,
        after=after.replace("\n", "\r\n") if "\r\n" in source.text else after,
        diff=diff_of(file, text if exists else "", after),
    )


def write(proposal: Proposal, *, at: float) -> Path | None:
    """Put a proposal in place of the file, as a whole, with the mode the file had.

    Args:
        proposal: what its user has seen.
        at: UTC epoch seconds, for the name of the copy.

    Returns:
        The copy of the file as it was; ``None`` = there was none.

    Raises:
        UsageError: the file is not the one that was looked at any more, or it cannot be written.
    """
    from pathlib import Path

    named = Path(proposal.file)
    try:
        file = named.resolve()  # a link goes on pointing to what it points to
        if proposal.before is None:
            _make(file, proposal.after)
            return None
        raw = file.read_bytes()
        if raw.decode("utf-8-sig") != proposal.before:
            raise UsageError(f"{named} was changed meanwhile; nothing was written. Look at it again.")
        copy = _copy(named, raw, stat.S_IMODE(file.stat().st_mode), at)
        mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
        _replace(file, mark + proposal.after.encode(), stat.S_IMODE(file.stat().st_mode))
    except FileExistsError:
        raise UsageError(f"{named} exists by now; nothing was written. Look at it again.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{named} was changed meanwhile; nothing was written. Look at it again.") from None
    except OSError as error:
        raise UsageError(f"{named} cannot be written: {error.strerror or error}.") from None
    return copy


def _make(file: Path, text: str) -> None:
    """Write a file that is not there yet; nobody ever sees half of it under its name."""
    make_private_folder(file.parent)
    create_whole(file, text.encode())  # fails where there is one meanwhile


def _copy(file: Path, raw: bytes, mode: int, at: float) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(at))
    for number in range(1, 100):
        copy = file.with_name(f"{file.name}.bak-{stamp}" + (f"-{number}" if number > 1 else ""))
        with suppress(FileExistsError):
            create_whole(copy, raw, mode=mode)
            return copy
    raise UsageError(f"{file} has been changed too often in this second; nothing was written. Try again.")


def _replace(file: Path, raw: bytes, mode: int) -> None:
    _remove_leftovers(file)
    beside = file.with_name(f".{file.name}.{secrets.token_hex(_MARK)}")
    create_whole(beside, raw, mode=mode)
    try:
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _remove_leftovers(file: Path) -> None:
    """Remove what programs that were ended in the midst of a change have left beside ``file``."""
    for path in file.parent.glob(f".{file.name}.{'[0-9a-f]' * 2 * _MARK}"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > LEFT_OVER_S:
                path.unlink()
