"""Files, input and schemas that are too large, too deep, or devices without end (policy F5 to F9, H1 to H5, Q2)."""

from __future__ import annotations

import contextlib
import json
import struct
import zipfile
import zlib
from functools import partial
from typing import TYPE_CHECKING

from tests.campaign.limits.cases import Case, Scene
from tests.campaign.limits.peers import WIRES, served
from tests.support.fault_server import chat_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.campaign.limits.cases import SetScene
    from tests.support.fault_server import Play

MIB = 1 << 20
BOUND_S = 5.0
"""A file that is refused is refused at once; this is room for a busy machine."""

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

LAUGHS_IN_A_KEY = "a: &a [x, x]\n" + "".join(f"k{n}: &a [*a, *a]\n" for n in range(30)) + "? *a\n: 1\n"

CONFIGURATIONS: dict[str, Callable[[], bytes]] = {
    "a billion laughs": LAUGHS.encode,
    "laughs in a key": LAUGHS_IN_A_KEY.encode,
    "nested 100 000 deep": lambda: b"a: " + b"[" * 100_000,
    "nested 100 000 deep by lines": lambda: b"- " * 100_000 + b"x",
    "nested 400 000 deep in maps": lambda: b"{a: " * 200_000,
    "larger than 1 MiB": lambda: b"# a comment\n" * 100_000,
    "1 MiB of unknown keys": lambda: b"".join(b"key%d: 1\n" % n for n in range(70_000)),
    "1 MiB of providers": lambda: b"providers:\n" + b"".join(b"  p%d: {kind: ollama}\n" % n for n in range(40_000)),
    "one line of 1 MiB": lambda: b"a: '" + b"x" * (MIB - 100) + b"'",
    "a number of 5 000 digits": lambda: b"version: " + b"9" * 5000,
    "zeros": lambda: bytes(MIB // 2),
}

_FAN = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}] * 2} for n in range(1, 25)}
SCHEMAS: dict[str, tuple[Callable[[], bytes], str, int]] = {
    "$ref fan of 2^24": (
        lambda: json.dumps({"$defs": {"d0": {"type": "integer"}, **_FAN}, "$ref": "#/$defs/d24"}).encode(), "1", 4),
    "$ref to itself": (lambda: b'{"$ref": "#"}', "1", 4),
    "regex (a+)+": (lambda: b'{"type": "string", "pattern": "^(a+)+$"}', json.dumps("a" * 40 + "!"), 4),
    "regex bomb as key": (
        lambda: b'{"patternProperties": {"^(a+)+$": {"type": "integer"}}}', json.dumps({"a" * 40 + "!": 1}), 4),
    "nested 100 000 deep": (lambda: b'{"not":' * 100_000 + b"{}" + b"}" * 100_000, "1", 2),
    "nested 300 deep": (lambda: b'{"not":' * 300 + b"{}" + b"}" * 300, "1", 2),
    "4 MiB of subschemas": (lambda: b'{"allOf":[' + b"{}," * 1_300_000 + b"{}]}", "1", 2),
    "larger than 4 MiB": (lambda: b" " * (4 * MIB) + b"{}", "1", 2),
    "unique items, 4 MiB": (
        lambda: b'{"uniqueItems": true}', json.dumps([{"n": n} for n in range(30_000)]), 4),
}  # fmt: skip

ANSWERS: dict[str, tuple[str, int]] = {
    "nested 100 000 deep": ("[" * 100_000 + "]" * 100_000, 4),
    "an integer of 5 000 digits": ("9" * 5000, 4),
    "1 000 000 empty lists": ("[" + "[]," * 1_000_000 + "[]]", 4),
    "100 000 keys": (json.dumps({f"key{n}": n for n in range(100_000)}), 4),
    "8 MiB in one string": (json.dumps("x" * (8 * MIB)), 0),
    "a number of 1e999": ("1e999", 4),
}


def answering(text: str, folder: Path, *words: str) -> contextlib.AbstractContextManager[Scene]:
    """A local Ollama that says ``text``, and a command."""
    play: Play = chat_answer(text, size=64 * 1024)
    return served(WIRES["ollama"], play, folder, timeouts={}, words=words)


@contextlib.contextmanager
def configured(folder: Path, make: Callable[[], bytes], *words: str) -> Iterator[Scene]:
    """A configuration that is a bomb."""
    with answering("Hello.", folder, *words) as scene:
        (folder / "home" / "config" / "llmdesk.yaml").write_bytes(make())
        yield scene


@contextlib.contextmanager
def schema(folder: Path, make: Callable[[], bytes], text: str) -> Iterator[Scene]:
    """A schema that is a bomb, or an answer that is one."""
    file = folder / "schema.json"
    file.write_bytes(make())
    with answering(text, folder, "exec", "--json", "--schema", str(file), "hello") as scene:
        yield scene


@contextlib.contextmanager
def typed(folder: Path, make: Callable[[], bytes] | None, *words: str, device: str = "") -> Iterator[Scene]:
    """Something on stdin: bytes, or a device."""
    file = folder / "stdin"
    if make is not None:
        file.write_bytes(make())
    with answering("Hello.", folder, *words) as scene, open(device or file, "rb") as stdin:  # noqa: PTH123 - a device
        yield Scene(words=scene.words, environment=scene.environment, stdin=stdin)


@contextlib.contextmanager
def beside(folder: Path, name: str, make: Callable[[Path], object], *words: str) -> Iterator[Scene]:
    """A file that is a bomb, named on the command line as ``@``."""
    file = folder / name
    make(file)
    with answering("Hello.", folder, *(word.replace("%", str(file)) for word in words)) as scene:
        yield scene


def png(width: int, height: int, pixels: int) -> bytes:
    """A PNG that declares its size, with ``pixels`` bytes of zeros, compressed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(MIB)) for _ in range(pixels // MIB)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def zip_bomb(file: Path, fill: bytes = b" ", size: int = 600 * MIB) -> None:
    """A zip file with one member that is far larger than it."""
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("conversations.json", "w", force_zip64=True) as member,
    ):
        for _ in range(size // MIB):
            member.write(fill * MIB)


def sparse(file: Path, size: int = 8 << 30) -> None:
    """A file that is large and takes no room."""
    with file.open("wb") as made:
        made.truncate(size)


def _plain(*words: str) -> SetScene:
    return partial(_healthy, words=words)


@contextlib.contextmanager
def _healthy(folder: Path, words: tuple[str, ...]) -> Iterator[Scene]:
    with answering("Hello.", folder, *words) as scene:
        yield scene


EXEC = ("exec", "--json", "hello")
IMPORT = ("conversations", "import", "--json", "%")


def cases() -> Iterator[Case]:
    """Every case of a file."""
    validate = ("config", "validate")
    for name, make in CONFIGURATIONS.items():
        yield Case(name=f"config: {name}", plain=_plain(*validate), limit_s=BOUND_S, code=2,
                   play=partial(_configured, make=make, words=validate),
                   quick="deep" in name or "laughs" in name)  # fmt: skip
    for device in ("/dev/zero", "/dev/urandom"):
        yield Case(name=f"config: {device}", plain=_plain(*EXEC), limit_s=BOUND_S, code=2,
                   play=_plain("--config", device, *EXEC))  # fmt: skip
    yield from _schemas()
    yield from _inputs()
    yield from _imports()


@contextlib.contextmanager
def _configured(folder: Path, make: Callable[[], bytes], words: tuple[str, ...]) -> Iterator[Scene]:
    with configured(folder, make, *words) as scene:
        yield scene


def _schemas() -> Iterator[Case]:
    plain: SetScene = partial(schema, make=lambda: b'{"type": "integer"}', text="1")
    errors = {4: "schema", 2: ""}
    for name, (make, text, code) in SCHEMAS.items():
        yield Case(name=f"schema: {name}", plain=plain, limit_s=2 * 2.0 + BOUND_S, code=code, error=errors[code],
                   play=partial(schema, make=make, text=text), quick="regex (" in name or "fan" in name)  # fmt: skip
    for name, (text, code) in ANSWERS.items():
        yield Case(name=f"answer to a schema: {name}", plain=plain, limit_s=2 * 2.0 + BOUND_S, code=code,
                   error="schema" if code else "",
                   play=partial(schema, make=lambda: b'{"type": ["string", "array"]}', text=text),
                   quick="deep" in name or "digits" in name)  # fmt: skip
    yield Case(name="schema: /dev/zero", plain=plain, limit_s=BOUND_S, code=2,
               play=_plain("exec", "--json", "--schema", "/dev/zero", "hello"))  # fmt: skip


def _inputs() -> Iterator[Case]:
    plain = _plain(*EXEC)
    prompt = ("exec", "--json", "-")
    yield Case(name="prompt of 10 MB on stdin", plain=plain, limit_s=10.0, code=0, quick=True,
               play=partial(_typed, make=lambda: b"word " * 2_000_000, words=prompt))  # fmt: skip
    yield Case(name="prompt of 10 MB without a space", plain=plain, limit_s=10.0, code=0,
               play=partial(_typed, make=lambda: b"x" * 10_000_000, words=prompt))  # fmt: skip
    yield Case(name="prompt of /dev/zero", plain=plain, limit_s=10.0, code=2,
               play=partial(_typed, make=None, words=prompt, device="/dev/zero"))  # fmt: skip
    for option in ("--system",):
        for where in ("/dev/zero", "%"):
            yield Case(name=f"{option} @{where.replace('%', 'an 8 GiB file')}", plain=plain, limit_s=10.0, code=2,
                       play=partial(
                           _beside, name="large", make=sparse,
                           words=("exec", "--json", option, f"@{where}", "hello")))  # fmt: skip
    for where in ("/dev/zero", "%"):
        yield Case(name=f"--file {where.replace('%', 'an 8 GiB file')}", plain=plain, limit_s=BOUND_S, code=2,
                   play=partial(_beside, name="large", make=sparse,
                                words=("exec", "--json", "--file", where, "hello")))  # fmt: skip
    images = {
        "50 000 x 50 000 pixels declared": lambda: png(50_000, 50_000, 0),
        "64 MiB of pixels in 64 KiB": lambda: png(4096, 5461, 64 * MIB),
    }
    for name, make in images.items():
        yield Case(name=f"image: {name}", plain=plain, limit_s=BOUND_S, code=0, quick=True,
                   play=partial(_beside, name="bomb.png", make=_writes(make),
                                words=("exec", "--json", "--file", "%", "hello")))  # fmt: skip


def _imports() -> Iterator[Case]:
    plain: SetScene = partial(
        _beside, name="one.json", make=_writes(lambda: b'[{"role": "user", "content": "hello"}]'), words=IMPORT
    )
    message = b'{"role":"user","content":"hello"},'
    bombs: dict[str, Callable[[Path], object]] = {
        "nested 100 000 deep": _writes(lambda: b"[" * 100_000 + b"]" * 100_000),
        "nested 1 000 deep in a message": _writes(
            lambda: b'[{"role":"user","content":' + b"[" * 1000 + b"]" * 1000 + b"}]"
        ),
        "30 MB of empty lists": _writes(lambda: b"[" + b"[]," * 10_000_000 + b"[]]"),
        "zip bomb of blanks": zip_bomb,
        "zip bomb of lists": partial(zip_bomb, fill=b"[", size=100 * MIB),
        "an 8 GiB file": sparse,
        "a number of 5 000 digits": _writes(lambda: b"[" + message + b"9" * 5000 + b"]"),
    }
    for name, make in bombs.items():
        yield Case(name=f"import: {name}", plain=plain, limit_s=10.0, code=2, quick=name.startswith("nested"),
                   play=partial(_beside, name="bomb", make=make, words=IMPORT))  # fmt: skip
    yield Case(name="import: /dev/zero", plain=plain, limit_s=10.0, code=2,
               play=_plain("conversations", "import", "--json", "/dev/zero"))  # fmt: skip


def _writes(make: Callable[[], bytes]) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(make())


@contextlib.contextmanager
def _beside(folder: Path, name: str, make: Callable[[Path], object], words: tuple[str, ...]) -> Iterator[Scene]:
    with beside(folder, name, make, *words) as scene:
        yield scene


@contextlib.contextmanager
def _typed(folder: Path, make: Callable[[], bytes] | None, words: tuple[str, ...], device: str = "") -> Iterator[Scene]:
    with typed(folder, make, *words, device=device) as scene:
        yield scene
