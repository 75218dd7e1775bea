"""Names of a package that load their module only when they are used (PEP 562)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def late(package: str, topics: Mapping[str, str]) -> Callable[[str], object]:
    """Make the ``__getattr__`` of a package; ``topics`` are its modules, with the names in each, by spaces.

    The function raises AttributeError for any other name, as a package does.
    """
    homes = {name: f"{package}.{topic}" for topic, names in topics.items() for name in names.split()}

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(homes[name]), name)
        setattr(import_module(package), name, value)
        return value

    return get
