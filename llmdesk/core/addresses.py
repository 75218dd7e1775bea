"""Base URLs: which a provider may have, and which of them stay on this machine (policy S6)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult


def split_address(url: str) -> SplitResult:
    """Take a base URL apart.

    Raises:
        ValueError: it is no plain ``http(s)://host[:port][/path]``; the message says what is wrong, without the URL.
    """
    if any(char <= " " or char == "\x7f" for char in url):
        raise ValueError("holds a space or a control character")
    try:
        parts = urlsplit(url)
    except ValueError:  # its text quotes the address, a password in it included
        raise ValueError("must be an address like https://host/path") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address like https://host/path")
    if parts.query or parts.fragment:
        raise ValueError("must end with the path, without '?' or '#'")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user name or password; use api_key or headers")
    try:
        parts.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise ValueError("must have a port from 0 to 65535") from None
    return parts


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: what a key is bound to. Three empty values for what is no address."""
    try:
        parts = split_address(url)
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine: ``localhost`` and names below it (RFC 6761, 6.3), 127.0.0.0/8 or ::1."""
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not host or not (host[0].isdigit() or ":" in host):
        return False
    import ipaddress

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
