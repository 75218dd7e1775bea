"""A slice of the secrets campaign, and proof that its search and its watch would notice.

More of it: ``python -m tests.campaign secrets --rounds R``.
"""

from __future__ import annotations

import base64
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.campaign.secrets import borders, canaries, command, rounds
from tests.campaign.secrets.watch import Watch
from tests.support.exec_world import CLEAN

if TYPE_CHECKING:
    from pathlib import Path

SLICE = (7, 2)
"""A proxy with a password that repeats it; an answer that is cut off with a key in it."""


@pytest.mark.timeout(300)  # a busy machine starts twenty programs slowly
@pytest.mark.parametrize("seed", SLICE)
def test_no_secret_gets_out(seed: int) -> None:
    found = rounds.play(seed, most=3, looks=2, screen=False)
    assert found.leaks == [], "\n".join(found.story)
    assert found.processes > 3
    assert found.searched > 20


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [100])
def test_nothing_leaves_this_machine(seed: int) -> None:
    found = borders.play(seed, 5)
    assert found.leaks == [], "\n".join(found.story)
    assert found.processes == 5
    assert found.searched > 3


def test_the_search_finds_every_spelling_in_a_file(tmp_path: Path) -> None:
    rng = random.Random(4711)
    for number in range(12):
        made = canaries.key(rng, f"key {number}")
        spelt = canaries.written(made.text)
        for name, text in spelt.items():
            (tmp_path / "file").write_text(f"before {text} behind")
            assert canaries.Search([made]).below(tmp_path) == [(made, "file")], name
        (tmp_path / "file").write_text(f"before {canaries.key(rng, 'another').text} behind")
        assert canaries.Search([made]).below(tmp_path) == []


def test_the_search_finds_a_file_by_its_name_and_words_in_pieces(tmp_path: Path) -> None:
    made = canaries.Canary(name="long", text=" ".join(f"word-{number:03}" for number in range(40)), kind="words")
    (tmp_path / "file").write_text(base64.b64encode(made.text[72:200].encode()).decode())
    assert canaries.Search([made]).below(tmp_path) == [(made, "file")]


PROGRAM = """
import os, socket, subprocess, sys
for where in ("127.0.0.1", "192.0.2.1"):
    one = socket.socket()
    one.settimeout(0)
    try:
        one.connect((where, 9))
    except OSError:
        pass
    one.close()
try:
    socket.getaddrinfo("elsewhere.invalid", 80)
except OSError:
    pass
subprocess.run([sys.executable, "-I", "-c", "pass", "a word"], env={"A_KEY": "of the child"})
open(os.devnull)
"""


def test_the_watch_hears_addresses_names_and_children(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "watch")
    subprocess.run([sys.executable, "-c", PROGRAM], env={**CLEAN, **watch.environment}, check=True, timeout=60)
    assert watch.outside() == ["socket.connect 192.0.2.1", "socket.getaddrinfo elsewhere.invalid"]
    assert ("127.0.0.1", 9) in watch.addresses()
    (child,) = watch.children()
    assert (child.argv[-1], child.env) == ("a word", {"A_KEY": "of the child"})


def test_the_watch_breaks_a_program_where_it_is_told_to(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "watch")
    told = {"CAMPAIGN_BREAKS": "socket.connect#2", "CAMPAIGN_QUOTES": "these words"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**CLEAN, **watch.environment, **told}, check=False, timeout=60,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "RuntimeError: broken on purpose: these words" in done.stderr
    assert watch.outside() == ["socket.connect 192.0.2.1"]


def test_a_leak_is_told_with_its_seed_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leaking(seed: int) -> rounds.Round:
        leaks = ["key of p0: stdout of exec"] if seed == 6 else []
        return rounds.Round(seed=seed, story=["record full"], leaks=leaks, processes=2, searched=9)

    monkeypatch.setattr(rounds, "play", leaking)
    monkeypatch.setattr(borders, "play", lambda seed: rounds.Round(seed=seed, story=[], processes=1, searched=1))
    assert command.main(["--rounds", "2", "--seed", "5"]) == 1
    told = capsys.readouterr().out
    assert "LEAK: secrets, seed 6" in told
    assert "key of p0: stdout of exec" in told
    assert command.main(["--rounds", "1", "--seed", "5"]) == 0
    assert "seeds 5 to 5" in capsys.readouterr().out
