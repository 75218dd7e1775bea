"""A real desk that lives by clocks of the test: what it writes down, and how long a provider rests."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, error
from tests.support.stored import Clocks

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = error(429, "you've reached your hourly usage limit, please wait or upgrade to continue")
BILLION = 1_000_000_000


async def test_everything_that_is_written_down_and_every_cooldown_goes_by_the_clocks_given(tmp_path: Path) -> None:
    clocks = Clocks(wall=2.0 * BILLION)
    async with FaultServer() as cloud, FaultServer() as local:
        world = exec_world(tmp_path)
        world.configure(
            configuration(
                provider("cloud", cloud.url), provider("local", local.url), targets=["cloud/x", "local/gemma3:4b"]
            )
        )
        cloud.play("/api/chat", LIMIT)
        async with make_desk(env=world.environment, now=clocks) as desk:
            assert (await desk.send(Ask(prompt="one")).outcome()).target == ("local", "gemma3:4b")
            clocks.wall -= 86_400  # set back: the same boot's clock decides, and the rest stays as long as it was
            clocks.pass_time(598)
            assert (await desk.send(Ask(prompt="two")).outcome()).target == ("local", "gemma3:4b")
            clocks.boot += 3  # asleep
            assert (await desk.send(Ask(prompt="three")).outcome()).target == ("cloud", "x")
    connection = sqlite3.connect(world.database)
    written = [round(at / 1000) - 2 * BILLION for (at,) in connection.execute("SELECT created_at FROM requests")]
    connection.close()
    assert written == [0, 598 - 86_400, 598 - 86_400]
