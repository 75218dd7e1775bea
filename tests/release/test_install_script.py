"""The installation script, run by sh with an empty home whose name has a space and a quote in it.

uv and pipx are played, as the real ones fetch what llmdesk needs; the third way is taken for real, with a wheel that
needs nothing. ``.ci/installing`` takes all of them with the wheel of llmdesk.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "assets" / "install.sh"
LIMIT_S = 100
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the script is for Linux and macOS")
NEEDED = ("sh", "cat", "dirname", "grep", "ln", "mkdir", "readlink", "rm", "sed")
"""Every program the script may call beside Python and the installers."""

SHARED = (
    "man/man1/llmdesk.1", "bash-completion/completions/llmdesk", "fish/vendor_completions.d/llmdesk.fish",
    "zsh/site-functions/_llmdesk",
)  # fmt: skip

INSTALLER = """#!/bin/sh
# Plays {name}: notes its words, and makes an environment as it would.
for word in "$@"; do printf '[%s]' "$word"; done >>"$HOME/calls"
printf '\\n' >>"$HOME/calls"
env="$HOME/{name} tools/llmdesk"
case "$*" in
  'tool dir --bin' | 'environment --value PIPX_BIN_DIR') printf '%s\\n' "$HOME/.local/bin" ;;
  'tool dir' | 'environment --value PIPX_LOCAL_VENVS') printf '%s\\n' "$HOME/{name} tools" ;;
  'tool install '* | 'install '*)
    mkdir -p "$env/bin" "$env/share/man/man1" "$HOME/.local/bin"
    printf '#!/bin/sh\\necho llmdesk 9.9\\n' >"$env/bin/llmdesk"
    chmod 755 "$env/bin/llmdesk"
    echo page >"$env/share/man/man1/llmdesk.1"
    ln -sf "$env/bin/llmdesk" "$HOME/.local/bin/llmdesk" ;;
  *'uninstall llmdesk') rm -rf "$env" "$HOME/.local/bin/llmdesk" ;;
esac
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """An empty home, and the programs that can be found from it."""

    home: Path
    programs: Path

    def has(self, name: str) -> None:
        """Have an installer of this name, played."""
        file = self.programs / name
        file.write_text(INSTALLER.format(name=name), encoding="utf-8")
        file.chmod(0o755)
        if not (self.programs / "chmod").exists():
            self.finds("chmod")

    def finds(self, name: str, target: str | None = None) -> None:
        """Have a real program under this name."""
        found = target or shutil.which(name)
        assert found is not None, f"{name} is not here"
        (self.programs / name).symlink_to(found)

    def run(self, *words: str, script: Path = SCRIPT, stdin: str | None = None, **env: str) -> tuple[int, str, str]:
        """Exit code, what it said, and what it complained of."""
        start = ["sh", str(script), *words] if stdin is None else ["sh", "-s", "--", *words]
        done = subprocess.run(
            [shutil.which(start[0]) or "sh", *start[1:]], cwd=self.home, input=stdin, capture_output=True, text=True,
            env={"PATH": str(self.programs), "HOME": str(self.home), "PIP_NO_INDEX": "1", **env}, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    @property
    def calls(self) -> list[str]:
        """What the played installers were told."""
        return (self.home / "calls").read_text(encoding="utf-8").splitlines()

    def files(self) -> set[str]:
        """Everything below the home but the notes of the play."""
        return {path.relative_to(self.home).as_posix() for path in self.home.rglob("*") if not path.is_dir()} - {
            "calls"
        }


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(home=tmp_path / "Mira's home", programs=tmp_path / "bin")
    made.home.mkdir()
    made.programs.mkdir()
    for name in NEEDED:
        made.finds(name)
    return made


def wheel(folder: Path) -> Path:
    """A wheel called llmdesk that needs nothing, and says its version."""
    files = {
        "llmdesk_small.py": "def main():\n    print('llmdesk 9.9')\n",
        "llmdesk-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: llmdesk\nVersion: 9.9\n",
        "llmdesk-9.9.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "llmdesk-9.9.dist-info/entry_points.txt": "[console_scripts]\nllmdesk = llmdesk_small:main\n",
        **{f"llmdesk-9.9.data/data/share/{place}": place for place in SHARED},
    }
    record = "llmdesk-9.9.dist-info/RECORD"
    sums = {name: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()) for name, text in files.items()}
    lines = [f"{name},sha256={sums[name].rstrip(b'=').decode()},{len(text)}" for name, text in files.items()]
    path = folder / "llmdesk-9.9-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, record: "\n".join([*lines, f"{record},,", ""])}.items():
            archive.writestr(name, text)
    return path


def test_without_uv_and_pipx_it_makes_an_environment_and_takes_it_away_again(house: House, tmp_path: Path) -> None:
    house.finds("python3", sys.executable)
    source = wheel(tmp_path)

    code, said, complained = house.run(LLMDESK_INSTALL_FROM=str(source), PATH=str(house.programs))

    program = house.home / ".local/bin/llmdesk"
    assert (code, complained) == (0, "")
    assert f"Installed: llmdesk 9.9\n  {program}\n" in said
    assert subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout == "llmdesk 9.9\n"
    for place in SHARED:
        link = house.home / ".local/share" / place
        assert link.is_symlink()
        assert link.read_text(encoding="utf-8") == place
        assert f"  {link}\n" in said
    assert "not on your PATH yet" in said
    assert "llmdesk demo" in said

    undo = next(line for line in said.splitlines() if line.startswith("  rm -r "))
    assert shlex.split(undo) == ["rm", "-r", str(house.home / ".local/lib/llmdesk"), str(program)]
    code, said, complained = house.run("--uninstall")
    assert (code, complained) == (0, "")
    assert f"removed: {house.home}/.local/lib/llmdesk\n" in said
    assert house.files() == set()


@pytest.mark.parametrize(
    ("there", "called"),
    [
        (("uv", "pipx"), "[tool][install][--quiet][--upgrade][--reinstall-package][llmdesk][llmdesk[images,web]]"),
        (("pipx",), "[install][--force][llmdesk[images,web]]"),
    ],
)
def test_uv_goes_before_pipx(house: House, there: tuple[str, ...], called: str) -> None:
    for name in there:
        house.has(name)
    code, said, complained = house.run(LLMDESK_INSTALL_FROM="llmdesk[images,web]")
    assert (code, complained) == (0, "")
    assert called in house.calls
    assert (house.home / ".local/share/man/man1/llmdesk.1").read_text(encoding="utf-8") == "page\n"
    assert f"{there[0]}{' tool' if there[0] == 'uv' else ''} uninstall llmdesk" in said


def test_the_way_it_was_installed_before_is_kept(house: House) -> None:
    house.has("pipx")
    assert house.run(LLMDESK_INSTALL_FROM="llmdesk")[0] == 0
    house.has("uv")
    code, said, _ = house.run(LLMDESK_INSTALL_FROM="llmdesk")
    assert (code, said.splitlines()[0]) == (0, "Installing llmdesk by pipx ...")


def test_uninstalling_calls_the_installer_and_leaves_the_files_of_the_user(house: House) -> None:
    house.has("uv")
    mine = house.home / ".local/share/llmdesk/llmdesk.db"
    mine.parent.mkdir(parents=True)
    mine.write_text("talk", encoding="utf-8")
    assert house.run("--with", "uv", LLMDESK_INSTALL_FROM="llmdesk")[0] == 0
    assert house.run("--uninstall")[0] == 0
    assert "[tool][uninstall][llmdesk]" in house.calls
    assert house.files() == {".local/share/llmdesk/llmdesk.db"}
    assert "not installed here" in house.run("--uninstall")[1]


def test_a_file_of_somebody_else_is_not_replaced(house: House, tmp_path: Path) -> None:
    house.finds("python3", sys.executable)
    house.has("uv")
    page, other = house.home / ".local/share/man/man1/llmdesk.1", house.home / ".local/bin/llmdesk"
    page.parent.mkdir(parents=True)
    page.write_text("mine", encoding="utf-8")
    assert house.run("--with=uv", LLMDESK_INSTALL_FROM="llmdesk")[0] == 0
    assert page.read_text(encoding="utf-8") == "mine"

    other.unlink()
    other.write_text("#!/bin/sh\n", encoding="utf-8")
    (house.home / ".local/lib/llmdesk").mkdir(parents=True)
    code, _, complained = house.run("--with", "venv", LLMDESK_INSTALL_FROM=str(tmp_path / "none.whl"))
    assert code == 1
    assert "is no environment; move it away first" in complained
    assert other.read_text(encoding="utf-8") == "#!/bin/sh\n"


def test_a_file_is_named_by_its_whole_path_and_an_address_is_left_alone(house: House) -> None:
    house.has("uv")
    (house.home / "a wheel.whl").write_text("", encoding="utf-8")
    assert house.run(LLMDESK_INSTALL_FROM="a wheel.whl")[0] == 0
    assert house.run(LLMDESK_INSTALL_FROM="git+https://example.org/x")[0] == 0
    asked = [call.rpartition("[llmdesk][")[2] for call in house.calls if call.startswith("[tool][install]")]
    assert asked == [f"{house.home}/a wheel.whl]", "git+https://example.org/x]"]


def test_without_a_wish_it_installs_the_clone_it_lies_in_and_piped_the_name(house: House, tmp_path: Path) -> None:
    house.has("uv")
    assert house.run()[1].startswith(f"Installing {ROOT} by uv")
    assert house.run(stdin=SCRIPT.read_text(encoding="utf-8"))[1].startswith("Installing llmdesk by uv")
    alone = tmp_path / "downloads" / "install.sh"
    alone.parent.mkdir()
    shutil.copy(SCRIPT, alone)
    assert house.run(script=alone)[1].startswith("Installing llmdesk by uv")


def test_half_a_download_does_nothing(house: House) -> None:
    house.has("uv")
    text = SCRIPT.read_text(encoding="utf-8")
    body = text[: text.rindex("\nmain ")]
    for share in (0.3, 0.6, 0.9, 1.0):
        house.run(stdin=body[: int(len(body) * share)])
    assert house.files() == set()
    assert not (house.home / "calls").exists()


@pytest.mark.parametrize(
    ("words", "env", "code", "told"),
    [
        ((), {}, 1, "there is neither uv, nor pipx, nor Python 3.11 or newer"),
        (("--with", "uv"), {}, 1, "there is no uv here"),
        (("--with", "brew"), {}, 1, "--with brew: there are uv, pipx and venv"),
        (("--with",), {}, 1, "--with needs uv, pipx or venv"),
        (("--sudo",), {}, 2, "Usage: sh install.sh"),
        ((), {"HOME": ""}, 1, "HOME is not set"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    house: House, words: tuple[str, ...], env: dict[str, str], code: int, told: str
) -> None:
    ended, said, complained = house.run(*words, **env)
    assert (ended, said) == (code, "")
    assert told in complained
    assert house.files() == set()


def test_an_older_python_is_passed_over(house: House) -> None:
    old = house.programs / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    assert "nor Python 3.11" in house.run()[2]


def test_it_never_asks_for_root() -> None:
    words = SCRIPT.read_text(encoding="utf-8").replace("apt install python3-venv", "")
    assert not {"sudo", "su", "doas", "pkexec", "apt", "brew"} & set(words.split())


def test_help_tells_every_option(house: House) -> None:
    code, said, _ = house.run("--help")
    assert code == 0
    assert all(option in said for option in ("--with", "--uninstall", "LLMDESK_INSTALL_FROM"))


def test_it_can_be_run_by_name() -> None:
    assert os.access(SCRIPT, os.X_OK)
