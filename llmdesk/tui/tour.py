"""The tour: one thing at a time, with the key it really has here; what the user does goes on by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llmdesk.core.values import dataclass
from llmdesk.tui.hints import key_name

if TYPE_CHECKING:
    from llmdesk.tui.keymap import Keymap

Done = Literal["asked", "lane", "panel", "marked", "palette", ""]
"""What ends a step by being done; empty = only the word to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing. ``{name}`` in the text stands for the key of that action, or its slash command where it has none."""

    title: str
    text: str
    done: Done = ""


STEPS: tuple[Step, ...] = (
    Step(title="Ask", done="asked",
         text="Type a question and press {send}; {newline} makes a new line, @ brings a file along."),
    Step(title="Lanes", done="lane",
         text="A lane is a desk of its own for one purpose. {lane_next} or {lane_picker} goes to another one, or a "
              "click on its name below. Nothing stops meanwhile."),
    Step(title="Waiting",
         text="When a provider fails or rests, the line above the prompt says what is waited for and until when: "
              "{retry_now} tries now, {next_target} asks the next target, {cancel} gives your prompt back."),
    Step(title="Acting on turns", done="marked",
         text="{mark_up} marks an answer or a prompt: then single letters copy it, edit it, ask again."),
    Step(title="Panels", done="panel",
         text="{failovers} tells what failed over and why, {budgets} what was spent, {outbox} what still waits. The "
              "same key or {close} closes a panel."),
    Step(title="Everything by name", done="palette",
         text="{palette} finds every action, lane and theme by its name; / in the prompt lists the commands."),
    Step(title="Help, and your own settings",
         text="{help} tells the keys of the screen you are on. /keys, /theme and /lanes change them, and more."),
)  # fmt: skip


def words(step: Step, keymap: Keymap) -> str:
    """The text of a step, with the keys as they are bound now."""
    from llmdesk.tui.actions import BY_ID

    keys = {}
    for action_id, action in BY_ID.items():
        keys[action_id] = key_name(keymap, action_id) or (f"/{action.command}" if action.command else "the palette")
    return step.text.format(**keys)
