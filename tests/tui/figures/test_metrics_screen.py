from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.measures import Measures
from llmdesk.core.views import Topic
from llmdesk.tui.screens.measured import GROUPINGS, SECONDS, View, measure
from llmdesk.tui.screens.metrics_text import metrics_text
from tests.support.fake_desk import FakeDesk
from tests.support.figures import NOON, everything, nothing, plenty
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syrupy.assertion import SnapshotAssertion

    from llmdesk.core.measures import Grouping, Selection

HOSTILE = "\x1b]0;x\x07 [/red] [b +]("


@pytest.fixture(autouse=True)
def _at_noon_in_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: NOON)
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_plots_and_table(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with seated(FakeDesk(measured=plenty), size=size) as seat:
        await seat.press("f5")
        await seat.see("by provider")
        assert seat.text == snapshot


async def test_a_month_by_model_in_all_lanes(snapshot: SnapshotAssertion) -> None:
    async with seated(FakeDesk(measured=plenty), size=(80, 24)) as seat:
        await seat.press("f5", "m", "l", "g", "g")
        await seat.see("by model")
        await seat.see("all lanes · the last 30 days")
        assert seat.text == snapshot


async def test_nothing_measured_says_so_and_how_to_look_farther(snapshot: SnapshotAssertion) -> None:
    async with seated(FakeDesk(measured=nothing), size=(80, 24)) as seat:
        await seat.press("f5")
        await seat.see("Nothing was asked in the last 24 hours")
        assert seat.text == snapshot


@pytest.mark.parametrize("theme", ["contrast", "ansi16", "daylight"])
@pytest.mark.parametrize("key", ["f4", "f5"])
async def test_the_figures_are_letters_whatever_the_colours(theme: str, key: str) -> None:
    async def told(**options: str) -> str:
        async with seated(FakeDesk(limits=everything(), measured=plenty), size=(80, 24), **options) as seat:
            await seat.press(key)
            await seat.see("by provider" if key == "f5" else "day budget")
            return seat.text

    assert await told(theme=theme) == await told()


@pytest.mark.parametrize(("key", "words", "back_s"), [
    ("h", "the last hour · since 11:00", 3600), ("d", "the last 24 hours", 86_400), ("w", "the last 7 days", 604_800),
    ("m", "the last 30 days", 2_592_000),
])  # fmt: skip
async def test_a_key_looks_farther_back(key: str, words: str, back_s: float) -> None:
    asked: list[tuple[Selection, tuple[Grouping, ...]]] = []

    def noted(selection: Selection, by: Sequence[Grouping]) -> tuple[Measures, ...]:
        asked.append((selection, tuple(by)))
        return plenty(selection, by)

    async with seated(FakeDesk(measured=noted), size=(80, 24)) as seat:
        await seat.press("f5", key)
        await seat.see(words)
        whole = [selection for selection, by in asked if by == ()][-1]
        assert whole.since == NOON - back_s
        assert whole.lane == "chat"
        await seat.press("l")
        await seat.see("all lanes")
        assert asked[-1][0].lane is None


async def test_it_follows_what_happens() -> None:
    desk = FakeDesk(measured=nothing)
    async with seated(desk, size=(80, 24)) as seat:
        await seat.ask("/stats")
        await seat.see("Nothing was asked")
        desk.measured = plenty
        desk.changes.put_nowait(frozenset({Topic.REQUESTS}))
        await seat.see("134 attempts")
        text = seat.app.screen.query_one("#measures")
        drawn: list[object] = []
        text.update = drawn.append  # type: ignore[attr-defined]
        reads = len(desk.reads)
        desk.changes.put_nowait(frozenset({Topic.REQUESTS}))
        await wait_until(lambda: len(desk.reads) >= reads + 4)
        await seat.pilot.pause()
        assert drawn == []


@pytest.mark.usefixtures("without_net")
async def test_names_of_others_are_only_text() -> None:
    def hostile(_: Selection, by: Sequence[Grouping]) -> tuple[Measures, ...]:
        if {"hour", "day"} & set(by):
            return ()
        return (Measures(group=dict.fromkeys(by, HOSTILE), attempts=3, failed=3, errors={HOSTILE: 3}),)

    async with seated(FakeDesk(measured=hostile), size=(80, 24)) as seat:
        for _ in GROUPINGS:
            await seat.press("f5" if "metrics" not in seat.text else "g")
            await seat.see(r"\[/red\]")
            assert "\x1b" not in seat.text


@pytest.mark.parametrize("span", SECONDS)
async def test_gaps_in_time_are_gaps_in_the_plots(span: str) -> None:
    found = await measure(FakeDesk(measured=plenty), View(span=span), NOON)  # type: ignore[arg-type]
    expected = {"1 h": 13, "24 h": 25, "7 d": 8, "30 d": 31}[span]
    assert len(found.times) == expected
    assert any(row.attempts for _, row in found.times)
    assert any(not row.attempts for _, row in found.times)
    assert len(found.days) == max(8, expected if span == "30 d" else 0)


@pytest.mark.parametrize("by", GROUPINGS)
async def test_every_line_fits_its_screen(by: Grouping) -> None:
    found = await measure(FakeDesk(measured=plenty), View(by=by), NOON)  # type: ignore[arg-type]
    for width in (*range(20, 130, 3), 300):
        for height in (10, 60):
            for line in metrics_text(found, width=width, height=height).split("\n"):
                assert line.cell_length <= max(width, 60)  # lines of words wrap by themselves


async def test_a_provider_that_never_answered_is_not_called_free() -> None:
    silent = Measures(group={"provider": "x"}, attempts=2, failed=2, errors={"rate": 2})
    whole = FakeDesk(measured=lambda _, by: () if {"hour", "day"} & set(by) else (silent,))
    text = metrics_text(await measure(whole, View(), NOON), width=100, height=40).plain  # type: ignore[arg-type]
    assert "rate limited" in text
    assert "free" not in text


async def test_one_is_told_as_one() -> None:
    one = Measures(group={}, attempts=1, completed=1, failovers=1, unknown_price=1)
    found = await measure(FakeDesk(measured=lambda _, by: () if by else (one,)), View(), NOON)  # type: ignore[arg-type]
    text = metrics_text(found, width=100, height=40).plain
    for words in ("1 attempt ", "1 failover, ", "without 1 attempt of"):
        assert words in text


async def test_the_points_of_all_costs_stand_in_one_line() -> None:
    costs = {"dear": 1_230_450_000_000, "cheap": 29_400_000, "cheaper": 877_000, "own": 0}
    rows = tuple(Measures(group={"provider": name}, attempts=3, completed=3, cost_nano_usd=cost,
                          unknown_price=name == "cheap") for name, cost in costs.items())  # fmt: skip
    some = FakeDesk(measured=lambda _, by: () if {"hour", "day"} & set(by) else rows)
    lines = metrics_text(await measure(some, View(), NOON), width=100, height=40).plain.split("\n")  # type: ignore[arg-type]
    shown = [next(line for line in lines if line.startswith(f"{name} ")) for name in costs]
    assert [line.split()[-1] for line in shown] == ["1230.450000", "0.029400*", "0.000877", "free"]
    assert len({line.rindex(".") for line in shown[:3]}) == 1


async def test_a_price_nobody_knows_is_marked_and_never_free() -> None:
    found = await measure(FakeDesk(measured=plenty), View(by="model", lane=None), NOON)  # type: ignore[arg-type]
    text = metrics_text(found, width=100, height=40).plain
    assert "0.0111*" in text
    nobody = Measures(group={"provider": "x"}, attempts=2, completed=2, unknown_price=2)
    whole = FakeDesk(measured=lambda _, by: () if {"hour", "day"} & set(by) else (nobody,))
    text = metrics_text(await measure(whole, View(), NOON), width=100, height=40).plain  # type: ignore[arg-type]
    assert "unknown*" in text
    assert "* without 2 attempts of unknown price" in text
    assert "free" not in text
