"""What a provider's server does with one request, and what must come of it; how such a scene is played.

``on_stage`` plays it (in a thread, so that it serves coroutines and subprocesses alike)::

    with on_stage(scene, "/v1/chat/completions") as stage:
        ...  # a provider at stage.base_url, stage.timeouts, stage.allow_http, env stage.environment
        assert kind == scene.kind and stage.server.count("/v1/chat/completions") == scene.tries()
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import FinishReason
from tests.support.fault_server import (
    FaultServer,
    Mark,
    Play,
    banner,
    black_hole,
    drip,
    free_port,
    gzip_bomb,
    hang_up,
    huge_header,
    no_answer,
    page,
    redirect,
    reset,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Place = Literal[
    "server",
    "refused",
    "black hole",
    "no host",
    "tls",
    "silent tls",
    "garbled tls",
    "localhost",
    "elsewhere",
    "elsewhere tls",
]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What happens, and what must come of it.

    Args:
        row: the row, with a letter after a dot for variants.
        kind: the class of the failure; ``None`` = the request completes.
        play: the answer to every request.
        place: where the provider is said to be, when it is not simply the server.
        status: the HTTP status that is recorded.
        text: the whole answer, when it completes.
        finish: how it completes.
        timeouts: limits of the provider, seconds, so that a scene of silence is short.
        environment: variables the scene needs.
        retries: how often the same target may be asked again, where the row overrides its class.
        hint_s: how long the server asks to wait, as it must be understood.
        smaller_model: a smaller local model is the next to ask.
        target_specific: another target may take the same request.
        scope: what a refused key blocks.
        says: words that the message must contain.
    """

    row: str
    kind: ErrorKind | None
    play: Play | None = None
    place: Place = "server"
    status: int | None = None
    text: str = ""
    finish: FinishReason = FinishReason.STOP
    timeouts: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    retries: int | None = None
    hint_s: float | None = None
    smaller_model: bool = False
    target_specific: bool = False
    scope: Literal["provider", "model"] = "provider"
    says: tuple[str, ...] = ()

    def tries(self, attempts: int = 3, *, sole: bool = True) -> int:
        """How often the target is asked, with ``retry.attempts`` and as the lane's only target or not."""
        again = self.kind in (ErrorKind.SERVER, ErrorKind.NET, ErrorKind.TRUNCATED)
        again = again or (self.kind is ErrorKind.SILENT and sole)
        if not again:
            return 1
        return attempts if self.retries is None else min(attempts, 1 + self.retries)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A scene being played. ``server`` sees no request where the scene is that none arrives."""

    base_url: str
    server: FaultServer
    timeouts: Mapping[str, float]
    environment: Mapping[str, str]
    allow_http: bool = False


@contextlib.contextmanager
def on_stage(scene: Scene, path: str = "/api/chat") -> Iterator[Stage]:
    """Play a scene until the block is left; ``path`` is where the answer is asked for."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(FaultServer.in_thread(tls=scene.place == "tls"))
        if scene.play is not None:
            server.always(path, scene.play)
        match scene.place:
            case "server" | "tls":
                url = server.url
            case "refused":
                url = f"http://127.0.0.1:{free_port()}"
            case "black hole":
                url = f"http://127.0.0.1:{stack.enter_context(black_hole())}"
            case "no host":
                url = f"http://no-such-host.invalid:{server.port}"
            case "silent tls":
                url = server.url.replace("http://", "https://")
            case "garbled tls":
                url = stack.enter_context(_garbled()).replace("http://", "https://")
            case "localhost":
                url = f"http://localhost:{server.port}"
            case "elsewhere":
                url = "http://model.test:11434"
            case "elsewhere tls":
                url = "https://model.test"
        yield Stage(
            base_url=url,
            server=server,
            timeouts=scene.timeouts,
            environment=scene.environment,
            allow_http=scene.place in ("no host", "elsewhere"),
        )


@contextlib.contextmanager
def _garbled() -> Iterator[str]:
    """A server that answers whatever comes, a TLS greeting too, in plain text at once."""
    with FaultServer.in_thread(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        yield server.url


QUICK = {"first_token_s": 0.4, "idle_s": 0.4}


def network_scenes(
    *, headers: Mapping[str, str], partial: bytes, whole: Play, text: str, endless: Callable[[], Iterator[bytes]]
) -> tuple[Scene, ...]:
    """The rows of docs/policy.md, 3.8 (N), as they befall any wire over HTTP.

    Args:
        headers: those of an answer that streams.
        partial: the beginning of an answer: some text, no terminal marker.
        whole: a complete answer.
        text: its text.
        endless: a body that is one line without end.
    """
    return (
        Scene(row="N1", kind=ErrorKind.NET, place="no host"),
        Scene(row="N2", kind=ErrorKind.NET, place="black hole", timeouts={"connect_s": 0.3}),
        Scene(row="N3.a", kind=ErrorKind.CONFIG, place="silent tls", timeouts={"connect_s": 0.3}, says=("TLS",)),
        Scene(row="N3.d", kind=ErrorKind.CONFIG, place="garbled tls", says=("TLS",)),
        Scene(row="N3.b", kind=ErrorKind.CONFIG, place="tls", says=("TLS certificate not trusted",)),
        Scene(row="N3.c", kind=ErrorKind.CONFIG, place="elsewhere tls",
              environment={"SSL_CERT_FILE": "/nonexistent/authorities.pem"}, says=("SSL_CERT_FILE",)),
        Scene(row="N5.a", kind=ErrorKind.CONFIG, place="elsewhere", says=("proxy",),
              environment={"ALL_PROXY": "socks5://ada:proxy-password@127.0.0.1:9"}),
        Scene(row="N5.b", kind=ErrorKind.CONFIG, place="elsewhere", says=("proxy",),
              environment={"ALL_PROXY": "gopher://ada:proxy-password@127.0.0.1:9"}),
        Scene(row="N6.a", kind=ErrorKind.NET, play=reset()),
        Scene(row="N6.b", kind=ErrorKind.NET, play=hang_up()),
        Scene(row="N6.c", kind=ErrorKind.TRUNCATED, play=Play(headers=headers, body=(0.05, Mark.RST))),
        Scene(row="N6.d", kind=ErrorKind.TRUNCATED, play=Play(
            headers=headers, framing="length", length=100_000, body=(partial,))),
        Scene(row="N6.e", kind=ErrorKind.TRUNCATED, play=Play(
            headers=headers, framing="close", version="HTTP/1.0", body=(partial,))),
        Scene(row="N7.a", kind=ErrorKind.SILENT, play=Play(headers=headers, head_pause_s=0.05), timeouts=QUICK),
        Scene(row="N7.b", kind=ErrorKind.SILENT, timeouts={"content_s": 0.4},
              play=Play(headers=headers, body=tuple(drip(b" " * 100, 0.05)))),
        Scene(row="N8.a", kind=ErrorKind.SILENT, play=Play(headers=headers, body=(Mark.HOLD,)),
              timeouts={"idle_s": 0.3}),
        Scene(row="N8.b", kind=ErrorKind.SILENT, play=Play(headers=headers, body=(partial, Mark.HOLD)),
              timeouts={"idle_s": 0.3}),
        Scene(row="N8.c", kind=ErrorKind.SILENT, play=no_answer(), timeouts={"first_token_s": 0.3}),
        Scene(row="N9.a", kind=ErrorKind.CAPTIVE, status=200, play=page()),
        Scene(row="N9.b", kind=ErrorKind.CAPTIVE, status=302, play=redirect(302, "https://login.hotel.example/?u=1"),
              says=("login.hotel.example",)),
        Scene(row="N9.c", kind=ErrorKind.CAPTIVE, status=511, play=page(511)),
        Scene(row="N9.d", kind=ErrorKind.CAPTIVE, status=200, play=Play(
            headers={"Content-Type": ""}, framing="length", body=(b"<html>\n<body>Sign in</body></html>",))),
        Scene(row="N10", kind=ErrorKind.CONFIG, status=307, play=redirect(307, "https://other.example/x"),
              says=("other.example",)),
        Scene(row="N11.a", kind=ErrorKind.TRUNCATED, play=gzip_bomb(
            64 << 20, content_type=headers["Content-Type"])),
        Scene(row="N11.b", kind=ErrorKind.TRUNCATED, play=gzip_bomb(
            64 << 20, b"\n", content_type=headers["Content-Type"])),
        Scene(row="N12", kind=ErrorKind.TRUNCATED, play=Play(headers=headers, body=endless)),
        Scene(row="N13.a", kind=ErrorKind.NET, play=huge_header()),
        Scene(row="N13.b", kind=ErrorKind.NET, play=banner()),
        Scene(row="N14", kind=None, place="localhost", text=text, play=whole),
    )  # fmt: skip


HINTS: tuple[tuple[str, float | None], ...] = (
    ("0", None), ("-5", None), ("1e9", 86_400.0), ("inf", None), ("nan", None), ("abc", None), ("1.5", 1.5),
    ("120, 60", None), ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("Wed, 21 Oct 2099 07:28:00 GMT", 86_400.0),
    ("120", 120.0), ("0.2", 1.0), ("", None),
)  # fmt: skip
"""``Retry-After`` values and what they mean, seconds (N16)."""


def waiting_scenes(refusal: Callable[[str], Play]) -> tuple[Scene, ...]:
    """The row N16 of docs/policy.md, 3.8: what a hint means, and what is none.

    Args:
        refusal: a 429 of this wire, of a rate and no other limit, with this ``Retry-After``.
    """
    return tuple(
        Scene(row=f"N16.{letter}", kind=ErrorKind.RATE, status=429, hint_s=hint, play=refusal(value))
        for letter, (value, hint) in zip("abcdefghijklm", HINTS, strict=True)
    )
