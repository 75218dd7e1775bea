from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import UsageError
from llmdesk.paths import find_paths, find_themes

if TYPE_CHECKING:
    from llmdesk.paths import Paths


def paths_below(home: Path) -> Paths:
    return find_paths(env={"LLMDESK_HOME": str(home)})


def test_llmdesk_home_puts_everything_below_one_folder(tmp_path: Path) -> None:
    paths = paths_below(tmp_path)
    assert paths.config_file == tmp_path / "config/llmdesk.yaml"
    assert paths.database == tmp_path / "data/llmdesk.db"
    assert paths.metrics_overflow == tmp_path / "data/metrics.jsonl"
    assert paths.state_file == tmp_path / "state/llm_state.json"
    assert paths.log_file == tmp_path / "state/llmdesk.log"


def test_a_relative_home_does_not_move_with_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths_below(Path("desk")).config_dir == tmp_path / "desk/config"


def test_the_command_line_goes_before_the_environment_and_that_before_the_default(tmp_path: Path) -> None:
    env = {"LLMDESK_HOME": str(tmp_path), "LLMDESK_CONFIG": "/named/by/environment.yaml"}
    assert find_paths(env=env).config_file == Path("/named/by/environment.yaml")
    assert find_paths(Path("/named/on/line.yaml"), env).config_file == Path("/named/on/line.yaml")
    assert find_paths(env=env).config_dir == tmp_path / "config"


def test_only_a_named_file_must_exist(tmp_path: Path) -> None:
    assert paths_below(tmp_path).existing_config() is None
    named = find_paths(tmp_path / "gone.yaml", {"LLMDESK_HOME": str(tmp_path)})
    assert named.existing_config() == tmp_path / "gone.yaml"
    (tmp_path / "config").mkdir()
    (tmp_path / "config/llmdesk.yaml").touch()
    assert paths_below(tmp_path).existing_config() == tmp_path / "config/llmdesk.yaml"


def test_without_a_home_the_platform_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    paths = find_paths(env={})
    assert {p.name for p in (paths.config_dir, paths.data_dir, paths.state_dir)} == {"llmdesk"}
    if sys.platform == "linux":
        assert paths.config_file == tmp_path / "config/llmdesk/llmdesk.yaml"
        assert paths.state_dir == tmp_path / "state/llmdesk"


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX idea")
def test_folders_are_made_for_their_owner_only(tmp_path: Path) -> None:
    paths = paths_below(tmp_path / "a/b")
    assert paths.create() == ()
    assert paths.create() == ()
    made = [tmp_path / "a", tmp_path / "a/b", paths.config_dir, paths.data_dir, paths.state_dir]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700] * 5


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX idea")
def test_a_folder_others_can_read_is_closed(tmp_path: Path) -> None:
    paths = paths_below(tmp_path)
    paths.data_dir.mkdir()
    paths.data_dir.chmod(0o755)
    assert paths.create() == ()
    assert paths.data_dir.stat().st_mode & 0o777 == 0o700


def test_a_place_that_cannot_hold_folders_gives_warnings_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    warnings = [str(each) for each in paths_below(tmp_path / "home").create()]
    assert len(warnings) == 3
    assert all("\n" not in line and str(tmp_path) in line for line in warnings)
    (tmp_path / "data").write_text("a file")
    (fault,) = paths_below(tmp_path).create()
    assert str(fault) == f"{tmp_path / 'data'} is a file, and a folder is needed there."


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that refuses folders")
def test_a_read_only_place_gives_warnings_and_no_error() -> None:
    assert len(paths_below(Path("/proc/self/llmdesk")).create()) == 3


def test_palettes_are_found_in_the_package_or_checkout_and_beside_the_configuration(tmp_path: Path) -> None:
    paths = paths_below(tmp_path)
    (built_in,) = find_themes(paths)
    assert built_in.name in ("_themes", "themes")
    (paths.config_dir / "themes").mkdir(parents=True)
    assert find_themes(paths) == (built_in, paths.config_dir / "themes")


def test_with_a_home_nothing_but_the_standard_library_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from llmdesk.paths import find_paths; find_paths().create();"
        "bad = {'platformdirs', 'pydantic', 'ruamel'} & set(sys.modules); assert not bad, bad"
    )
    env = {**os.environ, "LLMDESK_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, timeout=30)


def test_without_any_home_folder_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody:
        @property
        def user_config_path(self) -> Path:
            raise RuntimeError("could not determine the home directory")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("platformdirs.PlatformDirs", lambda *_args, **_names: Nobody())
    paths = find_paths(env={})
    assert paths.homeless
    assert len(paths.create()) == 3
    assert not paths.data_dir.exists()
    assert paths.existing_config() is None
    assert list(tmp_path.iterdir()) == []


def test_the_home_of_nobody_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="LLMDESK_HOME: there is no home folder for '~nobody-here/x'"):
        find_paths(env={"LLMDESK_HOME": "~nobody-here/x"})
    with pytest.raises(UsageError, match="the configuration file: there is no home folder"):
        find_paths(Path("~nobody-here/x"), {"LLMDESK_HOME": "/x"})


def test_the_library_of_prompts_is_beside_the_configuration_in_use(tmp_path: Path) -> None:
    env = {"LLMDESK_HOME": str(tmp_path / "home")}
    assert find_paths(env=env).prompts == tmp_path / "home" / "config" / "prompts"
    assert find_paths(tmp_path / "other" / "desk.yaml", env).prompts == tmp_path / "other" / "prompts"
    env["LLMDESK_CONFIG"] = str(tmp_path / "third" / "desk.yaml")
    assert find_paths(env=env).prompts == tmp_path / "third" / "prompts"
