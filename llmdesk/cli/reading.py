"""What a command reads: standard input, and the files that its options name."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.text import storable

if TYPE_CHECKING:
    from llmdesk.cli.session import Session

MAX_STDIN_BYTES = 64 * 1024 * 1024


def read_stdin(session: Session) -> bytes:
    """Read standard input to its end.

    Raises:
        UsageError: there is none, it is absurdly long, or a person would have to type and must not be asked.
    """
    if session.stdin is None or session.stdin.closed:
        raise UsageError("There is no prompt and no standard input.")
    if session.reads_terminal:
        if session.no_input:
            raise UsageError("There is no prompt. Give it as an argument, or on standard input.")
        session.out.say("Type the prompt, then press Ctrl+D.")
    raw = session.stdin.buffer.read(MAX_STDIN_BYTES + 1)
    if len(raw) > MAX_STDIN_BYTES:
        raise UsageError("Standard input is longer than 64 MiB.")
    return raw


def read_prompt(session: Session) -> str:
    """Read standard input to its end, as text.

    Raises:
        UsageError: as for ``read_stdin``.
    """
    raw = read_stdin(session)
    return as_text(raw, (session.stdin.encoding if session.stdin is not None else None) or "utf-8")


def read_file(path: Path) -> bytes:
    """Read a file that an option names.

    Raises:
        UsageError: it cannot be read, or is absurdly long.
    """
    try:
        with path.expanduser().open("rb") as stream:
            raw = stream.read(MAX_STDIN_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: the home folder of nobody
        raise UsageError(f"{path}: cannot be read: {_why(error)}.") from None
    if len(raw) > MAX_STDIN_BYTES:
        raise UsageError(f"{path}: is longer than 64 MiB.")
    return raw


def as_text(raw: bytes, encoding: str = "utf-8") -> str:
    """Bytes of a prompt as text, everything as it is; what is no character becomes U+FFFD.

    Args:
        raw: what was read.
        encoding: what to take it for where it is no UTF-8: that of the locale in which it was typed.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        own = codecs.lookup(encoding).name
        return raw.decode("utf-8" if own == "ascii" else own, "replace")


def text_or_file(value: str) -> str:
    """Return ``value``, or the text of the file it names with a leading ``@``.

    Raises:
        UsageError: the file cannot be read.
    """
    if not value.startswith("@"):
        return value
    text = read_file(Path(value[1:])).decode("utf-8", "replace")
    return storable(text.replace("\r\n", "\n").replace("\r", "\n"))


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")
