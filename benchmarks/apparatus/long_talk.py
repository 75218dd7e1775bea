"""A long conversation written at once, as one that another program has kept is taken in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.apparatus.token_server import MODEL
from llmdesk.core.types import ModelRef, Role
from llmdesk.core.views import Conversation, StoredMessage
from llmdesk.paths import find_paths
from llmdesk.storage.conversations import ConversationStore
from llmdesk.storage.database import Database

if TYPE_CHECKING:
    from pathlib import Path

ENDED = "That was the last of it"
"""What its end says, and nothing else."""

PARAGRAPH = "An answer with *some* **Markdown**, `code` and a list:\n\n- one\n- two\n\n```python\nprint(1)\n```\n\n"


async def write_talk(home: Path, name: str, count: int) -> None:
    """Make the database below a home, with one conversation of so many messages."""
    now = time.time()
    turns = count // 2
    said = tuple(message for turn in range(turns) for message in _turn(turn, now, last=turn == turns - 1))
    talk = Conversation(id=name, title="long", lane="chat", created_at=now, updated_at=now, messages=said)
    paths = find_paths(env={"LLMDESK_HOME": str(home)})
    paths.create()
    database = Database(paths.database, on_warning=print)
    written = await ConversationStore(database).put(talk, newest=True)
    assert written
    await database.aclose()


def _turn(turn: int, now: float, *, last: bool) -> tuple[StoredMessage, StoredMessage]:
    """A question and its answer, of one to four paragraphs."""
    answer = PARAGRAPH * (1 + turn % 4) + (ENDED + "." if last else "")
    return (
        StoredMessage(
            id=0, role=Role.USER, request=f"r{turn:06}", content=f"Question {turn}: what is it about?", created_at=now
        ),
        StoredMessage(
            id=0, role=Role.ASSISTANT, request=f"r{turn:06}", content=answer, created_at=now, completeness="full",
            target=ModelRef("local", MODEL), latency_s=1.5, first_token_s=0.2,
        ),
    )  # fmt: skip
