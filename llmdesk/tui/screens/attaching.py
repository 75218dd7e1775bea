"""What the clipboard holds goes along with the next prompt."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import DeskError
from llmdesk.tui.screens.lanes import LanedScreen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.tui.screens.talk import Talk


class AttachingScreen(LanedScreen):
    """A screen whose prompts take along what the clipboard holds."""

    def action_attach_clipboard(self) -> None:
        """Send the image or text of the clipboard along with the next prompt."""
        from llmdesk.paths import process_environment

        away = self.app.is_headless or self.app.is_web  # a browser has a clipboard of its own
        env, talk = {} if away else process_environment(), self.talk
        self.follow(lambda: self.attach_clipboard(talk, env))

    async def attach_clipboard(self, talk: Talk, env: Mapping[str, str]) -> None:
        """Take what the clipboard holds, or say why nothing came."""
        from llmdesk.tui.taking import take

        try:
            taken = await asyncio.to_thread(take, env)
        except DeskError as error:
            self.say(str(error), severity="warning")
            return
        talk.attach(replace(taken, name=_free_name(taken.name, {file.name for file in talk.outgoing.attached})))


def _free_name(name: str, used: set[str]) -> str:
    stem, _, end = name.rpartition(".")
    number = 1
    while name in used:
        number += 1
        name = f"{stem}-{number}.{end}"
    return name
