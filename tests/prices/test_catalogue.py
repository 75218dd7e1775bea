"""The carried price list: whose prices hold at which address, and that our rates cost what its own arithmetic says."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import genai_prices
import pytest
from genai_prices.data import providers
from genai_prices.types import ModelPrice, Tier, TieredPrices
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.money import whole_nano
from llmdesk.core.prices import FREE
from llmdesk.core.types import ModelRef, Usage
from llmdesk.prices import Billing, PriceBook
from llmdesk.prices.catalogue import load, may_list, price_of

if TYPE_CHECKING:
    from llmdesk.core.prices import Price
    from llmdesk.prices.catalogue import Catalogue

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
OPENAI = "https://api.openai.com/v1"
CLAUDE = "https://api.anthropic.com"
GEMINI = "https://generativelanguage.googleapis.com"

COUNTED = {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "requests_kcount"}
NOT_IN_A_CHAT = {
    "cache_write_5m_mtok", "cache_write_1h_mtok", "web_searches_kcount", "storage_searches_kcount",
    "input_audio_mtok", "cache_audio_read_mtok", "input_video_mtok",
}  # fmt: skip
ENTRIES = [(provider, model) for provider in providers for model in provider.models]


@pytest.fixture(scope="module")
def listed() -> Catalogue:
    found = load()
    assert found is not None
    return found


def looked_up(listed: Catalogue, url: str, model: str, *, tokens: int = 1_000, at: float = NOW) -> Price | None:
    return listed.price(url, model, input_tokens=tokens, at=at)


# --- our arithmetic against the library's own ---


def both(model_price: ModelPrice, usage: Usage) -> tuple[int | None, int]:
    """What an entry costs here (``None`` = unknown), and there, nano-dollars."""
    price = price_of(model_price, "x", usage.input_tokens or 0)
    theirs = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    return price and price.cost_nano_usd(usage), whole_nano(model_price.calc_price(theirs)["total_price"])


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    whole = draw(st.integers(0, 2_000_000) | st.sampled_from([128_000, 200_000, 200_001, 272_000, 272_001]))
    cached = draw(st.integers(0, whole))
    written = draw(st.integers(0, whole - cached))
    return Usage(
        input_tokens=whole,
        output_tokens=draw(st.integers(0, 200_000)),
        cached_input_tokens=cached,
        cache_write_tokens=written,
    )


def units_of(price: ModelPrice) -> set[str]:
    return {unit for unit, rate in vars(price).items() if rate is not None}


@given(
    entry=st.sampled_from(ENTRIES),
    usage=usages(),
    at=st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_our_cost_is_the_librarys_to_the_nano_dollar_at_any_time(entry, usage: Usage, at: datetime) -> None:  # type: ignore[no-untyped-def]
    price = entry[1].get_prices(at)
    ours, theirs = both(price, usage)
    if ours is not None:
        assert ours == theirs
    else:
        assert not units_of(price) or "input_mtok" not in units_of(price) or units_of(price) - COUNTED - NOT_IN_A_CHAT


def test_every_entry_that_bills_a_chat_by_its_tokens_has_a_price() -> None:
    """The whole list, once: half a million tokens with a cache, beyond every threshold."""
    usage = Usage(input_tokens=500_001, output_tokens=777, cached_input_tokens=100_000, cache_write_tokens=3_333)
    at, known = datetime.fromtimestamp(NOW, UTC), 0
    for _, model in ENTRIES:
        price = model.get_prices(at)
        ours, theirs = both(price, usage)
        units = units_of(price)
        assert (ours is None) == (not units or "input_mtok" not in units or bool(units - COUNTED - NOT_IN_A_CHAT))
        if ours is not None:
            assert ours == theirs, model.id
            known += 1
    assert known > 2_000


@given(entry=st.sampled_from(ENTRIES), usage=usages(), more=st.integers(0, 500_000))
def test_what_is_set_aside_for_a_longer_prompt_covers_a_shorter_one(entry, usage: Usage, more: int) -> None:  # type: ignore[no-untyped-def]
    """Rates rise with the prompt, so that the tier of an upper bound is never the cheaper one."""
    rates = entry[1].get_prices(datetime.fromtimestamp(NOW, UTC))
    whole, output = usage.input_tokens or 0, usage.output_tokens or 0
    reserved, real = price_of(rates, "x", whole + more), price_of(rates, "x", whole)
    if reserved is not None and real is not None:
        cost = real.cost_nano_usd(usage)
        assert cost is not None
        assert cost <= reserved.bound_nano_usd(whole + more, output)


# --- entries ---


def test_a_tier_holds_beyond_its_threshold_for_every_token() -> None:
    tiered = TieredPrices(base=Decimal(3), tiers=[Tier(400_000, Decimal(9)), Tier(200_000, Decimal(6))])
    entry = ModelPrice(input_mtok=tiered, output_mtok=Decimal(15))
    found = [price_of(entry, "x", tokens) for tokens in (0, 200_000, 200_001, 400_000, 400_001)]
    assert [price.input_usd_per_mtok for price in found if price] == [3, 3, 6, 6, 9]


@pytest.mark.parametrize("unit", ["output_image_mtok", "output_audio_mtok", "output_reasoning_mtok", "audio_hours"])
def test_an_entry_with_a_rate_that_cannot_be_counted_is_unknown(unit: str) -> None:
    entry = ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2), **{unit: Decimal(30)})
    assert price_of(entry, "x", 0) is None


def test_an_entry_without_rates_is_unknown_unless_its_name_says_free() -> None:
    assert price_of(ModelPrice(), "deepseek/deepseek-r1", 0) is None
    assert price_of(ModelPrice(), "deepseek/deepseek-r1:free", 0) == FREE


def test_a_price_by_the_call_is_in_the_price(listed: Catalogue) -> None:
    price = looked_up(listed, "https://api.perplexity.ai", "sonar")
    assert price is not None
    assert price.per_request_usd > 0


def test_a_price_is_that_of_its_hour(listed: Catalogue) -> None:
    by_day, by_night = (datetime(2025, 6, 1, hour, tzinfo=UTC).timestamp() for hour in (12, 20))
    day, night = (looked_up(listed, "https://api.deepseek.com", "deepseek-chat", at=at) for at in (by_day, by_night))
    assert day is not None
    assert night is not None
    assert night.output_usd_per_mtok < day.output_usd_per_mtok


# --- whose prices hold ---


@pytest.mark.parametrize(
    ("url", "model"),
    [
        (OPENAI, "gpt-5-mini"),
        ("https://API.openai.com:443/v1/", "gpt-4o-2024-08-06"),
        (CLAUDE, "claude-sonnet-4-5"),
        (CLAUDE + "/v1", "claude-haiku-4-5-20251001"),
        (GEMINI, "gemini-2.5-flash"),
        (GEMINI + "/v1beta", "models/gemini-2.5-flash"),
        ("https://openrouter.ai/api/v1", "openai/gpt-4o"),
        ("https://api.groq.com/openai/v1", "openai/gpt-oss-120b"),
        ("https://api.mistral.ai/v1", "mistral-large-latest"),
        ("https://api.deepseek.com", "deepseek-chat"),
        ("https://api.x.ai/v1", "grok-4"),
        ("https://api.together.ai/v1", "openai/gpt-oss-120b"),
        ("https://api.together.xyz/v1", "openai/gpt-oss-120b"),
        ("https://api.cerebras.ai/v1", "gpt-oss-120b"),
        ("https://api.fireworks.ai/inference/v1", "accounts/fireworks/models/gpt-oss-120b"),
        ("https://api.moonshot.ai/v1", "kimi-k2-0905-preview"),
        ("https://mine.openai.azure.com/openai/v1", "gpt-4o"),
        ("https://router.huggingface.co/groq/openai/v1", "openai/gpt-oss-120b"),
    ],
)
def test_a_vendors_own_address_has_its_prices(listed: Catalogue, url: str, model: str) -> None:
    assert may_list(url)
    price = looked_up(listed, url, model)
    assert price is not None
    assert price.output_usd_per_mtok > 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1",
        "http://localhost:4000",
        "https://localhost/v1",
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://api.openai.com.gateway.example/v1",
        "https://gateway.example/api.openai.com/v1",
        "https://gateway.example/https://api.openai.com/v1",
        "https://gateway.example/generativelanguage.googleapis.com/v1beta",
        "https://gateway/mine.openai.azure.com/v1",
        "https://openrouter.ai.gateway.example/api/v1",
        "https://key@api.openai.com/v1",
        "https://models.github.ai/inference",
        "https://ollama.com",
        "",
        "nonsense",
    ],
)
@pytest.mark.parametrize("model", ["gpt-4o", "gemini-2.5-flash", "openai/gpt-4o", "claude-sonnet-4-5"])
def test_no_other_address_gets_a_vendors_price_for_a_model_of_that_name(
    listed: Catalogue, url: str, model: str
) -> None:
    assert looked_up(listed, url, model) is None


@pytest.mark.parametrize("model", ["gpt-nonsense", "", "ft:gpt-4o:me::1", "llama3", "x" * 4_000, "мир\x00"])
def test_a_model_that_the_vendor_does_not_list_is_unknown(listed: Catalogue, model: str) -> None:
    assert looked_up(listed, OPENAI, model) is None


# --- from the book, in a process of its own ---


async def test_a_book_reads_the_list_and_tells_its_price(listed: Catalogue) -> None:
    book = PriceBook({"openai": Billing(free=False, base_url=OPENAI)}, {}, clock=lambda: NOW)
    ref = ModelRef("openai", "gpt-5-mini")
    assert book.price(ref) is None
    await book.ready(ref)
    assert book.price(ref, served="gpt-5-mini-2025-08-07") == looked_up(listed, OPENAI, "gpt-5-mini")


PROBE = """
import asyncio, json, socket, sys
tried = []

def trap(*address, **_):
    tried.append(repr(address))
    raise OSError("no network here")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = trap
if {missing}:
    sys.modules["genai_prices"] = None
from llmdesk.core.types import ModelRef
from llmdesk.prices import Billing, PriceBook
import threading

async def look():
    book = PriceBook({{"openai": Billing(free=False, base_url="https://api.openai.com/v1")}}, {{}})
    ref = ModelRef("openai", {model!r})
    before = "genai_prices" in sys.modules
    book.begin(ref)
    await book.ready(ref)
    return before, book.price(ref, served={model!r}) is not None

before, known = asyncio.run(look())
updating = any("Updat" in type(t).__name__ or "updat" in t.name.lower() for t in threading.enumerate())
print(json.dumps([before, known, tried, updating]))
"""


def look(model: str, *, missing: bool = False) -> list[object]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(model=model, missing=missing)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("model", ["gpt-5-mini", "gpt-of-the-day-after-tomorrow"])
def test_no_price_is_looked_for_in_the_network(model: str) -> None:
    assert look(model) == [False, model == "gpt-5-mini", [], False]


def test_without_the_package_a_price_is_unknown() -> None:
    assert look("gpt-5-mini", missing=True) == [True, False, [], False]
