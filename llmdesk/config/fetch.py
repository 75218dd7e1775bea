"""Secrets that stand neither in the file nor in the environment: the output of a command, an entry of the keychain."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING

from llmdesk.config import keychain
from llmdesk.config.template import Command
from llmdesk.core.errors import SetupBroken
from llmdesk.core.text import redact

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from threading import Event

    from llmdesk.config.template import Entry

FETCH_LIMIT_S = 10.0
"""How long a ``$(command)`` or the keychain may take, seconds."""

MAX_OUTPUT = 64 * 1024
"""What is longer is no secret, bytes; a program that goes on printing is ended."""

STOP_S = 0.05
"""How soon a program nobody waits for is ended, seconds."""

DRAIN_S = 1.0
"""How long what an ended program has printed may take to be read, seconds: a busy machine is slow to begin."""

INSTALL = "pip install 'llmdesk[keyring]'"
"""What brings the package that knows the keychains of all systems."""


def fetch(part: Command | Entry, env: Mapping[str, str], provider: str, stop: Event | None = None) -> str:
    """Return the secret a part of a template stands for. Blocks, at most ``FETCH_LIMIT_S``.

    Args:
        part: the command or the entry.
        env: the environment of the process that fetches it; keys of providers are left out.
        provider: the name to put into messages.
        stop: set by another thread when nobody wants the secret any more; what runs for it is then ended.

    Raises:
        SetupBroken: there is no secret to be had; the message holds neither output nor value.
    """
    secret = _output(part.line, env, provider, stop) if isinstance(part, Command) else _entry(part, env, provider, stop)
    redact.learn(secret.strip())  # by itself, whatever it becomes a part of
    return secret


def _output(line: str, env: Mapping[str, str], provider: str, stop: Event | None) -> str:
    """Run one command without a shell and return its output without the newline at its end."""
    import subprocess

    try:
        words = shlex.split(line)
    except ValueError as error:
        raise SetupBroken(f"{provider}: the command of $(…) cannot be read: {error}.") from None
    program = words[0]
    try:
        code, output = _run(words, env, stop)
    except subprocess.TimeoutExpired:
        raise SetupBroken(f"{provider}: {program} in $(…) gave no key within {FETCH_LIMIT_S:g} s.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be started"
        raise SetupBroken(f"{provider}: {program} in $(…): {reason}.") from None
    if len(output) > MAX_OUTPUT:
        raise SetupBroken(f"{provider}: {program} in $(…) printed more than a key can be.")
    if code:
        raise SetupBroken(f"{provider}: {program} in $(…) failed with exit code {code}.")
    try:
        text = output.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SetupBroken(f"{provider}: {program} in $(…) gave something that is not text.") from None
    if not text.strip():
        raise SetupBroken(f"{provider}: {program} in $(…) printed nothing.")
    return text


def _entry(entry: Entry, env: Mapping[str, str], provider: str, stop: Event | None) -> str:
    """Read one entry of the keychain in a process of its own; the package is not even imported here."""
    import subprocess

    if find_spec("keyring") is None:
        raise SetupBroken(_keychain_fault(keychain.NO_PACKAGE, entry, provider))
    program = str(Path(keychain.__file__))
    try:
        # -P: the folder the user works in is no place to import from.
        code, output = _run([sys.executable, "-P", program, entry.service, entry.name], env, stop)
    except subprocess.TimeoutExpired:
        raise SetupBroken(
            f"{provider}: the keychain gave no answer within {FETCH_LIMIT_S:g} s. Unlock it and try again."
        ) from None
    except (OSError, ValueError):
        raise SetupBroken(f"{provider}: the keychain cannot be asked.") from None
    if code != keychain.FOUND:
        raise SetupBroken(_keychain_fault(code, entry, provider))
    secret = output.decode(errors="replace").strip()
    if not secret:
        raise SetupBroken(f"{provider}: {entry.described} is empty. Store it with: {_store(entry)}")
    return secret


def _keychain_fault(code: int, entry: Entry, provider: str) -> str:
    match code:
        case keychain.NO_PACKAGE:
            return f"{provider}: the keychain needs one more package. Install it with: {INSTALL}"
        case keychain.NO_KEYCHAIN:
            return f"{provider}: this system has no keychain that can be used. Write ${{NAME}} or $(command) instead."
        case keychain.NO_ENTRY:
            return f"{provider}: the keychain has no entry {entry.service}/{entry.name}. Store it: {_store(entry)}"
        case keychain.LOCKED:
            return f"{provider}: the keychain is locked. Unlock it and try again."
        case _:
            return f"{provider}: the keychain could not be read. Try: {_store(entry).replace(' set ', ' get ', 1)}"


def _store(entry: Entry) -> str:
    return f"keyring set {shlex.quote(entry.service)} {shlex.quote(entry.name)}"


def _run(words: Sequence[str], env: Mapping[str, str], stop: Event | None) -> tuple[int, bytes]:
    """Run a program and return its exit code and output.

    Raises:
        OSError: it cannot be started.
        ValueError: a word no program can be given.
        subprocess.TimeoutExpired: it took too long, or nobody waits for it; it and what it started are gone.
    """
    import subprocess

    # A session of its own takes the terminal away from the program: it cannot ask, and it can be ended whole.
    # Usual names of keys are none of its business, in whatever configuration; whatever else it needs it gets.
    process = subprocess.Popen(  # noqa: S603 - the user's own words, no shell
        words,
        env={name: value for name, value in env.items() if not name.endswith("_API_KEY")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    held = bytearray()
    reader = threading.Thread(target=_read, args=(process.stdout, held), daemon=True)
    reader.start()
    deadline = time.monotonic() + FETCH_LIMIT_S
    try:
        while process.poll() is None and len(held) <= MAX_OUTPUT:
            if time.monotonic() > deadline or (stop is not None and stop.is_set()):
                raise subprocess.TimeoutExpired(words[0], FETCH_LIMIT_S)
            if reader.is_alive():
                reader.join(STOP_S)
            else:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_S)
        reader.join(STOP_S)  # it may have left something that holds its output open for ever
    finally:
        if reader.is_alive() or process.poll() is None:
            _end(process)
            reader.join(DRAIN_S)
    return process.returncode, bytes(held)


def _read(pipe: IO[bytes] | None, held: bytearray) -> None:
    """Read a program's output until it ends or is too long for a secret."""
    assert pipe is not None
    with pipe:
        while len(held) <= MAX_OUTPUT and (data := os.read(pipe.fileno(), MAX_OUTPUT)):
            held += data


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that takes too long, or left something running, with what it started, and reap it."""
    import signal

    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
