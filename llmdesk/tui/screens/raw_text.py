"""What was sent and received in one call, as lines: the exact bytes, or JSON made readable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmdesk.core.text import one_line, redact, sanitise
from llmdesk.tui.widgets.text_lines import TextLine
from llmdesk.tui.words import counted, latency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmdesk.core.exchange import Exchange, Headers

MINUTE_MS = 60_000


def exchange_lines(exchange: Exchange, *, pretty: bool, timing: bool) -> list[TextLine]:
    """Everything of one call. Takes a while for megabytes.

    Args:
        exchange: the call.
        pretty: JSON is indented, objects of a stream stand in a line each; else the bytes as they were.
        timing: what was received has a column of how long after the beginning it came.
    """
    lines = [*_sent(exchange, pretty=pretty), TextLine(text="")]
    return [*lines, *_received(exchange, pretty=pretty, timing=timing)]


def received_at(lines: list[TextLine]) -> TextLine | None:
    """The line at which what was received begins."""
    return next((line for line in lines if line.kind == "head" and line.text.startswith("received")), None)


def _sent(exchange: Exchange, *, pretty: bool) -> Iterator[TextLine]:
    what = f"{exchange.method} {exchange.url}" if exchange.method else " ".join(map(repr, exchange.argv))
    yield TextLine(text=one_line(f"sent  {what}", 2000), kind="head")
    yield from _headers(exchange.request_headers)
    if exchange.argv:
        names = ", ".join(exchange.environment) or "none"
        yield TextLine(text=one_line(f"environment (names only): {names}", 4000), kind="note")
    noun = "stdin" if exchange.argv else "body"
    whole = len(exchange.sent) + exchange.sent_cut
    yield TextLine(text=f"{noun}: {whole:,} bytes".replace(",", " ") if whole else f"no {noun}", kind="note")
    head, tail = exchange.sent[: exchange.sent_head], exchange.sent[exchange.sent_head :]
    yield from _text(head, pretty=pretty and not exchange.sent_cut)
    if exchange.sent_cut:
        yield _gap(exchange.sent_cut)
        yield from _text(tail, pretty=False)


def _received(exchange: Exchange, *, pretty: bool, timing: bool) -> Iterator[TextLine]:
    size = sum(len(chunk.data) for chunk in exchange.received) + exchange.received_cut
    facts = [_status(exchange), f"{size:,} bytes in {counted(len(exchange.received), 'piece')}".replace(",", " ")]
    if exchange.ended_ms is not None:
        facts.append(f"over after {latency(exchange.ended_ms / 1000)}")
    yield TextLine(text=f"received  {' · '.join(facts)}", kind="head")
    yield from _headers(exchange.response_headers)
    pieces = [(chunk.at_ms, chunk.data) for chunk in exchange.received]
    if exchange.received_cut:
        yield from _stream(pieces[: exchange.received_head], pretty=pretty, timing=timing)
        yield _gap(exchange.received_cut)
        yield from _stream(pieces[exchange.received_head :], pretty=pretty, timing=timing)
    else:
        yield from _stream(pieces, pretty=pretty, timing=timing)
    if exchange.error_output:
        yield TextLine(text="")
        yield TextLine(text="stderr", kind="head")
        yield from (TextLine(text=line) for line in _clean(exchange.error_output).split("\n"))


def _status(exchange: Exchange) -> str:
    if exchange.status is None:
        return "no answer" if exchange.ended_ms is not None or exchange.method else "still running"
    return f"exit code {exchange.status}" if exchange.argv else f"HTTP {exchange.status}"


def _headers(headers: Headers) -> Iterator[TextLine]:
    for name, value in headers:
        yield TextLine(text=one_line(f"{name}: {value}", 2000), kind="note")


def _gap(count: int) -> TextLine:
    return TextLine(text=f"[{count:,} bytes in the middle are not kept]".replace(",", " "), kind="warning")


def _stream(pieces: Iterable[tuple[int, bytes]], *, pretty: bool, timing: bool) -> Iterator[TextLine]:
    """What came: pretty as whole lines, each with the time at which it was complete, else piece by piece."""
    pieces = list(pieces)
    if not pretty:
        for at_ms, data in pieces:
            for number, text in enumerate(_rows(data)):
                yield TextLine(text=text, side=_side(at_ms if number == 0 else None, timing=timing))
        return
    whole = b"".join(data for _, data in pieces)
    document = _indented(whole)
    if document is not None:
        at_ms = pieces[-1][0] if pieces else 0
        for number, text in enumerate(document):
            yield TextLine(text=text, side=_side(at_ms if number == 0 else None, timing=timing))
        return
    for at_ms, line in _whole_lines(pieces):
        yield TextLine(text=_compact(line), side=_side(at_ms if line else None, timing=timing))


def _whole_lines(pieces: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    held = b""
    at_ms = 0
    for at_ms, data in pieces:
        *lines, rest = data.split(b"\n")
        if lines:
            yield at_ms, held + lines[0]
            yield from ((at_ms, line) for line in lines[1:])
            held = rest
        else:
            held += rest
    if held:
        yield at_ms, held


def _side(at_ms: int | None, *, timing: bool) -> str:
    """The column of times; ``None`` = it came with what stands above."""
    if not timing:
        return ""
    if at_ms is None:
        return f"{'':>9} │ "
    shown = f"+{at_ms} ms" if at_ms < MINUTE_MS else f"+{at_ms / 1000:.1f} s"
    return f"{shown:>9} │ "


def _text(data: bytes, *, pretty: bool) -> Iterator[TextLine]:
    found = _indented(data) if pretty else None
    yield from (TextLine(text=text) for text in (_rows(data) if found is None else found))


def _indented(data: bytes) -> list[str] | None:
    """A JSON document in lines; ``None`` = it is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict | list):
        return None
    # What JSON may have hidden behind escapes is looked through again.
    return _clean(redact(json.dumps(value, indent=2, ensure_ascii=False))).split("\n")


def _compact(line: bytes) -> str:
    """A line of a stream with its JSON unescaped, if it has any."""
    field, colon, rest = line.partition(b": ") if not line.startswith((b"{", b"[")) else (b"", b"", line)
    try:
        value = json.loads(rest)
    except (ValueError, RecursionError):
        return _decoded(line)
    told = redact(json.dumps(value, ensure_ascii=False))
    return _clean(f"{(field + colon).decode('utf-8', 'backslashreplace')}{told}").replace("\n", "␊")


def _rows(data: bytes) -> list[str]:
    """The bytes as they were, line by line; what a terminal would not show is made visible."""
    return [_decoded(line) for line in data.split(b"\n")] if data else []


def _decoded(data: bytes) -> str:
    return _clean(data.decode("utf-8", "backslashreplace"))


def _clean(text: str) -> str:
    return sanitise(text).replace("\t", "    ")
