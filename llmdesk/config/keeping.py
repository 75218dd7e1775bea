"""Writing a change into the configuration file that its user has seen: checked first, the old file kept beside it."""

from __future__ import annotations

import os
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from llmdesk.config.lane_files import SchemaCheck
    from llmdesk.core.edits import Edit

PRIVATE = 0o600
"""Mode of a file that is new (policy S8)."""


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
    loaded = load_settings(file, env, check_schema=check_schema, source=replace(source, text=after))
    return Proposal(
        file=str(file),
        before=source.text if exists else None,
        after=after.replace("\n", "\r\n") if "\r\n" in source.text else after,
        diff=diff_of(file, text if exists else "", after),
        notes=loaded.notes,
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
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = _beside(file, text.encode(), PRIVATE)
    try:
        os.link(beside, file)  # fails where there is one meanwhile
    finally:
        beside.unlink()


def _copy(file: Path, raw: bytes, mode: int, at: float) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(at))
    for number in range(1, 100):
        copy = file.with_name(f"{file.name}.bak-{stamp}" + (f"-{number}" if number > 1 else ""))
        with suppress(FileExistsError):
            _write_new(copy, raw, mode)
            return copy
    raise FileExistsError(17, "too many copies of this second are here already")


def _replace(file: Path, raw: bytes, mode: int) -> None:
    beside = _beside(file, raw, mode)
    try:
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _beside(file: Path, raw: bytes, mode: int) -> Path:
    """Write what will take the place of ``file`` into its folder, down to the disk."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    _write_new(beside, raw, mode)
    return beside


def _write_new(path: Path, raw: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode & 0o777)
    with os.fdopen(handle, "wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())
    if os.name == "posix":
        path.chmod(mode)  # whatever the umask takes away
