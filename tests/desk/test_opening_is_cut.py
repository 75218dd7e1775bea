"""Ctrl+c while a desk is still being opened: what was begun is closed, and nobody is told of it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from llmdesk.wiring import make_desk

if TYPE_CHECKING:
    from pathlib import Path


def working_on_databases() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith("llmdesk-database")]


async def test_a_desk_that_is_cancelled_while_it_opens_closes_what_it_has_begun(tmp_path: Path) -> None:
    desk = make_desk(config=None, env={"LLMDESK_HOME": str(tmp_path)})
    before = set(working_on_databases())
    opening = asyncio.create_task(desk.__aenter__())
    while not (mine := [each for each in working_on_databases() if each not in before]):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await asyncio.to_thread(lambda: [each.join(30) for each in mine])
    assert not any(each.is_alive() for each in mine)
