"""What every screen of the desk shares: the way to the app and to the open desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

if TYPE_CHECKING:
    from llmdesk.core.views import Topic
    from llmdesk.desk import Desk
    from llmdesk.tui.house import House


class DeskScreen(Screen[None]):
    """A screen that knows the desk.

    Attributes:
        scope: of the actions whose keys work here, for help on a screen that is neither the chat nor a panel.
    """

    scope: ClassVar[str] = ""

    @property
    def house(self) -> House:
        """The app this screen belongs to."""
        return cast("House", self.app)

    async def desk(self) -> Desk:
        """The desk, as soon as it is open."""
        return await self.house.desk()

    def say(self, text: str, *, severity: str = "information", instead_of: str = "") -> None:
        """Show a short message at the edge of the screen, in place of another one that may still be there."""
        self.house.say(text, severity=severity, instead_of=instead_of)

    def desk_changed(self, topics: frozenset[Topic]) -> None:
        """Something changed, here or in another instance, while this screen is on top."""
