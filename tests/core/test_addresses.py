"""Which base URLs a provider may have, and what is said of the others."""

from __future__ import annotations

import pytest

from llmdesk.core.addresses import is_loopback, split_address


@pytest.mark.parametrize("url", ["https://user:hunter2\u2100@host/", "http://[user:hunter2]@host", "https://[::1"])
def test_an_address_that_cannot_be_read_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match="must be an address") as caught:
        split_address(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://[::1]", True),
        ("http://[::ffff:127.0.0.1]:1", True),
        ("http://localhost", True),
        ("http://[::ffff:10.0.0.1]", False),
        ("http://10.0.0.1", False),
        ("https://ollama.com", False),
        ("${URL}", False),
    ],
)
def test_loopback_is_told_by_the_address(url: str, here: bool) -> None:
    assert is_loopback(url) is here
