from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.ollama_host import parse_ollama_host


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("   ", "http://127.0.0.1:11434"),
        ('""', "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        ("1.2.3.4:1234", "http://1.2.3.4:1234"),
        (":1234", "http://127.0.0.1:1234"),
        ("  1.2.3.4  ", "http://1.2.3.4:11434"),
        ('"1.2.3.4"', "http://1.2.3.4:11434"),
        ("'1.2.3.4:99'", "http://1.2.3.4:99"),
        ('" 127.0.0.1 "', "http://127.0.0.1:11434"),
        ("http://1.2.3.4", "http://1.2.3.4"),
        ("http://1.2.3.4:1234", "http://1.2.3.4:1234"),
        ("http://:3000", "http://127.0.0.1:3000"),
        ("https://1.2.3.4", "https://1.2.3.4"),
        ("https://1.2.3.4:1234", "https://1.2.3.4:1234"),
        ("HTTPS://1.2.3.4", "https://1.2.3.4"),
        ("http://1.2.3.4/", "http://1.2.3.4"),
        ("example.com", "http://example.com:11434"),
        ("example.com:1234", "http://example.com:1234"),
        ("example.com/ollama", "http://example.com:11434/ollama"),
        ("example.com:1234/ollama", "http://example.com:1234/ollama"),
        ("https://example.com/ollama", "https://example.com/ollama"),
        ("https://example.com:1234/a/b/", "https://example.com:1234/a/b"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:1234", "http://[::1]:1234"),
        ("[0001:002:003:0004::1]", "http://[1:2:3:4::1]:11434"),
        ("[fe80::1%eth0]:1234", "http://[fe80::1%eth0]:1234"),
        ("http://[::1]", "http://[::1]"),
        ("::", "http://[::1]:11434"),
        ("[::]:1234", "http://[::1]:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("https://0.0.0.0", "https://127.0.0.1"),
        ("1.2.3.4:66000", "http://1.2.3.4:11434"),
        ("1.2.3.4:-1", "http://1.2.3.4:11434"),
        ("1.2.3.4:abc", "http://1.2.3.4:11434"),
        ("1.2.3.4:", "http://1.2.3.4:11434"),
        ("https://1.2.3.4:66000", "https://1.2.3.4"),
        ("http://1.2.3.4:99999999999", "http://1.2.3.4"),
        ("ollama.com", "https://ollama.com"),
        (" ollama.com ", "https://ollama.com"),
        ("https://ollama.com", "https://ollama.com"),
        ("ollama.com:443", "http://ollama.com:443"),
        ("http://ollama.com", "http://ollama.com"),
    ],
)
def test_every_form_of_ollama_host_gives_the_address_ollama_would_connect_to(text: str, url: str) -> None:
    assert parse_ollama_host(text) == url


@given(st.ip_addresses(), st.integers(1, 65535), st.sampled_from(["http", "https"]))
def test_any_numeric_address_and_port_survive(address: object, port: int, scheme: str) -> None:
    host = f"[{address}]" if ":" in str(address) else str(address)
    parts = urlsplit(parse_ollama_host(f"{scheme}://{host}:{port}"))
    assert parts.scheme == scheme
    assert (parts.port or {"http": 80, "https": 443}[scheme]) == port


@given(st.text())
def test_any_text_gives_some_address_and_reading_it_again_changes_nothing(text: str) -> None:
    url = parse_ollama_host(text)
    assert "://" in url
    if url.startswith(("http://", "https://")) and not set(url) & set(" \"'\t\n"):
        assert parse_ollama_host(url) == url


def test_a_user_name_is_kept_so_that_whoever_reads_the_address_can_refuse_it() -> None:
    assert parse_ollama_host("https://ada:pw@example.org/x/") == "https://ada:pw@example.org/x"
