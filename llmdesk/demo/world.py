"""The demo's whole world: two servers in the running loop, a throw-away folder, and a configuration that knows both."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.lanes import DEFAULT_LANES
from llmdesk.core.values import dataclass
from llmdesk.demo.catalogue import CLOUD_MODEL, CLOUD_MODELS, LOCAL_MODEL, LOCAL_MODELS
from llmdesk.demo.ollama_sim import OllamaSim
from llmdesk.demo.scene import Scene
from llmdesk.demo.server import HttpServer
from llmdesk.demo.speech import Pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

COOLDOWN_S = 20
"""How long the cloud rests after its 429: long enough to watch, short enough to wait for. Seconds."""

RETRY_DELAY_S = 1.5
"""Between two tries of a server error: long enough to be seen. Seconds."""

INPUT_USD, OUTPUT_USD = "5.00", "20.00"
"""What the simulated cloud says it costs, a million tokens; made up like everything else here."""

DAY_USD, MONTH_USD, STOP_USD = "0.01", "0.50", "0.001"
"""A soft limit that a few answers reach, a hard one that is far off, and one that stops a lane at its first prompt."""

STOPPED_LANE = "reviewer"
"""The lane whose budget is too small for any answer of the cloud."""

WATCHED_CLOUD = Pace(start_s=0.3, token_s=1 / 70)
WATCHED_LOCAL = Pace(start_s=0.25, load_s=1.2, token_s=1 / 35, step_s=0.12)
QUICK = Pace(start_s=0.02, token_s=1 / 500, step_s=0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a demo needs to know of its world.

    ``environment`` is everything the desk may see of an environment, with ``LLMDESK_DEMO`` as the mark that it is one;
    ``home`` is the throw-away folder, mode 0700.
    """

    home: Path
    environment: Mapping[str, str]
    cloud: OllamaSim
    local: OllamaSim


@asynccontextmanager
async def demo_world(*, scene: bool = True) -> AsyncIterator[World]:
    """Start both servers and write the configuration; leaving stops the servers and removes the folder.

    Args:
        scene: play the script at a pace a person can follow. Without it the cloud answers at once and fast; the words
            of a prompt still provoke a limit, an overload or a cut.
    """
    key = f"demo-{secrets.token_urlsafe(18)}"
    cloud = OllamaSim(CLOUD_MODELS, key=key, scene=Scene(limit_once=scene), pace=WATCHED_CLOUD if scene else QUICK)
    local = OllamaSim(LOCAL_MODELS, pace=WATCHED_LOCAL if scene else QUICK)
    async with AsyncExitStack() as stack:
        home = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="llmdesk-demo-"))
        stack.push_async_callback(asyncio.to_thread, _remove, home)
        cloud_server = await stack.enter_async_context(HttpServer(cloud))
        local_server = await stack.enter_async_context(HttpServer(local))
        await asyncio.to_thread(_write_configuration, home, cloud_server.url)
        environment = {
            "LLMDESK_DEMO": "1",
            "LLMDESK_HOME": str(home),
            "OLLAMA_HOST": local_server.url,
            "OLLAMA_API_KEY": key,
        }
        yield World(home=home, environment=environment, cloud=cloud, local=local)


def _remove(home: Path) -> None:
    """Take the folder away for good: a log that is still writing would make it again."""
    from llmdesk.logs import close_log

    close_log()
    shutil.rmtree(home, ignore_errors=True)


def _write_configuration(home: Path, cloud_url: str) -> None:
    folder = home / "config"
    folder.mkdir(mode=0o700)
    path = folder / "llmdesk.yaml"
    path.touch(mode=0o600)
    path.write_text(demo_configuration(cloud_url), encoding="utf-8")


def demo_configuration(cloud_url: str) -> str:
    """The demo's ``llmdesk.yaml``.

    Lane ``codegen`` asks before it fails over and lane ``reviewer`` has a budget that stops it, to show that too.
    """
    lanes = "\n".join(
        f"  {lane}: {{targets: [cloud/{CLOUD_MODEL}, local/largest], failover: {_failover(lane)}}}"
        for lane in DEFAULT_LANES
    )
    return f"""\
# DEMO: a simulated cloud and a simulated local Ollama on this machine. This file is removed when the demo ends.
version: 1
default_lane: chat
providers:
  cloud:
    kind: ollama
    base_url: {cloud_url}
    api_key: "${{OLLAMA_API_KEY}}"
    default_model: {CLOUD_MODEL}
    cooldown_s: {COOLDOWN_S}
    retry: {{attempts: 3, delay_s: {RETRY_DELAY_S}}}
  local:
    kind: ollama
    base_url: "${{OLLAMA_HOST}}"
    fallback_models: [{LOCAL_MODEL}]
lanes:
{lanes}
models:
  cloud/{CLOUD_MODEL}: {{price: {{input_usd_per_mtok: {INPUT_USD}, output_usd_per_mtok: {OUTPUT_USD}}}}}
budgets:
  - {{scope: day, limit_usd: {DAY_USD}, kind: soft}}
  - {{scope: month, limit_usd: {MONTH_USD}, kind: hard, when_exhausted: free}}
  - {{scope: day, lane: {STOPPED_LANE}, limit_usd: {STOP_USD}, kind: hard}}
"""


def _failover(lane: str) -> str:
    return "ask" if lane == "codegen" else "auto"
