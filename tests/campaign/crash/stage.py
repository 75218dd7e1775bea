"""Where scenarios are played: two servers that say what is wanted, and a copy of prepared files for each trial."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.campaign.crash.files import look_into
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, chat_answer, error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.crash.files import Database
    from tests.campaign.crash.tracer import Traced
    from tests.support.exec_world import ExecWorld

MEMORY = Path("/dev/shm")
"""Where there is one, files are made there: a kill loses nothing that is written, so that a disk would only be slow."""

CLOUD_ANSWER = "The answer of the cloud, whole."
LOCAL_ANSWER = "The local answer, whole."
KEY = "key-of-the-cloud"
LIMIT = error(429, "you've reached your hourly usage limit, please wait or upgrade to continue")
DOWN = error(503, "Server overloaded, please retry shortly")


@dataclass(kw_only=True)
class Stage:
    """Two servers and a folder. Everything in it belongs to one thread.

    Args:
        folder: where homes are made.
        cloud, local: the servers.
    """

    folder: Path
    cloud: FaultServer
    local: FaultServer
    _homes: int = 0

    @classmethod
    @contextlib.contextmanager
    def set_in(cls, folder: Path) -> Iterator[Self]:
        """Start the servers."""
        with FaultServer.in_thread() as cloud, FaultServer.in_thread() as local:
            yield cls(folder=folder.resolve(), cloud=cloud, local=local)

    def healthy(self) -> None:
        """Both servers answer, and have heard nothing yet."""
        for server, text in ((self.cloud, CLOUD_ANSWER), (self.local, LOCAL_ANSWER)):
            server.forget()
            server.always("/api/chat", chat_answer(text))

    def healthy_again(self) -> None:
        """As ``healthy``, for what comes next; what was heard stays known."""
        for server, text in ((self.cloud, CLOUD_ANSWER), (self.local, LOCAL_ANSWER)):
            server.always("/api/chat", chat_answer(text))

    def world(self, name: str = "") -> ExecWorld:
        """A home that does not exist yet, in a folder of its own that may hold other files too."""
        self._homes += 1
        root = self.folder / (name or f"trial-{self._homes}")
        root.mkdir(mode=0o700)
        return exec_world(root / "home", OLLAMA_API_KEY=KEY)

    def copy(self, world: ExecWorld) -> ExecWorld:
        """A copy of a home, and of all that lies beside it."""
        made = self.world()
        shutil.copytree(world.home.parent, made.home.parent, dirs_exist_ok=True, symlinks=True)
        return made

    def configuration(
        self, more: str = "", *, targets: tuple[str, ...] = ("cloud/gpt-oss:120b", "local/largest")
    ) -> str:
        """Cloud first, local next, one try each."""
        once = {"attempts": 1, "delay_s": 0}
        text = configuration(
            provider("cloud", self.cloud.url, api_key="${OLLAMA_API_KEY}", retry=once),
            provider("local", self.local.url, retry=once),
            targets=list(targets),
        )
        return text + more


def prompt_of(body: dict[str, Any]) -> str:
    """The newest user message of a chat request."""
    said = [message["content"] for message in body.get("messages", ()) if message.get("role") == "user"]
    return str(said[-1]) if said else ""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the servers had heard when a program was dead: prompts, by server."""

    cloud: tuple[str, ...] = ()
    local: tuple[str, ...] = ()

    @classmethod
    def so_far(cls, stage: Stage) -> Self:
        """All until now."""
        return cls(
            cloud=tuple(prompt_of(seen.json) for seen in stage.cloud.seen("/api/chat")),
            local=tuple(prompt_of(seen.json) for seen in stage.local.seen("/api/chat")),
        )

    @property
    def all(self) -> tuple[str, ...]:
        """Whoever heard it."""
        return self.cloud + self.local


@dataclass(kw_only=True)
class Trial:
    """One run of a scenario.

    Args:
        stage: where it is played.
        world: its files, and the environment of its processes.
        before: the database as it was before.
        traced: what the program did.
        heard: what the servers had heard when it was dead.
        left: the database as the program left it.
        texts: what whole answers say.
        cools: the cloud has answered 429.
    """

    stage: Stage
    world: ExecWorld
    before: Database
    traced: Traced
    heard: Heard
    left: Database
    texts: tuple[str, ...] = (CLOUD_ANSWER, LOCAL_ANSWER)
    cools: bool = False

    @property
    def root(self) -> Path:
        """The folder of the home and of what lies beside it."""
        return self.world.home.parent

    def now(self) -> Database:
        """The database as it is by now."""
        return look_into(self.world.database)
