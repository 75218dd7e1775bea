"""A simulated Ollama server: the routes and error bodies of the real one, canned answers, no model.

Source of routes and forms: ollama/ollama v0.33.0-rc2, server/routes.go and docs/api.md; docs/cloud.mdx for the hosted
service.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from llmdesk.demo.embedding import embed, embed_one
from llmdesk.demo.scene import REFUSALS, Beat
from llmdesk.demo.server import Reply, Stream
from llmdesk.demo.shelf import Shelf
from llmdesk.demo.speech import Pace, Voice
from llmdesk.demo.turn import read_turn
from llmdesk.demo.wire import WireError, json_reply, read_json

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from llmdesk.core.types import Json
    from llmdesk.demo.catalogue import SimModel
    from llmdesk.demo.scene import Scene
    from llmdesk.demo.server import Request

VERSION = "0.33.0"
"""The version whose wire is spoken."""

LOG_LENGTH = 1_000


@dataclass(slots=True, kw_only=True)
class Call:
    """One request and what became of it; the server's log is made of these.

    ``prompt`` is the last user message and ``model`` the one that was asked, both empty where there is none;
    ``status`` is 0 until it is decided.
    """

    request: Request
    status: int = 0
    prompt: str = ""
    model: str = ""

    @property
    def path(self) -> str:
        """The route that was called."""
        return self.request.path


Answer = Callable[[Call], Awaitable[Reply | Stream]]


class OllamaSim:
    """The handler of one simulated server.

    Args:
        models: what it has at first.
        key: makes it the cloud: every call but a look at the list needs ``Authorization: Bearer KEY``, and it has no
            model store to pull to. ``None`` makes it a local server.
        scene: what happens to prompts; ``None`` = all are answered.
        pace: how fast it is.
        sleep: waits; tests pass one that does not.
        now: the time, with its zone.
    """

    def __init__(
        self,
        models: Iterable[SimModel],
        *,
        key: str | None = None,
        scene: Scene | None = None,
        pace: Pace | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        pace = pace or Pace()
        self._key = key
        self._scene = scene
        self._refusal_s = pace.start_s
        self._sleep = sleep
        self.shelf = Shelf(models, step_s=pace.step_s, sleep=sleep, now=now)
        self._voice = Voice(pace=pace, shelf=None if key else self.shelf, sleep=sleep, now=now)
        self.log: deque[Call] = deque(maxlen=LOG_LENGTH)
        """The latest calls in the order in which they arrived."""
        self._routes = self._cloud_routes() if key else self._local_routes()

    async def __call__(self, request: Request) -> Reply | Stream:
        """Answer one request."""
        call = Call(request=request)
        self.log.append(call)
        answer = await self._answer(call)
        call.status = answer.status if isinstance(answer, Reply) else 200
        return answer

    async def _answer(self, call: Call) -> Reply | Stream:
        if not _is_loopback_host(call.request.headers.get("host", "")):
            return Reply(status=403)
        if (route := self._routes.get(call.path)) is None:
            return Reply(status=404, body=b"404 page not found", content_type="text/plain")
        methods, answer = route
        if call.request.method not in methods.split():
            return Reply(status=405, body=b"405 method not allowed", content_type="text/plain")
        try:
            return await answer(call)
        except WireError as error:
            return json_reply({"error": error.text}, error.status)

    def prompts(self) -> list[tuple[str, int]]:
        """Every prompt with the status it got, in order; what a test or a curious reader wants of the log."""
        return [(call.prompt, call.status) for call in self.log if call.prompt]

    def _common_routes(self) -> dict[str, tuple[str, Answer]]:
        return {
            "/": ("GET HEAD", self._root),
            "/api/version": ("GET HEAD", self._version),
            "/api/tags": ("GET HEAD", self._tags),
            "/api/show": ("POST", self._show),
            "/api/chat": ("POST", self._chat),
            "/api/generate": ("POST", self._generate),
            "/api/me": ("POST", self._me),
        }

    def _cloud_routes(self) -> dict[str, tuple[str, Answer]]:
        return {**self._common_routes(), "/api/usage": ("GET", self._usage)}

    def _local_routes(self) -> dict[str, tuple[str, Answer]]:
        return {
            **self._common_routes(),
            "/api/status": ("GET", self._status),
            "/api/ps": ("GET", self._ps),
            "/api/embed": ("POST", self._embed),
            "/api/embeddings": ("POST", self._embeddings),
            "/api/pull": ("POST", self._pull),
            "/api/push": ("POST", self._push),
            "/api/create": ("POST", self._create),
            "/api/copy": ("POST", self._copy),
            "/api/delete": ("DELETE", self._delete),
        }

    # --- looking ------------------------------------------------------------------------------------------------

    async def _root(self, _call: Call) -> Reply:
        return Reply(body=b"Ollama is running", content_type="text/plain; charset=utf-8")

    async def _version(self, _call: Call) -> Reply:
        return json_reply({"version": VERSION})

    async def _status(self, _call: Call) -> Reply:
        return json_reply({"cloud": {"disabled": False, "source": "none"}})

    async def _tags(self, _call: Call) -> Reply:
        return json_reply(self.shelf.tags())

    async def _ps(self, _call: Call) -> Reply:
        return json_reply(self.shelf.running())

    async def _show(self, call: Call) -> Reply:
        self._check_key(call)
        name = _name(read_json(call.request))
        full_name = name if ":" in name else name + ":latest"
        return json_reply(self._model(name, f"model '{full_name}' not found").shown())

    async def _me(self, call: Call) -> Reply:
        if not self._key:
            raise WireError(401, "unauthorized")  # nobody is signed in here
        self._check_key(call)
        return json_reply({"id": "demo", "email": "demo@example.invalid", "name": "demo", "plan": "free"})

    async def _usage(self, call: Call) -> Reply:
        self._check_key(call)
        return json_reply({"limits": {"monthly": {"usage": 0.42, "models": []}}, "activity": {}})

    def _check_key(self, call: Call) -> None:
        if self._key and call.request.headers.get("authorization") != f"Bearer {self._key}":
            raise WireError(401, "unauthorized")

    def _model(self, name: str, absent: str) -> SimModel:
        if (model := self.shelf.find(name)) is None:
            raise WireError(404, absent)
        return model

    # --- answering ----------------------------------------------------------------------------------------------

    async def _chat(self, call: Call) -> Reply | Stream:
        return await self._take_turn("chat", call)

    async def _generate(self, call: Call) -> Reply | Stream:
        return await self._take_turn("generate", call)

    async def _take_turn(self, endpoint: Literal["chat", "generate"], call: Call) -> Reply | Stream:
        self._check_key(call)
        body = read_json(call.request)
        name = _name(body)
        model = self._model(name, f"model '{name}' not found")
        if model.remote_model:
            raise WireError(401, "unauthorized")  # a stub of a cloud model, and this server is not signed in
        turn = read_turn(endpoint, body, model)
        call.model, call.prompt = model.name, turn.prompt
        if turn.empty:
            return json_reply(self._voice.load_only(turn, self.shelf))
        beat = self._scene.next_beat(turn.prompt) if self._scene else Beat.ANSWER
        if beat in REFUSALS:
            await self._sleep(self._refusal_s)
            status, text = REFUSALS[beat]
            raise WireError(status, text)
        cut = beat is Beat.CUT
        if turn.stream:
            return Stream(self._voice.stream(turn, cut=cut))
        return json_reply(await self._voice.whole(turn, cut=cut))

    async def _embed(self, call: Call) -> Reply:
        body = read_json(call.request)
        name = _name(body)
        return json_reply(embed(body, self._model(name, f'model "{name}" not found, try pulling it first')))

    async def _embeddings(self, call: Call) -> Reply:
        body = read_json(call.request)
        name = _name(body)
        return json_reply(embed_one(body, self._model(name, f'model "{name}" not found, try pulling it first')))

    # --- the model store ----------------------------------------------------------------------------------------

    async def _pull(self, call: Call) -> Reply | Stream:
        body = read_json(call.request)
        return await _progress(body, self.shelf.pull(_name(body)))

    async def _push(self, call: Call) -> Reply | Stream:
        body = read_json(call.request)
        return await _progress(body, self.shelf.push(_name(body)))

    async def _create(self, call: Call) -> Reply | Stream:
        body = read_json(call.request)
        base, system = str(body.get("from") or ""), str(body.get("system") or "")
        return await _progress(body, self.shelf.create(_name(body), base, system))

    async def _copy(self, call: Call) -> Reply:
        body = read_json(call.request)
        self.shelf.copy(str(body.get("source") or ""), str(body.get("destination") or ""))
        return Reply()

    async def _delete(self, call: Call) -> Reply:
        self.shelf.delete(_name(read_json(call.request)))
        return Reply()


def _name(body: Json) -> str:
    name = body.get("model") or body.get("name")
    if not isinstance(name, str) or not name:
        raise WireError(400, "model is required")
    return name


async def _progress(body: Json, lines: AsyncGenerator[bytes, None]) -> Reply | Stream:
    """Progress as a stream, or only its last line when no stream is wanted."""
    if body.get("stream") is not False:
        return Stream(lines)
    last = b"{}"
    async for line in lines:
        last = line
    return Reply(body=last.rstrip(b"\n"))


def _is_loopback_host(host: str) -> bool:
    """Whether a Host header may be served by a server bound to loopback (routes.go allowedHostsMiddleware)."""
    name = urlsplit(f"//{host}").hostname or ""
    return name in ("localhost", "127.0.0.1", "::1") or name.endswith((".localhost", ".local", ".internal"))
