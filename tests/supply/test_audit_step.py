"""The look for known vulnerabilities: what it says where the service answers, and where nothing can be reached."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {"name": "click", "version": "8.4.0", "vulns": []}
FAULTY = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": []}]}

PLAYED = """#!{python}
import sys
words = sys.argv[1:]
target = words[words.index("-o") + 1]
if words[0] == "export":
    open(target, "w").write("click==8.4.0")
    sys.exit(0)
told = {told!r}
if told is not None:
    open(target, "w").write(told)
print("some lines")
print({said!r})
sys.exit({code})
"""


def audited(folder: Path, told: str | None, *, said: str = "", code: int = 0) -> tuple[int, str]:
    """Run the step with a uv that plays what the real one would do."""
    uv = folder / "uv"
    uv.write_text(PLAYED.format(python=sys.executable, told=told, said=said, code=code))
    uv.chmod(0o700)
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "audit"), str(uv)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_nothing_known_passes(tmp_path: Path) -> None:
    told = json.dumps({"dependencies": [CLEAN], "fixes": []})
    assert audited(tmp_path, told) == (0, "1 packages looked up, 0 with known vulnerabilities\n")


def test_a_known_vulnerability_fails_and_is_named(tmp_path: Path) -> None:
    code, out = audited(tmp_path, json.dumps({"dependencies": [CLEAN, FAULTY]}), code=1)
    assert code == 1
    assert "old 1.0: PYSEC-2026-1, fixed in 1.1" in out


def test_without_a_network_it_says_that_it_was_not_run_and_fails_nothing(tmp_path: Path) -> None:
    code, out = audited(tmp_path, None, said="ConnectionError: no route to host", code=1)
    assert code == 0
    assert out.startswith("NOT RUN: ")
    assert "no route to host" in out


def test_half_a_result_is_none(tmp_path: Path) -> None:
    code, out = audited(tmp_path, '{"dependencies": [{"na', code=1)
    assert (code, out[:8]) == (0, "NOT RUN:")


def test_without_the_program_it_says_so_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "audit"), str(tmp_path / "no-uv")], capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.startswith("NOT RUN: ")


def test_the_build_asks_for_it() -> None:
    assert ".ci/audit .venv/bin/uv" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
