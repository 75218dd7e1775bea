"""The other side of a sequence: a server for each provider behind a wire that can be poisoned, and a log of it all.

Every request for an answer becomes one ``Served``, in the order of arrival and whatever becomes of it; everything else
a healthy Ollama is asked for (versions, lists, accounts) is answered and not written down. What a request meets is
looked up by the number in its newest user message: ``#12.`` is the twelfth prompt.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import unquote

from tests.campaign.acting import Own, act, own_words
from tests.campaign.alphabet import SYMBOLS
from tests.campaign.configured import configuration_of, key_variable, model_of
from tests.campaign.evidence import Served
from tests.campaign.told import told
from tests.campaign.tools import ToolHouse
from tests.campaign.toxics import ToxicProxy
from tests.support.exec_world import CLEAN
from tests.support.fault_server import FaultServer, model_entry
from tests.support.metered import TILLS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from llmdesk.core.types import Message
    from tests.campaign.alphabet import Symbol
    from tests.campaign.sequence import Budget, Provider, Toxin
    from tests.campaign.tools import Run
    from tests.support.fault_server import Play, Seen
    from tests.support.metered import Till

NUMBER = re.compile(r"#(\d+)\.")
KEY_MARKS = "+/=~%_-."
"""Signs that a key may hold and that look another way in an address, in base64 or in JSON."""

STRAY_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OLLAMA_API_KEY")
"""Variables with keys of vendors that no provider of a sequence is: nobody may ever see them."""

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

_TILL_OF = {till.kind: till for till in TILLS}


@dataclass(eq=False)
class _Place:
    """One provider's server and wire; a command-line tool has none of both."""

    provider: Provider
    server: FaultServer | None = None
    wire: ToxicProxy | None = None


class World:
    """See the module's first lines.

    Args:
        providers: those of the sequence.
        home: where the desks that ask live.
        now: wall clock and elapsed time of the sequence's machine, seconds.
        seed: of the keys, and of what wires draw.
        patience: how many times as long as usual the desks wait for their providers.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        home: Path,
        now: Callable[[], tuple[float, float]],
        *,
        seed: int = 0,
        patience: float = 1.0,
    ) -> None:
        self.providers = {provider.name: provider for provider in providers}
        self.home = home
        self.served: list[Served] = []
        self.foreign: list[str] = []
        self.canaries: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self._now = now
        self._dice = random.Random(seed)
        self._seed = seed
        self._patience = patience
        self._script: dict[tuple[int, str], deque[str]] = {}
        self._serial = 0
        self._places: dict[str, _Place] = {}
        self._tools: ToolHouse | None = None
        self._open = AsyncExitStack()
        self._closing = False
        self._entries: dict[int, int] = {}

    # --- life ---------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            opening.push(self._begin_closing)
            trap = await asyncio.start_server(self._trap, "127.0.0.1", 0)
            opening.callback(trap.close)
            for provider in self.providers.values():
                self._places[provider.name] = await self._place(provider, opening)
            if any(provider.wire == "command" for provider in self.providers.values()):
                self._tools = await opening.enter_async_context(ToolHouse(self._begin_run, self._end_run))
            self._set_environment(trap.sockets[0].getsockname()[1])
            self._open = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        await self._open.aclose()

    def _begin_closing(self, *_: object) -> None:
        self._closing = True

    async def _place(self, provider: Provider, opening: AsyncExitStack) -> _Place:
        if provider.wire == "command":
            return _Place(provider)
        server = FaultServer(models=[model_entry(model_of(provider.name))])
        server.respond = lambda seen: self._respond(provider, seen)
        server.on_over = self._over
        await opening.enter_async_context(server)
        wire = ToxicProxy(server.port, seed=self._seed)
        await opening.enter_async_context(wire)
        return _Place(provider, server, wire)

    def _set_environment(self, trap: int) -> None:
        self.environment = {**CLEAN, "LLMDESK_HOME": str(self.home), "NO_COLOR": "1"}
        self.environment |= dict.fromkeys(PROXIES, f"http://127.0.0.1:{trap}")
        for name in STRAY_KEYS:
            self.environment[name] = self.canaries[f"stray {name}"] = self._key()
        for provider in self.providers.values():
            if provider.key:
                self.environment[key_variable(provider.name)] = self.canaries[f"key {provider.name}"] = self._key()

    def _key(self) -> str:
        letters = "".join(self._dice.choices("abcdefghijkmnpqrstuvwxyzABCDEFGH23456789", k=24))
        marks = self._dice.sample(KEY_MARKS, k=4)
        return "sk-" + "".join(f"{letters[at * 6 : at * 6 + 6]}{mark}" for at, mark in enumerate(marks)) + "z9"

    def moved(self, home: Path) -> None:
        """From now on the desks live somewhere else."""
        self.home = home

    # --- what the program is told -------------------------------------------------------------------------------------

    model_of = staticmethod(model_of)

    def configuration(
        self, lanes: Sequence[tuple[str, Sequence[str]]], record: str = "full", budgets: Sequence[Budget] = ()
    ) -> str:
        """The whole file; for its parts see ``configuration_of``."""
        reached = {name: self._reached(place) for name, place in self._places.items()}
        providers = list(self.providers.values())
        return configuration_of(
            providers, reached, lanes, record=record, budgets=budgets, patience=self._patience
        )  # fmt: skip

    def _reached(self, place: _Place) -> str | list[str]:
        provider = place.provider
        if place.wire is not None:
            return _TILL_OF[provider.wire].url(place.wire.url)
        assert self._tools is not None
        return self._tools.command(provider.name)

    def write_configuration(self, text: str) -> None:
        """Put the file where it belongs, as only its owner can read it: it may name programs."""
        file = self.home / "config" / "llmdesk.yaml"
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)

    # --- what the servers do ------------------------------------------------------------------------------------------

    def meets(self, number: int, provider: str, symbols: Sequence[str]) -> None:
        """Let the requests of prompt ``number`` meet these at that provider, in turn; then it is healthy."""
        assert provider in self.providers
        assert all(SYMBOLS[name].wire == self.providers[provider].wire for name in symbols)
        self._script[number, provider] = deque(symbols)

    async def poison(self, provider: str, toxin: Toxin | Literal[""]) -> None:
        """Make a provider's wire bad, or good again; a program has none, so nothing can be done to it."""
        if (wire := self._places[provider].wire) is not None:
            wire.poison(toxin)

    def leftovers(self) -> tuple[str, ...]:
        """The command lines of tools that are still alive."""
        return self._tools.alive() if self._tools is not None else ()

    def _next(self, provider: Provider, prompt: str) -> tuple[Symbol, Own]:
        queues = (self._script.get((int(number), provider.name)) for number in NUMBER.findall(prompt))
        name = next((queue.popleft() for queue in queues if queue), f"{provider.wire}/happy")
        self._serial += 1
        words = own_words(provider.name, self._serial)
        key = self.canaries.get(f"key {provider.name}", "")
        return SYMBOLS[name], Own(words=words, read=100 + self._serial, output=3 + self._serial, key=key)

    # --- over HTTP ----------------------------------------------------------------------------------------------------

    def _respond(self, provider: Provider, seen: Seen) -> Play | None:
        till = _TILL_OF[provider.wire]
        if not till.asks(seen.path):
            return None
        messages = till.messages(seen.json)
        state = self._state()
        symbol, own = self._next(provider, _newest(messages))
        self._entries[id(seen)] = len(self.served)
        self._note(provider, seen.at, _model(till, seen), messages, symbol, state, seen.headers)
        return act(symbol, own)

    def _over(self, seen: Seen) -> None:
        at = self._entries.pop(id(seen), None)
        if at is None or self._closing:
            return
        served = self.served[at]
        symbol = SYMBOLS[served.symbol]
        found = told(symbol.wire, bytes(seen.sent)) if _speaks(symbol) else None
        self.served[at] = replace(
            served,
            text=found.text if found else "",
            marked=found.marked if found else False,
            usage=found.usage if found else None,
            over=seen.over_at,
            left=seen.client_left_at is not None,
        )

    # --- by programs --------------------------------------------------------------------------------------------------

    def _begin_run(self, run: Run) -> tuple[Symbol, Own]:
        state = self._state()
        provider = self.providers[run.provider]
        symbol, own = self._next(provider, _newest(run.messages))
        self._entries[id(run)] = len(self.served)
        given = {f"env:{name}": value for name, value in run.environment.items()}
        headers = {"argv": " ".join(run.argv), **given}
        self._note(provider, run.at, run.model, run.messages, symbol, state, headers)
        return symbol, own

    def _end_run(self, run: Run) -> None:
        at = self._entries.pop(id(run), None)
        if at is None or self._closing:
            return
        found = told("command", run.printed)
        self.served[at] = replace(
            self.served[at],
            text=found.text,
            marked=run.done and run.code == 0,
            usage=found.usage,
            over=run.over_at,
            left=not run.done,
        )

    # --- notes --------------------------------------------------------------------------------------------------------

    def _note(
        self,
        provider: Provider,
        at: float,
        model: str,
        messages: Sequence[Message],
        symbol: Symbol,
        state: str,
        headers: dict[str, str],
    ) -> None:
        wall, boot = self._now()
        self.served.append(
            Served(
                at=at,
                boot=boot,
                wall=wall,
                provider=provider.name,
                model=model,
                prompt=_newest(messages),
                messages=tuple((message.role.value, message.content) for message in messages),
                symbol=symbol.name,
                error=symbol.error.value if symbol.error is not None else "",
                text="",
                marked=False,
                usage=None,
                state=state,
                headers=headers,
            )
        )

    def _state(self) -> str:
        try:
            return (self.home / "state" / "llm_state.json").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    async def _trap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode("latin-1").split()
        self.foreign.append(line[1] if len(line) > 1 else "?")
        writer.close()


def _newest(messages: Sequence[Message]) -> str:
    return next((message.content for message in reversed(messages) if message.role.value == "user"), "")


def _model(till: Till, seen: Seen) -> str:
    if till.kind == "google":
        return unquote(seen.path.rpartition("/")[2]).removesuffix(":streamGenerateContent")
    return str(seen.json.get("model", ""))


def _speaks(symbol: Symbol) -> bool:
    play = symbol.scene.play
    return play is not None and play.status == 200 and "Content-Encoding" not in play.headers
