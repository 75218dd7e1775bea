"""What every test gets: an environment without anybody's keys and servers, and a redactor that knows no secret yet.

And how they are run: by one process more than there are cores, each with what it has collected out of the way.
"""

from __future__ import annotations

import gc
import os
import re
import signal
from typing import TYPE_CHECKING

import hypothesis
import pytest

from llmdesk.core.text import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

FOREIGN = re.compile(r"LLMDESK_.*|OLLAMA_.*|.*_API_KEY|(?:HTTP|HTTPS|ALL|NO)_PROXY|SSL_CERT_.*|NO_COLOR", re.IGNORECASE)
"""Variables of the surrounding environment that would change what a test sees."""


def pytest_configure() -> None:
    """Let signals reach the programs of the tests: a shell or ``nohup`` starts what runs behind it deaf to some.

    And let no example be too slow: nobody knows how slow the machine is.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGHUP", "SIGQUIT"):  # Windows has neither
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    hypothesis.settings.register_profile("patient", hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("patient")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """One process more than there are cores: for a third of their time tests wait, for a screen or another process."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # it is chosen by hand
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """What stays until the end is not looked through again whenever garbage is collected: it is 400 000 objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if FOREIGN.fullmatch(name):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _unknowing_redactor() -> Iterator[None]:
    """Whoever teaches the process-wide redactor a key in a test teaches it for that test only."""
    known, strong = set(redact._exact), set(redact._strong)
    yield
    redact._exact, redact._strong = known, strong
