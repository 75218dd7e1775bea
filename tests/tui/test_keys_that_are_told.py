"""A line that tells a key tells the one the user has bound; without one the words stay and can be clicked."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from llmdesk.core.views import OutboxEntry
from llmdesk.tui.actions import BY_ID
from llmdesk.tui.hints import USUAL, keymap_of, press_again, with_key
from llmdesk.tui.keymap import read_keymap
from llmdesk.tui.screens import column, compare, conversations, queue, stopped, telling
from llmdesk.tui.screens.panels import SCREENS, panel_class
from llmdesk.tui.screens.raw import RawScreen
from llmdesk.tui.widgets.budget_line import BudgetLine
from llmdesk.tui.widgets.keys_line import HELP, LEAVE, told
from llmdesk.tui.widgets.queue_line import QueueLine
from llmdesk.tui.widgets.wait_line import Offer
from tests.support.fake_desk import FakeDesk, answer
from tests.support.screen import click, seated, wait_until

OFFERS = [
    each
    for module in (telling, stopped, queue, conversations)
    for found in vars(module).values()
    for each in (found if isinstance(found, tuple) else (found,))
    if isinstance(each, Offer) and each.does
]


class Bound:
    """An app with keys of the user's own."""

    def __init__(self, **keys: str) -> None:
        self.keymap = read_keymap(keys)
        assert not self.keymap.notes


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.does)
def test_an_offer_shows_the_key_of_the_user(offer: Offer) -> None:
    assert Offer.told(offer, Bound(**{offer.does: "f11"})) == f"f11 {offer.label}"
    assert Offer.told(offer, Bound(**{offer.does: "none"})) == offer.label
    assert offer.told(object()) == with_key(keymap_of(None), offer.does, offer.label)
    assert offer.told(object()) != offer.label


@pytest.mark.parametrize("action_id", sorted(column.KEYS.values()))
def test_a_column_of_a_comparison_offers_what_that_screen_binds(action_id: str) -> None:
    assert Bound(**{action_id: "f11"}).keymap.overrides == {action_id: "f11"}
    assert compare.CompareScreen.scope == "compare"


async def test_the_lines_of_the_chat_show_the_keys_of_the_user() -> None:
    desk = FakeDesk(scripts=[answer("the answer")])
    async with seated(desk, size=(140, 40)) as seat:
        seat.app.use_keys({"unqueue": "f11", "queue": "f10", "hide_warning": "ctrl+b", "turn_copy": "y"})
        line = seat.app.chat.query_one(QueueLine)
        line.show_next(queued=["one"], held=True, attached=[])
        await seat.see(r"\[alt\+g send them\]  \[f10 edit, move, drop\]  \[f11 take the last back\]")
        line.show_next(queued=[], held=False, attached=[("a.txt", 3)])
        await seat.see("f11 takes the last off")
        line.show_next(queued=[], held=False, attached=[])
        await seat.ask("one")
        await seat.see("✔ full")
        await seat.press("alt+up")
        await seat.see(r"\[y copy\]")


async def test_the_warning_of_a_budget_shows_the_key_that_puts_it_away() -> None:
    async with seated(FakeDesk()) as seat:
        line = BudgetLine()
        await seat.app.chat.mount(line)
        assert line._hints()[1] == "  [alt+w hide]"
        seat.app.use_keys({"hide_warning": "ctrl+b", "budgets": "f11"})
        assert line._hints() == ("  [f11 budgets]  [ctrl+b hide]", "  [ctrl+b hide]", "  [ctrl+b]")
        seat.app.use_keys({"hide_warning": "none"})
        assert line._hints() == ("  [f4 budgets]", "")


async def test_the_line_at_the_bottom_of_a_panel_tells_the_keys_of_the_user_and_can_be_clicked() -> None:
    async with seated(FakeDesk(), size=(120, 24)) as seat:
        seat.app.use_keys({"outbox_retry": "z", "filter": "f10", "help": "f11", "close": "f12"})
        await seat.press("f7")
        await seat.see("─ outbox")
        last = seat.text.split("\n")[-1]
        assert re.search(r"z again .* f10 filter .*f12 close  f11 keys", last)
        await click(seat, "f10 filter")
        await wait_until(lambda: isinstance(seat.app.focused, Input), "the filter")
        await click(seat, "f11 keys")
        await seat.see("─ keys and commands")
        assert "f10 search" in seat.text.split("\n")[-1]
        await click(seat, "f12 close")
        await seat.see("─ outbox")


async def test_the_line_of_a_panel_that_is_open_follows_the_keys_and_keeps_the_words_where_there_is_none() -> None:
    async with seated(FakeDesk(), size=(120, 24)) as seat:
        await seat.press("f5")
        await seat.see("h hour")
        await seat.press("f1")
        await seat.see("/ search")
        seat.app.use_keys({"metrics_hour": "z", "metrics_day": "none", "filter": "f10", "help": "none"})
        await seat.see(r"f10 search .*Esc close  keys")
        await click(seat, "Esc close")
        await seat.see(r"z hour  day  w week")
        await click(seat, "day")
        await seat.see("24 h")
        await click(seat, "  keys")
        await seat.see("─ keys and commands")


async def test_a_comparison_tells_the_keys_of_the_user() -> None:
    async with seated(FakeDesk(), size=(120, 24)) as seat:
        seat.app.use_keys({"send": "f10", "compare_lane_1": "f11", "compare_leave": "f12"})
        await seat.press("alt+v")
        await seat.see("f10 send  f11 who is asked  f12 close  f1 keys")


async def test_what_is_done_by_pressing_twice_tells_the_key_of_the_user() -> None:
    waiting = OutboxEntry(id="p1", created_at=0.0, lane="chat", prompt="the prompt", error_kind=None, attempts=1)
    async with seated(FakeDesk(entries=[waiting]), size=(120, 24)) as seat:
        seat.app.use_keys({"outbox_drop": "z"})
        await seat.press("f7")
        await seat.see("the prompt")
        await seat.press("z")
        await seat.see("Press z again")
        seat.app.use_keys({"outbox_drop": "none"})
        assert press_again(seat.app.keymap, "outbox_drop") == "Do it again"


PANELS = {name: panel_class(name) for name in SCREENS} | {"raw": RawScreen}


@pytest.mark.parametrize("panel", PANELS)
def test_at_80_columns_a_panel_tells_every_key_it_names(panel: str) -> None:
    line = "  ".join(told(USUAL, each) for each in (*PANELS[panel].keys, LEAVE, HELP))
    assert cell_len(line) <= 78, f"`keys` of {PANELS[panel].__name__} does not fit beside the margins: shorten it"


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_names_keys_that_work_on_it(panel: str) -> None:
    for each in PANELS[panel].keys:
        ids = () if isinstance(each, str) else each[0].split()
        assert {BY_ID[action_id].scope for action_id in ids} <= {"list", panel}, each
