"""Which price holds: what was written, what is free, what the catalogue knows, in that order and for the right name."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal

import pytest

from llmdesk.core.prices import FREE, Price
from llmdesk.core.types import ModelRef
from llmdesk.prices import Billing, PriceBook

VENDOR = "https://api.vendor.example/v1"
ASKED = ModelRef("paid", "big")


def usd(rate: int) -> Price:
    return Price(input_usd_per_mtok=Decimal(rate), output_usd_per_mtok=Decimal(rate))


class ListOfPrices:
    """A catalogue that is written down in a test, with a door that can be held shut while it is read."""

    def __init__(self, **listed: Price) -> None:
        self.listed = {name.replace("_", "-"): price for name, price in listed.items()}
        self.asked: list[tuple[str, str, int, float]] = []
        self.reads: list[threading.Thread] = []
        self.door = threading.Event()
        self.door.set()

    def read(self) -> ListOfPrices:
        self.reads.append(threading.current_thread())
        assert self.door.wait(60)
        return self

    def price(self, base_url: str, model: str, *, input_tokens: int, at: float) -> Price | None:
        self.asked.append((base_url, model, input_tokens, at))
        return self.listed.get(model) if base_url == VENDOR else None


def book_of(written: dict[str, Price] | None = None, *, free: bool = False, url: str = VENDOR, **listed: Price):  # type: ignore[no-untyped-def]
    found = ListOfPrices(**listed)
    names = {f"paid/{name}": price for name, price in (written or {}).items()}
    book = PriceBook({"paid": Billing(free=free, base_url=url)}, names, load=found.read, clock=lambda: 1_790_000_000.0)
    return book, found


async def price_in(book: PriceBook, served: str = "", ref: ModelRef = ASKED) -> Price | None:
    await book.ready(ref, served=served)
    return book.price(ref, served=served)


# --- the order ---


@pytest.mark.parametrize("served", ["", "big", "big-2026-01-31"])
async def test_a_written_price_goes_before_the_catalogue(served: str) -> None:
    book, found = book_of({"big": usd(1)}, big=usd(9), big_2026_01_31=usd(9))
    assert await price_in(book, served) == usd(1)
    assert not found.reads


async def test_a_price_written_for_the_served_name_goes_before_all_others() -> None:
    book, found = book_of({"big": usd(1), "big-2026-01-31": usd(2), "other": usd(3)}, big=usd(9), other=usd(9))
    assert await price_in(book, "big-2026-01-31") == usd(2)
    assert await price_in(book, "other") == usd(3)
    assert not found.reads


async def test_another_model_than_asked_costs_what_the_catalogue_says_of_it() -> None:
    book, _ = book_of({"big": usd(1)}, small=usd(9))
    assert await price_in(book, "small") == usd(9)


async def test_another_model_that_nobody_knows_costs_what_was_written_for_the_asked_one() -> None:
    book, _ = book_of({"big": usd(1)}, big=usd(9))
    assert await price_in(book, "router-17") == usd(1)


async def test_an_edition_that_is_not_listed_costs_what_the_asked_model_costs() -> None:
    book, _ = book_of(big=usd(9))
    assert await price_in(book, "big-2026-01-31") == usd(9)


async def test_an_edition_that_is_listed_costs_its_own_price() -> None:
    book, _ = book_of(big=usd(9), big_2026_01_31=usd(8))
    assert await price_in(book, "big-2026-01-31") == usd(8)


async def test_an_unknown_model_does_not_cost_what_the_asked_one_would_have() -> None:
    book, _ = book_of(big=usd(9))
    assert await price_in(book, "router-17") is None
    assert await price_in(book, "") == usd(9)


async def test_what_is_neither_written_nor_free_nor_listed_is_unknown() -> None:
    book, _ = book_of()
    assert await price_in(book) is None
    assert await price_in(book, "big") is None


async def test_a_provider_that_is_not_configured_has_no_price() -> None:
    book, found = book_of(big=usd(9))
    assert await price_in(book, ref=ModelRef("gone", "big")) is None
    assert not found.reads


@pytest.mark.parametrize("served", ["", "big", "another"])
async def test_a_free_provider_costs_nothing_unless_a_price_is_written(served: str) -> None:
    book, found = book_of(free=True, big=usd(9), another=usd(9))
    assert await price_in(book, served) == FREE
    priced, _ = book_of({"big": usd(1)}, free=True)
    assert await price_in(priced, served) == usd(1)
    assert not found.reads


async def test_a_price_of_zero_is_a_price() -> None:
    book, _ = book_of({"big": usd(0)}, big=usd(9))
    price = await price_in(book)
    assert price is not None
    assert price.free


# --- what is asked of the catalogue ---


async def test_the_catalogue_is_asked_with_address_size_and_time() -> None:
    book, found = book_of(big=usd(9))
    await book.ready(ASKED)
    book.price(ASKED, input_tokens=250_000)
    assert found.asked == [(VENDOR, "big", 250_000, 1_790_000_000.0)]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://gpu-box.lan:8000/v1", "https://gpu-box/v1", ""])
async def test_a_server_of_ones_own_is_in_no_catalogue(url: str) -> None:
    book, found = book_of(url=url, big=usd(9))
    book.begin(ASKED)
    assert not book.needs_catalogue(ASKED)
    assert await price_in(book) is None
    assert not found.reads


# --- when it is read ---


async def test_the_catalogue_is_read_once_in_a_thread_while_other_work_goes_on() -> None:
    book, found = book_of(big=usd(9))
    found.door.clear()
    book.begin(ASKED)
    book.begin(ASKED)
    waiting = [asyncio.create_task(book.ready(ASKED)) for _ in range(3)]
    await asyncio.sleep(0)
    assert book.price(ASKED) is None
    assert not any(task.done() for task in waiting)
    found.door.set()
    await asyncio.gather(*waiting)
    assert book.price(ASKED) == usd(9)
    await book.ready(ASKED)
    assert len(found.reads) == 1
    assert found.reads[0] is not threading.main_thread()


async def test_one_who_is_cancelled_does_not_keep_the_others_from_the_price() -> None:
    book, found = book_of(big=usd(9))
    found.door.clear()
    first, second = (asyncio.create_task(book.ready(ASKED)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    found.door.set()
    await second
    assert first.cancelled()
    assert book.price(ASKED) == usd(9)
    assert len(found.reads) == 1


async def test_a_catalogue_that_is_not_there_leaves_the_price_unknown() -> None:
    book = PriceBook({"paid": Billing(free=False, base_url=VENDOR)}, {}, load=lambda: None)
    assert await price_in(book) is None
