"""The tree of failures; ``str(error)`` is one line fit for a user.

::

    DeskError
    ├── UsageError              what the user asked for makes no sense          (exit 2)
    ├── ConfigurationError      one or more faults of a configuration file      (exit 2)
    ├── StorageError            the disk or the database refused
    └── ProviderError           one failed attempt; ``kind`` is its class in docs/policy.md
        ├── RateLimited         rate
        ├── QuotaReached        quota
        ├── ServerFailed        server
        ├── NetworkFailed       net
        ├── NoAnswer            silent
        ├── AnswerCut           truncated
        ├── KeyRejected         auth
        ├── ModelGone           gone
        ├── RequestRejected     request
        ├── SetupBroken         config
        ├── WebPageAnswered     captive
        ├── ModelRefused        refused
        └── SchemaNotMet        schema
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from llmdesk.core.types import Usage


class ErrorKind(StrEnum):
    """The class of a failure; the closed set of the decision table in docs/policy.md."""

    RATE = "rate"
    QUOTA = "quota"
    SERVER = "server"
    NET = "net"
    SILENT = "silent"
    TRUNCATED = "truncated"
    AUTH = "auth"
    GONE = "gone"
    REQUEST = "request"
    CONFIG = "config"
    CAPTIVE = "captive"
    REFUSED = "refused"
    SCHEMA = "schema"
    BUDGET = "budget"
    CANCELLED = "cancelled"


class DeskError(Exception):
    """Root of everything llmdesk raises on purpose."""


class UsageError(DeskError):
    """What was asked for is impossible; the message names the thing and the remedy."""


class ConfigurationError(DeskError):
    """All faults of a configuration, each already as ``file:line:column: message``."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class StorageError(DeskError):
    """The disk or the database refused; the message names the path."""


class ProviderError(DeskError):
    """One attempt failed.

    Args:
        message: one line of at most 200 characters, already sanitised and redacted, naming provider, cause, next step.
        http_status: the status of the reply; ``None`` when there was none or it says nothing (an error inside a 200).
        hint_s: how long the server asks to wait, in seconds, already checked and clamped; ``None`` = no usable hint.
        details: more of what the server said (sanitised, redacted, at most 2,000 characters); empty when nothing.
        retries: overrides how often the same target is asked again; ``None`` = as the class says.
        smaller_model: the next smaller local model may do where this one did not (memory, crashed runner).
        target_specific: the cause is what this request asks of this target: another one with larger or unknown limits
            may accept it (class request), and this one may accept other requests (class gone: a missing ability).
        too_long: the prompt does not fit this target's window; one that is no larger will not take it either.
        last: nothing else is asked: the time that the user allowed is over.
        scope: what a refused key blocks for the rest of the run: the whole provider or this model only (class auth).
        usage: what the provider reported before it failed; output that came later is not in it. ``None`` = nothing.
        served_model: the name under which it had begun to answer; empty = it told none.
    """

    kind: ClassVar[ErrorKind] = ErrorKind.SERVER

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        hint_s: float | None = None,
        details: str = "",
        retries: int | None = None,
        smaller_model: bool = False,
        target_specific: bool = False,
        too_long: bool = False,
        last: bool = False,
        scope: Literal["provider", "model"] = "provider",
        usage: Usage | None = None,
        served_model: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.hint_s = hint_s
        self.details = details
        self.retries = retries
        self.smaller_model = smaller_model
        self.target_specific = target_specific
        self.too_long = too_long
        self.last = last
        self.scope: Literal["provider", "model"] = scope
        self.usage = usage
        self.served_model = served_model


class RateLimited(ProviderError):
    """The provider refuses for a while (429)."""

    kind = ErrorKind.RATE


class QuotaReached(ProviderError):
    """A limit of the plan is used up (weekly, monthly, credit)."""

    kind = ErrorKind.QUOTA


class ServerFailed(ProviderError):
    """The server broke: 5xx, an error object in the stream, an unknown status or stop reason."""

    kind = ErrorKind.SERVER


class NetworkFailed(ProviderError):
    """No connection: DNS, refused, reset, connect time-out."""

    kind = ErrorKind.NET


class NoAnswer(ProviderError):
    """Accepted, and then nothing within the first-token, idle, content or total limit."""

    kind = ErrorKind.SILENT


class AnswerCut(ProviderError):
    """The answer ended without its terminal marker, or a frame of it was broken."""

    kind = ErrorKind.TRUNCATED


class KeyRejected(ProviderError):
    """The key, or what it may do, was refused (401, 403)."""

    kind = ErrorKind.AUTH


class ModelGone(ProviderError):
    """The model (or the ability asked of it) is not there (404, 410)."""

    kind = ErrorKind.GONE


class RequestRejected(ProviderError):
    """The request itself is wrong for this target (400, 413, 422)."""

    kind = ErrorKind.REQUEST


class SetupBroken(ProviderError):
    """The provider cannot be called as configured: URL, certificate, missing variable or program."""

    kind = ErrorKind.CONFIG


class WebPageAnswered(ProviderError):
    """A web page came where an answer was expected: a login portal or a proxy."""

    kind = ErrorKind.CAPTIVE


class ModelRefused(ProviderError):
    """The model declined; an outcome, not a failure to recover from."""

    kind = ErrorKind.REFUSED


class SchemaNotMet(ProviderError):
    """The whole answer came and does not match the schema; ``details`` lists the violations."""

    kind = ErrorKind.SCHEMA
