"""Every action of the desk as data: its id, default keys, slash command and help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

PanelScope = Literal[
    "failovers", "outbox", "providers", "models", "metrics", "conversations", "log", "queue", "keys", "themes", "lanes",
    "raw", "compare", "image",
]  # fmt: skip
Scope = Literal["desk", "chat", "prompt", "turn", "list", PanelScope]
"""Where an action works: everywhere, on the chat screen, in the prompt, on a marked turn of the transcript, in every
full-screen panel, in one of them."""

PANEL_SCOPES: tuple[PanelScope, ...] = get_args(PanelScope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something a key does. ``keys`` are comma separated, as Textual writes them; empty = unbound by default.

    ``call`` is the Textual action. ``priority`` = the key is taken before a focused widget may type it.
    ``listed`` = shown in help; ``palette`` = offered in the command palette. ``command`` is the slash command that does
    the same without a key, for terminals that keep the key to themselves; empty = there is none.
    """

    id: str
    keys: str
    help: str
    call: str
    scope: Scope
    priority: bool = True
    listed: bool = True
    palette: bool = True
    command: str = ""


def _lane(number: int) -> Action:
    return Action(
        id=f"lane_{number}", keys=f"alt+{number}", help=f"Go to lane {number}", call=f"lane({number})", scope="chat",
        listed=number == 1, palette=False, command="lane",
    )  # fmt: skip


def _turn(action_id: str, keys: str, help_line: str, call: str) -> Action:
    return Action(
        id=f"turn_{action_id}", keys=keys, help=help_line, call=f"screen.{call}", scope="turn", priority=False,
        palette=False,
    )  # fmt: skip


def _held(action_id: str, keys: str, help_line: str, call: str, scope: Scope) -> Action:
    """One that works while a line of the screen has the letters."""
    return Action(id=action_id, keys=keys, help=help_line, call=call, scope=scope, palette=False)


def _row(action_id: str, keys: str, help_line: str, call: str, scope: Scope) -> Action:
    return Action(id=action_id, keys=keys, help=help_line, call=call, scope=scope, priority=False, palette=False)


ACTIONS: tuple[Action, ...] = (
    Action(id="help", keys="f1", help="Keys of this screen", call="open_panel('help')", scope="desk", command="help"),
    Action(id="palette", keys="ctrl+p,alt+x", help="All actions by name", call="command_palette", scope="desk",
           palette=False),
    Action(id="providers", keys="f3", help="Providers", call="open_panel('providers')", scope="desk",
           command="providers"),
    Action(id="budgets", keys="f4", help="Budgets: spent, left, when they reset", call="open_panel('budgets')",
           scope="desk", command="budget"),
    Action(id="metrics", keys="f5", help="Metrics: speed, first token, cost, errors", call="open_panel('metrics')",
           scope="desk", command="stats"),
    Action(id="failovers", keys="f6", help="Failover history", call="open_panel('failovers')", scope="desk",
           command="failovers"),
    Action(id="outbox", keys="f7", help="Outbox: paused requests", call="open_panel('outbox')", scope="desk",
           command="outbox"),
    Action(id="models", keys="f8", help="Models", call="open_panel('models')", scope="desk", command="models"),
    Action(id="log", keys="f9", help="Log: what the program did", call="open_panel('log')", scope="desk",
           command="log"),
    Action(id="conversations", keys="ctrl+o", help="Conversations: list and search",
           call="open_panel('conversations')", scope="desk", command="conversations"),
    Action(id="keys", keys="", help="Keys: change them, see what the terminal keeps", call="open_panel('keys')",
           scope="desk", command="keys"),
    Action(id="themes", keys="", help="Themes: try them on", call="open_panel('themes')", scope="desk",
           command="theme"),
    Action(id="lane_editor", keys="", help="Lanes: look at them and change them", call="open_panel('lanes')",
           scope="desk", command="lanes"),
    Action(id="reload_settings", keys="", help="Read the settings again", call="reload_settings", scope="desk",
           command="reload"),
    Action(id="theme_next", keys="", help="Next theme", call="theme_next", scope="desk"),
    Action(id="quit", keys="ctrl+q", help="Quit", call="leave", scope="desk", command="quit"),
    # --- chat: lanes
    *(_lane(number) for number in range(1, 10)),
    Action(id="lane_next", keys="ctrl+pagedown", help="Next lane", call="lane_step(1)", scope="chat", command="lane"),
    Action(id="lane_previous", keys="ctrl+pageup", help="Previous lane", call="lane_step(-1)", scope="chat",
           command="lane"),
    Action(id="lane_picker", keys="f2", help="Pick a lane by its number or name", call="pick_lane", scope="chat",
           command="lane"),
    Action(id="target_picker", keys="alt+t", help="Ask another model: once, or from now on", call="pick_target",
           scope="chat", command="model"),
    Action(id="compare", keys="alt+v", help="Compare: one prompt to several lanes", call="compare", scope="chat",
           command="compare"),
    # --- chat: conversations
    Action(id="new", keys="ctrl+n", help="New conversation", call="new_conversation", scope="chat", command="new"),
    Action(id="find", keys="ctrl+f", help="Find in this conversation", call="find", scope="chat", command="find"),
    # --- chat: what is under way
    Action(id="cancel", keys="escape", help="Cancel the answer", call="cancel", scope="chat", palette=False),
    Action(
        id="interrupt", keys="ctrl+c", help="Copy the selection, else clear the text, else cancel; twice quits",
        call="interrupt", scope="chat", palette=False,
    ),
    Action(id="retry_now", keys="alt+r", help="While waiting: retry now", call="retry_now", scope="chat",
           command="now"),
    Action(id="next_target", keys="alt+n", help="While waiting: next target", call="next_target", scope="chat",
           command="next"),
    Action(id="other_lane", keys="alt+l", help="While waiting: send it in another lane", call="other_lane",
           scope="chat", command="elsewhere"),
    Action(id="consent_yes", keys="alt+y", help="Consent: ask the next target", call="consent(True)", scope="chat",
           command="yes"),
    Action(id="consent_no", keys="alt+p", help="Consent: no, pause the request", call="consent(False)", scope="chat",
           command="no"),
    Action(id="hide_warning", keys="alt+w", help="Put the warning of a budget away until its next period",
           call="hide_warning", scope="chat"),
    # --- chat: the queue
    Action(id="go", keys="alt+g", help="Send the queued prompts", call="go", scope="chat", command="go"),
    Action(id="unqueue", keys="alt+u", help="Take the last queued prompt back", call="unqueue", scope="chat",
           command="queue"),
    Action(id="queue", keys="alt+q", help="The queue: edit, move and drop prompts", call="open_queue", scope="chat",
           command="queue"),
    # --- chat: answers
    Action(id="copy_answer", keys="alt+c", help="Copy the last answer", call="copy_answer", scope="chat",
           command="copy"),
    Action(id="copy_code", keys="alt+b", help="Copy a code block; again: the one before", call="copy_code",
           scope="chat", command="copy"),
    Action(id="regenerate", keys="", help="Ask the last prompt again", call="regenerate", scope="chat",
           command="retry"),
    Action(id="edit_last", keys="", help="Edit the last prompt and send it again", call="edit_turn", scope="chat",
           command="edit"),
    Action(id="continue_answer", keys="", help="Let an answer that was cut go on", call="continue_turn", scope="chat",
           command="continue"),
    Action(id="fork", keys="", help="Fork: go on from here in a new conversation", call="fork_turn", scope="chat",
           command="fork"),
    Action(id="open_answer", keys="", help="Open the answer in your editor", call="open_turn", scope="chat",
           command="open"),
    Action(id="raw", keys="", help="What was sent and received, byte for byte", call="raw_turn", scope="chat",
           command="raw"),
    Action(id="mark_up", keys="alt+up,ctrl+up", help="Mark the turn before, to act on it", call="mark_turn(-1)",
           scope="chat", command="turn"),
    Action(id="mark_down", keys="alt+down,ctrl+down", help="Mark the turn after", call="mark_turn(1)", scope="chat",
           command="turn"),
    # --- chat: the screen
    Action(id="sidebar", keys="alt+s", help="Show or hide the sidebar", call="toggle_sidebar", scope="chat",
           command="sidebar"),
    Action(id="recall", keys="ctrl+r", help="Search the prompts sent before", call="recall", scope="chat",
           command="recall"),
    Action(id="prompt_library", keys="", help="Prompts: one of your own from the library", call="pick_prompt",
           scope="chat", command="prompt"),
    Action(id="attach_clipboard", keys="", help="Send what the clipboard holds along with the next prompt",
           call="attach_clipboard", scope="chat", command="attach"),
    Action(id="tour", keys="", help="A short tour of the desk", call="tour", scope="chat", command="tour"),
    Action(id="tour_next", keys="alt+right", help="The tour: go on", call="tour_step(1)", scope="chat", palette=False,
           command="tour"),
    Action(id="tour_previous", keys="alt+left", help="The tour: go back", call="tour_step(-1)", scope="chat",
           palette=False, command="tour"),
    Action(id="scroll_up", keys="pageup", help="Scroll up", call="scroll_transcript(-1)", scope="chat", palette=False),
    Action(
        id="scroll_down", keys="pagedown", help="Scroll down", call="scroll_transcript(1)", scope="chat", palette=False
    ),
    Action(id="scroll_home", keys="ctrl+home", help="To the beginning", call="scroll_transcript(-9)", scope="chat"),
    Action(id="scroll_end", keys="ctrl+end", help="To the end", call="scroll_transcript(9)", scope="chat"),
    # --- a marked turn: the transcript has the keys, so plain letters do
    _turn("copy", "c", "Copy it", "copy_turn"),
    _turn("block", "b", "Copy a code block of it; again: the next", "copy_block"),
    _turn("edit", "e", "Edit the prompt and send it again", "edit_turn"),
    _turn("again", "r", "Ask again", "again_turn"),
    _turn("elsewhere", "t", "Ask another model", "again_elsewhere"),
    _turn("continue", "n", "Let an answer that was cut go on", "continue_turn"),
    _turn("fork", "f", "Fork: go on from here in a new conversation", "fork_turn"),
    _turn("open", "o", "Open in your editor", "open_turn"),
    _turn("raw", "v", "What was sent and received", "raw_turn"),
    _turn("stand", "s", "Let an earlier version stand again", "stand_turn"),
    _turn("delete", "x", "Delete the prompt and its answer; twice does it", "delete_turn"),
    _turn("fold", "enter,space", "Fold or unfold reasoning, an earlier version, an image", "fold_turn"),
    _turn("images", "h", "Hide or show its images in the conversation", "fold_images"),
    _turn("up", "up,k", "The turn before", "mark_turn(-1)"),
    _turn("down", "down,j", "The turn after", "mark_turn(1)"),
    _turn("leave", "i", "Back to the prompt", "leave_turn"),
    # --- prompt
    Action(id="send", keys="enter", help="Send (queue, while an answer comes)", call="send", scope="prompt",
           palette=False),
    Action(
        id="newline", keys="ctrl+j,shift+enter,alt+enter,ctrl+enter", help="New line", call="newline", scope="prompt",
        palette=False,
    ),
    Action(id="editor", keys="ctrl+g,alt+e,f12", help="Write in your own editor", call="editor", scope="prompt",
           palette=False),
    Action(id="complete", keys="tab", help="Complete a / command or an @path", call="complete", scope="prompt",
           palette=False),
    # --- full-screen panels
    Action(id="close", keys="escape", help="Close", call="close_panel", scope="list", palette=False),
    Action(id="filter", keys="slash", help="Filter: words, lane:NAME, provider:NAME, reason:NAME", call="filter",
           scope="list", priority=False, palette=False),
    Action(id="reload", keys="ctrl+r", help="Read again", call="reload", scope="list", palette=False),
    _row("discarded", "d", "Show or hide the discarded text", "toggle_discarded", "failovers"),
    _row("failovers_raw", "v", "What was sent and received", "raw", "failovers"),
    _row("outbox_retry", "t", "Ask again", "retry(False)", "outbox"),
    _row("outbox_retry_now", "n", "Ask again now, cooldowns ignored", "retry(True)", "outbox"),
    _row("outbox_edit", "e", "Back into its lane's editor, to change it", "edit", "outbox"),
    _row("outbox_elsewhere", "l", "Send it in another lane", "elsewhere", "outbox"),
    _row("outbox_raw", "v", "What was sent and received", "raw", "outbox"),
    _row("outbox_drop", "x", "Drop for good (press twice)", "drop", "outbox"),
    _row("providers_check", "c", "Call every provider now", "check", "providers"),
    _row("providers_probe", "p", "Call this one although it rests; well = it rests no longer", "probe", "providers"),
    _row("metrics_hour", "h", "The last hour", "look_back('1 h')", "metrics"),
    _row("metrics_day", "d", "The last 24 hours", "look_back('24 h')", "metrics"),
    _row("metrics_week", "w", "The last 7 days", "look_back('7 d')", "metrics"),
    _row("metrics_month", "m", "The last 30 days", "look_back('30 d')", "metrics"),
    _row("metrics_lane", "l", "This lane, or all of them", "widen", "metrics"),
    _row("metrics_group", "g", "One row for each provider, lane, model or agent", "group", "metrics"),
    _row("model_pull", "p", "Pull a model", "pull", "models"),
    _row("model_push", "u", "Push: publish this model (press twice)", "push", "models"),
    _row("model_copy", "y", "Copy under a new name", "copy", "models"),
    _row("model_cancel", "k", "Stop the pull or push; doing it again goes on from there", "stop_pull", "models"),
    _row("model_sort", "o", "Order: by name, size, or what was changed last", "sort", "models"),
    _row("model_create", "n", "Create a model from this one, with a system prompt", "create", "models"),
    _row("model_delete", "x", "Delete from disk (press twice)", "delete", "models"),
    # --- compare
    *(
        Action(
            id=f"compare_lane_{number}", keys=f"alt+{number}", help="Before sending: ask a lane by its number, or not",
            call=f"choose({number})", scope="compare", palette=False, listed=number == 1,
        )
        for number in range(1, 10)
    ),
    *(
        Action(
            id=f"compare_keep_{number}", keys=str(number), help="Keep the answer of a column by its number",
            call=f"keep({number})", scope="compare", priority=False, palette=False, listed=number == 1,
        )
        for number in range(1, 5)
    ),
    _row("compare_left", "left,h,shift+tab", "The column before", "mark(-1)", "compare"),
    _row("compare_right", "right,l,tab", "The column after", "mark(1)", "compare"),
    _row("compare_again", "r,alt+r", "Retry now; ask again", "again", "compare"),
    _row("compare_next", "n,alt+n", "Next target", "next_target", "compare"),
    _row("compare_yes", "y,alt+y", "Consent: ask the next target", "consent(True)", "compare"),
    _row("compare_no", "p,alt+p", "Consent: no, pause the request", "consent(False)", "compare"),
    _row("compare_stop", "x", "Cancel this column", "stop", "compare"),
    _row("compare_up", "pageup,up,k", "Scroll up", "scroll_column(-1)", "compare"),
    _row("compare_down", "pagedown,down,j", "Scroll down", "scroll_column(1)", "compare"),
    _held("compare_leave", "escape,alt+v", "Cancel all; again: keep the first answer and close", "leave", "compare"),
    # --- conversations: the search has the letters, so these come with alt
    _held("conversation_rename", "alt+r", "Give it another title", "rename", "conversations"),
    _held("conversation_tags", "alt+t", "Tags", "tags", "conversations"),
    _held("conversation_pin", "alt+s", "Keep it above the others, or no longer", "pin", "conversations"),
    _held("conversation_archive", "alt+a", "Put it away, or take it back", "archive", "conversations"),
    _held("conversations_away", "alt+w", "Show those that were put away, or the others", "show_archived",
          "conversations"),
    _held("conversation_delete", "alt+d", "Delete it", "delete", "conversations"),
    _held("conversation_undelete", "alt+z", "Have the deleted one back, for ten minutes", "undelete",
          "conversations"),
    _held("conversation_export_md", "alt+e", "Write it to a file, as Markdown", "export('md')", "conversations"),
    _held("conversation_export_json", "alt+q", "Write it to a file, as JSON", "export('json')", "conversations"),
    _held("conversations_import", "alt+m", "Import conversations of ChatGPT or oterm", "import", "conversations"),
    # --- settings
    _row("keys_change", "enter,c", "Change its key", "change_key(False)", "keys"),
    _row("keys_add", "a", "Give it one more key", "change_key(True)", "keys"),
    _row("keys_none", "x", "Take its keys away", "unbind", "keys"),
    _row("keys_default", "d", "Back to its usual keys", "usual_key", "keys"),
    _row("keys_try", "t", "Try keys: what arrives, and what it does", "try_keys", "keys"),
    _row("keys_write", "w", "Write the changes down", "write_keys", "keys"),
    _row("theme_keep", "enter", "Keep it for this sitting", "keep", "themes"),
    _row("theme_write", "w", "Write it down", "write_theme", "themes"),
    _row("lane_change", "enter,e", "Change it", "change", "lanes"),
    _row("lane_up", "shift+up,K", "Ask it earlier", "move(-1)", "lanes"),
    _row("lane_down", "shift+down,J", "Ask it later", "move(1)", "lanes"),
    _row("lane_add", "a", "Add a target", "add", "lanes"),
    _row("lane_remove", "x", "Take the target out", "remove", "lanes"),
    _row("lane_new", "n", "New lane like this one", "new_lane", "lanes"),
    _row("lane_undo", "u", "Undo all changes of this lane", "undo", "lanes"),
    _row("lane_write", "w", "Write the changes down", "write_lanes", "lanes"),
    # --- the log
    _row("log_top", "g", "To the oldest line", "ends(False)", "log"),
    _row("log_end", "e", "To the newest line, and follow it", "ends(True)", "log"),
    # --- the queue
    _row("queue_edit", "enter,e", "Edit it where it stands", "queue_edit", "queue"),
    _row("queue_earlier", "K,shift+up", "Let it go out earlier", "queue_move(-1)", "queue"),
    _row("queue_later", "J,shift+down", "Let it go out later", "queue_move(1)", "queue"),
    _row("queue_drop", "x,delete", "Take it out", "queue_drop", "queue"),
    _row("queue_undo", "u", "Put the one taken out last back", "queue_undo", "queue"),
    _row("queue_send", "g", "Let it go out next; at once, if nothing is under way", "queue_send", "queue"),
    _row("queue_up", "up,k", "The prompt before", "queue_step(-1)", "queue"),
    _row("queue_down", "down,j", "The prompt after", "queue_step(1)", "queue"),
    _row("queue_leave", "alt+q,q", "Back to the chat, or out of the edit", "leave_queue", "queue"),
    # --- an image, whole
    _held("image_leave", "escape", "Back to the chat", "close_panel", "image"),
    # --- what was sent and received
    _row("raw_previous", "left", "The call before", "step(-1)", "raw"),
    _row("raw_next", "right", "The call after", "step(1)", "raw"),
    _row("raw_pretty", "p", "JSON made readable, or the exact bytes", "pretty", "raw"),
    _row("raw_timing", "t", "When each piece came, or not", "timing", "raw"),
    _row("raw_received", "r", "Go to what was received", "received", "raw"),
    _row("raw_copy", "c", "Copy what is shown", "copy", "raw"),
    _row("raw_save", "s", "Write what is shown to a private file in this folder", "save", "raw"),
)  # fmt: skip

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}
