"""The one HTTP client factory: limits, no redirects, no proxy on loopback, own origin only, foreign errors mapped.

The only module that knows httpx (measured: 80-90 ms to import), and it imports it when the first request is made.
What the settings mean is docs/policy.md, R3, R6, R11, N1-N16 and S4, S6.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from llmdesk.core.addresses import is_loopback
from llmdesk.core.errors import AnswerCut, NetworkFailed, ProviderError, SetupBroken
from llmdesk.core.text import one_line, redact
from llmdesk.core.values import dataclass
from llmdesk.core.version import __version__
from llmdesk.providers.reply import Limits, Reply, seconds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping
    from urllib.parse import SplitResult

    import httpx

    from llmdesk.core.exchange import Recording, Tap
    from llmdesk.providers.base import Endpoint

_Kind = TypeVar("_Kind", bound=BaseException)

_SECRET_HEADERS = ("key", "token", "auth", "secret")


def checked_url(endpoint: Endpoint) -> SplitResult:
    """Take the base URL apart.

    Raises:
        SetupBroken: it is no http(s) URL, carries a password, or is plain http to another machine without leave.
    """
    try:
        parts = urlsplit(endpoint.base_url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise broken(endpoint, f"base_url '{endpoint.base_url}' is no http or https address. Correct it.")
    if parts.username is not None or parts.password is not None:
        raise broken(endpoint, "base_url contains a user name or password. Put it under headers instead.")
    if parts.query or parts.fragment:
        raise broken(endpoint, "base_url has a query (? or #), behind which no path can stand. Take it out.")
    if parts.scheme == "http" and not is_loopback(endpoint.base_url) and not endpoint.allow_http:
        raise broken(endpoint, f"plain http to {parts.hostname} is refused. Use https, or set allow_http: true.")
    return parts


def broken(endpoint: Endpoint, cause: str) -> SetupBroken:
    """Say that the provider cannot be called as it is configured."""
    return SetupBroken(one_line(redact(f"{endpoint.name}: {cause}")))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHeader:
    """The header a wire expects its key in (never a query: addresses end up in logs, policy E7)."""

    name: str = "Authorization"
    prefix: str = "Bearer "


BEARER = KeyHeader()


def client_settings(endpoint: Endpoint, key_header: KeyHeader = BEARER) -> dict[str, Any]:
    """The keyword arguments of every ``httpx.AsyncClient`` that talks to ``endpoint``.

    Raises:
        SetupBroken: the endpoint cannot be used as it is.
    """
    load()
    import httpx

    # Their INFO lines carry whole URLs (policy S4).
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    parts = checked_url(endpoint)
    if endpoint.key is not None:
        redact.learn(endpoint.key)
    for name, value in endpoint.headers.items():
        if any(word in name.lower() for word in _SECRET_HEADERS):
            learn_credential(value)
    loopback = is_loopback(endpoint.base_url)
    limits = endpoint.timeouts
    settings: dict[str, Any] = {
        "follow_redirects": False,
        "trust_env": not loopback,
        # Reading has no limit here: Reply measures the whole, which a limit on each read cannot (policy N7).
        "timeout": httpx.Timeout(connect=limits.connect_s, write=limits.write_s, pool=limits.pool_s, read=None),
        "headers": {"Accept-Encoding": "identity", "User-Agent": f"llmdesk/{__version__}"},
        "auth": _own_origin_auth(endpoint, key_header),
    }
    if loopback and parts.scheme == "http":
        # No TLS can happen here, so the 20 ms for loading certificates are saved; this context trusts nobody.
        settings["verify"] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return settings


def learn_credential(value: str) -> None:
    """Let no secret of a header be shown: the whole, what follows its scheme, the password packed in ``Basic``."""
    redact.learn(value)
    scheme, _, rest = value.partition(" ")
    redact.learn(rest)
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            user_and_password = base64.b64decode(rest, validate=True).decode()
            redact.learn(user_and_password)
            redact.learn(user_and_password.partition(":")[2])


def load() -> None:
    """Import what a first request would have to import.

    httpx does without its own command-line program where that cannot be imported; it would bring rich, pygments and
    click along, a third of the whole. So it is made missing for as long as the import takes, and is there afterwards.
    """
    program = "httpx._main"
    if "httpx" not in sys.modules:
        sys.modules[program] = None  # type: ignore[assignment] # Python's own sign for a module that is not to be had
        try:
            import httpx  # noqa: F401
        finally:
            sys.modules.pop(program, None)  # two threads may have come here at once


def make_client(endpoint: Endpoint, key_header: KeyHeader = BEARER) -> httpx.AsyncClient:
    """Build the client of one endpoint. Nothing is sent.

    Raises:
        SetupBroken: URL, proxy settings, certificate file, key or headers cannot be used.
    """
    load()
    import httpx

    try:
        return httpx.AsyncClient(base_url=endpoint.base_url.strip(), **client_settings(endpoint, key_header))
    except ImportError:
        raise broken(endpoint, "the proxy in the environment is of a kind that is not supported (socks).") from None
    except (ssl.SSLError, OSError):
        raise broken(endpoint, "the certificate file in SSL_CERT_FILE or SSL_CERT_DIR cannot be read.") from None
    except UnicodeError:
        raise broken(endpoint, "the address, key or a header has characters that cannot be sent.") from None
    except (ValueError, httpx.InvalidURL) as problem:
        raise broken(endpoint, f"the address or the proxy in the environment is unusable ({problem}).") from None


def _own_origin_auth(endpoint: Endpoint, key_header: KeyHeader) -> httpx.Auth:
    """Put key and headers on a request only if it goes to the endpoint's own origin (policy S6, N10)."""
    import httpx

    home = httpx.URL(endpoint.base_url.strip())
    key = {} if endpoint.key is None else {key_header.name: f"{key_header.prefix}{endpoint.key}"}
    secrets = httpx.Headers({**key, **endpoint.headers})

    class OwnOriginOnly(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            # Whatever a library took from the environment is not meant for this endpoint.
            request.headers.pop("authorization", None)
            if (request.url.scheme, request.url.host, request.url.port) == (home.scheme, home.host, home.port):
                request.headers.update(secrets)
            yield request

    return OwnOriginOnly()


# --- foreign exceptions -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Progress:
    """How far a call has come, which decides what a broken connection means."""

    in_handshake: bool = False
    answered: bool = False

    async def trace(self, event: str, _: object) -> None:
        """Follow the connection (httpcore's ``trace`` extension)."""
        if ".start_tls." in event:
            # A failed handshake is still one: only its completion ends it.
            self.in_handshake = not event.endswith(".complete")


@contextlib.contextmanager
def mapped(endpoint: Endpoint, progress: Progress | None = None, *, start_hint: str = "") -> Iterator[None]:
    """Turn every exception of the HTTP stack into a ``ProviderError``; ``CancelledError`` passes.

    Args:
        endpoint: whom the message names.
        progress: how far the call has come; ``None`` = nothing was answered yet.
        start_hint: the command that starts a server on this machine that is not running.
    """
    import httpx

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ssl.SSLError, OSError, UnicodeError) as problem:
        # Without the original in the chain: its text may carry addresses with passwords.
        raise translated(endpoint, problem, progress or Progress(), start_hint) from None


def translated(endpoint: Endpoint, problem: BaseException, progress: Progress, start_hint: str = "") -> ProviderError:
    """Name the class of a foreign exception (docs/policy.md, section 3.8)."""
    import httpx

    if progress.answered:
        return AnswerCut(f"{endpoint.name}: the connection broke in the middle of the answer.")
    if isinstance(problem, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return broken(endpoint, f"base_url '{endpoint.base_url}' is no http or https address. Correct it.")
    if isinstance(problem, httpx.LocalProtocolError | UnicodeError):
        return broken(endpoint, "the key or a header has characters that cannot be sent.")
    if isinstance(problem, httpx.ProxyError):
        if str(problem)[:1] == "4":
            return broken(endpoint, f"the proxy refused the connection ({problem}). Check the proxy settings.")
        return _net(endpoint, f"the proxy could not connect ({problem}).")
    return _not_connected(endpoint, problem, progress, start_hint)


def _not_connected(endpoint: Endpoint, problem: BaseException, progress: Progress, start_hint: str) -> ProviderError:
    place = _place(endpoint)
    causes = list(_causes(problem))
    if (known := _bad_tls(endpoint, problem, causes, progress)) is not None:
        return known
    if is_loopback(endpoint.base_url) and _first(causes, ConnectionRefusedError) is not None:
        hint = f" Start it with: {start_hint}" if start_hint else ""
        return _net(endpoint, f"connection refused at {place}.{hint}", retries=0)
    return _net(endpoint, _why(endpoint, problem, causes))


def _why(endpoint: Endpoint, problem: BaseException, causes: list[BaseException]) -> str:
    import httpx

    place = _place(endpoint)
    reasons = (
        (isinstance(problem, httpx.ConnectTimeout),
         f"no connection to {place} within {seconds(endpoint.timeouts.connect_s)} (is the network up?)."),
        (isinstance(problem, httpx.PoolTimeout), "all connections are busy with other requests."),
        (isinstance(problem, httpx.WriteTimeout), f"{place} did not take the request."),
        (_first(causes, socket.gaierror) is not None, f"no host found for {place} (is the network up?)."),
        (_first(causes, ConnectionRefusedError) is not None, f"connection refused at {place}."),
        (isinstance(problem, httpx.RemoteProtocolError), f"{place} gave no valid HTTP answer ({problem})."),
        (isinstance(problem, httpx.ConnectError), f"cannot connect to {place} ({causes[-1]})."),
    )  # fmt: skip
    return next((text for holds, text in reasons if holds), f"the connection to {place} broke before an answer.")


def _bad_tls(
    endpoint: Endpoint, problem: BaseException, causes: list[BaseException], progress: Progress
) -> SetupBroken | None:
    import httpx

    place = _place(endpoint)
    if (distrust := _first(causes, ssl.SSLCertVerificationError)) is not None:
        return broken(endpoint, f"TLS certificate not trusted: {distrust.verify_message}.")
    if progress.in_handshake and isinstance(problem, httpx.ConnectTimeout):
        limit = seconds(endpoint.timeouts.connect_s)
        return broken(endpoint, f"TLS handshake with {place} not answered within {limit}. Is it really https?")
    # Those without a reason only say that the other side went away or had not answered yet.
    spoken = (cause.reason for cause in causes if isinstance(cause, ssl.SSLError) and cause.reason)
    if (reason := next(spoken, None)) is not None and "EOF" not in reason:
        return broken(endpoint, f"TLS with {place} failed ({reason}). Is it really https?")
    return None


def _place(endpoint: Endpoint) -> str:
    parts = urlsplit(endpoint.base_url.strip())
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _net(endpoint: Endpoint, cause: str, retries: int | None = None) -> NetworkFailed:
    return NetworkFailed(one_line(redact(f"{endpoint.name}: {cause}")), retries=retries)


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """Walk from an exception to what lies beneath, groups included (anyio groups one failure for each address)."""
    waiting: list[BaseException | None] = [problem]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
        waiting += [current.__cause__, current.__context__]


def _first(causes: list[BaseException], kind: type[_Kind]) -> _Kind | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)


# --- calls ------------------------------------------------------------------------------------------------------------


class Origin:
    """The one place an endpoint's requests go to: a client made at the first call, and guarded calls through it.

    Args:
        endpoint: where, with which key and limits.
        start_hint: the command that starts this kind of server, for the message when it is not running.
        key_header: where the wire expects the key.
        headers: what the wire wants in every request; those of the endpoint go before them.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        start_hint: str = "",
        key_header: KeyHeader = BEARER,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.start_hint = start_hint
        self._key_header = key_header
        self._headers = {"Accept": "application/x-ndjson, application/json", **(headers or {})}
        self._client: httpx.AsyncClient | None = None

    @contextlib.asynccontextmanager
    async def open_stream(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        total_s: float | None = None,
        tap: Tap | None = None,
    ) -> AsyncGenerator[Reply, None]:
        """Send one request and hand over the reply as soon as its headers are there.

        Leaving the context closes the connection, unless the reply was read to its end.

        Args:
            method: the HTTP method.
            path: appended to the base URL.
            body: JSON bytes.
            total_s: limit on the whole call, seconds; ``None`` = the endpoint's own (which may be none).
            tap: is told what is sent and received.

        Raises:
            ProviderError: net, silent, config: there are no headers to hand over.
        """
        if self._client is None:
            self._client = make_client(self.endpoint, self._key_header)
        limits = Limits(self.endpoint, asyncio.get_running_loop().time, total_s=total_s)
        progress = Progress()
        headers = {**self._headers, **({} if body is None else {"Content-Type": "application/json"})}
        with mapped(self.endpoint, progress, start_hint=self.start_hint):
            request = self._client.build_request(
                method, path.lstrip("/"), content=body, headers=headers, extensions={
                    "trace": progress.trace, "timeout": self._client.timeout.as_dict(),
                },
            )  # fmt: skip
            recording = tap.call(method=method, url=str(request.url), body=body or b"") if tap is not None else None
            try:
                async with asyncio.timeout_at(limits.deadline()):
                    response = await self._client.send(request, stream=True)
            except TimeoutError:
                raise limits.expired() from None
            finally:  # only sending puts on what belongs to this endpoint alone
                if recording is not None:
                    recording.asked(request.headers, own=self.endpoint.headers)
        progress.answered = True
        if recording is not None:
            recording.answered(response.status_code, response.headers)
        try:
            raw = self._raw(response, progress, recording)
            yield Reply(self.endpoint, response.status_code, response.headers, raw, limits)
        finally:
            if recording is not None:
                recording.ended()
            with contextlib.suppress(ProviderError), mapped(self.endpoint, progress):
                await response.aclose()

    async def _raw(
        self, response: httpx.Response, progress: Progress, recording: Recording | None
    ) -> AsyncGenerator[bytes, None]:
        with mapped(self.endpoint, progress):
            async for data in response.aiter_raw():
                if recording is not None:
                    recording.came(data)
                yield data

    async def aclose(self) -> None:
        """Close every connection; a later call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(ProviderError), mapped(self.endpoint):
                await client.aclose()
