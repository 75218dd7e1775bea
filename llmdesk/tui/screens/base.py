"""What every screen of the desk shares: the way to the app and to the open desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

from llmdesk.core.errors import DeskError
from llmdesk.tui.beside import beside

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

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

    def follow(
        self, work: Callable[[], Coroutine[None, None, None]], *, group: str = "default", exclusive: bool = False
    ) -> None:
        """Run something beside the screen until it ends; what the desk cannot do is told.

        ``exclusive`` ends what runs in the same group.
        """

        async def told() -> None:
            try:
                await work()
            except DeskError as error:
                self.say(str(error), severity="error")

        beside(self, told, group=group, exclusive=exclusive)

    def desk_changed(self, topics: frozenset[Topic]) -> None:
        """Something changed, here or in another instance, while this screen is on top."""
