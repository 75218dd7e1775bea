"""What vendors charge, from the list that the package ``genai-prices`` carries: offline data, of the day it was built.

Only this module names the package. Importing it and reading its data takes a third of a second, so that both wait until
a price is asked for. Its updater, which fetches newer lists from the network, is never started.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.addresses import split_address
from llmdesk.core.prices import FREE, Price

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, TieredPrices

PACKAGE = "genai_prices"

_BILLED = frozenset({"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "requests_kcount"})
"""Units by which a chat is billed (genai-prices: ``data_units.py``)."""

_NEVER_USED = frozenset({
    "cache_write_5m_mtok", "cache_write_1h_mtok", "web_searches_kcount", "storage_searches_kcount",
    "input_audio_mtok", "cache_audio_read_mtok", "input_video_mtok",
})  # fmt: skip
"""Units of what no request of ours holds, unless its ``extra`` asks for it: sound, film, searches, lasting caches."""

_SAME_VENDOR = {"api.together.ai": "api.together.xyz"}
"""Hosts to which a vendor has moved, and where the list still looks for it."""

_ELSEWHERE = "https://gateway.invalid"


class Catalogue(Protocol):
    """A list of prices."""

    def price(self, base_url: str, model: str, *, input_tokens: int, at: float) -> Price | None:
        """What the vendor at an address charges for a model; ``None`` = the list does not say.

        Args:
            base_url: where the model is called; this alone decides whose prices hold.
            model: its name there.
            input_tokens: the size of the prompt, where rates depend on it.
            at: when it is called, UTC epoch seconds: rates change from day to day, and with the hour.
        """
        ...


def installed() -> bool:
    """Whether the list is there; nothing is imported for it."""
    return find_spec(PACKAGE) is not None


def may_list(base_url: str) -> bool:
    """Whether the list could know this address: it knows nothing but public ``https`` services."""
    return bool(_address(base_url)[0])


def load() -> Catalogue | None:
    """Read the list, which takes a third of a second; ``None`` = there is none that can be read."""
    try:
        return _VendorPrices()
    except Exception:  # noqa: BLE001 - an optional package, whatever is wrong with it, must not cost an answer
        return None


class _VendorPrices:
    """The list of ``genai-prices``, through its one documented call."""

    def __init__(self) -> None:
        from genai_prices import Usage, calc_price

        self._find = calc_price
        self._nothing = Usage(input_tokens=0, output_tokens=0)
        with suppress(LookupError):  # the first look reads the data, and that is what takes the time
            self._find(self._nothing, "none", provider_api_url=_ELSEWHERE)

    def price(self, base_url: str, model: str, *, input_tokens: int, at: float) -> Price | None:
        """See ``Catalogue``."""
        host, path = _address(base_url)
        if not host:
            return None
        name = model.removeprefix("models/")
        try:
            found = self._find(
                self._nothing,
                name,
                provider_api_url=host + path,
                genai_request_timestamp=datetime.fromtimestamp(at, UTC),
            )
        except (LookupError, ValueError):  # not listed, or listed in units that contradict each other
            return None
        if not _is_told_by_host(found.provider.api_pattern, host, path):
            return None
        return price_of(found.model_price, name, input_tokens)


def price_of(listed: ModelPrice, model: str, input_tokens: int) -> Price | None:
    """The rates for a prompt of this size; ``None`` = some of what it costs cannot be counted here, or nothing is told.

    Args:
        listed: the entry, as it holds at the time.
        model: the name that was looked for. Of entries without any rate only those named ``:free`` are free.
        input_tokens: the size of the prompt. Beyond a threshold every token costs the rate of its tier.
    """
    rates = {unit: rate for unit, rate in vars(listed).items() if rate is not None}
    if not rates:
        return FREE if model.lower().endswith(":free") else None
    if "input_mtok" not in rates or rates.keys() - _BILLED - _NEVER_USED:
        return None

    def flat(unit: str) -> Decimal | None:
        return _flat(rates[unit], input_tokens) if unit in rates else None

    return Price(
        input_usd_per_mtok=flat("input_mtok") or Decimal(0),
        output_usd_per_mtok=flat("output_mtok") or Decimal(0),
        cached_input_usd_per_mtok=flat("cache_read_mtok"),
        cache_write_usd_per_mtok=flat("cache_write_mtok"),
        per_request_usd=(flat("requests_kcount") or Decimal(0)) / 1_000,
    )


def _flat(rate: Decimal | TieredPrices, input_tokens: int) -> Decimal:
    if isinstance(rate, Decimal):
        return rate
    reached = [tier for tier in rate.tiers if input_tokens > tier.start]
    return max(reached, key=lambda tier: tier.start).price if reached else rate.base


def _address(base_url: str) -> tuple[str, str]:
    """Scheme with host, and path, as the list writes them; empty = no public ``https`` service."""
    try:
        parts = split_address(base_url.strip())
    except ValueError:
        return "", ""
    host = parts.hostname or ""
    if parts.scheme != "https" or parts.port not in (None, 443) or "." not in host:
        return "", ""
    return f"https://{_SAME_VENDOR.get(host, host)}", parts.path


def _is_told_by_host(pattern: str, host: str, path: str) -> bool:
    """Whether it is the host that a pattern knows, and all of it.

    Patterns are open at their end, and some reach into the path: neither a longer name of somebody else's nor a gateway
    with a vendor's name in its path is that vendor.
    """
    url = host + path
    known = re.match(pattern, url)
    if known is None or re.match(pattern, _ELSEWHERE + path):
        return False
    return url[known.end() :][:1] in ("", "/") or known[0].endswith(("/", "."))
