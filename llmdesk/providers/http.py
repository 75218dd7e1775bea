"""The one HTTP client factory: limits, no redirects, no proxy on loopback, own origin only, foreign errors mapped.

httpx (measured: 80-90 ms to import) is imported when the first request is made; its exceptions are turned into ours in
``http_faults``.
What the settings mean is docs/policy.md, R3, R6, R11, N1-N16 and S4, S6.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import ssl
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from llmdesk.core.addresses import is_loopback
from llmdesk.core.errors import ProviderError
from llmdesk.core.text import redact
from llmdesk.core.values import dataclass
from llmdesk.core.version import __version__
from llmdesk.providers.http_faults import Progress, broken, mapped
from llmdesk.providers.reply import Limits, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from urllib.parse import SplitResult

    import httpx

    from llmdesk.core.exchange import Recording, Tap
    from llmdesk.providers.base import Endpoint

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
