"""The table on its page: between two marks, with the day and the conditions it was measured under."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = "<!-- table: written by python3 -m benchmarks --write -->"
END = "<!-- end of the table -->"


def write(page: Path, text: str) -> None:
    """Put ``text`` between the marks of a page; what stands outside of them stays as it is.

    Raises:
        ValueError: the page has not exactly one pair of marks.
    """
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in after or END in after or END in before:
        raise ValueError(f"{page}: there is no one place between '{BEGIN}' and '{END}'.")
    page.write_text(f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}", "utf-8")
