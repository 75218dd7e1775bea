"""What may be wrong with a disk, and what must come of it: rows D3 to D11 of docs/policy.md with the whole program."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from errno import EACCES, EDQUOT, EIO, ENOSPC, EROFS, errorcode
from functools import partial
from typing import TYPE_CHECKING

from llmdesk.config.example import example
from tests.campaign.crash.files import look_into
from tests.campaign.crash.stage import LIMIT
from tests.campaign.crash.tracer import Redirect, Refuse, trace
from tests.campaign.disk.asking import (
    ASKED,
    EARLIER,
    always,
    answer_with,
    ask,
    not_sent_unkept,
    works_again,
)
from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.campaign.crash.operations import Operation
    from tests.campaign.crash.stage import Stage
    from tests.support.exec_world import ExecWorld

NOBODY = 65534
"""An ordinary user who owns nothing."""


def used(stage: Stage) -> ExecWorld:
    """A home that was used once; the cloud answers 429 from now on, so that there is a state to write."""
    world = fresh(stage)
    ran = world.run("exec", "--no-input", EARLIER)
    assert ran.code == 0, ran.err
    stage.healthy()
    stage.cloud.always("/api/chat", LIMIT)
    return world


def fresh(stage: Stage) -> ExecWorld:
    """A home with nothing but a configuration."""
    stage.healthy()
    world = stage.world()
    world.configure(stage.configuration())
    private(world)
    return world


def private(world: ExecWorld) -> None:
    """What a test has written is its owner's alone, as what the program writes is."""
    (world.home / "config").chmod(0o700)
    (world.home / "config" / "llmdesk.yaml").chmod(0o600)


def takes_room(operation: Operation) -> bool:
    """It needs room on the disk."""
    return operation.takes_room


def writes(operation: Operation) -> bool:
    """Anything that a read-only file system refuses."""
    return not operation.name.startswith(("write", "pwrite", "fsync", "fdatasync"))


# --- full: from some operation on (D3) ---


def full(stage: Stage, *, error: int, after: int, first: bool = False, agreed: bool = False) -> Iterator[Violation]:
    """Room for so many writes, and then none."""
    world = fresh(stage) if first else used(stage)
    before = look_into(world.database)
    asked = ask(
        stage, world, *(["--yes"] if agreed else []), refuse=[Refuse(error=error, which=takes_room, after=after)]
    )
    yield from always(asked, world, before)
    if agreed:
        if not asked.answered:
            yield Violation(rule="D3", words=f"agreed, and no answer: {asked.code} {asked.err!r}")
    elif "the outbox and cooldowns last only for this run" in asked.err:  # there is not even a folder: that is row D4
        yield from answer_with(asked, 1)
    else:
        yield from not_sent_unkept(asked)
    yield from works_again(stage, world)


def room(stage: Stage, *, first: bool = False) -> int:
    """How many writes a question takes on a good disk."""
    world = fresh(stage) if first else used(stage)
    traced = trace(world.argv("exec", "--no-input", ASKED), world.home, world.environment)
    return sum(operation.takes_room for operation in traced.operations)


def tiny(stage: Stage, *, kilobytes: int) -> Iterator[Violation]:
    """A real file system of so little room."""
    world = fresh(stage)
    text = stage.configuration()
    with mounted(world.home, f"tmpfs:size={kilobytes}k,mode=0700"):
        world.configure(text)
        private(world)
        asked = ask(stage, world)
        yield from always(asked, world, look_into(world.home / "nowhere"))
        yield from not_sent_unkept(asked)


@contextmanager
def mounted(folder: Path, what: str) -> Iterator[None]:
    """Mount a tmpfs, or the folder upon itself for reading only."""
    kind, _, options = what.partition(":")
    if kind == "tmpfs":
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "llmdesk-test", str(folder)], check=True)
    else:
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def why_no_mounting(folder: Path) -> str:
    """Why nothing can be mounted here; empty = it can."""
    try:
        with mounted(folder, "tmpfs:size=64k"):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no file system can be mounted here: {error}"


# --- it cannot be written (D4) ---


def read_only(stage: Stage, *, error: int = EROFS) -> Iterator[Violation]:
    """Nothing can be written, and the system says so when it is asked."""
    world = used(stage)
    before = look_into(world.database)
    asked = ask(stage, world, refuse=[Refuse(error=error, which=writes)])
    yield from always(asked, world, before)
    yield from answer_with(
        asked, 1, "cannot be written", "conversations, the outbox and cooldowns last only for this run"
    )
    yield from works_again(stage, world)


def read_only_by_surprise(stage: Stage, *, error: int = EROFS) -> Iterator[Violation]:
    """It looks as if it could be written, and then it cannot."""
    world = used(stage)
    before = look_into(world.database)
    refuse = [Refuse(error=error, which=lambda operation: writes(operation) and not operation.looks)]
    asked = ask(stage, world, refuse=refuse)
    yield from always(asked, world, before)
    yield from not_sent_unkept(asked)
    yield from works_again(stage, world)


def really_read_only(stage: Stage) -> Iterator[Violation]:
    """A file system that is mounted for reading only."""
    world = used(stage)
    before = look_into(world.database)
    with mounted(world.home, "ro"):
        asked = ask(stage, world)
    yield from always(asked, world, before)
    yield from answer_with(
        asked, 1, "cannot be written", "conversations, the outbox and cooldowns last only for this run"
    )
    yield from works_again(stage, world)


# --- damaged files (D5, D6) ---

_LATER_YEAR = 253_402_300_799
STATES: Mapping[str, bytes] = {
    "cut off": b'{"version": 1, "cloud_cooldown_until": 18',
    "binary": bytes(range(256)) * 8,
    "of nothing": b"",
    "a list": b"[1, 2, 3]",
    "year 9999": json.dumps({"version": 1, "cloud_cooldown_until": _LATER_YEAR}).encode(),
    "NaN": b'{"version": 1, "cloud_cooldown_until": NaN, "cooldowns": {"cloud": {"until_wall": NaN}}}',
    "negative": b'{"version": 1, "cloud_cooldown_until": -1e308, "cooldowns": {"local": -5}}',
    "deep": b"[" * 100_000,
}
ASIDE = ("cut off", "binary", "of nothing", "a list", "deep")
"""What is no state at all; the others hold a value that means nothing."""


def damaged_state(stage: Stage, *, what: str) -> Iterator[Violation]:
    """The cooldown file holds something else."""
    world = used(stage)
    before = look_into(world.database)
    world.state.write_bytes(STATES[what])
    world.state.chmod(0o600)
    asked = ask(stage, world)
    yield from (v for v in always(asked, world, before) if "taken for damaged" not in v.words)
    aside = list(world.state.parent.glob("llm_state.json.corrupt-*"))
    if not asked.answered or not asked.kept:
        yield Violation(rule="D5", words=f"no answer that is kept: {asked.code} {asked.err!r}")
    if bool(aside) != (what in ASIDE) or any(path.read_bytes() != STATES[what] for path in aside):
        yield Violation(rule="D5", words=f"set aside: {[path.name for path in aside]}")
    if len(asked.warnings) > 1 or (aside and not asked.warnings):
        yield Violation(rule="D5", words=f"warnings: {asked.warnings}")


def _header(raw: bytes) -> bytes:
    return b"no SQLite format" + raw[16:]


def _middle(raw: bytes) -> bytes:
    """Every second page is something else."""
    pages = [raw[at : at + 4096] for at in range(0, len(raw), 4096)]
    return b"".join(page if number % 2 == 0 else os.urandom(4096) for number, page in enumerate(pages))


def _short(raw: bytes) -> bytes:
    return raw[: len(raw) // 2 + 100]


DATABASES: Mapping[str, Callable[[bytes], bytes]] = {
    "header": _header, "pages": _middle, "cut off": _short, "text": lambda _: b"this is no database " * 500,
}  # fmt: skip


def damaged_database(stage: Stage, *, what: str) -> Iterator[Violation]:
    """The database holds something else: it is kept aside, and a new one is begun (policy D6)."""
    world = used(stage)
    raw = DATABASES[what](world.database.read_bytes())
    world.database.write_bytes(raw)
    asked = ask(stage, world)
    yield from (v for v in always(asked, world, look_into(world.home / "x")) if "taken for damaged" not in v.words)
    aside = [path for path in world.database.parent.glob("llmdesk.db.corrupt-*") if path.suffix != "-wal"]
    if not asked.answered or not asked.kept:
        yield Violation(rule="D6", words=f"no answer that is kept: {asked.code} {asked.err!r}")
    if not any(path.read_bytes()[:4096] == raw[:4096] for path in aside):
        yield Violation(rule="D6", words=f"what was there is not kept aside: {[path.name for path in aside]}")
    if len(asked.warnings) != 1 or "damaged" not in asked.err:
        yield Violation(rule="D6", words=f"warnings: {asked.warnings}")
    yield from (v for v in works_again(stage, world) if "taken for damaged" not in v.words)


BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite puts beside a database."""


def foreign_log(stage: Stage, *, suffix: str) -> Iterator[Violation]:
    """Beside a good database lies a log, or an index of one, that is rubbish: it is not believed."""
    world = used(stage)
    before = look_into(world.database)
    beside = world.database.with_name(world.database.name + suffix)
    beside.write_bytes(os.urandom(40_000))
    beside.chmod(0o600)
    asked = ask(stage, world)
    yield from always(asked, world, before)
    yield from answer_with(asked, 0)


# --- other conditions (D8, D9, D11) ---


def newer_schema(stage: Stage) -> Iterator[Violation]:
    """The database was written by a newer version: it is read, and not written."""
    world = used(stage)
    with closing(sqlite3.connect(world.database)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    before = look_into(world.database)
    asked = ask(stage, world)
    yield from always(asked, world, before)
    yield from not_sent_unkept(asked)
    if "newer llmdesk" not in asked.err or asked.left.tables != before.tables:
        yield Violation(rule="D11", words=f"{asked.err!r}")
    agreed = ask(stage, world, "--yes")
    if not agreed.answered or look_into(world.database).tables != before.tables:
        yield Violation(rule="D11", words=f"agreed: {agreed.code} {agreed.err!r}")
    listed = world.run("conversations", "list", "--json")
    if listed.code or not listed.out.strip():
        yield Violation(rule="D11", words=f"it cannot be read: {listed.code} {listed.err!r}")


def deleted(stage: Stage, *, names: tuple[str, ...]) -> Iterator[Violation]:
    """Files vanish while a request runs."""
    world = used(stage)

    def vanish(_: object) -> None:
        for name in names:
            path = world.home / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    stage.local.on_request = vanish
    try:
        asked = ask(stage, world)
    finally:
        stage.local.on_request = None
    yield from always(asked, world, look_into(world.home / "nowhere"))
    if not asked.answered:
        yield Violation(rule="D8", words=f"no answer: {asked.code} {asked.err!r}")
    if not asked.kept:
        yield Violation(rule="D8", words=f"the question is not in the new database: {asked.err!r}")
    yield from works_again(stage, world)


def network(stage: Stage) -> Iterator[Violation]:
    """The home lies on a network file system: no shared memory, a rollback journal, one line that says so."""
    world = used(stage)
    mounts = world.home.parent / "mounts"
    mounts.write_text(f"/dev/root / ext4 rw 0 0\nserver:/home {world.home} nfs4 rw 0 0\n")
    asked = ask(stage, world, redirect=Redirect(path="/proc/self/mounts", to=str(mounts)))
    yield from always(asked, world, look_into(world.home / "nowhere"))
    yield from answer_with(asked, 1, "network filesystem")
    with closing(sqlite3.connect(world.database)) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "delete" or not asked.kept:
        yield Violation(rule="D9", words=f"journal {mode}, kept: {asked.kept}")


def unreadable_overflow(stage: Stage) -> Iterator[Violation]:
    """The file of numbers that wait cannot be read: what a dead program had under way waits all the same (I2)."""
    world = used(stage)
    with closing(sqlite3.connect(world.database)) as connection:
        connection.execute("UPDATE requests SET status = 'running', owner = '1-gone'")
        connection.commit()
    (world.database.parent / "metrics.jsonl.booking-1-x").mkdir(mode=0o700)
    asked = ask(stage, world)
    if not asked.answered or not asked.kept:
        yield Violation(rule="D3", words=f"no answer that is kept: {asked.code} {asked.err!r}")
    yield from works_again(stage, world)


# --- files for the user ---


def no_room_for_a_file(stage: Stage, *, what: str, error: int) -> Iterator[Violation]:
    """An export, or a configuration, that the disk does not take leaves nothing and says so in one line."""
    world = used(stage)
    out = world.home.parent / "out"
    out.mkdir()
    if what == "export":
        (conversation,) = look_into(world.database).rows("conversations")
        words = ["conversations", "export", conversation["id"], "--output", str(out / "talk.md")]
    else:
        (world.home / "config" / "llmdesk.yaml").unlink()
        words, out = ["config", "init"], world.home / "config"
    refuse = [Refuse(error=error, which=lambda operation: operation.path.startswith(str(out)) and operation.size > 0)]
    refuse += [Refuse(error=error, which=lambda operation: "(deleted)" in operation.path and operation.size > 0)]
    traced = trace(world.argv(*words), world.home.parent, world.environment, refuse=refuse)
    if traced.code not in (1, 2) or len(traced.err.strip().splitlines()) != 1:
        yield Violation(rule="D3", words=f"it ends with {traced.code} and {traced.err!r}")
    if names := [path.name for path in out.iterdir()]:
        yield Violation(rule="D3", words=f"it leaves {names} of {len(example())} characters")


# --- another owner, another user (D4, D10) ---


def why_no_other_owner() -> str:
    """Why files cannot be given away here, or nothing be run without the powers of root; empty = both can be."""
    if os.geteuid() != 0:
        return "only root can give files away"
    if shutil.which("setpriv") is None:
        return "there is no setpriv, which takes the powers of root away"
    return ""


def foreign(stage: Stage, *, names: tuple[str, ...], mode: int | None = None) -> Iterator[Violation]:
    """An ordinary user asks, and some files are another's, or forbidden."""
    world = used(stage)
    before = look_into(world.database)
    for path in (world.home / name for name in names):
        if mode is None:
            os.chown(path, NOBODY, NOBODY)
        else:
            path.chmod(mode)
    asked = ask(stage, world, ordinary=True)
    for path in (world.home / name for name in names):
        os.chown(path, os.getuid(), os.getgid())
        path.chmod(0o700 if path.is_dir() else 0o600)
    yield from always(asked, world, before)
    if asked.code == 0:
        yield from answer_with(asked, max(1, len(asked.warnings)))
    else:
        yield from not_sent_unkept(asked)
    yield from works_again(stage, world)


def quick() -> dict[str, Callable[[Stage], Iterator[Violation]]]:
    """By name, the cases of every row that need no file system of their own."""
    cases: dict[str, Callable[[Stage], Iterator[Violation]]] = {}
    for name, error in (("full", ENOSPC), ("over quota", EDQUOT), ("I/O error", EIO)):
        cases[f"D3 {name} at once"] = partial(full, error=error, after=0)
    cases["D3 full at once, agreed"] = partial(full, error=ENOSPC, after=0, agreed=True)
    cases["D3 full, first start"] = partial(full, error=ENOSPC, after=0, first=True)
    cases["D3 no room for an export"] = partial(no_room_for_a_file, what="export", error=ENOSPC)
    cases["D3 no room for a configuration"] = partial(no_room_for_a_file, what="init", error=EDQUOT)
    cases["D4 read-only"] = read_only
    cases["D4 read-only by surprise"] = read_only_by_surprise
    cases["D4 forbidden"] = partial(read_only, error=EACCES)
    cases |= {f"D5 state {what}": partial(damaged_state, what=what) for what in STATES}
    cases |= {f"D6 database {what}": partial(damaged_database, what=what) for what in DATABASES}
    cases |= {f"D6 rubbish in {suffix}": partial(foreign_log, suffix=suffix) for suffix in BESIDE}
    cases["D7 overflow that cannot be read"] = unreadable_overflow
    cases["D8 database deleted"] = partial(
        deleted, names=tuple(f"data/llmdesk.db{end}" for end in ("", "-wal", "-shm"))
    )
    cases["D8 data deleted"] = partial(deleted, names=("data",))
    cases["D8 state deleted"] = partial(deleted, names=("state",))
    cases["D9 network"] = network
    cases["D11 newer schema"] = newer_schema
    return cases


def of_an_ordinary_user() -> dict[str, Callable[[Stage], Iterator[Violation]]]:
    """By name, the cases of a user who may not do everything."""
    cases: dict[str, Callable[[Stage], Iterator[Violation]]] = {}
    for names in (("data",), ("state",), ("data/llmdesk.db",), ("data", "state")):
        cases[f"D4 {' and '.join(names)} of another owner"] = partial(foreign, names=names)
    cases["D4 data without a way in"] = partial(foreign, names=("data",), mode=0o000)
    cases["D4 data for reading only"] = partial(foreign, names=("data",), mode=0o500)
    cases["D4 home for reading only"] = partial(foreign, names=("data", "state", "config"), mode=0o500)
    cases["D4 database for reading only"] = partial(foreign, names=("data/llmdesk.db",), mode=0o400)
    return cases


def of_file_systems() -> dict[str, Callable[[Stage], Iterator[Violation]]]:
    """By name, the cases on file systems that are mounted for them."""
    cases: dict[str, Callable[[Stage], Iterator[Violation]]] = {
        f"D3 tmpfs of {size} KiB": partial(tiny, kilobytes=size)
        for size in (4, 16, 64, 128, 256, 400, 500, 600, 700, 1000, 1500, 2500)
    }
    cases["D4 mounted read-only"] = really_read_only
    return cases


def sweep(stage: Stage, step: int) -> dict[str, Callable[[Stage], Iterator[Violation]]]:
    """By name, a disk that is full, over quota or broken from each of its writes on."""
    cases: dict[str, Callable[[Stage], Iterator[Violation]]] = {}
    for first in (False, True):
        for after in range(1, room(stage, first=first), step):
            error = (ENOSPC, EDQUOT, EIO)[after // step % 3]
            for agreed in (False, True):
                told = f"D3 {errorcode[error]} after {after}{', first start' * first}{', agreed' * agreed}"
                cases[told] = partial(full, error=error, after=after, first=first, agreed=agreed)
    return cases
