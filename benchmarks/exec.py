"""One request as a whole process: ``llmdesk exec`` beside the ``ollama`` package, bare httpx and ``llm``.

All ask the same server on loopback for the same answer and print it as it comes; their imports are part of it. Measured
is the time from the start of the process to its first byte on standard output, and to its end.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.apparatus.token_server import MODEL
from benchmarks.apparatus.token_source import TokenSource
from benchmarks.apparatus.told import LLMDESK, variables
from benchmarks.apparatus.turns import turns
from benchmarks.judging.figures import HTTPX, OLLAMA
from benchmarks.judging.samples import OURS, Failure, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.apparatus.told import Told

BARE_OLLAMA = """
import ollama, sys
for part in ollama.Client(sys.argv[1]).chat(sys.argv[2], [{"role": "user", "content": "hello"}], stream=True):
    print(part.message.content, end="", flush=True)
"""

BARE_HTTPX = """
import httpx, json, sys
body = {"model": sys.argv[2], "messages": [{"role": "user", "content": "hello"}]}
with httpx.stream("POST", sys.argv[1] + "/api/chat", json=body, trust_env=False) as reply:
    for line in reply.iter_lines():
        print(json.loads(line)["message"]["content"], end="", flush=True)
"""

STARTS = 5
"""Processes of each candidate in one round."""


def measure(told: Told) -> Iterator[Sample | Failure]:
    """Both figures at each size."""
    with TokenSource() as source:
        candidates = programs(told.folder, source.url)
        if isinstance(llm := told.rival("llm", "llm"), Failure):
            yield llm
        elif llm is not None:
            env = variables(told.folder, OLLAMA_HOST=source.url, LLM_USER_PATH=str(told.folder / "llm"))
            candidates["llm"] = [str(llm), "-m", f"ollama/{MODEL}", "hello"], env
        for tokens in told.sizes(20, 500, 5_000, quick=(20,)):
            source.plan(tokens, end="THE END")
            for counts, name in turns(told.rounds * told.count(STARTS, 1), list(candidates), warm_up=not told.quick):
                try:
                    first, end = times(*candidates[name])
                except NotAnsweredError as error:
                    if name == OURS:
                        raise
                    yield Failure(of=name, why=str(error))
                    continue
                if counts:
                    yield Sample(figure="exec first byte", of=name, value=first * 1000, size=tokens)
                    yield Sample(figure="exec end", of=name, value=end * 1000, size=tokens)


def programs(folder: Path, url: str) -> dict[str, tuple[list[str], dict[str, str]]]:
    """What is started, with which environment."""
    bare = variables(folder)
    desk = variables(folder, LLMDESK_HOME=str(folder / "exec"), OLLAMA_HOST=url)
    return {
        OURS: ([LLMDESK, "exec", "hello"], desk),
        OLLAMA: ([sys.executable, "-c", BARE_OLLAMA, url, MODEL], bare),
        HTTPX: ([sys.executable, "-c", BARE_HTTPX, url, MODEL], bare),
    }


class NotAnsweredError(Exception):
    """A program ended without the whole answer."""


def times(argv: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Seconds to the first byte on standard output, and to the end of the process.

    Raises:
        NotAnsweredError: it failed, or did not print the end of the answer.
    """
    begun = time.monotonic()
    with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=env["HOME"]) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        read = process.stdout.read(1)
        first = time.monotonic() - begun
        read += process.stdout.read()
        code = process.wait()
        end = time.monotonic() - begun
        if code or b"THE END" not in read:
            said = process.stderr.read().decode(errors="replace").strip().splitlines()
            raise NotAnsweredError(f"{argv[0]} ended with code {code}: {' '.join(said[-1:])[:200]}")
    return first, end
