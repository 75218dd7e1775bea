"""What exceptions of the HTTP stack mean: each becomes a ``ProviderError`` (docs/policy.md, section 3.8)."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from llmdesk.core.addresses import is_loopback
from llmdesk.core.errors import AnswerCut, NetworkFailed, SetupBroken
from llmdesk.core.text import one_line, redact
from llmdesk.core.values import dataclass
from llmdesk.providers.reply import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmdesk.core.errors import ProviderError
    from llmdesk.providers.base import Endpoint

_Kind = TypeVar("_Kind", bound=BaseException)


def broken(endpoint: Endpoint, cause: str) -> SetupBroken:
    """Say that the provider cannot be called as it is configured."""
    return SetupBroken(one_line(redact(f"{endpoint.name}: {cause}")))


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
