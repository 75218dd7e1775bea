"""The least that a Textual program can be, to measure beside: `python benchmarks/floors.py empty` or `static URL`.

`empty` is an app with one line. `static` has a prompt and shows answers as plain text in one Static each, brought up to
date thirty times a second: no Markdown, no history, nothing kept.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING

from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult

FRAME_S = 1 / 30


class Empty(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        yield Static("READY")


class Plain(App[None]):
    """A prompt, and answers as plain text."""

    CSS = "VerticalScroll { height: 1fr; } Static { height: auto; }"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def compose(self) -> ComposeResult:
        yield VerticalScroll()
        yield Input(placeholder="READY")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.input.value = ""
        self.run_worker(self.answer(event.value))

    async def answer(self, prompt: str) -> None:
        import httpx  # noqa: PLC0415 - imported with the first answer, as the desk does

        log = self.query_one(VerticalScroll)
        shown = Static(markup=False)
        await log.mount(Static(f"> {prompt}"), shown)
        log.anchor()
        parts: list[str] = []
        drawn = 0.0
        body = {"model": "bench:8b", "messages": [{"role": "user", "content": prompt}], "stream": True}
        async with (
            httpx.AsyncClient(timeout=None, trust_env=False) as client,
            client.stream("POST", f"{self.url}/api/chat", json=body) as reply,
        ):
            async for line in reply.aiter_lines():
                parts.append(json.loads(line)["message"]["content"])
                if time.monotonic() - drawn > FRAME_S:
                    shown.update("".join(parts))
                    await asyncio.sleep(0)
                    drawn = time.monotonic()
        shown.update("".join(parts))


if __name__ == "__main__":
    (Empty() if sys.argv[1] == "empty" else Plain(sys.argv[2])).run()
