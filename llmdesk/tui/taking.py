"""Taking an image or a text out of the clipboard, by the programs that are here, one after the other.

Done on an order of the user only (policy S11), in a thread: it blocks. An image comes before a text, as programs that
copy a picture often offer its address as text too.
"""

from __future__ import annotations

import base64
import binascii
import os
import signal
import subprocess
from contextlib import suppress
from shutil import which
from threading import Event, Timer
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass
from llmdesk.desk.attach import MAX_BYTES, attachment
from llmdesk.tui.clipboard import tools

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmdesk.core.views import Attachment

LIMIT_S = 2.0
"""How long a program may take, seconds."""

POWERSHELL_LIMIT_S = 8.0
"""The same for PowerShell, which takes seconds to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A program that writes what the clipboard holds to its standard output; ``coded`` = as base64."""

    command: tuple[str, ...]
    image: bool
    coded: bool = False

    @property
    def name(self) -> str:
        """What the user knows it by."""
        return self.command[0]


def _powershell(script: str) -> tuple[str, ...]:
    return ("powershell.exe", "-NoProfile", "-NonInteractive", "-STA", "-Command", script)


_PICTURE = (
    "Add-Type -AssemblyName System.Windows.Forms,System.Drawing; $i=[Windows.Forms.Clipboard]::GetImage(); "
    "if(!$i){exit 1}; $m=New-Object IO.MemoryStream; $i.Save($m,[Drawing.Imaging.ImageFormat]::Png); "
    "[Convert]::ToBase64String($m.ToArray())"
)
_WORDS = "[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes((Get-Clipboard -Raw)))"

_IMAGES = {
    "wl-copy": Way(command=("wl-paste", "--type", "image/png"), image=True),
    "xclip": Way(command=("xclip", "-selection", "clipboard", "-t", "image/png", "-o"), image=True),
    "pbcopy": Way(command=("pngpaste", "-"), image=True),
    "clip.exe": Way(command=_powershell(_PICTURE), image=True, coded=True),
}
"""How an image comes out, by the program that copies."""

_TEXTS = {"clip.exe": Way(command=_powershell(_WORDS), image=False, coded=True)}
"""How a text comes out where the program that copies knows no way back."""


def ways(env: Mapping[str, str]) -> Iterator[Way]:
    """The programs that are here, those for images first."""
    here = tools(env)
    images = [_IMAGES[tool.name] for tool in here if tool.name in _IMAGES]
    texts = [_TEXTS.get(tool.name, Way(command=tool.paste, image=False)) for tool in here]
    for way in (*images, *texts):
        if way.command and which(way.name, path=env.get("PATH")) is not None:
            yield way


def take(env: Mapping[str, str]) -> Attachment:
    """Read the clipboard: ``clipboard.png``, or ``clipboard.txt``.

    Args:
        env: the environment: which display, which programs.

    Raises:
        UsageError: nothing can be read; it says why.
    """
    if env.get("SSH_CONNECTION") or env.get("SSH_TTY"):
        raise UsageError("The clipboard of your own machine cannot be read over ssh: paste its text, or copy a file.")
    troubles: list[str] = []
    asked: list[str] = []
    for way in ways(env):
        asked.append(way.name)
        try:
            found = _attachment(way, _output(way, env))
        except UsageError as error:
            troubles.append(str(error))
            continue
        if found is not None:
            return found
    if not asked:
        raise UsageError("No program here reads the clipboard: wl-clipboard, xclip, pngpaste or powershell.exe does.")
    names = ", ".join(dict.fromkeys(asked))
    why = "; ".join(dict.fromkeys(troubles)) or f"it holds neither an image nor a text (asked {names})"
    raise UsageError(f"Nothing came out of the clipboard: {why}.")


def _attachment(way: Way, content: bytes) -> Attachment | None:
    """What the program gave, if it is what it was asked for."""
    try:
        found = attachment("clipboard.png" if way.image else "clipboard.txt", content)
    except UsageError:
        return None
    if way.image:
        return found if found.image is not None else None
    return found if found.text and found.text.strip() and "\0" not in found.text else None


def _output(way: Way, env: Mapping[str, str]) -> bytes:
    """Run the program; empty = it has nothing of that kind.

    Raises:
        UsageError: it cannot be run, does not answer, or gives more than is attached.
    """
    most = MAX_BYTES * 4 // 3 + 8 if way.coded else MAX_BYTES
    late = Event()
    try:
        process = subprocess.Popen(  # noqa: S603 - a fixed command, no shell
            way.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(env),
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise UsageError(one_line(f"{way.name} could not be run ({error.strerror or error})")) from None

    def give_up() -> None:
        late.set()
        _end(process)

    limit = Timer(POWERSHELL_LIMIT_S if way.name == "powershell.exe" else LIMIT_S, give_up)
    limit.daemon = True
    limit.start()
    with process:
        try:
            content = process.stdout.read(most + 1) if process.stdout is not None else b""
            if len(content) > most:
                _end(process)
            code = process.wait()
        finally:
            limit.cancel()
    if late.is_set():
        raise UsageError(f"{way.name} did not answer")
    if len(content) > most:
        raise UsageError(f"what it holds is larger than {MAX_BYTES // 1024 // 1024} MiB")
    if code != 0:
        return b""
    try:
        return base64.b64decode(content) if way.coded else content
    except (binascii.Error, ValueError):
        return b""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it has begun, which may hold its output open."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
