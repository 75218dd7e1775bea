"""What the desk wears: a palette, fewer colours or none where the terminal or its user wants that, motion or none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import constants
from textual.app import App
from textual.filter import Monochrome, NoColor
from textual.reactive import Reactive
from textual.theme import BUILTIN_THEMES

from llmdesk.tui.beside import beside
from llmdesk.tui.colours import Colourless, few_colours
from llmdesk.tui.harmless import Harmless
from llmdesk.tui.themes import DEFAULT, SIXTEEN, load_palettes, muted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.filter import LineFilter


class DressedApp(App[None]):
    """An app in one of our palettes.

    Args:
        colours: false = none at all, as with ``NO_COLOR``.
    """

    theme: Reactive[str] = Reactive(DEFAULT.name)
    """What it wears from the first paint; a theme that is set later has everything parsed and styled again."""

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self.no_color = self.no_color or not colours
        self._colourless = Colourless(self.ansi_theme)
        self._harmless = Harmless()
        self.register_theme(DEFAULT)
        self.register_theme(SIXTEEN)
        self._usual_theme = self.theme
        self.add_class(f"-theme-{self.theme}")
        self.stylesheet.set_variables(self.get_css_variables())  # now that its theme is known

    def say(self, text: str, *, severity: str = "information", instead_of: str = "") -> None:
        """Show a short message at the edge of the screen, in place of another one; never as markup."""
        raise NotImplementedError

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Variables of ours that a palette may set: ``muted``, for what stands beside the point."""
        return {"muted": muted(self.current_theme)}

    # --- what the terminal and its user want ---------------------------------------------------------------------

    def fit_terminal(self) -> None:
        """Wear the terminal's own colours from the first paint, unless told otherwise, where it has no more."""
        if few_colours(self):
            self._usual_theme = SIXTEEN.name
            self.theme = self._usual_theme

    def use_motion(self, motion: str) -> None:
        """Animate nothing where motion is to be ``reduced``; answers then grow in fewer, larger steps."""
        self.animation_level = "none" if motion == "reduced" else constants.TEXTUAL_ANIMATIONS

    def get_line_filters(self) -> Sequence[LineFilter]:
        """A net under every widget; and without colours ours instead of Textual's, which makes greys."""
        filters = [self._harmless, *super().get_line_filters()]  # first, as others forget what a segment says of itself
        if not self.no_color:
            return filters
        return [*(each for each in filters if not isinstance(each, Monochrome | NoColor)), self._colourless]

    # --- palettes ---------------------------------------------------------------------------------------------------

    def usual(self, configured: str) -> str:
        """The palette to wear where this one is configured: the default one gives way to what the terminal has."""
        return configured if configured != DEFAULT.name else self._usual_theme

    async def dress(self, wanted: str) -> None:
        """Wear a palette, as soon as it is read; the others can wait where it is worn already."""
        if wanted == self.theme:
            beside(self, self.load_themes)
            return
        await self.load_themes()
        self.use_theme(wanted)

    async def load_themes(self) -> None:
        """Read the palettes there are, and tell which were not taken."""
        from llmdesk.paths import find_themes

        palettes = await asyncio.to_thread(lambda: load_palettes(find_themes()))
        worn = self.current_theme
        for theme in palettes.themes.values():
            self.register_theme(theme)
        if self.current_theme != worn:  # the user's own, under the name of the one on screen
            self.mutate_reactive(DressedApp.theme)
        for note in palettes.notes:
            self.say(note, severity="warning")

    def use_theme(self, name: str) -> None:
        """Change the colours, if there is such a palette."""
        if name in self.available_themes:
            self.theme = name
        else:
            names = ", ".join(self.palette_names())
            self.say(f"There is no theme '{name}'. There are {names}.", severity="warning")

    def palette_names(self) -> list[str]:
        """Our own palettes and the user's, without Textual's."""
        return sorted(name for name in self.available_themes if name not in BUILTIN_THEMES)

    def action_theme_next(self) -> None:
        """Go to the next palette."""
        names = self.palette_names()
        self.use_theme(names[(names.index(self.theme) + 1) % len(names) if self.theme in names else 0])
        self.say(f"Theme {self.theme}.")
