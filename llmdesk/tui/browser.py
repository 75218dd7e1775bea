"""The desk's screen in a browser page: Textual's web driver, and what a page that goes away means."""

from __future__ import annotations

import os
import signal

from textual.drivers.web_driver import WebDriver


class BrowserDriver(WebDriver):
    """A page that is closed, and a server that is gone, are a lost terminal: everything under way is kept."""

    def run_input_thread(self) -> None:
        """Read what the browser sends; the end of it is the end of the screen."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._lost()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Take what the server says beside the keys."""
        if packet_type == "quit":
            self._lost()
        else:
            super().on_meta(packet_type, payload)

    def _lost(self) -> None:
        if hasattr(signal, "SIGHUP"):
            os.kill(os.getpid(), signal.SIGHUP)
        else:
            super().on_meta("quit", {})
