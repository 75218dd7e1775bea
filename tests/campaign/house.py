"""The instances of a sequence: desks in this process, over one home folder, opened, closed and lost in a crash."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llmdesk.wiring import make_desk
from tests.campaign.evidence import Lived

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from llmdesk.desk import Desk, Run
    from tests.campaign.machine import Machine

DATABASE = "llmdesk.db"

COPIES = 10
"""How often a home is copied again because a checkpoint moved pages of the database meanwhile."""


@dataclass(eq=False)
class Tenant:
    """One instance. ``runs`` are its requests under way, by number; ``left`` = how it ended for those: close, kill."""

    number: int
    desk: Desk
    runs: dict[int, Run] = field(default_factory=dict)
    left: str = ""
    left_at: float | None = None


@dataclass(kw_only=True)
class House:
    """The instances over one home.

    Args:
        folder: homes are folders in it; each crash leaves the old one and goes on in another.
        configuration: the text of ``llmdesk.yaml``.
        environment: of every instance.
        machine: the clocks.
        note: told of what the program itself calls unexpected.
        moved: told of the new home after a crash.
    """

    folder: Path
    configuration: str
    environment: Mapping[str, str]
    machine: Machine
    note: Callable[[str], None]
    moved: Callable[[Path], None]
    tenants: list[Tenant] = field(default_factory=list)
    lived: list[Lived] = field(default_factory=list)
    home: Path = field(init=False)
    _homes: int = 0
    _turns: int = 0

    def __post_init__(self) -> None:
        self.home = self.folder / "home-0"
        folder = self.home / "config"
        folder.mkdir(parents=True, mode=0o700)
        file = folder / "llmdesk.yaml"
        file.write_text(self.configuration, encoding="utf-8")
        file.chmod(0o600)

    @property
    def surroundings(self) -> dict[str, str]:
        """The environment of an instance that starts now."""
        return {**self.environment, "LLMDESK_HOME": str(self.home)}

    def turn(self) -> Tenant:
        """The instance whose turn it is."""
        self._turns += 1
        return self.tenants[self._turns % len(self.tenants)]

    def begin_life(self) -> int:
        """Count one more instance."""
        self.lived.append(Lived(number=len(self.lived), began=time.monotonic()))
        return len(self.lived) - 1

    def end_life(self, number: int, at: float, *, hard: bool) -> None:
        """Write down that an instance is no more."""
        self.lived[number] = replace(self.lived[number], over=at, hard=hard)

    async def open(self) -> Tenant:
        """Start an instance."""
        number = self.begin_life()
        desk = make_desk(env=self.surroundings, now=self.machine, log=self._log)
        await desk.__aenter__()
        tenant = Tenant(number=number, desk=desk)
        self.tenants.append(tenant)
        return tenant

    async def close(self, tenant: Tenant) -> None:
        """Close an instance as its user would; what runs in it is paused."""
        tenant.left, tenant.left_at = "close", time.monotonic()
        self.tenants.remove(tenant)
        await tenant.desk.__aexit__(None, None, None)
        self.end_life(tenant.number, time.monotonic(), hard=False)

    async def close_all(self) -> None:
        """Close every instance."""
        for tenant in list(self.tenants):
            await self.close(tenant)

    async def crash(self) -> None:
        """End every instance as if the machine had: what the files hold at this moment is all that there is.

        Nothing else runs on this loop while they are copied. What the old instances still do goes to the old home,
        and their servers hear nothing more of them: whatever they had under way is cancelled before they run again.
        """
        lost, self.tenants = self.tenants, []
        at = time.monotonic()
        for tenant in lost:
            tenant.left, tenant.left_at = "kill", at
        self._homes += 1
        home = self.folder / f"home-{self._homes}"
        self._copy(home)
        for tenant in lost:
            for run in tenant.runs.values():
                run.cancel(keep=True)
            self.end_life(tenant.number, at, hard=True)
        self.home = home
        self.moved(home)
        await asyncio.gather(*(tenant.desk.__aexit__(None, None, None) for tenant in lost))

    def _copy(self, home: Path) -> None:
        for _ in range(COPIES):
            before = self._mark()
            shutil.rmtree(home, ignore_errors=True)
            with suppress(FileNotFoundError, shutil.Error):  # a temporary file that was there a moment ago
                shutil.copytree(self.home, home, copy_function=_copy_file, ignore=_database_files)
            # The database before its log: only a checkpoint could make that a state which never was.
            for name in (DATABASE, f"{DATABASE}-wal"):
                if (file := self.home / "data" / name).exists():
                    shutil.copy2(file, home / "data" / name)
            if before == self._mark():
                return
        self.note("the home could not be copied at one moment")

    def _mark(self) -> tuple[int, int] | None:
        try:
            found = (self.home / "data" / DATABASE).stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size

    def conversation_of(self, request: str) -> str | None:
        """The conversation that a request belongs to, as the database says."""
        connection = sqlite3.connect(f"file:{self.home / 'data' / DATABASE}?mode=ro", uri=True)
        try:
            row = connection.execute("SELECT conversation FROM requests WHERE id = ?", (request,)).fetchone()
        finally:
            connection.close()
        return row[0] if row else None

    def _log(self, event: str, **fields: object) -> None:
        if event == "unexpected error":
            self.note(f"unexpected error in the program: {fields.get('exc_info')!r}")


def _database_files(_: str, names: list[str]) -> set[str]:
    """What is copied apart: the database; and what no crash leaves behind: the memory that its readers share."""
    return {name for name in names if name.startswith(DATABASE)}


def _copy_file(source: str, target: str) -> object:
    with suppress(FileNotFoundError):
        return shutil.copy2(source, target)
    return target
