"""Copying with whatever is there, and what is said of it: programs that work, lie, fail, hang; escape sequences."""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.tui import clipboard
from llmdesk.tui.clipboard import Copied, put, sequences, tools

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEXT = "naïve\n  x = 1\t# 你好\n\n"


@pytest.fixture
def tray(tmp_path: Path) -> Path:
    """A folder of programs, with nothing but what they need."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cat", "sleep", "sh"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


async def copied(text: str, env: Mapping[str, str]) -> tuple[Copied, str]:
    written: list[str] = []
    return await put(text, env=env, write=written.append), "".join(written)


async def test_a_tool_that_gives_back_what_it_took_is_called_checked(tray: Path, tmp_path: Path) -> None:
    program(tray, "wl-copy", f"cat > {tmp_path}/board")
    program(tray, "wl-paste", f'[ "$1" = --no-newline ] && cat {tmp_path}/board')
    done, written = await copied(TEXT, {"PATH": str(tray), "WAYLAND_DISPLAY": "wayland-0"})
    assert done == Copied(words="copied with wl-copy (checked)", sure=True)
    assert (tmp_path / "board").read_bytes() == TEXT.encode()
    assert not written


async def test_a_tool_that_cannot_be_asked_is_not_called_checked(tray: Path) -> None:
    program(tray, "xclip", '[ "$3" = -o ] && exit 1; cat > /dev/null')
    (tray / "xclip").rename(tray / "pbcopy")
    done, _ = await copied(TEXT, {"PATH": str(tray)})
    assert done == Copied(words="copied with pbcopy", sure=False)


async def test_a_tool_that_lies_is_found_out_and_the_next_one_is_asked(tray: Path, tmp_path: Path) -> None:
    program(tray, "xclip", '[ "$3" = -o ] && echo other || cat > /dev/null')
    program(tray, "xsel", f'[ "$2" = --output ] && cat {tmp_path}/board || cat > {tmp_path}/board')
    done, _ = await copied(TEXT, {"PATH": str(tray), "DISPLAY": ":0"})
    assert done == Copied(words="copied with xsel (checked)", sure=True)


async def test_a_tool_that_fails_is_named_and_the_terminal_gets_the_text(tray: Path) -> None:
    program(tray, "xclip", "exit 3")
    done, written = await copied(TEXT, {"PATH": str(tray), "DISPLAY": ":0"})
    assert done.words.startswith("xclip failed (3); sent to the terminal (OSC 52): most take it")
    assert not done.sure
    assert written == f"\x1b]52;c;{base64.b64encode(TEXT.encode()).decode()}\a"


async def test_a_tool_that_hangs_holds_nothing_up_for_long(tray: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipboard, "LIMIT_S", 0.1)
    program(tray, "wl-copy", "exec sleep 60")
    done, written = await copied(TEXT, {"PATH": str(tray), "WAYLAND_DISPLAY": "wayland-0"})
    assert done.words.startswith("wl-copy did not answer; sent to the terminal")
    assert written


async def test_a_tool_that_goes_on_in_the_background_is_not_waited_for(tray: Path, tmp_path: Path) -> None:
    program(tray, "xclip", f'[ "$3" = -o ] && exec cat {tmp_path}/board; cat > {tmp_path}/board; sleep 2 &')
    done, _ = await copied(TEXT, {"PATH": str(tray), "DISPLAY": ":0"})
    assert done.sure


def test_over_ssh_no_program_of_the_far_machine_is_asked(tray: Path) -> None:
    program(tray, "wl-copy", "exit 0")
    here = {"PATH": str(tray), "WAYLAND_DISPLAY": "wayland-0"}
    assert [tool.name for tool in tools(here)] == ["wl-copy"]
    assert tools({**here, "SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}) == ()


async def test_more_than_terminals_take_is_said() -> None:
    done, _ = await copied("x" * 80_000, {})
    assert done.words == (
        "sent to the terminal (OSC 52): 80.0 kB are more than many terminals take at once; /copy file writes a file"
    )


async def test_letters_that_are_no_ascii_reach_windows_as_it_reads_them(tray: Path, tmp_path: Path) -> None:
    program(tray, "clip.exe", f"cat > {tmp_path}/board")
    env = {"PATH": str(tray), "WSL_DISTRO_NAME": "Debian"}
    await copied("ä", env)
    assert (tmp_path / "board").read_bytes() == "ä".encode("utf-16-le")
    await copied("a", env)
    assert (tmp_path / "board").read_bytes() == b"a"


@given(st.text())
def test_every_text_comes_out_of_the_sequence_as_it_went_in(text: str) -> None:
    (sequence,) = sequences(text, {})
    held = sequence.removeprefix("\x1b]52;c;").removesuffix("\a")
    assert base64.b64decode(held) == text.encode("utf-8", "replace")


def test_tmux_and_screen_are_asked_to_pass_it_on() -> None:
    plain, wrapped = sequences("hi", {"TMUX": "/tmp/x,1,0"})
    assert plain == "\x1b]52;c;aGk=\a"
    assert wrapped == "\x1bPtmux;\x1b\x1b]52;c;aGk=\a\x1b\\"
    pieces = list(sequences("x" * 1_000, {"STY": "1.pts"}))
    assert all(len(piece) <= 256 for piece in pieces)
    joined = "".join(piece.removeprefix("\x1bP").removesuffix("\x1b\\") for piece in pieces)
    assert joined == "".join(sequences("x" * 1_000, {}))


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")
async def test_inside_tmux_its_own_buffer_has_the_text(tmp_path: Path) -> None:
    socket = tmp_path / "socket"
    tmux = ("tmux", "-S", str(socket), "-f", "/dev/null")
    subprocess.run([*tmux, "new-session", "-d", "cat"], check=True)
    try:
        done, written = await copied(TEXT, {"PATH": "/usr/local/bin:/usr/bin:/bin", "TMUX": f"{socket},1,0"})
        assert done.words.startswith("in tmux's own buffer (checked)")
        assert not done.sure
        assert not written
        held = subprocess.run([*tmux, "show-buffer"], check=True, stdout=subprocess.PIPE).stdout
        assert held == TEXT.encode()
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)
