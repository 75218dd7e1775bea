"""A line that tells a key tells the one the user has bound; without one the words stay and can be clicked."""

from __future__ import annotations

import pytest

from llmdesk.tui.hints import keymap_of, with_key
from llmdesk.tui.keymap import read_keymap
from llmdesk.tui.screens import column, compare, conversations, queue, stopped, telling
from llmdesk.tui.widgets.budget_line import BudgetLine
from llmdesk.tui.widgets.queue_line import QueueLine
from llmdesk.tui.widgets.wait_line import Offer
from tests.support.fake_desk import FakeDesk, answer
from tests.support.screen import seated

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
