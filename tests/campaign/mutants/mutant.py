"""A seeded bug as data: one piece of text for another in one file, and what of the campaign has to notice it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
"""The repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Sequences that have to notice: those of the generator's own that meet something of what is named here.

    Nothing is made for a mutant: only those seeds are passed over that could not show it.

    Args:
        story: the name of a sequence made by hand, which is played instead.
        seeds: those that are known to show it, which are played first and by themselves; the rest of the slice
            comes only where the generator has moved on and they show it no more.
        symbols: a pattern; one of its asks may meet a symbol that it matches.
        steps: kinds of steps, all of them in it (``reboot``, ``resume`` …; ``crash`` = a hard restart).
        cut: a pattern; one of its asks (the one that meets such a symbol) is cut in on in a way that it matches.
        record: what is recorded; empty = whatever.
        real: it is played by processes; ``None`` = whatever.
        budgets: it has a hard one.
        priced: one of its providers has a price.
        follows: an ask goes on in a conversation.
        count: so many are played at most.
    """

    story: str = ""
    seeds: tuple[int, ...] = ()
    symbols: str = ""
    steps: tuple[str, ...] = ()
    cut: str = ""
    record: str = ""
    real: bool | None = None
    budgets: bool = False
    priced: bool = False
    follows: bool = False
    count: int = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Another part of the campaign that has to notice.

    Args:
        words: behind ``python -m tests.campaign``.
        tells: a pattern of what it prints when it has noticed this; empty = the rule that is broken.
    """

    words: tuple[str, ...]
    tells: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A test of the campaign that has to notice: a part of it that its command plays only with much else.

    Args:
        words: what is told to pytest.
    """

    __test__ = False  # pytest: this is none itself

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One bug.

    Args:
        name: unique.
        file: below ``llmdesk/``.
        old: what stands there, exactly once.
        new: what stands there instead.
        rules: the invariants of docs/policy.md that it breaks; any of them is enough.
        killer: what has to notice.
    """

    name: str
    file: str
    old: str
    new: str
    rules: tuple[str, ...]
    killer: Slice | Command | Test = Slice()

    def applied_to(self, text: str) -> str:
        """The text of its file with the bug in it.

        Raises:
            ValueError: what it replaces is not there exactly once: the program has moved on, and the mutant has to.
        """
        if (found := text.count(self.old)) != 1:
            raise ValueError(f"{self.name}: its text stands {found} times in llmdesk/{self.file}")
        return text.replace(self.old, self.new)

    def apply(self, package: Path) -> None:
        """Put the bug into a copy of the package."""
        file = package / self.file
        file.write_text(self.applied_to(file.read_text(encoding="utf-8")), encoding="utf-8")
