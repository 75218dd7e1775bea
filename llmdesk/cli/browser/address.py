"""Which addresses are this machine's own: what the server listens on, and what a browser must say it talks to.

The page has no login. What keeps others out is that it listens on loopback, and that a page of another site can neither
reach it under a foreign name (DNS rebinding) nor open its websocket (which browsers allow across sites).
"""

from __future__ import annotations

from llmdesk.core.errors import UsageError

LISTENS_ON = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
"""The hosts that may be named, and the address each stands for."""


def listening_address(host: str, port: int) -> str:
    """Return the address to listen on.

    Raises:
        UsageError: it is not loopback.
    """
    if host not in LISTENS_ON:
        raise UsageError(
            f"llmdesk serve has no login, so it listens on this machine only, not on {host}. "
            f"From another machine, go through ssh: ssh -L {port}:127.0.0.1:{port} USER@THIS-MACHINE, "
            f"then open http://127.0.0.1:{port}/ there."
        )
    return LISTENS_ON[host]


def is_own_host(host: str) -> bool:
    """Whether a ``Host`` header names loopback; the port may be another one, at the far end of a tunnel."""
    name, port = _split(host.lower())
    return name in ("127.0.0.1", "localhost", "[::1]") and (not port or (port.isascii() and port.isdigit()))


def is_own_origin(origin: str, host: str) -> bool:
    """Whether a request comes from the page that ``host`` served; no origin is none of ours."""
    return is_own_host(host) and origin.lower() == f"http://{host.lower()}"


def _split(host: str) -> tuple[str, str]:
    name, bracket, rest = host.partition("]")
    if bracket:
        return (name + bracket, rest.removeprefix(":")) if not rest or rest.startswith(":") else ("", "")
    name, colon, port = host.partition(":")
    return (name, port) if not colon or port else ("", "")
