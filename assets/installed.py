"""Write what is installed beside the program, the manual page and the completions: ``python -m assets.installed``.

The wheel takes the folder as it is, so that building one runs nothing of ours.
"""

from __future__ import annotations

from pathlib import Path

from click.shell_completion import get_completion_class

from assets.manual import manual
from llmdesk.cli.face import COMPLETING
from llmdesk.cli.main import root

FOLDER = Path(__file__).parent / "share"

COMPLETIONS = {
    "bash": "bash-completion/completions/llmdesk",
    "zsh": "zsh/site-functions/_llmdesk",
    "fish": "fish/vendor_completions.d/llmdesk.fish",
}
"""Where each shell looks for the completion of a program, below a folder ``share``."""


def installed() -> dict[str, str]:
    """Every file by its place below ``share``."""
    return {"man/man1/llmdesk.1": manual(), **{place: completion(name) for name, place in COMPLETIONS.items()}}


def completion(shell: str) -> str:
    """The script by which a shell asks llmdesk what could be written next."""
    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(root, {}, "llmdesk", COMPLETING)
    return made.source_template % made.source_vars()


def main() -> None:
    """Write them."""
    for place, text in installed().items():
        path = FOLDER / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(FOLDER.parent)}: {len(text)} characters")


if __name__ == "__main__":
    main()
