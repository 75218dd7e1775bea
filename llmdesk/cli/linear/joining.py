"""Lines joined into prompts: a backslash at the end of a line, or three double quotes around many of them."""

from __future__ import annotations

QUOTES = '"""'


class Joining:
    """Takes line after line and says when a prompt is whole.

    A line that ends with an odd number of backslashes goes on in the next one, without the last of them. A line that
    begins with three double quotes opens a text that goes on to the next three at the end of a line.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._quoted = False

    @property
    def begun(self) -> bool:
        """More lines belong to the prompt."""
        return self._quoted or bool(self._lines)

    def add(self, line: str) -> str | None:
        """Take a line; returns the whole prompt, ``None`` = it goes on."""
        if self._quoted:
            return self._quote(line)
        if not self._lines and line.lstrip().startswith(QUOTES):
            self._quoted = True
            return self._quote(line.lstrip().removeprefix(QUOTES))
        if (len(line) - len(line.rstrip("\\"))) % 2:
            self._lines.append(line[:-1])
            return None
        self._lines.append(line)
        return self.rest()

    def _quote(self, line: str) -> str | None:
        if not line.rstrip().endswith(QUOTES):
            self._lines.append(line)
            return None
        self._lines.append(line.rstrip().removesuffix(QUOTES))
        return self.rest()

    def rest(self) -> str | None:
        """What came so far, whole or not, and begin anew; ``None`` = nothing."""
        text = "\n".join(self._lines)
        if self._quoted:  # quotes on lines of their own add no empty lines
            text = text.removeprefix("\n").removesuffix("\n")
        begun, self._lines, self._quoted = self.begun, [], False
        return text if begun else None
