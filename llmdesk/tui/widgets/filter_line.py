"""The line whose words narrow what a panel shows; away until it is asked for."""

from __future__ import annotations

from textual.widgets import Input


class FilterLine(Input):
    """Words that what is shown must have."""

    DEFAULT_CSS = """
    FilterLine { margin: 0 1; }
    FilterLine.away { display: none; }
    """

    def __init__(self, placeholder: str = "filter") -> None:
        super().__init__(placeholder=placeholder, id="filter", classes="away", compact=True)

    def begin(self) -> None:
        """Show the line, and take the keys."""
        self.remove_class("away")
        self.focus()

    def put_away(self) -> bool:
        """Narrow nothing any more; false = the line was away already."""
        if self.has_class("away"):
            return False
        self.value = ""
        self.add_class("away")
        return True
