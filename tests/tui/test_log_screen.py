"""The log on the screen: live, filtered, at its end, whatever its lines hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.log_lines import LogLine, parse_log_line
from llmdesk.core.views import Topic
from llmdesk.desk.log_tail import read_log
from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC).isoformat(timespec="milliseconds")


def line(event: str, level: str = "info", **fields: str) -> LogLine:
    return LogLine(at=NOW, level=level, event=event, fields=tuple(fields.items()))


async def test_lines_are_shown_with_time_level_and_fields_and_new_ones_are_followed() -> None:
    desk = FakeDesk(logged=[line(f"event {number}") for number in range(80)])
    async with seated(desk, size=(100, 24)) as seat:
        await seat.press("f9")
        await seat.see(r"\d\d:\d\d:\d\d info +event 79")
        assert "event 12" not in seat.text
        desk.logged.append(line("request finished", lane="chat", status="completed"))
        desk.changes.put_nowait(frozenset({Topic.LOG}))
        await seat.see("request finished · lane=chat status=completed")
        await seat.press("g")
        await seat.see("event 0")
        desk.logged.append(line("unseen"))
        desk.changes.put_nowait(frozenset({Topic.LOG}))
        await seat.pilot.pause()
        assert "event 0" in seat.text
        await seat.press("e")
        await seat.see("unseen")


@pytest.mark.parametrize(("query", "kept", "gone"), [
    ("level:error", "broke", "went well"), ("lane:chat", "went well", "broke"), ("went", "went well", "broke"),
])  # fmt: skip
async def test_lines_are_filtered_by_words_and_fields(query: str, kept: str, gone: str) -> None:
    desk = FakeDesk(logged=[line("went well", lane="chat"), line("broke", "error", lane="repair")])
    async with seated(desk, size=(100, 24)) as seat:
        await seat.press("f9")
        await seat.see("broke")
        await seat.press("slash")
        await seat.type(query)
        await seat.see_gone(gone)
        assert kept in seat.text
        await seat.press("escape")
        await seat.see(gone)


async def test_hostile_and_malformed_lines_are_only_text() -> None:
    hostile = "\x1b]0;x\x07 [/red]"
    desk = FakeDesk(logged=[LogLine(event=hostile), line("ok", name=hostile)])
    async with seated(desk, size=(100, 24)) as seat:
        await seat.press("f9")
        await seat.see(r"␛\]0;x␇ \[/red\]")
        assert "\x1b]0" not in seat.text


def test_a_line_that_is_no_event_of_ours_is_kept_as_it_is() -> None:
    for text in ("{broken", "[1, 2]", "null", '{"event": 3, "level": "info"}', "plain"):
        assert parse_log_line(text) == LogLine(event=text)


def test_the_end_is_read_with_the_file_that_was_set_aside_and_without_half_a_line(tmp_path: Path) -> None:
    log = tmp_path / "llmdesk.log"
    assert read_log(log) == ()
    event = '{{"at": "x", "level": "info", "event": "{}"}}\n'
    (tmp_path / "llmdesk.log.1").write_text("".join(event.format(f"old {n}") for n in range(5_000)))
    log.write_text("".join(event.format(f"new {n}") for n in range(10)) + '{"event": "half')
    found = [each.event for each in read_log(log, 100)]
    assert found == [*(f"old {n}" for n in range(4_910, 5_000)), *(f"new {n}" for n in range(10))]


async def test_a_long_line_is_folded_between_its_words() -> None:
    told = line("request finished", failovers="cloud/gpt-oss:120b", latency_s="5.52", status="completed")
    async with seated(FakeDesk(logged=[told]), size=(60, 24)) as seat:
        await seat.press("f9")
        await seat.see(r"failovers=cloud/gpt-oss:120b\n +latency_s=5\.52 status=completed")
