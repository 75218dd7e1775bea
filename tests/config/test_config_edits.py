"""A change that the user has seen goes into the file; everything else in it stays byte for byte as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from llmdesk.config.edit import apply_edits, diff_of
from llmdesk.config.keeping import propose, write
from llmdesk.core.edits import Edit
from llmdesk.core.errors import ConfigurationError, UsageError
from llmdesk.core.text import redact

MINE = """\
# mine
version: 1     # of the format

providers:
    cloud:   {kind: ollama,   base_url: https://ollama.com}   # aligned
    local:     {kind: ollama}

lanes:
    chat:   {targets: [cloud/a, local/largest],   failover: ask}   # talk
    codegen:
        # written by hand
        targets:
        -   cloud/x     # fast
        -   local/y     # slow
        failover: auto

ui: {theme: midnight}
"""
THEME = Edit(path=("ui", "theme"), value="daylight")
AT = 1_770_000_000.0


def changed(edits: list[Edit], text: str = MINE) -> tuple[list[str], list[str]]:
    """The lines that went and those that came."""
    diff = diff_of(Path("f"), text, apply_edits(text, edits))[2:]
    return [line[1:] for line in diff if line[0] == "-"], [line[1:] for line in diff if line[0] == "+"]


def test_only_the_line_of_the_setting_changes() -> None:
    assert changed([THEME]) == (["ui: {theme: midnight}"], ["ui: {theme: daylight}"])


def test_targets_change_places_and_take_their_comments_along() -> None:
    gone, come = changed([Edit(path=("lanes", "codegen", "targets"), value=["local/y", "cloud/x", "local/z"])])
    assert gone == ["        -   local/y     # slow"]
    assert [line.split() for line in come] == [["-", "local/y", "#", "slow"], ["-", "local/z"]]


def test_a_new_lane_stands_in_the_look_of_the_file_with_its_comments() -> None:
    gone, come = changed([
        Edit(path=("lanes", "new"), value={"targets": ["cloud/a"]}),
        Edit(path=("lanes", "new", "failover"), value="ask", comment="auto | ask | never"),
    ])  # fmt: skip
    assert gone == []
    assert come == ["    new:", "        targets: [cloud/a]", "        failover: ask  # auto | ask | never"]


def test_a_file_of_comments_alone_keeps_them() -> None:
    assert apply_edits("# only\n# these\n", [THEME]) == "# only\n# these\n\nui:\n  theme: daylight\n"


def test_a_setting_below_something_else_is_refused() -> None:
    with pytest.raises(UsageError, match="ui is no mapping"):
        apply_edits("ui: [a]\n", [THEME])


def test_a_known_secret_is_not_shown_in_the_diff() -> None:
    redact.learn("sk-quite-a-secret-of-mine")
    text = "providers:\n  a: {kind: openai, api_key: sk-quite-a-secret-of-mine}\nui: {theme: a}\n"
    assert "quite-a-secret" not in "\n".join(diff_of(Path("f"), text, apply_edits(text, [THEME])))


names = st.text("abcdefgh", min_size=1, max_size=6)
plain = st.one_of(st.integers(0, 99), names, st.lists(names, max_size=3))
files = st.dictionaries(names, st.one_of(plain, st.dictionaries(names, plain, min_size=1, max_size=3)), max_size=5)


@settings(max_examples=60, deadline=None)
@given(data=files, flow=st.booleans(), path=st.lists(names, min_size=1, max_size=2), value=plain)
def test_a_changed_text_says_what_it_said_and_the_new_value(
    data: dict[str, object], flow: bool, path: list[str], value: object
) -> None:
    import io

    out, writer, reader = io.StringIO(), YAML(), YAML(typ="safe", pure=True)
    writer.default_flow_style = flow
    writer.dump(data, out)
    try:
        after = apply_edits(out.getvalue(), [Edit(path=tuple(path), value=value)])  # type: ignore[arg-type]
    except UsageError:
        assert not isinstance(data.get(path[0]), dict)
        return
    wanted = reader.load(out.getvalue()) or {}
    here = wanted
    for step in path[:-1]:
        here = here.setdefault(step, {})
    here[path[-1]] = value
    assert reader.load(after) == wanted


# --- proposals and files


def mine(tmp_path: Path, text: str = MINE, mode: int = 0o600) -> Path:
    file = tmp_path / "llmdesk.yaml"
    file.write_bytes(text.encode())
    file.chmod(mode)
    return file


def test_an_approved_proposal_is_written_and_the_old_file_kept(tmp_path: Path) -> None:
    file = mine(tmp_path)
    proposal = propose(file, [THEME], {})
    assert file.read_text() == MINE
    copy = write(proposal, at=AT)
    assert copy is not None
    assert copy.name.startswith("llmdesk.yaml.bak-2026")
    assert copy.read_text() == MINE
    assert file.read_text() == MINE.replace("midnight", "daylight")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert {path.name for path in tmp_path.iterdir()} == {file.name, copy.name}
    again = write(propose(file, [Edit(path=("ui", "theme"), value="contrast")], {}), at=AT)
    assert again is not None
    assert again != copy


def test_without_a_file_one_is_begun_from_the_commented_example(tmp_path: Path) -> None:
    file = tmp_path / "new" / "llmdesk.yaml"
    proposal = propose(file, [THEME], {})
    assert proposal.before is None
    assert not file.exists()
    assert write(proposal, at=AT) is None
    assert file.stat().st_mode & 0o777 == 0o600
    assert "see docs/configuration.md" in file.read_text()
    assert "theme: daylight" in file.read_text()
    with pytest.raises(UsageError, match="exists by now"):
        write(proposal, at=AT)


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    file = mine(tmp_path)
    proposal = propose(file, [THEME], {})
    file.write_text(MINE + "# more\n")
    with pytest.raises(UsageError, match="changed meanwhile"):
        write(proposal, at=AT)
    assert file.read_text() == MINE + "# more\n"
    assert list(tmp_path.iterdir()) == [file]


def test_what_the_loader_would_refuse_is_refused_with_its_place_before_anything_is_written(tmp_path: Path) -> None:
    file = mine(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        propose(file, [Edit(path=("lanes", "chat", "targets"), value=["clod/a"])], {})
    assert refused.value.faults[0].startswith(f"{file}:9:")
    assert "did you mean 'cloud'" in refused.value.faults[0]
    assert file.read_text() == MINE


def test_mode_link_line_ends_and_mark_stay(tmp_path: Path) -> None:
    folder = tmp_path / "dotfiles"
    folder.mkdir()
    real = mine(folder, mode=0o640)
    real.write_bytes(b"\xef\xbb\xbf" + MINE.replace("\n", "\r\n").encode())
    link = tmp_path / "llmdesk.yaml"
    link.symlink_to(real)
    write(propose(link, [THEME], {}), at=AT)
    assert link.is_symlink()
    assert real.read_bytes() == b"\xef\xbb\xbf" + MINE.replace("midnight", "daylight").replace("\n", "\r\n").encode()
    assert real.stat().st_mode & 0o777 == 0o640
