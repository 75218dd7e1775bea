"""Themes: each is worn as the cursor reaches it; Enter keeps it; whoever leaves without goes back to the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static

from llmdesk.core.edits import Edit
from llmdesk.tui.screens.offering import OfferingPanel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

SAMPLE = (
    ("llmdesk", "bold $primary"), (" ─ 2 codegen ─ Parse the log file\n\n", "$muted"),
    ("you", "bold $secondary"), (" · 14:20\n", "$muted"), "Write a parser for the log.\n\n",
    ("⤷ cloud: rate limited → answering with gemma3:27b (local)\n", "$warning"),
    ("local · gemma3:27b · 1.9 s · 41 tok/s", "$muted"), ("  ✔ full\n", "$success"),
    "Here is one, with ", ("emphasis", "italic"), ", ", ("weight", "bold"), " and ", ("a link", "underline $accent"),
    ".\n\n",
    ("  def ", "$accent"), ("parse", "$primary"), "(line: ", ("str", "$secondary"), ") -> ", ("dict", "$secondary"),
    ":\n", ("      return ", "$accent"), ("re.match(", ""), ('r"(\\S+) (.*)"', "$success"), ", line)\n",
    ("      # nothing else\n\n", "$muted"),
    ("  - failover: auto\n", "$error"), ("  + failover: ask\n\n", "$success"),
    "day   ", ("▓▓▓▓▓▓", "$success"), ("░░", "$muted"), " 1.42 of 2.00\n",
    "month ", ("▓▓▓▓▓▓▓", "$warning"), ("░", "$muted"), " 27.10 of 30.00\n\n",
    ("● ok  ", "$success"), ("◔ resting  ", "$warning"), ("✗ down  ", "$error"), ("○ no key\n", "$muted"),
    ("The month's budget is nearly used up.\n\n", "bold $warning"),
    (" 1 chat ", ""), (" 2 codegen ", "bold $block-cursor-foreground on $block-cursor-background"), (" 3 repair…", ""),
)  # fmt: skip
"""A little of everything that a theme colours."""


class ThemesScreen(OfferingPanel):
    """The palettes there are, ours and the user's."""

    panel: ClassVar = "themes"
    heading: ClassVar[str] = "themes"
    keys: ClassVar = ("↑ ↓ try on",)
    DEFAULT_CSS = """
    ThemesScreen Horizontal { height: 1fr; }
    ThemesScreen OptionList:focus { border: none; }
    ThemesScreen OptionList { width: 24; height: 1fr; border: none; background: $background; }
    ThemesScreen VerticalScroll { width: 1fr; height: 1fr; padding: 0 1; border-left: solid $panel; }
    ThemesScreen #line { height: auto; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept = ""

    def content(self) -> Iterable[Widget]:
        """The names, a sample, and the line for the file."""
        with_sample = VerticalScroll(Static(Content.assemble(*SAMPLE)))
        yield Horizontal(OptionList(*self.house.palette_names(), markup=False), with_sample)
        yield Static(id="line")

    def begin(self) -> None:
        """Begin at the one that is worn."""
        self._kept = self.app.theme
        names, options = self.house.palette_names(), self.query_one(OptionList)
        options.highlighted = names.index(self._kept) if self._kept in names else 0
        options.focus()

    @property
    def _marked(self) -> str:
        at = self.query_one(OptionList).highlighted
        return self.house.palette_names()[at] if at is not None else self._kept

    @on(OptionList.OptionHighlighted)
    def _try_on(self) -> None:
        if self._marked != self.app.theme:
            self.house.use_theme(self._marked)

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self.action_keep()

    def action_keep(self) -> None:
        """Keep it for this sitting, and say what makes it last."""
        self._kept = self._marked
        self.house.use_theme(self._kept)
        line = f"ui: {{theme: {self._kept}}}"
        words = Content.assemble("Kept for this sitting. In llmdesk.yaml it is  ", (line, "bold"))
        self.query_one("#line", Static).update(words)

    def action_write_theme(self) -> None:
        """Write it into the configuration, once the user has seen the change."""
        self.action_keep()
        self.write([Edit(path=("ui", "theme"), value=self._kept)])

    def leave(self) -> bool:
        """Wear what is kept: the others were only tried on."""
        self.house.use_theme(self._kept)
        return True
