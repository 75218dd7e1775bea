"""Taking an image or a text out of the clipboard: programs that have one, none, too much, or never answer."""

from __future__ import annotations

import base64
import shutil
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import UsageError
from llmdesk.core.views import Attachment
from llmdesk.tui import taking
from llmdesk.tui.taking import take
from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\nbody"


@pytest.fixture
def tray(tmp_path: Path) -> Path:
    """A folder of programs, with nothing but what they need, and a picture beside it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "picture").write_bytes(PNG)
    for name in ("cat", "sleep", "sh", "head", "base64"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def program(folder: Path, name: str, script: str = "exit 0") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def wayland(folder: Path, script: str) -> dict[str, str]:
    program(folder, "wl-copy")
    program(folder, "wl-paste", script)
    return {"PATH": str(folder), "WAYLAND_DISPLAY": "wayland-0"}


def test_an_image_comes_before_a_text(tray: Path, tmp_path: Path) -> None:
    env = wayland(tray, f'[ "$2" = image/png ] && exec cat {tmp_path}/picture; echo its address')
    assert take(env) == Attachment(name="clipboard.png", image=PNG)


def test_xclip_is_asked_for_the_image_by_its_kind(tray: Path, tmp_path: Path) -> None:
    program(tray, "xclip", f'[ "$*" = "-selection clipboard -t image/png -o" ] && exec cat {tmp_path}/picture; exit 1')
    assert take({"PATH": str(tray), "DISPLAY": ":0"}).image == PNG


def test_pngpaste_gives_the_image_of_a_mac(tray: Path, tmp_path: Path) -> None:
    program(tray, "pbcopy")
    program(tray, "pngpaste", f'[ "$1" = - ] && exec cat {tmp_path}/picture')
    assert take({"PATH": str(tray)}).image == PNG


def test_powershell_gives_both_in_ascii(tray: Path, tmp_path: Path) -> None:
    program(tray, "clip.exe")
    env = {"PATH": str(tray), "WSL_DISTRO_NAME": "Debian"}
    program(tray, "powershell.exe", f"exec base64 {tmp_path}/picture")
    assert take(env).image == PNG
    words = base64.b64encode("naïve 你好".encode()).decode()
    program(tray, "powershell.exe", f'case "$5" in *GetImage*) exit 1;; esac; printf "{words}\\r\\n"')
    assert take(env) == Attachment(name="clipboard.txt", text="naïve 你好")


def test_a_text_is_taken_where_there_is_no_image(tray: Path) -> None:
    env = wayland(tray, '[ "$2" = image/png ] && exit 1; echo "naïve"')
    assert take(env) == Attachment(name="clipboard.txt", text="naïve\n")


def test_a_text_given_as_an_image_is_no_image(tray: Path) -> None:
    env = wayland(tray, "echo words")
    assert take(env).name == "clipboard.txt"


@pytest.mark.parametrize("script", ["exit 1", "exit 0", "printf ' \\n'", "printf '\\377\\376'", "printf 'a\\000b'"])
def test_nothing_that_can_be_used_is_said_in_one_sentence(tray: Path, script: str) -> None:
    with pytest.raises(UsageError, match=r"holds neither an image nor a text \(asked wl-paste\)\.$"):
        take(wayland(tray, script))


@pytest.mark.parametrize("script", ["exec sleep 60", "sleep 60 &", "exec >&-; exec sleep 60"])
def test_a_program_that_hangs_is_ended(tray: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "LIMIT_S", 0.2)
    with pytest.raises(UsageError, match=r"^Nothing came out of the clipboard: wl-paste did not answer\.$"):
        take(wayland(tray, script))


def test_more_than_is_attached_is_not_read_to_its_end(tray: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MAX_BYTES", 1024 * 1024)
    with pytest.raises(UsageError, match="what it holds is larger than 1 MiB"):
        take(wayland(tray, "exec cat /dev/zero"))


def test_a_program_that_cannot_be_run_is_named(tray: Path) -> None:
    env = wayland(tray, "")
    (tray / "wl-paste").write_text("#!/no/such/program\n")
    with pytest.raises(UsageError, match="wl-paste could not be run"):
        take(env)


def test_without_programs_and_over_ssh_it_is_said_what_to_do(tray: Path) -> None:
    with pytest.raises(UsageError, match="No program here reads the clipboard"):
        take({"PATH": str(tray), "DISPLAY": ":0"})
    program(tray, "pbcopy")
    program(tray, "pbpaste", "echo far away")
    with pytest.raises(UsageError, match="cannot be read over ssh"):
        take({"PATH": str(tray), "SSH_CONNECTION": "1 2 3 4"})


async def test_it_goes_along_with_the_next_prompt_each_under_its_own_name(tray: Path, tmp_path: Path) -> None:
    env = wayland(tray, f"exec cat {tmp_path}/picture")
    desk = FakeDesk()
    async with seated(desk) as seat:
        chat = seat.app.chat
        await chat.attach_clipboard(chat.talk, env)
        await chat.attach_clipboard(chat.talk, env)
        await seat.see("clipboard-2.png")
        await seat.ask("what is this?")
        await wait_until(lambda: bool(desk.asks))
        assert [file.name for file in desk.asks[0].attachments] == ["clipboard.png", "clipboard-2.png"]


async def test_the_command_and_the_palette_say_why_nothing_came() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.ask("/attach clipboard")
        await seat.see("No program here reads the clipboard")
        assert not seat.app.chat.talk.outgoing.attached
