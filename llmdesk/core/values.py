"""``dataclass`` for values: frozen ones with slots are made five times as fast as by the standard library.

A start makes one or two hundred of them. For each, ``dataclasses`` of Python 3.11 and 3.12 compiles seven functions,
all together a tenth of a whole ``exec``. Here the initialiser alone is compiled; what compares, hashes, shows and
refuses is shared. What comes out is a dataclass as before: ``fields``, ``replace``, ``asdict``, ``match`` and pickling
see no difference. Whatever is asked for beyond ``frozen, slots, kw_only`` is left to the standard library.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from dataclasses import Field, dataclass
else:

    def dataclass(cls=None, /, **asked):
        """Stand in for ``dataclasses.dataclass``."""
        if (
            cls is None
            and asked.keys() <= {"frozen", "slots", "kw_only"}
            and asked.get("frozen")
            and asked.get("slots")
        ):
            return lambda made: _value(made, kw_only=asked.get("kw_only", False))
        return dataclasses.dataclass(cls, **asked)


__all__ = ["dataclass"]


def _value(cls: type[Any], *, kw_only: bool) -> type[Any]:
    made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    told = dataclasses.fields(made)
    for name, method in {"__init__": _initialiser(made, told), **_methods(told)}.items():
        if cls.__dict__.get(name) is None:  # Python puts None for the hash beside an ``__eq__`` of the class
            setattr(made, name, method)
    return made


def _initialiser(made: type[Any], told: Sequence[Field[Any]]) -> Callable[..., None]:
    """Compile ``__init__``: it fills the slots themselves, as nothing may be assigned."""
    known: dict[str, Any] = {"_unset": MISSING}
    taken: list[str] = []
    lines: list[str] = []
    for each in sorted(told, key=lambda one: bool(one.kw_only)):
        name = each.name
        known[f"_put_{name}"] = getattr(made, name).__set__
        known[f"_else_{name}"], known[f"_make_{name}"] = each.default, each.default_factory
        makes, has_default = each.default_factory is not MISSING, each.default is not MISSING
        if each.init:
            if each.kw_only and "*" not in taken:
                taken.append("*")
            taken.append(f"{name}=_unset" if makes else f"{name}=_else_{name}" if has_default else name)
            value = f"_make_{name}() if {name} is _unset else {name}" if makes else name
        elif makes or has_default:
            value = f"_make_{name}()" if makes else f"_else_{name}"
        else:
            continue
        lines.append(f" _put_{name}(self, {value})")
    if hasattr(made, "__post_init__"):
        lines.append(" self.__post_init__()")
    source = f"def __init__({', '.join(['self', *taken])}):\n" + ("\n".join(lines) or " pass")
    exec(source, known)  # noqa: S102 - names of fields alone, as the standard library does it
    function: Callable[..., None] = known.pop("__init__")
    function.__module__, function.__qualname__ = made.__module__, f"{made.__qualname__}.__init__"
    function.__annotations__ = {each.name: each.type for each in told if each.init} | {"return": None}
    return function


def _methods(told: Sequence[Field[Any]]) -> dict[str, Callable[..., Any]]:
    names = [each.name for each in told]
    shown = [each.name for each in told if each.repr]
    compared = _reader([each.name for each in told if each.compare])
    hashed = _reader([each.name for each in told if (each.compare if each.hash is None else each.hash)])

    def show(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def equal(self: Any, other: object) -> Any:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def state(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    return {
        "__repr__": show, "__eq__": equal, "__hash__": lambda self: hash(hashed(self)),
        "__getstate__": state, "__setstate__": _fill, "__setattr__": _refuse, "__delattr__": _refuse_deleting,
    }  # fmt: skip


def _reader(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads these of a value, as a tuple however many there are."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _fill(self: Any, state: Sequence[Any]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


def _refuse(self: Any, name: str, value: object) -> None:
    del self, value
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(self: Any, name: str) -> None:
    del self
    raise FrozenInstanceError(f"cannot delete field {name!r}")
