"""Servers that others wrote, one of each for a worker; what needs Node.js is skipped by name where there is none."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.outside import aimock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.outside.programs import Program

NEED_NODE = {"aimock_program", "aimock_server", "scope"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs Node.js where it is missing; a package that cannot be installed is a failure, not a skip."""
    reason = aimock.missing()
    for item in items:
        if reason and NEED_NODE & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def aimock_program() -> Path:
    """The installed program."""
    return aimock.install()


@pytest.fixture(scope="session")
def aimock_server(aimock_program: Path) -> Iterator[Program]:
    """A server for the tests of this worker; each uses scopes of its own."""
    server = aimock.start(aimock_program)
    yield server
    server.close()


_numbers = itertools.count(1)


@pytest.fixture
def scope(aimock_server: Program) -> Callable[[], aimock.Scope]:
    """Make one more client that the server knows by name."""
    return lambda: aimock.Scope(server=aimock_server, name=f"client-{next(_numbers)}")
