"""LiteLLM's Router, in an environment of its own that has it: prints milliseconds as a JSON list.

    python litellm_router.py choose DEPLOYMENTS COUNT
    python litellm_router.py failover FIRST_URL SECOND_URL MODEL COUNT

``choose`` = picking one deployment, without a request. ``failover`` = the first address refuses, the second answers; no
tries again and no cooldowns, so that two requests are sent as by everybody else. The answer is streamed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched from the network

import litellm  # type: ignore[import-not-found]

WARM_UP = 5
SAID = [{"role": "user", "content": "hello"}]


def deployment(group: str, model: str, url: str) -> dict[str, object]:
    return {"model_name": group, "litellm_params": {"model": f"ollama_chat/{model}", "api_base": url, "api_key": "key"}}


async def choose(deployments: int, count: int) -> list[float]:
    router = litellm.Router([deployment("lane", f"bench:{at}b", "http://127.0.0.1:9") for at in range(deployments)])
    times = []
    for _ in range(count + WARM_UP):
        begun = time.perf_counter()
        await router.async_get_available_deployment(model="lane", messages=SAID, request_kwargs={})
        times.append((time.perf_counter() - begun) * 1000)
    return times[WARM_UP:]


async def failover(first: str, second: str, model: str, count: int) -> list[float]:
    router = litellm.Router(
        [deployment("first", model, first), deployment("second", model, second)],
        fallbacks=[{"first": ["second"]}], num_retries=0, disable_cooldowns=True,
    )  # fmt: skip
    times = []
    for _ in range(count + WARM_UP):
        begun = time.perf_counter()
        text = ""
        async for part in await router.acompletion(model="first", messages=SAID, stream=True):
            text += part.choices[0].delta.content or ""
        times.append((time.perf_counter() - begun) * 1000)
        assert text.startswith("word0 "), text
    return times[WARM_UP:]


def main() -> None:
    litellm.suppress_debug_info = True
    what, *words = sys.argv[1:]
    if what == "choose":
        times = asyncio.run(choose(int(words[0]), int(words[1])))
    else:
        times = asyncio.run(failover(words[0], words[1], words[2], int(words[3])))
    print(json.dumps(times))


if __name__ == "__main__":
    main()
