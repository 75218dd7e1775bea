import stat

import pytest

from llmdesk.storage.files import corrupt_name, left_over_temps, on_network_filesystem, replace_durably
from tests.support.stored import full_disk


def test_a_replacement_is_whole_private_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("old")
    replace_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_content(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("old")
    with full_disk(2), pytest.raises(OSError, match="File too large"):
        replace_durably(path, b"newer")
    assert path.read_text() == "old"
    assert left_over_temps(path) == ()


def test_a_broken_file_gets_a_name_that_is_free(tmp_path):
    path = tmp_path / "x.db"
    first = corrupt_name(path, 0.0)
    first.touch()
    assert (first.name, corrupt_name(path, 0.0).name) == (
        "x.db.corrupt-19700101T000000Z",
        "x.db.corrupt-19700101T000000Z-2",
    )


@pytest.mark.parametrize(
    ("mounts", "network"),
    [
        ("/dev/sda / ext4 rw 0 0\n", False),
        ("/dev/sda / ext4 rw 0 0\nserver:/home {} nfs4 rw 0 0\n", True),
        ("server:/ / nfs rw 0 0\n/dev/sda {} ext4 rw 0 0\n", False),
        ("/dev/sda / ext4 rw 0 0\nserver:/home {}-other nfs rw 0 0\n", False),
        ("/dev/sda {} ext4 rw 0 0\n//nas/share {} cifs rw 0 0\n", True),
        ("nonsense\n\n", False),
    ],
)
def test_the_innermost_and_latest_mount_says_what_a_folder_is_on(tmp_path, mounts, network):
    home = tmp_path / "my home"
    home.mkdir()
    table = tmp_path / "mounts"
    table.write_text(mounts.replace("{}", str(home).replace(" ", "\\040")))
    assert on_network_filesystem(home / "llmdesk.db", table) is network


def test_where_nothing_tells_nothing_is_assumed(tmp_path):
    assert not on_network_filesystem(tmp_path, tmp_path / "missing")
