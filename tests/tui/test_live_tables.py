"""Tables that live: what comes and goes leaves the cursor, the filter and the place where they are."""

from __future__ import annotations

import time

from llmdesk.core.views import FailoverRow, Topic
from tests.support.fake_desk import CLOUD, LOCAL, FakeDesk
from tests.support.screen import seated, wait_until

LONG = "you have reached your hourly usage limit, please wait or upgrade to continue, and more that no cell can hold"


def row(number: int, reason: str = "rate", lane: str = "chat") -> FailoverRow:
    return FailoverRow(at=time.time(), request=f"r{number}", lane=lane, agent=None, source=CLOUD, target=LOCAL,
                       reason=reason, message=f"number {number}: {LONG}", lost_s=0.3)  # fmt: skip


async def test_the_whole_message_of_the_marked_row_is_told_where_its_cell_is_too_small() -> None:
    async with seated(FakeDesk(rows=[row(1)]), size=(80, 24)) as seat:
        await seat.press("f6")
        await seat.see("number 1: you have reached your hourly usage limit, please wait or upgrade to")
        await seat.see("that no cell can hold")


async def test_a_failover_that_comes_moves_neither_the_cursor_nor_what_is_in_sight() -> None:
    desk = FakeDesk(rows=[row(number) for number in range(60, 0, -1)])
    async with seated(desk, size=(120, 24)) as seat:
        await seat.press("f6")
        await seat.see("number 60")
        table = seat.app.screen.query_one("FittedTable")
        await seat.press(*["down"] * 30)
        marked, top = table.marked, int(table.scroll_y)
        assert top > 0
        desk.rows.insert(0, row(61))
        desk.changes.put_nowait(frozenset({Topic.REQUESTS}))
        await wait_until(lambda: table.row_count == 61)
        await seat.pilot.pause()
        assert table.marked == marked
        assert int(table.scroll_y) == top + 1
        assert table.get_row_at(0)[-1].plain.startswith("number 61")


async def test_a_click_on_a_word_filters_and_another_one_takes_it_back() -> None:
    desk = FakeDesk(rows=[row(1, "rate"), row(2, "server", "codegen")])
    async with seated(desk, size=(120, 24)) as seat:
        await seat.press("f6")
        await seat.see("lane: chat codegen .*reason: rate server")
        chips = seat.app.screen.query_one("Chips")
        start = next(span[0] for span in chips._spans if span[3] == "server")
        await seat.pilot.click(chips, offset=(start + 1, 0))
        await seat.see_gone("number 1")
        assert "number 2" in seat.text
        await seat.pilot.click(chips, offset=(start + 1, 0))
        await seat.see("number 1")


async def test_only_changed_cells_are_drawn_when_rows_stay() -> None:
    class Desk(FakeDesk):
        async def failovers(self, **options: object) -> tuple[FailoverRow, ...]:  # type: ignore[override]
            self.reads.append("failovers")
            return tuple(self.rows)

    desk = Desk(rows=[row(1), row(2)])
    async with seated(desk, size=(120, 24)) as seat:
        await seat.press("f6")
        await seat.see("number 2")
        table = seat.app.screen.query_one("FittedTable")
        drawn: list[str] = []
        table.update_cell = lambda key, *_: drawn.append(key)  # type: ignore[method-assign]
        cleared = table._update_count
        reads = desk.reads.count("failovers")
        desk.changes.put_nowait(frozenset({Topic.REQUESTS}))
        await wait_until(lambda: desk.reads.count("failovers") > reads)
        await seat.pilot.pause()
        assert (drawn, table._update_count) == ([], cleared)
