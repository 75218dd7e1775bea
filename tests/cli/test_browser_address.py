"""Which Host and Origin headers are this machine's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.cli.browser.address import is_own_host, is_own_origin, listening_address
from llmdesk.core.errors import UsageError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:8000", "127.0.0.1:9", "[::1]", "[::1]:8000"])
def test_loopback_is_our_own_at_any_port(host: str) -> None:
    assert is_own_host(host)
    assert is_own_origin(f"http://{host}", host)


@pytest.mark.parametrize(
    "host",
    ["", ":80", "::1", "[::1", "[::1]x", "[::1]80", "localhost:", "localhost:x", "localhost.evil.example",
     "127.0.0.1.x", "evil.example#localhost", "user@localhost", "localhost@evil.example", "0.0.0.0", "127.0.0.1:8000:9",
     "localhost:٣"],
)  # fmt: skip
def test_everything_else_is_not(host: str) -> None:
    assert not is_own_host(host)
    assert not is_own_origin(f"http://{host}", host)


@given(st.text(), st.sampled_from(["localhost:8000", "127.0.0.1", "[::1]:8000"]))
def test_only_the_page_that_was_served_is_our_origin(origin: str, host: str) -> None:
    assert is_own_origin(origin, host) == (origin.lower() == f"http://{host}")


def test_a_name_of_loopback_is_listened_on_by_its_address() -> None:
    assert [listening_address(host, 8000) for host in ("localhost", "127.0.0.1", "::1")] == ["127.0.0.1"] * 2 + ["::1"]
    with pytest.raises(UsageError, match=r"ssh -L 81:127\.0\.0\.1:81 "):
        listening_address("0.0.0.0", 81)
