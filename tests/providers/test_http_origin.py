"""Where requests go, what travels with them, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
import time
import traceback
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.addresses import is_loopback
from llmdesk.core.errors import ErrorKind, NetworkFailed, ProviderError, SetupBroken
from llmdesk.core.types import TextDelta
from llmdesk.providers.base import Endpoint, ModelStore, Timeouts
from llmdesk.providers.http import checked_url
from tests.support.fault_server import (
    FaultServer,
    Mark,
    Play,
    chat_answer,
    chat_chunk,
    error,
    free_port,
    redirect,
    stream,
    until,
)
from tests.support.ollama_asking import asking, events_of, ollama_at, text_of
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmdesk.providers.ollama.adapter import OllamaProvider

KEY = "sk-canary-0123456789"
ENDLESS = stream([chat_chunk("Hello")], end=Mark.HOLD)


# --- ending ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "play", [ENDLESS, Play(raw=(Mark.HOLD,)), stream([chat_chunk("x")] * 500, pause_s=0.01)],
    ids=["mid-answer", "before headers", "streaming"],
)  # fmt: skip
async def test_cancel_closes_the_connection_within_200_ms(play: Play) -> None:
    """The quickest of a few rounds counts: a busy machine may be late, an adapter that waits always is."""
    waits: list[float] = []
    for _ in range(3):
        async with FaultServer() as server, ollama_at(server.url) as provider:
            server.play("/api/chat", play)
            task = asyncio.create_task(events_of(provider))
            await until(lambda server=server: server.count("/api/chat"))
            cancelled = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda server=server: server.seen()[0].client_left_at)
            waits.append((server.seen()[0].client_left_at or 0.0) - cancelled)
    assert 0 <= min(waits) < allowed(0.2), waits


async def test_leaving_the_iteration_closes_the_connection() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        server.play("/api/chat", ENDLESS)
        async with contextlib.aclosing(provider.stream(asking())) as events:
            async for event in events:
                assert isinstance(event, TextDelta)
                break
        await until(lambda: not server.open_connections)


async def test_a_failed_answer_leaves_no_connection_behind() -> None:
    limits = Timeouts(idle_s=0.2)
    async with FaultServer() as server, ollama_at(server.url, timeouts=limits) as provider:
        server.play("/api/chat", Play(status=500, body=(b"x" * 1000, Mark.HOLD)))
        with pytest.raises(ProviderError):
            await events_of(provider)
        await until(lambda: not server.open_connections)


async def test_a_closed_provider_can_be_used_again() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        await events_of(provider)
        await provider.aclose()
        await until(lambda: not server.open_connections)
        assert text_of(await events_of(provider)) == "Hello from Ollama."


# --- keys -----------------------------------------------------------------------------------------------------------


async def _everything(provider: OllamaProvider) -> AsyncIterator[None]:
    """Every call the adapter can make, the package's too."""
    assert isinstance(provider, ModelStore)
    await events_of(provider)
    await provider.check()
    await provider.show_model("gemma3:4b")
    await provider.running_models()
    await provider.copy_model("gemma3:4b", "mine")
    await provider.delete_model("mine")
    async for _ in provider.pull_model("gemma3:4b"):
        yield
    async for _ in provider.create_model("mine", base="gemma3:4b", system="Be kind."):
        yield


async def test_a_key_goes_to_its_own_origin_with_every_call() -> None:
    async with FaultServer() as server:
        async with ollama_at(server.url, key=KEY, headers={"X-Team": "red"}) as provider:
            async for _ in _everything(provider):
                pass
        assert len(server.requests) >= 9
        for seen in server.requests:
            assert seen.headers["authorization"] == f"Bearer {KEY}"
            assert seen.headers["x-team"] == "red"


async def test_no_key_of_the_environment_goes_to_an_endpoint_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", KEY)
    async with FaultServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
        async with ollama_at(server.url) as provider:
            async for _ in _everything(provider):
                pass
        assert len(server.requests) >= 9
        for seen in server.requests:
            assert "authorization" not in seen.headers
            assert KEY not in str(seen.headers) + str(seen.body)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_by_any_call(status: int) -> None:
    async with FaultServer() as thief, FaultServer() as server:
        for path in ("/api/chat", "/api/tags", "/api/me", "/api/copy", "/api/pull"):
            server.always(path, redirect(status, f"{thief.url}{path}"))
        async with ollama_at(server.url, key=KEY) as provider:
            for call in (
                events_of(provider),
                provider.list_models(),
                provider.check(),
                provider.copy_model("a", "b"),
                anext(provider.pull_model("a")),
            ):
                with pytest.raises(SetupBroken, match=r"127\.0\.0\.1"):
                    await call
        assert server.count() == 6  # the model list asks for what is loaded too
        assert thief.count() == 0


# --- proxies ----------------------------------------------------------------------------------------------------------


async def test_nothing_for_this_machine_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultServer() as trap, FaultServer() as server:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, trap.url)
        for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
            async with ollama_at(url) as provider:
                async for _ in _everything(provider):
                    pass
        async with ollama_at("https://desk.localhost:9", timeouts=Timeouts(connect_s=0.5)) as provider:
            with pytest.raises(ProviderError):
                await events_of(provider)
        assert trap.connections == 0
        assert server.count("/api/chat") == 2


async def test_a_loopback_endpoint_ignores_broken_proxy_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    async with FaultServer() as server, ollama_at(server.url) as provider:
        assert text_of(await events_of(provider)) == "Hello from Ollama."


async def test_other_machines_are_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        proxy.always("http://ollama.test:11434/api/chat", chat_answer("through the proxy"))
        async with ollama_at("http://ollama.test:11434", allow_http=True) as provider:
            assert text_of(await events_of(provider)) == "through the proxy"


@pytest.mark.parametrize(("status", "kind"), [(407, ErrorKind.CONFIG), (403, ErrorKind.CONFIG), (502, ErrorKind.NET)])
async def test_a_proxy_that_does_not_connect_is_told_apart(
    status: int, kind: ErrorKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FaultServer() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://ada:proxy-password@"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        proxy.always("ollama.test:443", error(status, "no"))
        async with ollama_at("https://ollama.test", key=KEY) as provider:
            with pytest.raises(ProviderError) as caught:
                await events_of(provider)
        assert caught.value.kind is kind
        assert "proxy" in caught.value.message
        assert "proxy-password" not in caught.value.message
        assert KEY not in str(proxy.seen()[0].headers), "the proxy sees no key of a TLS endpoint"


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://127.8.9.10", True),
        ("http://[::1]:11434", True),
        ("http://[::ffff:127.0.0.1]:1", True),
        ("http://localhost:11434", True),
        ("http://LOCALHOST", True),
        ("http://ollama.localhost:11434", True),
        ("http://0.0.0.0:11434", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost@example.com", False),
        ("https://ollama.com", False),
        ("http://192.168.1.5", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_loopback_is_recognised(url: str, here: bool) -> None:
    assert is_loopback(url) is here


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ollama.com",
        "ftp://ollama.com",
        "http://",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://[::1",
        "https://user:secret-word@ollama.com",
        "http://ollama.com",
        "http://192.168.1.5:11434",
        "https://\u2603\u2603\x00.example",
    ],
)
async def test_an_unusable_address_is_a_setup_fault_that_names_it(url: str) -> None:
    async with ollama_at(url) as provider:
        for call in (events_of(provider), provider.list_models(), provider.copy_model("a", "b")):
            with pytest.raises(ProviderError) as caught:
                await call
            assert caught.value.kind is ErrorKind.CONFIG, caught.value
            assert caught.value.message.startswith("local: ")
            assert "secret-word" not in caught.value.message


def test_plain_http_to_another_machine_needs_leave() -> None:
    assert checked_url(Endpoint(name="team", base_url="http://gpu-box.lan:8000", allow_http=True)).port == 8000
    with pytest.raises(SetupBroken, match="allow_http"):
        checked_url(Endpoint(name="team", base_url="http://gpu-box.lan:8000"))


async def test_a_path_in_the_address_is_kept() -> None:
    async with FaultServer() as server:
        server.always("/ollama/api/chat", chat_answer("below a path"))
        server.always("/ollama/api/copy", Play(framing="length"))
        for ending in ("", "/"):
            async with ollama_at(f"{server.url}/ollama{ending}") as provider:
                assert text_of(await events_of(provider)) == "below a path"
                await provider.copy_model("a", "b")


async def test_ipv6_works() -> None:
    async with FaultServer(host="::1") as server, ollama_at(server.url) as provider:
        assert text_of(await events_of(provider)) == "Hello from Ollama."


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("first", [socket.AF_INET, socket.AF_INET6])
async def test_localhost_finds_a_server_of_either_family(
    host: str, first: socket.AddressFamily, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(name: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        four = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        six = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
        return [four, six] if first is socket.AF_INET else [six, four]

    async with FaultServer(host=host) as server, ollama_at(f"http://localhost:{server.port}") as provider:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)  # this machine may know one family only
        started = time.monotonic()
        assert text_of(await events_of(provider)) == "Hello from Ollama."
        assert time.monotonic() - started < allowed(1.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
async def test_a_refused_loopback_address_is_not_asked_again(host: str) -> None:
    port = free_port()
    async with ollama_at(f"http://{host}:{port}") as provider:
        for call in (events_of(provider), provider.list_models(), provider.delete_model("x")):
            with pytest.raises(NetworkFailed) as caught:
                await call
            assert caught.value.retries == 0
            assert str(caught.value) == f"local: connection refused at {host}:{port}. Start it with: ollama serve"


async def test_a_reset_during_the_handshake_is_the_network() -> None:
    async with (
        FaultServer(greeting=b"") as server,
        ollama_at(server.url.replace("http://", "https://")) as provider,
    ):
        with pytest.raises(NetworkFailed):
            await events_of(provider)


async def test_an_untrusted_certificate_stops_the_package_too() -> None:
    async with FaultServer(tls=True) as server, ollama_at(server.url, key=KEY) as provider:
        with pytest.raises(SetupBroken, match="certificate not trusted"):
            await provider.copy_model("a", "b")
        assert server.count() == 0


@pytest.mark.parametrize("key", ["kéy-with-umlaut", "two\nlines", "null\0byte"])
async def test_a_key_that_cannot_be_sent_is_a_setup_fault_that_does_not_show_it(key: str) -> None:
    async with FaultServer() as server, ollama_at(server.url, key=key) as provider:
        with pytest.raises(SetupBroken) as caught:
            await events_of(provider)
    assert key not in "".join(traceback.format_exception(caught.value))


# --- quiet ------------------------------------------------------------------------------------------------------------


async def test_a_key_echoed_by_the_server_appears_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FaultServer() as server, ollama_at(server.url, key=KEY) as provider:
        server.play("/api/chat", error(401, f"bad key {KEY} given"))
        with pytest.raises(ProviderError) as caught:
            await events_of(provider)
    assert KEY not in caught.value.message + caught.value.details + caplog.text
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in repr(provider.endpoint)
    assert logging.getLogger("httpx").level == logging.WARNING
    assert logging.getLogger("httpcore").level == logging.WARNING


async def test_nothing_packed_is_asked_for() -> None:
    async with FaultServer() as server, ollama_at(server.url) as provider:
        await events_of(provider)
        assert server.seen()[0].headers["accept-encoding"] == "identity"


async def test_a_slow_start_counts_against_the_first_token_limit_as_a_whole() -> None:
    # Headers after 1 s, then nothing: not another 1.5 s from there. The quicker of two rounds counts.
    waits: list[float] = []
    async with FaultServer() as server:
        server.always("/api/chat", Play(before=(1.0,), body=(Mark.HOLD,)))
        async with ollama_at(server.url, timeouts=Timeouts(first_token_s=1.5)) as provider:
            while len(waits) < 2 and min(waits, default=2.4) >= 2.4:
                started = time.monotonic()
                with pytest.raises(ProviderError, match=r"no answer for 1\.5 s"):
                    await events_of(provider)
                waits.append(time.monotonic() - started)
    assert 1.4 < min(waits) < 2.4


def test_importing_and_building_the_adapter_loads_neither_httpx_nor_the_package() -> None:
    program = (
        "import sys; from llmdesk.providers import make_provider; from llmdesk.providers.base import Endpoint;"
        "make_provider('ollama', Endpoint(name='local', base_url='http://127.0.0.1:1'));"
        "print([name for name in ('httpx', 'ollama', 'pydantic', 'h11') if name in sys.modules])"
    )
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"
