"""Asks as processes of their own: ``llmdesk exec --json``, cut in on by signals."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.campaign.evidence import Resumed
from tests.support.exec_world import CLEAN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.campaign.evidence import Asked, Evidence
    from tests.campaign.house import House
    from tests.campaign.sequence import Say

SIGNALS = {
    "cancel": signal.SIGINT,
    "keep": signal.SIGTERM,
    "close": signal.SIGHUP,
    "next target": signal.SIGTERM,
    "kill": signal.SIGKILL,
}
"""What a process is told where a desk has a method; a process has no next target, and is kept instead."""


LOOK_S = 0.005
"""How often it is looked whether a target has heard of a prompt, seconds."""


async def ask_process(
    house: House, asked: Asked, say: Say, *, conversation: str | None, reached: Callable[[], bool]
) -> Asked:
    """Ask once; whoever is cancelled meanwhile leaves no process behind.

    Args:
        house: whose home it is.
        asked: what is known of it so far.
        say: what is asked.
        conversation: the conversation that goes on.
        reached: whether a target has heard of it; only from then on the time until a cut is counted.
    """
    more = ("--conversation", conversation) if conversation else ()
    process = await _start(house, "exec", "--json", "--lane", say.lane, *more, "--", asked.prompt)
    reading = asyncio.create_task(process.communicate())
    try:
        if say.cut:
            while not reading.done() and not reached():
                await asyncio.wait({reading}, timeout=LOOK_S)
            await asyncio.wait({reading}, timeout=say.after_s)
            if not reading.done() and process.returncode is None:
                asked = replace(asked, cut=say.cut, cut_at=time.monotonic())
                process.send_signal(SIGNALS[say.cut])
        out, err = await reading
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    over = time.monotonic()
    killed = process.returncode == -signal.SIGKILL
    house.end_life(asked.instance, asked.cut_at if killed and asked.cut_at else over, hard=killed)
    answer = _one_object(out)
    return replace(
        asked,
        over=None if killed else over,
        answer=answer,
        request=str(answer["id"]) if answer else "",
        code=None if killed else process.returncode,
        out=out.decode("utf-8", "replace"),
        err=err.decode("utf-8", "replace"),
    )


def learn_request(evidence: Evidence, request: str, prompt: str) -> None:
    """An outbox tells the ids of requests whose instance was killed before it could."""
    for place, asked in enumerate(evidence.asked):
        if asked.prompt == prompt and not asked.request:
            evidence.asked[place] = replace(asked, request=request)


async def retry_process(house: House, evidence: Evidence, *, probe: bool) -> None:
    """Send everything again that waits, one after the other, each by a process of its own."""
    listing = await _start(house, "outbox", "list", "--json")
    out, _ = await listing.communicate()
    for line in out.splitlines():
        entry = json.loads(line)
        request = entry["id"]
        learn_request(evidence, request, entry["prompt"])
        number = house.begin_life()
        at = time.monotonic()
        process = await _start(house, "outbox", "retry", request, "--json", *(["--now"] if probe else []))
        out, _ = await process.communicate()
        over = time.monotonic()
        house.end_life(number, over, hard=False)
        answer = _one_object(out)
        evidence.resumed.append(
            Resumed(
                at=at,
                over=over,
                request=request,
                instance=number,
                probe=probe,
                taken=answer is not None,
                answer=answer,
            )
        )


async def _start(house: House, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "llmdesk",
        *words,
        env={**CLEAN, "NO_COLOR": "1", **house.surroundings},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def _one_object(out: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(out)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
