"""Three servers that answer 429 at once and one that answers well, on Ollama's wire: for failing over.

    python benchmarks/apparatus/refusing_servers.py

It prints their addresses, the answering one last, and serves until standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial

REFUSING = 3
MODEL = "bench:1b"
WORDS = [f"word{n} " for n in range(8)]
ANSWER = "".join(WORDS)

_REFUSAL = b'{"error":"rate limit exceeded"}'
_PIECES = [{"model": MODEL, "message": {"role": "assistant", "content": word}, "done": False} for word in WORDS]
_LAST = {"model": MODEL, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
         "prompt_eval_count": 5, "eval_count": 8}  # fmt: skip
_ANSWER = "".join(json.dumps(piece) + "\n" for piece in [*_PIECES, _LAST]).encode()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
    """Give every request of a connection the same answer."""
    try:
        while True:
            asked = await reader.readuntil(b"\r\n\r\n")
            fields = asked.lower().split(b"\r\n")
            length = next((int(field.split(b":")[1]) for field in fields if b"content-length" in field), 0)
            await reader.readexactly(length)
            writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve() -> None:
    """Serve all of them."""
    refusing = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n"
    answering = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
    kinds = [(refusing, _REFUSAL)] * REFUSING + [(answering, _ANSWER)]
    servers = [
        await asyncio.start_server(partial(answer, head=head, body=body), "127.0.0.1", 0) for head, body in kinds
    ]
    print(*(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        server.close()


if __name__ == "__main__":
    asyncio.run(serve())
