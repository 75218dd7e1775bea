"""Full-text search, as the desk does it, over databases filled in bulk through the desk's own schema.

Words are drawn as texts have them: a few are everywhere, most are rare. Beside it stands SQLite asked by hand over the
same index, for the fifty best messages with a snippet each; where no word matches, the same by ``LIKE``.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.apparatus.turns import turns
from benchmarks.judging.figures import PLAIN_SQL
from benchmarks.judging.samples import OURS, Sample
from llmdesk.paths import find_paths
from llmdesk.storage.database import Database
from llmdesk.wiring import make_desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from benchmarks.apparatus.told import Told

WORDS = 20_000
WORDS_OF_A_MESSAGE = 60
MESSAGES_OF_A_CONVERSATION = 20
LIMIT = 50
SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u", "an", "er")]

MATCH = """
SELECT rowid, snippet(messages_fts, 0, '[', ']', '…', 12) FROM messages_fts
WHERE messages_fts MATCH ? ORDER BY rank LIMIT 50
"""
LIKE = "SELECT id, content FROM messages WHERE content LIKE ? ORDER BY id DESC LIMIT 50"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is typed, and the same in FTS5's language."""

    typed: str
    match: str


def vocabulary() -> list[str]:
    """Words of two to four syllables, each once, the most frequent first."""
    source = random.Random("words")
    found = dict[str, None]()
    while len(found) < WORDS:
        found["".join(source.choices(SYLLABLES, k=source.randint(2, 4)))] = None
    return list(found)


def queries(words: Sequence[str]) -> dict[str, Query]:
    """By kind."""
    rare, first, second = words[-1], words[0], words[1]
    return {
        "rare": Query(typed=rare, match=f'"{rare}"*'),
        "common": Query(typed=f"{first} {second}", match=f'"{first}" "{second}"*'),
        "beginning": Query(typed=words[40][:3], match=f'"{words[40][:3]}"*'),
        "nowhere": Query(typed="quixotic", match='"quixotic"*'),
    }


def fill(connection: sqlite3.Connection, messages: int, words: Sequence[str]) -> None:
    """Write so many messages in conversations of twenty; triggers keep the index."""
    source = random.Random(messages)
    weights = [1 / (rank + 3) for rank in range(len(words))]
    now = int(time.time() * 1000)
    talks = range((messages - 1) // MESSAGES_OF_A_CONVERSATION + 1)
    connection.executemany(
        "INSERT INTO conversations (id, title, lane, created_at, updated_at, used) VALUES (?, ?, 'chat', ?, ?, ?)",
        ((f"c{at}", " ".join(source.choices(words, weights, k=4)), now, now, at) for at in talks),
    )
    drawn = source.choices(words, weights, k=messages * WORDS_OF_A_MESSAGE)
    connection.executemany(
        "INSERT INTO messages (conversation, turn, role, content, completeness, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                f"c{at // MESSAGES_OF_A_CONVERSATION}", at + 1, ("user", "assistant")[at % 2],
                " ".join(drawn[at * WORDS_OF_A_MESSAGE : (at + 1) * WORDS_OF_A_MESSAGE]), (None, "full")[at % 2], now,
            )
            for at in range(messages)
        ),
    )  # fmt: skip
    connection.execute(
        "UPDATE messages SET content = content || ? WHERE id IN (?, ?)", (f" {words[-1]}", 1, messages // 2)
    )


async def made(home: Path, messages: int, words: Sequence[str]) -> Path:
    """A database with so many messages."""
    paths = find_paths(env={"LLMDESK_HOME": str(home)})
    paths.create()
    database = Database(paths.database, on_warning=print)
    await database.write(lambda connection: fill(connection, messages, words), purge=True)
    await database.aclose()
    return paths.database


def by_hand(connection: sqlite3.Connection, query: Query) -> int:
    """How many the plain statements find."""
    found = connection.execute(MATCH, (query.match,)).fetchall()
    return len(found or connection.execute(LIKE, (f"%{query.typed}%",)).fetchall())


def measure(told: Told) -> Iterator[Sample]:
    """The median of each round, for each kind and each number of messages."""

    async def gathered() -> list[Sample]:
        return [sample async for sample in _measured(told)]

    yield from asyncio.run(gathered())


async def _measured(told: Told) -> AsyncIterator[Sample]:
    words = vocabulary()
    for messages in told.sizes(1_000, 10_000, 100_000, quick=(100, 1_000)):
        home = told.folder / str(messages)
        file = await made(home, messages, words)
        env = {"LLMDESK_HOME": str(home), "OLLAMA_HOST": "http://127.0.0.1:9"}
        async with make_desk(env=env) as desk:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as plain:
                for kind, query in queries(words).items():
                    for counts, name in turns(told.rounds, (PLAIN_SQL, OURS)):
                        times = []
                        for _ in range(told.count(7, 1)):
                            begun = time.perf_counter()
                            if name == OURS:
                                found = len(await desk.search(query.typed, limit=LIMIT))
                            else:
                                found = by_hand(plain, query)
                            times.append((time.perf_counter() - begun) * 1000)
                            assert (found > 0) is (kind != "nowhere"), (kind, found)
                        if counts:
                            value = statistics.median(times)
                            yield Sample(figure=f"search {kind}", of=name, value=value, size=messages)
