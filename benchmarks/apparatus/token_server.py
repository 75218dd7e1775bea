"""A server on loopback that speaks as much of Ollama as a chat needs, and answers with as many tokens as it is told.

    python benchmarks/apparatus/token_server.py

It prints its address and serves until it is ended. `POST /plan {"tokens": 2000, "rate": 100, "begin": "B", "end": "E"}`
says how the next answers go (rate 0 = as fast as they are read); the first token is `begin`, the last one `end`.
`GET /told` says when the last answer was asked for, began and ended (seconds of the machine's monotonic clock), how
many bytes asked for it, and how many tokens were sent; and how many answers were begun and ended in all.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from llmdesk.demo.server import HttpServer, Reply, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from llmdesk.demo.server import Request

MODEL = "bench:8b"

DETAILS = {"parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "8B",
           "quantization_level": "Q4_K_M"}  # fmt: skip
"""As Ollama tells them; some clients take no model without all of them."""

PROSE = (
    "## Part {n}\n\nSome *words* and **stronger words**, `code` in a line, and a [link](https://example.org/{n}) in a "
    "paragraph that is long enough to be wrapped at the edge of a wide terminal, as most of them are.\n\n"
    "- the first point of {n}\n- the second one, which is a little longer\n  - and one below it\n\n"
    "```python\ndef part_{n}(line: str) -> dict[str, str]:\n    # read one line\n"
    '    return dict(pair.split("=", 1) for pair in line.split())\n```\n\n'
    "| name | value |\n|------|------:|\n| one | {n} |\n| two | 2 |\n\n> A quotation of part {n}.\n\n"
)


def tokens(count: int, begin: str, end: str) -> Iterator[str]:
    """Yield ``count`` tokens of Markdown, about four characters each."""
    text = "".join(PROSE.format(n=n) for n in range(count * 4 // 300 + 2))
    yield f"{begin} "
    for at in range(count - 2):
        yield text[at * 4 : at * 4 + 4]
    yield f"\n```\n\n{end}"


class TokenServer:
    """Answers as it was told."""

    def __init__(self) -> None:
        self.plan: dict[str, object] = {"tokens": 50, "rate": 0, "begin": "BEGIN", "end": "END"}
        self.told: dict[str, object] = {}
        self.begun, self.ended = 0, 0

    async def __call__(self, request: Request) -> Reply | Stream:
        """Serve one request."""
        match request.path:
            case "/plan":
                self.plan |= json.loads(request.body)
                return Reply(body=b"{}")
            case "/told":
                counted = {"begun": self.begun, "ended": self.ended}
                return Reply(body=json.dumps({**self.told, **counted}).encode())
            case "/api/chat":
                return Stream(self._answer(time.monotonic(), len(request.body)))
            case "/api/tags":
                card = {"name": MODEL, "model": MODEL, "size": 4_700_000_000, "digest": "0" * 64, "details": DETAILS,
                        "modified_at": "2026-01-01T00:00:00Z"}  # fmt: skip
                return Reply(body=json.dumps({"models": [card]}).encode())
            case "/api/version":
                return Reply(body=b'{"version": "0.13.0"}')
            case "/api/ps":
                return Reply(body=b'{"models": []}')
            case "/api/show":
                shown = {"details": DETAILS, "capabilities": ["completion"], "license": "", "modelfile": "FROM bench",
                         "parameters": "", "template": "{{ .Prompt }}", "modified_at": "2026-01-01T00:00:00Z",
                         "model_info": {"general.architecture": "llama", "llama.context_length": 32_768}}  # fmt: skip
                return Reply(body=json.dumps(shown).encode())
            case _:
                return Reply(status=404, body=b'{"error": "not here"}')

    async def _answer(self, asked_at: float, asked_bytes: int) -> AsyncGenerator[bytes, None]:
        plan = self.plan
        count, rate = int(str(plan["tokens"])), float(str(plan["rate"]))
        begun, sent = time.monotonic(), 0
        self.begun += 1
        self.told = {"asked_at": asked_at, "asked_bytes": asked_bytes, "begun_at": begun}
        waiting: list[bytes] = []
        for token in tokens(count, str(plan["begin"]), str(plan["end"])):
            if rate and (early := begun + sent / rate - time.monotonic()) > 0:
                await asyncio.sleep(early)
            sent += 1
            waiting.append(_line(token))
            if rate or len(waiting) == 8:
                yield b"".join(waiting)
                waiting.clear()
        if waiting:
            yield b"".join(waiting)
        yield json.dumps(
            {"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": ""},
             "done": True, "done_reason": "stop", "prompt_eval_count": 20, "eval_count": count}
        ).encode() + b"\n"  # fmt: skip
        self.told |= {"ended_at": time.monotonic(), "sent": sent}
        self.ended += 1


def _line(token: str) -> bytes:
    said = {"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": token}}
    return json.dumps({**said, "done": False}).encode() + b"\n"


async def main() -> None:
    """Serve until ended."""
    async with HttpServer(TokenServer()) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
