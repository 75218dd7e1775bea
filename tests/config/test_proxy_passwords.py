"""The password of a proxy is known as soon as the configuration is read: what a proxy says of it is masked."""

from __future__ import annotations

import base64

import pytest

from llmdesk.config.loader import load_settings
from llmdesk.core.text import MASK, redact


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "address",
    ["http://me:gate%40keeper-4711@proxy.example:3128", "me:gate%40keeper-4711@proxy.example", "socks5://me:gate%40keeper-4711@[::1]:1"],
)  # fmt: skip
def test_the_password_of_a_proxy_is_masked_as_it_is_and_packed(name: str, address: str) -> None:
    load_settings(None, {name: address})
    packed = base64.b64encode(b"me:gate@keeper-4711").decode()
    shown = redact(f"407 for gate@keeper-4711, that is Basic {packed}")
    assert "keeper" not in shown
    assert packed[6:-6] not in shown
    assert shown.startswith(f"407 for {MASK}")


def test_a_proxy_without_a_password_teaches_nothing() -> None:
    before = set(redact._exact)
    load_settings(None, {"HTTP_PROXY": "http://proxy.example:3128", "ALL_PROXY": ""})
    assert redact._exact == before
