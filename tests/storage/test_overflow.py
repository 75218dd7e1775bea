"""Numbers that the database refused: kept beside it, and booked exactly once (policy D3, I8)."""

from __future__ import annotations

import json
import signal
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdesk.core.budget import Account, Budget
from llmdesk.core.errors import StorageError
from llmdesk.core.types import Usage
from llmdesk.storage.booking import HERE
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.overflow import Overflow
from llmdesk.storage.spend import SpendStore
from tests.support.stored import CLOUD, an_attempt, full_disk, run_together, worker

SECRET = "sk-a-secret-prompt"
ACCOUNT = Account(request="r1", lane="chat", agent="backend-dev", job="nightly", conversation="c1")


def told(number, tokens=10, **fields):
    """An attempt whose every text is something that must not be kept."""
    texts = dict.fromkeys(("message", "details", "discarded_text", "served_model"), SECRET)
    usage = Usage(input_tokens=tokens, output_tokens=1, reasoning_tokens=1)
    return an_attempt(number, CLOUD, "completed", usage=usage, cost_usd="0.25", elapsed_s=1.5, **texts, **fields)


class World:
    """A ledger over a database file, and what its user was warned of."""

    def __init__(self, home):
        self.home = home
        self.path = home / "metrics.jsonl"
        self.warnings = []
        self.database = Database(home / "llmdesk.db", on_warning=self.warnings.append)
        self.ledger = Ledger(self.database, overflow=Overflow(self.path, on_warning=self.warnings.append))

    async def all(self, query):
        return await self.database.read(lambda c: [tuple(row) for row in c.execute(query)])

    async def spent(self):
        """Tokens, nano-dollars and the number of attempts that were booked."""
        return await self.all(
            "SELECT sum(tokens), sum(nano_usd), (SELECT count(*) FROM attempts) FROM spend WHERE scope = 'day'"
        )

    def files(self):
        """The files that hold lines, whatever has become of them."""
        return sorted(p.name for p in self.home.iterdir() if "jsonl" in p.name and not p.name.endswith(".lock"))


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path)
    yield world
    await world.database.aclose()


# --- keeping ---


async def test_a_kept_attempt_is_a_line_of_numbers_and_names_without_a_word_of_text(world):
    assert world.ledger.keep_for_later(ACCOUNT, [told(1), told(2, at=1_800_000_000.0)], run=3)
    content = world.path.read_text()
    assert SECRET not in content
    first, second = map(json.loads, content.splitlines())
    assert (first["request"], first["number"], first["run"], first["job"]) == ("r1", 1, 3, "nightly")
    assert (first["input_tokens"], first["output_tokens"], first["cost_nano_usd"]) == (10, 1, 250_000_000)
    assert second["day"] == HERE.day(1_800_000_000.0)
    assert not {"message", "details", "discarded_text", "served_model"} & first.keys()
    assert stat.S_IMODE(world.path.stat().st_mode) == 0o600
    assert world.warnings == []


async def test_a_line_that_cannot_be_kept_becomes_a_warning_and_leaves_no_half_line(world):
    world.ledger.keep_for_later(ACCOUNT, [told(1)])
    before = world.path.read_bytes()
    with full_disk(limit_bytes=len(before) + 10):
        assert not world.ledger.keep_for_later(ACCOUNT, [told(2), told(3)])
    assert world.path.read_bytes() == before
    (warning,) = world.warnings
    assert warning.startswith("2 attempts could not be counted: ")
    assert len(warning) <= 200


async def test_a_torn_line_takes_no_other_with_it(world):
    world.ledger.keep_for_later(ACCOUNT, [told(1), told(2)])
    world.path.write_bytes(world.path.read_bytes()[:-7])
    world.ledger.keep_for_later(ACCOUNT, [told(3)])
    assert await world.ledger.fold() == 2
    assert await world.all("SELECT number FROM attempts ORDER BY 1") == [(1,), (3,)]
    (aside,) = world.files()
    assert aside.startswith("metrics.jsonl.damaged-")


async def test_a_last_line_that_lacks_only_its_end_is_whole(world):
    world.ledger.keep_for_later(ACCOUNT, [told(1)])
    world.path.write_bytes(world.path.read_bytes()[:-1])
    assert await world.ledger.fold() == 1
    assert (world.files(), world.warnings) == ([], [])


# --- booking what was kept ---

RESERVED = ("r1", 1, "me", 10**15, "2026-11-20", "chat", "cloud", "backend-dev", "nightly", "c1", 99, 5, "m", 1, 3, 4)


async def test_what_was_kept_is_booked_once_with_its_sums_and_settles_its_reservation(world):
    budgets = [Budget(scope="day", limit=100, unit="tokens")]
    store = SpendStore(world.database, "me", budgets, is_alive=lambda _: True)
    await world.database.write(lambda c: c.execute(f"INSERT INTO reservations VALUES {RESERVED}"))
    world.ledger.keep_for_later(ACCOUNT, [told(1)])
    assert await world.ledger.fold() == 1
    assert await world.ledger.fold() == 0
    assert await world.all("SELECT * FROM reservations") == []
    assert await world.spent() == [(11, 250_000_000, 1)]
    assert await world.all("SELECT scope, key FROM spend ORDER BY 1") == [
        ("conversation", "c1"),
        ("day", "2026-11-20"),
        ("job", "nightly"),
        ("month", "2026-11"),
    ]
    assert await world.all(
        "SELECT lane, agent, provider, model, outcome, elapsed_ms, reasoning_tokens, message FROM attempts"
    ) == [("chat", "backend-dev", "cloud", "gpt-oss:120b", "completed", 1_500, 1, "")]
    assert (world.files(), world.warnings) == ([], [])
    assert len(await store.views()) == 1


async def test_an_attempt_that_the_database_took_after_all_is_not_counted_twice(world):
    world.ledger.keep_for_later(ACCOUNT, [told(1), told(1), told(2)])
    await world.ledger.book(ACCOUNT, [told(1)])
    assert await world.ledger.fold() == 1
    assert await world.spent() == [(22, 500_000_000, 2)]


async def test_with_nothing_kept_no_database_is_opened(world):
    assert await world.ledger.fold() == 0
    assert list(world.home.iterdir()) == []


async def test_while_the_database_cannot_be_written_everything_waits_on(world):
    world.ledger.keep_for_later(ACCOUNT, [told(1)])
    (world.home / "llmdesk.db").mkdir()
    for _ in range(2):
        with pytest.raises(StorageError):
            await world.ledger.fold()
        assert world.files() == ["metrics.jsonl"]
    (world.home / "llmdesk.db").rmdir()
    assert await world.ledger.fold() == 1
    assert await world.spent() == [(11, 250_000_000, 1)]


async def test_a_file_that_cannot_be_read_is_told_and_holds_up_neither_the_others_nor_the_start(world):
    (world.home / "metrics.jsonl.booking-1-a").mkdir()
    world.ledger.keep_for_later(ACCOUNT, [told(1)])
    assert await world.ledger.fold() == 1
    assert await world.spent() == [(11, 250_000_000, 1)]
    (warning,) = world.warnings
    assert "metrics.jsonl.booking-1-a: Is a directory" in warning
    assert world.files() == ["metrics.jsonl.booking-1-a"]


async def test_lines_that_are_none_are_kept_aside_and_told_and_the_others_are_booked(world):
    world.ledger.keep_for_later(ACCOUNT, [told(1)])
    good = json.loads(world.path.read_bytes())
    damaged = [
        b"no json at all",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"request": "r1"}',
        json.dumps([good]).encode(),
        *(json.dumps({**good, "number": 7, **change}).encode() for change in DAMAGE),
    ]
    world.path.write_bytes(world.path.read_bytes() + b"\n".join(damaged) + b"\n\n")
    assert await world.ledger.fold() == 1
    assert await world.spent() == [(11, 250_000_000, 1)]
    (aside,) = world.files()
    assert (world.home / aside).read_bytes().splitlines() == damaged
    assert stat.S_IMODE((world.home / aside).stat().st_mode) == 0o600
    (warning,) = world.warnings
    assert warning.startswith(f"{len(damaged)} damaged lines of metrics.jsonl could not be booked: see ")
    assert aside in warning


DAMAGE = [
    {"input_tokens": -1},
    {"cost_nano_usd": 1.5},
    {"cost_nano_usd": float("nan")},
    {"output_tokens": 10**30},
    {"outcome": "sold"},
    {"outcome": ["completed"]},
    {"error_kind": "boredom"},
    {"day": "tomorrow"},
    {"day": "2026-02-30"},
    {"request": None},
    {"lane": "\ud800"},
    {"message": "a text that no line may bring"},
    {"id": 1},
    {"no such column": 1},
]


@given(st.binary(max_size=300))
@settings(max_examples=25, deadline=None)
async def test_whatever_stands_in_the_file_the_program_starts(tmp_path_factory, content):
    world = World(tmp_path_factory.mktemp("home"))
    world.path.write_bytes(content)
    assert await world.ledger.fold() == 0
    await world.database.aclose()
    kept = b"".join((world.home / name).read_bytes() for name in world.files())
    assert set(kept.split(b"\n")) == {line for line in content.split(b"\n") if line.strip()} | {b""}


# --- processes ---

DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from llmdesk.storage import overflow
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.overflow import Overflow

at, home = sys.argv[1], Path(sys.argv[2])

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

class Mortal(Database):
    async def write(self, work, **more):
        def to_the_end(connection):
            done = work(connection)
            if at == "before the commit":
                die()
            return done
        done = await super().write(to_the_end, **more)
        if at == "after the commit":
            die()
        return done

class Deadly(Overflow):
    def drop(self, part):
        if at == "with half of the parts deleted":
            super().drop(part)
            die()
        if at == "before a part is deleted":
            type(part.path).unlink = die
        super().drop(part)

if at == "with the file claimed":
    overflow._columns = die
ledger = Ledger(
    Mortal(home / "llmdesk.db", on_warning=print), overflow=Deadly(home / "metrics.jsonl", on_warning=print)
)
asyncio.run(ledger.fold())
"""

MOMENTS = [
    "with the file claimed",
    "before the commit",
    "after the commit",
    "before a part is deleted",
    "with half of the parts deleted",
]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_program_that_dies_while_it_books_has_booked_everything_once_after_the_next_start(world, moment):
    world.ledger.keep_for_later(ACCOUNT, [told(1), told(2)])
    (world.home / "metrics.jsonl").rename(world.home / "metrics.jsonl.booking-1-a")
    world.ledger.keep_for_later(ACCOUNT, [told(3)])
    with world.path.open("ab") as file:
        file.write(b"{torn")
    with worker(DYING, moment, world.home) as process:
        assert process.wait() == -signal.SIGKILL
    world.ledger.keep_for_later(ACCOUNT, [told(4)])
    await world.ledger.fold()
    assert await world.all("SELECT number FROM attempts ORDER BY 1") == [(1,), (2,), (3,), (4,)]
    assert await world.spent() == [(44, 1_000_000_000, 4)]
    (aside,) = world.files()
    assert (world.home / aside).read_bytes() == b"{torn\n"


FOLDING = """
import asyncio, sys
from pathlib import Path
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.overflow import Overflow

async def main():
    home = Path(sys.argv[2])
    database = Database(home / "llmdesk.db", on_warning=print)
    ledger = Ledger(database, overflow=Overflow(home / "metrics.jsonl", on_warning=lambda line: None))
    print("ready", flush=True)
    sys.stdin.readline()
    print(await ledger.fold())
    await database.aclose()

asyncio.run(main())
"""


async def test_instances_that_start_together_book_everything_once(world):
    await world.database.write(lambda _: None)
    for n in range(300):
        world.ledger.keep_for_later(ACCOUNT, [told(n)])
    new = [int(lines[-1]) for lines in run_together(FOLDING, 3, world.home)]
    assert sum(new) == 300
    assert await world.spent() == [(3_300, 75_000_000_000, 300)]
    assert world.files() == []


KEEPING = """
import sys
from pathlib import Path
from llmdesk.core.budget import Account
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.overflow import Overflow
from tests.support.stored import an_attempt

home = Path(sys.argv[2])
ledger = Ledger(Database(None, on_warning=print), overflow=Overflow(home / "metrics.jsonl", on_warning=print))
print("ready", flush=True)
sys.stdin.readline()
for n in range(100):
    assert ledger.keep_for_later(Account(request=sys.argv[1], lane="chat"), [an_attempt(n)])
"""


async def test_what_many_instances_keep_while_others_book_is_lost_by_nobody(world):
    """Lines are added while their file is taken away for booking."""
    import asyncio

    keeping = asyncio.create_task(asyncio.to_thread(run_together, KEEPING, 2, world.home))
    booked = 0
    while not keeping.done():
        booked += await world.ledger.fold()
        await asyncio.sleep(0)
    assert await keeping == [[], []]
    booked += await world.ledger.fold()
    assert booked == 200
    assert await world.all("SELECT count(*) FROM attempts") == [(200,)]
    assert (world.files(), world.warnings) == ([], [])
