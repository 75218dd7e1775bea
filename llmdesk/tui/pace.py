"""How soon the screen is drawn after a change: at once, because a typed letter waits for it."""

from __future__ import annotations

from textual import screen

FRAMES_PER_S = 1_000
"""At most so many pictures a second, which nothing comes near to: answers pace themselves (`transcript/streaming.py`).

At Textual's 60, a letter typed just after a picture of a growing answer waits 15 to 20 ms for the next one, and one in
twenty does. What changes together is still drawn together: the messages that wait are handled first.
"""


def quicken() -> None:
    """Set the pace for screens made from now on.

    Textual 8.2.8 reads it from ``TEXTUAL_FPS`` at import only; to be dropped when it can be set on the app.
    """
    vars(screen)["UPDATE_PERIOD"] = 1 / FRAMES_PER_S
