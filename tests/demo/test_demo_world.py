"""The demo's world: two live servers, a private folder, a configuration, and nothing left behind."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from ruamel.yaml import YAML

from llmdesk.config.loader import load_settings
from llmdesk.config.provider_settings import OllamaSettings
from llmdesk.core.lanes import DEFAULT_LANES
from llmdesk.core.money import to_nano_usd
from llmdesk.core.types import Message, Role, Status
from llmdesk.demo import demo_world
from llmdesk.wiring import make_desk
from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from llmdesk.demo import World


async def _ask(client: httpx.AsyncClient, world: World, cloud_url: str, prompt: str) -> int:
    headers = {"Authorization": f"Bearer {world.environment['OLLAMA_API_KEY']}"}
    body = {
        "model": "demo-cloud:120b",
        "messages": [{"role": "user", "content": prompt}],
        "options": {"num_predict": 3},
    }
    return (await client.post(cloud_url + "/api/chat", json=body, headers=headers)).status_code


def _configuration(world: World) -> dict[str, dict[str, dict[str, object]]]:
    loaded: dict[str, dict[str, dict[str, object]]] = YAML(typ="safe").load(world.home / "config" / "llmdesk.yaml")
    return loaded


async def test_both_servers_answer_and_the_scene_is_played() -> None:
    async with demo_world() as world, httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        cloud_url = str(_configuration(world)["providers"]["cloud"]["base_url"])
        statuses = [await _ask(client, world, cloud_url, "hello") for _ in range(3)]
        assert statuses == [200, 429, 200]
        assert world.cloud.prompts() == [("hello", 200), ("hello", 429), ("hello", 200)]
        assert (await client.get(world.environment["OLLAMA_HOST"])).text == "Ollama is running"


async def test_without_the_scene_the_cloud_answers_at_once_every_time() -> None:
    async with demo_world(scene=False) as world, httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        cloud_url = str(_configuration(world)["providers"]["cloud"]["base_url"])
        assert [await _ask(client, world, cloud_url, "hello") for _ in range(4)] == [200] * 4
        assert await _ask(client, world, cloud_url, "cut off at the limit") == 429


async def test_the_configuration_names_both_servers_and_every_lane_but_no_key() -> None:
    async with demo_world() as world:
        configuration = _configuration(world)
        text = (world.home / "config" / "llmdesk.yaml").read_text()
    assert set(configuration["providers"]) == {"cloud", "local"}
    assert configuration["providers"]["cloud"]["cooldown_s"] == 20
    assert tuple(configuration["lanes"]) == DEFAULT_LANES
    assert configuration["lanes"]["chat"]["targets"] == ["cloud/demo-cloud:120b", "local/largest"]
    assert configuration["lanes"]["codegen"]["failover"] == "ask"
    assert world.environment["OLLAMA_API_KEY"] not in text
    assert "DEMO" in text


async def test_the_configuration_loads_with_this_environment_alone() -> None:
    async with demo_world() as world:
        loaded = load_settings(world.home / "config" / "llmdesk.yaml", world.environment)
    assert not loaded.disabled
    local = loaded.settings.providers["local"]
    assert isinstance(local, OllamaSettings)
    assert local.base_url == world.environment["OLLAMA_HOST"]


async def test_the_cloud_has_a_price_and_the_budgets_of_the_demo_hold() -> None:
    async with demo_world(scene=False) as world:
        async with make_desk(env=world.environment) as desk:
            answered = await desk.generate(messages=[Message(role=Role.USER, content="hello")])
            stopped = await desk.generate(messages=[Message(role=Role.USER, content="hello")], lane="reviewer")
            day, month, lane = await desk.budgets()
        assert answered.status is Status.COMPLETED
        assert to_nano_usd(answered.cost_usd) == day.spent == month.spent > 0
        assert not answered.warnings
        assert (stopped.status, lane.spent) == (Status.BLOCKED, 0)
        assert any("local/largest" in line for line in stopped.advice)
        assert world.cloud.prompts() == [("hello", 200)]


async def test_the_folder_is_private_and_gone_afterwards() -> None:
    async with demo_world() as world:
        config = world.home / "config"
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (world.home, config, config / "llmdesk.yaml")]
        (world.home / "state").mkdir()
    assert modes == [0o700, 0o700, 0o600]
    assert not world.home.exists()


async def test_the_environment_holds_nothing_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-user")
    async with demo_world() as first, demo_world() as second:
        assert set(first.environment) == {"LLMDESK_DEMO", "LLMDESK_HOME", "OLLAMA_HOST", "OLLAMA_API_KEY"}
        assert first.environment["OLLAMA_API_KEY"] != second.environment["OLLAMA_API_KEY"]
        assert first.environment["OLLAMA_HOST"] != second.environment["OLLAMA_HOST"]


async def test_the_folder_is_gone_even_when_the_demo_fails() -> None:
    with pytest.raises(RuntimeError, match="boom"):
        async with demo_world() as world:
            raise RuntimeError("boom")
    assert not world.home.exists()


def test_importing_the_demo_loads_nothing_heavy() -> None:
    code = (
        "import json, sys; import llmdesk.demo; light = set(sys.modules); import llmdesk.demo.world;"
        "print(json.dumps([sorted(light), sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    light, full = json.loads(done.stdout)
    assert "asyncio" not in light
    assert not {"httpx", "ollama", "pydantic", "textual", "ruamel.yaml"} & set(full)
