"""Telemetry on its way: a bounded queue and one thread, so that neither a collector nor its absence is ever waited for.

The thread begins with the first request and loads the SDK while that is being answered. It sends spans within seconds
and metrics every minute; what a collector does not take for now is kept, up to a limit, and offered again. Leaving
waits for it a moment, and a desk that asked nothing not at all.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from llmdesk.telemetry.quiet import kept_in
from llmdesk.telemetry.trace import trace_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmdesk.core.types import Outcome
    from llmdesk.telemetry.trace import Asked, Trace
    from llmdesk.telemetry.vendors import Vendor

WARM_UP_S = 0.3
"""How long after the first request the SDK is loaded, seconds: the request is then on its way. It takes 0.2 s."""

SPANS_EVERY_S = 5.0
"""How long a span waits for others, seconds (the SDK's own default)."""

METRICS_EVERY_S = 60.0
"""How often metrics are sent, seconds (the SDK's own default)."""

SLOWEST_S = 60.0
"""How often a collector is tried that takes nothing, seconds; it is reached by doubling."""

MAX_TRACES = 1_000
"""Requests that wait for the thread; further ones are not told of."""

LAST_CALL_S = 0.7
"""How long a call may take once the desk is being left, seconds."""

LEAVE_S = 1.0
"""How long leaving waits for the last calls, seconds."""

LOAD_S = 1.0
"""How long leaving waits for the SDK to be loaded where something is to be told, seconds."""


class Carrier(Protocol):
    """What turns traces into bytes and sends them; see ``otlp.Otlp``."""

    def add(self, trace: Trace) -> None:
        """Take a trace."""
        ...

    def send_spans(self) -> bool:
        """Send spans; false = not taken for now."""
        ...

    def send_metrics(self) -> None:
        """Send metrics."""
        ...

    def hurry(self, limit_s: float) -> None:
        """Bound every further call, seconds."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class Telemetry:
    """Tells a collector of every request that ends.

    Args:
        endpoint: the collector's base URL.
        vendors: who is behind each provider.
        log: takes an event and its fields.
        with_conversations: name the conversation of each request.
        spans_every_s: how long a span waits for others, seconds.
        metrics_every_s: how often metrics are sent, seconds.
        carrier: makes what sends; ``None`` = OTLP over HTTP.
    """

    def __init__(
        self,
        endpoint: str,
        vendors: Mapping[str, Vendor],
        *,
        log: Callable[..., None],
        with_conversations: bool = True,
        spans_every_s: float = SPANS_EVERY_S,
        metrics_every_s: float = METRICS_EVERY_S,
        carrier: Callable[[str], Carrier] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._vendors = vendors
        self._log = log
        self._with_conversations = with_conversations
        self._spans_every_s = spans_every_s
        self._metrics_every_s = metrics_every_s
        self._make = carrier or _otlp
        self._traces: deque[Trace] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._silent = False
        self._lost = 0
        self._carrier: Carrier | None = None
        self._thread: threading.Thread | None = None

    def expect(self) -> None:
        """A request begins; what is needed to tell of it is loaded beside it."""
        with self._changed:
            if self._thread is None and not self._closing:
                # A daemon, because the end of the program must not wait for a collector that hangs.
                self._thread = threading.Thread(target=self._run, name="llmdesk-telemetry", daemon=True)
                self._thread.start()

    def record(self, outcome: Outcome, asked: Asked) -> None:
        """Tell of a request that has ended; returns at once."""
        trace = trace_of(outcome, asked, self._vendors, with_conversation=self._with_conversations)
        self.expect()
        with self._changed:
            if self._closing or len(self._traces) >= MAX_TRACES:
                self._lost += 1
                return
            self._traces.append(trace)
            self._changed.notify_all()

    def fall_silent(self) -> None:
        """Send nothing any more, whatever is left (policy I12: nothing leaves this machine from now on)."""
        with self._changed:
            self._closing = self._silent = True
            self._traces.clear()
            self._changed.notify_all()

    async def aclose(self) -> None:
        """Send what is left, and wait a moment for it."""
        thread = self._thread
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if thread is not None and thread.is_alive():
            await asyncio.to_thread(self._leave, thread)
        if self._lost:
            self._log("telemetry", lost_requests=self._lost)

    def _leave(self, thread: threading.Thread) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._carrier is not None or not thread.is_alive(), LOAD_S)
            carrier = self._carrier
        if carrier is not None:
            carrier.hurry(LAST_CALL_S)
            thread.join(LEAVE_S)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            with kept_in(self._log):
                self._warm_up()
                if not (self._closing and not self._traces):
                    self._tell()
        except Exception as error:  # noqa: BLE001 - the thread's outermost frame: telemetry that fails breaks nothing
            self._log("telemetry", error=type(error).__name__)
        finally:
            with self._changed:
                self._closing = True
                self._changed.notify_all()

    def _warm_up(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._traces or self._closing, WARM_UP_S)

    def _tell(self) -> None:
        carrier = self._make(self._endpoint)
        with self._changed:
            self._carrier = carrier
            self._changed.notify_all()
        try:
            self._keep_telling(carrier)
        finally:
            carrier.close()

    def _keep_telling(self, carrier: Carrier) -> None:
        spans_at = metrics_at = math.inf
        pause_s = self._spans_every_s
        while True:
            traces, closing = self._next(min(spans_at, metrics_at))
            for trace in traces:
                carrier.add(trace)
            now = time.monotonic()
            if traces:
                spans_at, metrics_at = min(spans_at, now + pause_s), min(metrics_at, now + self._metrics_every_s)
            if self._silent:
                return
            if closing:
                if metrics_at < math.inf and carrier.send_spans():
                    carrier.send_metrics()
                return
            if spans_at <= now:
                taken = carrier.send_spans()
                pause_s = self._spans_every_s if taken else min(2 * pause_s, SLOWEST_S)
                spans_at = math.inf if taken else time.monotonic() + pause_s
            if metrics_at <= now:
                carrier.send_metrics()
                metrics_at = time.monotonic() + self._metrics_every_s

    def _next(self, until: float) -> tuple[tuple[Trace, ...], bool]:
        """Wait for traces, the end, or a time on the monotonic clock; returns the traces, and whether it is the end."""
        with self._changed:
            timeout_s = None if until == math.inf else max(0.0, until - time.monotonic())
            self._changed.wait_for(lambda: self._traces or self._closing, timeout_s)
            traces = tuple(self._traces)
            self._traces.clear()
            return traces, self._closing


def _otlp(endpoint: str) -> Carrier:
    from llmdesk.telemetry.otlp import Otlp

    return Otlp(endpoint)
