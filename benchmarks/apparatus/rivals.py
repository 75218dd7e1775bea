"""How rivals with a screen are started, each set up so that it opens on a prompt, asking the server on loopback."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from benchmarks.apparatus.program import Started
from benchmarks.apparatus.token_server import MODEL
from benchmarks.apparatus.told import variables

if TYPE_CHECKING:
    from pathlib import Path

_ELIA = """\
default_model = "bench"
[[models]]
id = "bench"
name = "ollama_chat/{model}"
display_name = "Bench"
provider = "Ollama"
api_base = "{url}"
"""

_OTERM_CHAT = """\
import asyncio, sys
from oterm.store.store import Store
from oterm.types import ChatModel

async def keep():
    store = await Store.get_store()
    await store.save_chat(ChatModel(name="bench", model=sys.argv[1], provider="ollama"))

asyncio.run(keep())
"""


def elia(bin_folder: Path, home: Path, url: str) -> Started:
    """elia opens on a field for the first message."""
    file = home / ".config" / "elia" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(_ELIA.format(model=MODEL, url=url), "utf-8")
    env = variables(home, LITELLM_LOCAL_MODEL_COST_MAP="True")
    return Started(argv=[str(bin_folder / "elia")], env=env, ready="Enter your message")


def oterm(bin_folder: Path, home: Path, url: str) -> Started:
    """oterm opens on a prompt where there is a chat, so one is made."""
    data = home / "data"
    data.mkdir(parents=True)
    (data / "config.json").write_text(json.dumps({"theme": "textual-dark", "splash-screen": False}), "utf-8")
    env = variables(home, OLLAMA_URL=url, OLLAMA_HOST=url.removeprefix("http://"), OTERM_DATA_DIR=str(data))
    made = [str(bin_folder / "python"), "-c", _OTERM_CHAT, MODEL]
    subprocess.run(made, env=env, cwd=home, check=True, capture_output=True, timeout=120)
    return Started(argv=[str(bin_folder / "oterm")], env=env, ready="\u276f")


def parllama(bin_folder: Path, home: Path, url: str) -> Started:
    """parllama opens on its chat when it is told to."""
    data = home / "data"
    data.mkdir(parents=True)
    settings = {
        "schema_version": 2,
        "last_llm_config": {"provider": "Ollama", "model_name": MODEL, "temperature": 0.5, "num_ctx": 32_768},
        "ollama": {"ollama_host": url},
        "ui": {"show_first_run": False, "check_for_updates": False},
    }
    (data / "settings.json").write_text(json.dumps(settings), "utf-8")
    argv = [str(bin_folder / "parllama"), "-d", str(data), "-u", url, "-s", "chat", "--use-last-tab-on-startup", "0"]
    env = variables(home, LITELLM_LOCAL_MODEL_COST_MAP="True")
    return Started(argv=argv, env=env, ready="Type a message")


STARTS = {"elia": elia, "oterm": oterm, "parllama": parllama}
