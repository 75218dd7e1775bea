"""Copying: the ways to the clipboard that are here, tried in order, and a sentence that says no more than is known.

A tool of the system is asked to give back what it took, where it can. The escape sequence OSC 52 (xterm's control
sequences, "Manipulate Selection Data") reaches the user's own terminal over ssh too, but nobody answers to it.
Used on a key press or a click only (policy S11).
"""

from __future__ import annotations

import asyncio
import base64
from shutil import which
from typing import TYPE_CHECKING

from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass
from llmdesk.tui.words import size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LIMIT_S = 1.5
"""How long a tool may take, seconds."""

OSC_BYTES = 74_994
"""What fits into the 100,000 bytes that many terminals take of one sequence, as base64 makes four bytes of three."""

SCREEN_PIECE = 250
"""GNU screen passes on strings of up to 256 characters; longer ones are sent in pieces."""

UNSURE = "most take it, macOS Terminal does not; /copy file writes a file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that takes a text on its standard input. ``paste`` gives it back; empty = it cannot be checked.

    ``wide`` = it understands other letters than ASCII as UTF-16 only.
    """

    copy: tuple[str, ...]
    paste: tuple[str, ...] = ()
    wide: bool = False

    @property
    def name(self) -> str:
        """What the user knows it by."""
        return self.copy[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """How a copy went: ``words`` go on after its name; ``sure`` = the clipboard was seen to hold it."""

    words: str
    sure: bool


_WAYLAND = Tool(copy=("wl-copy",), paste=("wl-paste", "--no-newline"))
_XCLIP = Tool(copy=("xclip", "-selection", "clipboard"), paste=("xclip", "-selection", "clipboard", "-o"))
_XSEL = Tool(copy=("xsel", "--clipboard", "--input"), paste=("xsel", "--clipboard", "--output"))
_MAC = Tool(copy=("pbcopy",), paste=("pbpaste",))
_WINDOWS = Tool(copy=("clip.exe",), wide=True)
_TERMUX = Tool(copy=("termux-clipboard-set",), paste=("termux-clipboard-get",))
_TMUX = Tool(copy=("tmux", "load-buffer", "-w", "-"), paste=("tmux", "show-buffer"))


def tools(env: Mapping[str, str]) -> tuple[Tool, ...]:
    """The programs that reach the clipboard of the user's own screen, best first; over ssh there is none."""
    if env.get("SSH_CONNECTION") or env.get("SSH_TTY"):
        return ()
    wanted = (
        (_WAYLAND, bool(env.get("WAYLAND_DISPLAY"))),
        (_XCLIP, bool(env.get("DISPLAY"))),
        (_XSEL, bool(env.get("DISPLAY"))),
        (_MAC, True),
        (_TERMUX, True),
        (_WINDOWS, bool(env.get("WSL_DISTRO_NAME") or env.get("WSL_INTEROP") or env.get("SYSTEMROOT"))),
    )
    path = env.get("PATH")
    return tuple(tool for tool, is_here in wanted if is_here and which(tool.name, path=path))


async def put(text: str, *, env: Mapping[str, str], write: Callable[[str], None]) -> Copied:
    """Copy a text by the first way that works.

    Args:
        text: what is copied.
        env: the environment: which display, which terminal.
        write: takes escape sequences to the terminal.
    """
    troubles: list[str] = []
    for tool in tools(env):
        trouble, seen = await asyncio.to_thread(_use, tool, text, env)
        if not trouble:
            return Copied(words=f"copied with {tool.name}{' (checked)' if seen else ''}", sure=seen)
        troubles.append(trouble)
    before = "".join(f"{trouble}; " for trouble in troubles)
    if env.get("TMUX") and (await asyncio.to_thread(_use, _TMUX, text, env)) == ("", True):
        words = f"{before}in tmux's own buffer (checked), and sent on to the terminal if that takes it"
        return Copied(words=words, sure=False)
    for piece in sequences(text, env):
        write(piece)
    used = len(text.encode("utf-8", "replace"))
    told = f"{size(used)} are more than many terminals take at once; /copy file writes a file"
    return Copied(words=f"{before}sent to the terminal (OSC 52): {told if used > OSC_BYTES else UNSURE}", sure=False)


def sequences(text: str, env: Mapping[str, str]) -> Iterator[str]:
    """The escape sequences that ask the terminal to copy a text, through tmux and GNU screen too.

    tmux takes the plain one where ``set-clipboard`` is on, and the wrapped one where ``allow-passthrough`` is.
    """
    plain = f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'replace')).decode()}\a"
    if env.get("TMUX"):
        yield plain
        doubled = plain.replace("\x1b", "\x1b\x1b")
        yield f"\x1bPtmux;{doubled}\x1b\\"
    elif env.get("STY"):
        for start in range(0, len(plain), SCREEN_PIECE):
            yield f"\x1bP{plain[start : start + SCREEN_PIECE]}\x1b\\"
    else:
        yield plain


def _use(tool: Tool, text: str, env: Mapping[str, str]) -> tuple[str, bool]:
    """Copy with a program; return what went wrong (empty = nothing), and whether it was seen to have the text."""
    import subprocess

    given = text.encode("utf-16-le" if tool.wide and not text.isascii() else "utf-8", "replace")
    try:
        # Some stay behind to serve what was copied: they get a session of their own, and no pipe to hold open.
        subprocess.run(  # noqa: S603 - a fixed command, no shell
            tool.copy, input=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT_S,
            env=dict(env), check=True, start_new_session=True,
        )  # fmt: skip
        if not tool.paste or which(tool.paste[0], path=env.get("PATH")) is None:
            return "", False
        found = subprocess.run(  # noqa: S603 - a fixed command, no shell
            tool.paste, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT_S,
            env=dict(env), check=True, start_new_session=True,
        ).stdout  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"{tool.name} did not answer", False
    except subprocess.CalledProcessError as error:
        return f"{tool.name} failed ({error.returncode})", False
    except OSError as error:
        return one_line(f"{tool.name} could not be run: {error.strerror or error}"), False
    return ("", True) if found == given else (f"{tool.name} has something else now", False)
