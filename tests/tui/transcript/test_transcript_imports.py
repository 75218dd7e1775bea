"""What the transcript loads, and when."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("rich.markdown", "markdown_it", "pygments")


def loaded(code: str) -> set[str]:
    told = f"import sys\n{code}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=30)
    return {name for name in HEAVY if f"'{name}'" in result.stdout}


def test_nothing_heavy_is_loaded_before_the_first_markdown() -> None:
    assert loaded("import llmdesk.tui.transcript.view") == set()


def test_preload_loads_all_of_it() -> None:
    assert loaded("from llmdesk.tui.transcript.view import preload; preload()") == set(HEAVY)


def test_entries_know_nothing_of_the_screen() -> None:
    code = "import sys, llmdesk.tui.transcript.entries; assert not any(n.startswith('textual') for n in sys.modules)"
    assert loaded(code) == set()
