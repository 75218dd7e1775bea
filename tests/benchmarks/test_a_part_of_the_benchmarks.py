"""Parts are processes: what they tell is gathered, what fails takes nothing else away, and what they start is ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.judging.figures import figures_of
from benchmarks.judging.rows import rows_of
from benchmarks.judging.samples import OURS, Failure, Sample
from benchmarks.running.environment import FOREIGN, clean_variables, measuring_needs
from benchmarks.running.parts import MORE, PARTS, run_part
from benchmarks.running.rivals import NEEDED, PACKAGES
from tests.support.slowness import allowed

ROOT = Path(__file__).parents[2]


def of_program(program: str, cwd: Path, limit_s: float = 60) -> list[Sample | Failure]:
    """What a part tells that consists of these lines."""
    return run_part("start", [sys.executable, "-c", program], env=clean_variables(), cwd=cwd, limit_s=limit_s)


def part(name: str, *words: str) -> list[Sample | Failure]:
    """A real part, with as little work as shows that it works, of the llmdesk of these tests."""
    argv = [sys.executable, "-m", "benchmarks.part", name, "--rounds", "1", "--quick", *words]
    return run_part(name, argv, env={**clean_variables(), "PYTHONPATH": str(ROOT)}, cwd=ROOT)


def measured(told: list[Sample | Failure]) -> set[tuple[str, str]]:
    assert [each for each in told if isinstance(each, Failure)] == []
    return {(each.figure, each.of) for each in told if isinstance(each, Sample)}


# --- gathering --------------------------------------------------------------------------------------------------------

LINE = json.dumps({"figure": "ready", "value": 2.5, "of": OURS, "size": None})


def test_what_a_part_told_before_it_failed_is_kept(tmp_path: Path) -> None:
    told = of_program(f"print('{LINE}'); raise SystemExit('no terminal here')", tmp_path)
    assert told == [
        Sample(figure="ready", value=2.5),
        Failure(why="start ended with code 1: no terminal here"),
    ]


def test_a_line_that_is_no_sample_is_told_and_the_others_count(tmp_path: Path) -> None:
    first, second = of_program(f"print('something else'); print('{LINE}')", tmp_path)
    assert isinstance(first, Failure)
    assert second == Sample(figure="ready", value=2.5)


def test_a_part_that_hangs_is_ended_and_can_clean_up(tmp_path: Path) -> None:
    program = (
        "import pathlib, signal, sys, time\n"
        "def leave(*_):\n    pathlib.Path('cleaned').touch()\n    sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "pathlib.Path('begun').touch()\ntime.sleep(60)"
    )
    (told,) = of_program(program, tmp_path, limit_s=allowed(1.5))
    assert isinstance(told, Failure)
    assert (tmp_path / "begun").exists()
    assert (tmp_path / "cleaned").exists()


def test_a_part_that_failed_takes_no_row_of_another_away(tmp_path: Path) -> None:
    figures = figures_of(["start", "selection"])
    told = {"start": of_program("raise SystemExit(3)", tmp_path),
            "selection": [Sample(figure="selection p99", value=0.05, size=10)]}  # fmt: skip
    rows = {row.cells[0]: row for row in rows_of(figures, told)}
    assert "ended with code 3" in rows["start: ready to type"].cells[1]
    assert rows["choosing in a lane of 10, 9 passed over: p99"].met is True


# --- the environment --------------------------------------------------------------------------------------------------


def test_nothing_of_the_surroundings_changes_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV", "LLMDESK_HOME", "OLLAMA_HOST", "X_API_KEY"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert [name for name in clean_variables() if FOREIGN.fullmatch(name)] == []
    assert clean_variables()["HTTPS_PROXY"] == "http://127.0.0.1:9"


def test_what_measuring_needs_is_a_group_of_the_project() -> None:
    assert any(need.startswith("pyte") for need in measuring_needs())


def test_the_command_needs_the_standard_library_only() -> None:
    program = (
        "import sys\nbefore = set(sys.modules)\nimport benchmarks.__main__\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["benchmarks"]


def test_every_part_has_a_module_and_every_rival_a_part() -> None:
    assert [name for name in [*PARTS, *MORE] if not (ROOT / "benchmarks" / f"{name}.py").exists()] == []
    assert set(NEEDED) <= {*PARTS, *MORE}
    assert {name for names in NEEDED.values() for name in names} == set(PACKAGES)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "exec,nothing"], "there is no part nothing"),
        (["--rounds", "0"], "--rounds must be at least 1"),
        (["--write", "--quick"], "--write takes a whole run"),
        (["--write", "--only", "exec"], "--write takes a whole run"),
        (["--write", "--only", "promises"], "--write takes a whole run"),
        (["--write", "--only", "promises", "--rivals", "--quick"], "--write takes a whole run"),
    ],
)
def test_a_command_that_makes_no_sense_installs_nothing(words: list[str], said: str) -> None:
    argv = [sys.executable, "-m", "benchmarks", *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 2
    assert said in done.stderr


# --- real parts, tiny -------------------------------------------------------------------------------------------------


def test_exec_is_measured_beside_floors_and_a_rival_that_is_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm" / "why.txt").write_text("llm could not be installed: no network")
    missing, *told = part("exec", "--rivals", str(tmp_path))
    assert missing == Failure(of="llm", why="llm could not be installed: no network")
    assert measured(told) == {
        (figure, of) for figure in ("exec first byte", "exec end") for of in (OURS, "the ollama package", "bare httpx")
    }


def test_choosing_is_measured_at_the_size_of_its_aim() -> None:
    told = part("selection")
    lanes = ("selection", "selection first")
    assert measured(told) == {(f"{lane}{what}", OURS) for lane in lanes for what in ("", " p99")}
    assert 10 in {each.size for each in told if isinstance(each, Sample)}


def test_a_failover_is_measured_beside_loops_by_hand() -> None:
    whole = {("failover", of) for of in (OURS, "bare httpx", "httpx loop, same writes")}
    stored = {("failover stored", of) for of in (OURS, "httpx loop, same writes")}
    assert measured(part("failover")) == whole | stored


def test_search_finds_what_it_is_asked_for_by_the_desk_and_by_hand() -> None:
    assert measured(part("search")) == {
        (f"search {kind}", of) for kind in ("rare", "common", "beginning", "nowhere") for of in (OURS, "plain SQLite")
    }


@pytest.mark.terminal
def test_a_start_is_measured_in_a_terminal() -> None:
    figures = ("first paint", "ready", "start cpu", "memory ready", "memory open", "idle")
    told = part("start")
    assert measured(told) == {(figure, of) for figure in figures for of in (OURS, "empty Textual app")}
    assert all(each.value > 0 for each in told if isinstance(each, Sample) and each.figure != "idle")
