"""``OLLAMA_HOST`` as Ollama itself reads it, turned into the address a client can connect to.

Follows ``envconfig/config.go`` (``Var``, ``Host``, ``ConnectableHost``) of github.com/ollama/ollama, which differs from
what the Python package does: spaces and quotes are trimmed, and a scheme changes the port that is meant.
"""

from __future__ import annotations

OLLAMA_PORT = 11434
"""Where Ollama listens when nothing is said."""

LOCAL_URL = f"http://127.0.0.1:{OLLAMA_PORT}"
"""Where an Ollama server on this machine is found when nothing is said; a number, so that no name is looked up."""

_SCHEME_PORTS = {"http": 80, "https": 443}


def parse_ollama_host(text: str) -> str:
    """Read one of the many forms of ``OLLAMA_HOST``.

    Args:
        text: the value as it stands in the environment: ``1.2.3.4``, ``:1234``, ``[::1]:1234``, ``https://host/path``,
            ``ollama.com`` …; empty means the default.

    Returns:
        ``scheme://host[:port][/path]`` without a trailing slash. The port is left out where it is the scheme's own.
        A listen-on-everything address becomes the loopback address of its family, because one cannot connect to it.
    """
    value = text.strip().strip("\"'").strip()
    scheme, separator, rest = value.partition("://")
    if separator:
        scheme = scheme.lower()
        default = _SCHEME_PORTS.get(scheme, OLLAMA_PORT)
    elif value == "ollama.com":
        scheme, rest, default = "https", value, 443
    else:
        scheme, rest, default = "http", value, OLLAMA_PORT
    address, _, path = rest.partition("/")
    if "@" in address:
        return f"{scheme}://{rest}".rstrip("/")  # a user name is nobody's host: whoever reads the address refuses it
    host, port_text = _split_port(address)
    port = default if port_text is None else _port(port_text, default)
    host = _connectable(host)
    shown = f"[{host}]" if ":" in host else host
    if port != _SCHEME_PORTS.get(scheme):
        shown = f"{shown}:{port}"
    return f"{scheme}://{shown}/{path}".rstrip("/")


def _split_port(address: str) -> tuple[str, str | None]:
    """Split ``host:port``; a bare IPv6 address, in brackets or not, has no port."""
    if address.startswith("["):
        host, bracket, after = address[1:].partition("]")
        if bracket and after.startswith(":"):
            return host, after[1:]
        return address.strip("[]"), None
    if address.count(":") == 1:
        host, _, port = address.partition(":")
        return host, port
    return address, None


def _port(text: str, default: int) -> int:
    """Read a port; what is no number from 0 to 65535 means the default, as in Ollama."""
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5):
        return default
    return int(digits) if int(digits) <= 65535 else default


def _connectable(host: str) -> str:
    """The address to connect to for the address a server listens on."""
    if ":" in host:
        import ipaddress

        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError:
            return host
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, never bound
