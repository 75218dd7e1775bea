"""Folders that cannot be used are told of in one line for one cause, and it says what is gone with the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdesk.config.defaults import default_settings
from llmdesk.paths import HOMELESS, Paths, Unusable
from llmdesk.wiring.passing import told

ROOM = "No space left on device"
DEFAULTS = default_settings("http://127.0.0.1:11434", allow_http=False)
ALL = "conversations, the outbox and cooldowns last only for this run."


def paths_below(root: Path) -> Paths:
    folders = {f"{kind}_dir": root / kind for kind in ("config", "data", "state")}
    return Paths(config_file=root / "config" / "llmdesk.yaml", config_named=False, **folders)


def gone(root: Path, *names: str, cause: str = "") -> list[Unusable]:
    return [Unusable(folder=root / name, words="cannot be written to", cause=cause) for name in names]


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (("data",), "/none/data cannot be written: conversations and the outbox last only for this run."),
        (("state",), "/none/state cannot be written: cooldowns last only for this run."),
        (
            ("data", "state"),
            f"data and state in /none cannot be written: {ALL}",
        ),
        (
            ("config", "data", "state"),
            f"config, data and state in /none cannot be written: {ALL}",
        ),
        (("config",), "/none/config cannot be written to."),
    ],
)
def test_all_that_cannot_be_written_is_one_line(names: tuple[str, ...], line: str) -> None:
    root = Path("/none")
    assert list(told(paths_below(root), gone(root, *names), DEFAULTS)) == [line.replace("/none", str(root))]


def test_the_line_names_a_cause_that_all_share_and_no_other() -> None:
    root = Path("/none")
    (line,) = told(paths_below(root), gone(root, "data", "state", cause=ROOM), DEFAULTS)
    assert f"cannot be written ({ROOM}): " in line
    mixed = gone(root, "data", cause=ROOM) + gone(root, "state", cause="Permission denied")
    (line,) = told(paths_below(root), mixed, DEFAULTS)
    assert "(" not in line


def test_folders_that_lie_apart_are_named_from_where_they_part() -> None:
    paths = Paths(
        config_file=Path("/none/.config/llmdesk/llmdesk.yaml"),
        config_named=False,
        config_dir=Path("/none/.config/llmdesk"),
        data_dir=Path("/none/.local/share/llmdesk"),
        state_dir=Path("/none/.local/state/llmdesk"),
    )
    lost = [Unusable(folder=each, words="-") for each in (paths.data_dir, paths.state_dir)]
    (line,) = told(paths, lost, DEFAULTS)
    assert line.startswith(f"{Path('share/llmdesk')} and {Path('state/llmdesk')} in {Path('/none/.local')} cannot")


def test_a_folder_that_is_only_not_private_keeps_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    loud = Unusable(
        folder=tmp_path / "config", words="cannot be made private and writable", cause="Operation not permitted"
    )
    lines = list(told(paths_below(tmp_path), [loud, *gone(tmp_path, "state")], DEFAULTS))
    assert lines == [f"{tmp_path / 'state'} cannot be written: cooldowns last only for this run.", str(loud)]


def test_without_a_home_folder_the_line_says_what_to_set() -> None:
    paths = paths_below(HOMELESS)
    assert list(told(paths, gone(HOMELESS, "config", "data", "state"), DEFAULTS)) == [
        f"There is no home folder: {ALL} Set HOME or LLMDESK_HOME."
    ]


def test_where_all_is_well_nothing_is_said(tmp_path: Path) -> None:
    assert list(told(paths_below(tmp_path), [], DEFAULTS)) == []
