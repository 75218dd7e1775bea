"""Keys, themes and an edited file, on the screen."""

from __future__ import annotations

import pytest

from llmdesk.paths import find_themes
from llmdesk.tui.themes import load_palettes
from tests.support.screen import wait_until
from tests.support.settings_world import settled


async def test_a_theme_is_worn_under_the_cursor_and_esc_goes_back() -> None:
    async with settled() as (seat, _):
        await seat.ask("/theme")
        await seat.see("─ themes")
        assert seat.app.theme == "midnight"
        await seat.press("up")
        await wait_until(lambda: seat.app.theme != "midnight")
        await seat.press("escape")
        await seat.see("─ 1 chat")
        assert seat.app.theme == "midnight"


async def test_a_theme_is_written_into_the_file_after_the_diff_was_approved() -> None:
    async with settled() as (seat, file):
        before = file.read_text()
        await seat.ask("/theme")
        await seat.see("─ themes")
        await seat.press("home", "w")
        await seat.see("would change like this")
        await seat.see(r"\+ui:")
        await seat.press("escape")
        await seat.see("Nothing was written")
        assert file.read_text() == before
        await seat.press("w")
        await seat.see("would change like this")
        await seat.press("y")
        await wait_until(lambda: "theme: ansi16" in file.read_text())
        await wait_until(lambda: len(list(file.parent.glob("llmdesk.yaml.bak-*"))) == 1)
        await seat.press("escape")
        assert seat.app.theme == "ansi16"


async def test_a_key_is_changed_at_once_and_written_when_approved() -> None:
    async with settled() as (seat, file):
        await seat.ask("/keys")
        await seat.see("─ keys")
        await seat.press("slash", *"failover", "space", *"history", "enter", "enter")
        await seat.see("Key for: Failover history")
        await seat.press("f7")
        await seat.see("outbox would have to give it up first")
        await seat.press("f7")
        await seat.see("f7 already belongs to outbox")
        await seat.press("enter")
        await seat.see("Key for: Failover history")
        await seat.press("f12")
        await seat.see("arrived: f12")
        await seat.press("alt+f6", "alt+f6")
        await seat.see(r"ui: \{keys: \{failovers: alt\+f6\}\}")
        await seat.press("w")
        await seat.see(r"failovers: alt\+f6")
        await seat.press("y")
        await wait_until(lambda: "failovers: alt+f6" in file.read_text())
        await seat.press("escape", "escape")
        await seat.see("─ 1 chat")
        await seat.press("alt+f6")
        await seat.see("─ failovers")


async def test_the_tester_tells_what_arrived_and_who_may_keep_it() -> None:
    async with settled() as (seat, _):
        await seat.ask("/keys")
        await seat.see("─ keys")
        await seat.press("t")
        await seat.see("Press a key")
        await seat.press("ctrl+b")
        await seat.see("arrived: ctrl\\+b")
        await seat.see("tmux keeps it by default")
        await seat.press("ctrl+q")
        await seat.see("Quit")
        await seat.press("escape", "escape")
        await seat.see_gone("What arrives")


async def test_keys_can_be_taken_away_added_and_given_back() -> None:
    async with settled() as (seat, _):
        await seat.ask("/keys")
        await seat.press("slash", *"metrics:", "enter", "x")
        await wait_until(lambda: seat.app.user_keys == {"metrics": "none"})
        await seat.press("a")
        await seat.see("Key for: Metrics")
        await seat.press("alt+f5", "alt+f5")
        await wait_until(lambda: seat.app.user_keys == {"metrics": "alt+f5"})
        await seat.press("d")
        await wait_until(lambda: seat.app.user_keys == {})


async def test_an_edited_file_changes_lanes_keys_and_theme_on_the_screen() -> None:
    async with settled(size=(160, 40)) as (seat, file):
        text = file.read_text()
        file.write_text(
            text.replace("lanes:\n", "lanes:\n  mine: {targets: [local/largest]}\n")
            + "ui: {theme: daylight, keys: {help: f10}}\n"
        )
        await seat.see("Settings read again")
        await seat.see("1 mine")
        assert seat.app.theme == "daylight"
        assert "f10 help" in seat.text
        await seat.press("f10")
        await seat.see("keys and commands")


async def test_a_broken_edit_is_told_with_its_place_and_changes_nothing() -> None:
    async with settled() as (seat, file):
        edited = file.read_text().replace("default_lane: chat", "default_lane: chta")
        file.write_text(edited + "ui: {theme: daylight}\n")
        await seat.ask("/reload")
        await seat.see("The settings stay as they were")
        await seat.see(":3:15")
        assert seat.app.theme == "midnight"


async def test_the_lane_that_is_shown_goes_with_the_file_and_the_default_one_comes() -> None:
    async with settled() as (seat, file):
        await seat.ask("/lane reviewer")
        await seat.see("─ 7 reviewer")
        file.write_text(file.read_text().replace("  reviewer: {targets", "  other: {targets").replace(
            "lane: reviewer", "lane: other"))  # fmt: skip
        file.write_text(file.read_text().replace("lanes:\n", "lanes:\n  reviewer: null\n", 1))
        await seat.see("─ 1 chat")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_the_screens_fit(size: tuple[int, int]) -> None:
    async with settled(size=size) as (seat, _):
        for command, heading in (("/keys", "─ keys"), ("/theme", "─ themes"), ("/lanes", "─ lanes")):
            await seat.ask(command)
            await seat.see(heading)
            await seat.see("Esc close")
            assert max(map(len, seat.text.splitlines())) <= size[0]
            await seat.press("escape")
            await seat.see("─ 1 chat")


async def test_a_lane_is_changed_and_written_after_its_diff_was_approved() -> None:
    async with settled() as (seat, file):
        await seat.ask("/lanes")
        await seat.see("target 2 +local/largest")
        await seat.press("enter", "J")
        await seat.see("target 1 +local/largest")
        await seat.see("not written yet")
        await seat.press("down", "enter")
        await seat.see("failover +ask")
        await seat.press("a")
        await seat.see("asked last")
        await seat.type("nobody/x")
        await seat.press("enter")
        await seat.see("There is no provider 'nobody'")
        await seat.press("escape", "w")
        await seat.see(r"\+  chat: \{targets: \[local/largest, cloud/")
        await seat.press("y")
        await wait_until(lambda: "chat: {targets: [local/largest" in file.read_text())
        desk = await seat.app.desk()
        await wait_until(lambda: desk.lanes()[0].failover == "ask")
        await seat.press("escape")
        await seat.see("─ 1 chat")


async def test_changes_outlive_a_look_at_the_keys() -> None:
    async with settled() as (seat, _):
        await seat.ask("/lanes")
        await seat.see("target 2 +local/largest")
        await seat.press("enter", "J")
        await seat.see("not written yet")
        await seat.press("f1")
        await seat.see("keys and commands")
        await seat.press("escape")
        await seat.see("not written yet")


async def test_changes_are_not_lost_by_the_key_of_another_panel() -> None:
    async with settled() as (seat, _):
        await seat.ask("/lanes")
        await seat.see("target 2 +local/largest")
        await seat.press("enter", "J")
        await seat.see("not written yet")
        await seat.press("f6")
        await seat.see("The same key again drops")
        await seat.see("not written yet")
        await seat.press("f6")
        await seat.see("─ failovers")


async def test_a_new_lane_begins_like_the_marked_one_and_changes_are_not_lost_by_one_esc() -> None:
    async with settled() as (seat, file):
        await seat.ask("/lanes")
        await seat.see("target 2 +local/largest")
        await seat.press("n")
        await seat.see("Name of the new lane")
        await seat.type("chat")
        await seat.press("enter")
        await seat.see("already")
        await seat.type("ty")
        await seat.press("enter")
        await seat.see(r"chatty \*")
        await seat.press("escape")
        await seat.see("The same key again drops")
        await seat.press("w")
        await seat.see(r"\+  chatty:")
        await seat.press("y")
        await wait_until(lambda: "chatty:" in file.read_text())
        await seat.see("8 chatty|chatty")


def test_there_is_a_theme_for_every_need() -> None:
    themes = load_palettes(find_themes()[:1]).themes
    assert {theme.dark for theme in themes.values()} == {True, False}
    ansi = [theme for theme in themes.values() if theme.ansi]
    assert ansi
    for theme in ansi:
        colors = (theme.primary, theme.secondary, theme.accent, theme.foreground, theme.background, theme.surface,
                  theme.panel, theme.success, theme.warning, theme.error)  # fmt: skip
        assert all(color is not None and color.startswith("ansi_") for color in colors)
