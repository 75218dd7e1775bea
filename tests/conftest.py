"""What every test gets: an environment without anybody's keys and servers, and a redactor that knows no secret yet."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.text import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

FOREIGN = re.compile(r"LLMDESK_.*|OLLAMA_.*|.*_API_KEY|(?:HTTP|HTTPS|ALL|NO)_PROXY|SSL_CERT_.*|NO_COLOR", re.IGNORECASE)
"""Variables of the surrounding environment that would change what a test sees."""


def pytest_configure() -> None:
    """Let ctrl+c reach the programs of the tests: a shell starts what runs in its background deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if FOREIGN.fullmatch(name):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _unknowing_redactor() -> Iterator[None]:
    """Whoever teaches the process-wide redactor a key in a test teaches it for that test only."""
    known = set(redact._exact)
    yield
    redact._exact = known
