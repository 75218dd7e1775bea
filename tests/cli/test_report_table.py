"""Tables of numbers: aligned, as wide as the terminal, and with a total."""

from __future__ import annotations

import pytest

from llmdesk.cli import amounts
from llmdesk.cli.output import Output
from llmdesk.cli.report_table import Column, show_table
from tests.support.cli_run import memory
from tests.support.reported import on_terminal

COLUMNS = (
    Column(name="model", number=False),
    Column(name="answers"),
    Column(name="p50", over="response, s"),
    Column(name="p99", over="response, s", spare=2),
    Column(name="errors", spare=1),
)
ROWS = [("cloud/gpt-oss:120b", "12", "1.93", "9.81", "3"), ("日本語", "3 456", "0.4", "-", "-")]


def shown(width: int | None, monkeypatch: pytest.MonkeyPatch, *, encoding: str = "utf-8") -> list[str]:
    if width is None:
        out = memory(encoding=encoding)
        show_table(Output(stdout=out, stderr=memory()), COLUMNS, ROWS, total=("total", "3 468", "1.0", "9.81", "3"))
        return out.buffer.getvalue().decode(encoding).splitlines()  # type: ignore[attr-defined]
    monkeypatch.setenv("COLUMNS", str(width))
    return on_terminal(lambda out: show_table(Output(stdout=out, stderr=memory(), color=False), COLUMNS, ROWS))


def test_numbers_end_in_one_column_and_the_total_stands_below_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(None, monkeypatch) == [
        "                             response, s",
        "model               answers    p50   p99  errors",
        "cloud/gpt-oss:120b       12   1.93  9.81       3",
        "日本語                3 456    0.4     -       -",
        "──────────────────  ───────  ─────  ────  ──────",
        "total                 3 468    1.0  9.81       3",
    ]


def test_without_unicode_the_line_is_of_hyphens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(None, monkeypatch, encoding="ascii")[-2].startswith("------------------  -------")


@pytest.mark.parametrize(
    ("width", "first", "last"), [(48, "model", "errors"), (46, "model", "p50"), (33, "model", "p50")]
)
def test_where_room_is_short_columns_go_first_and_names_are_cut_next(
    width: int, first: str, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(width, monkeypatch)
    assert max(len(line) for line in lines) <= width
    heading = lines[1].split()
    assert (heading[0], heading[-1]) == (first, last)
    assert ("…" in lines[2]) == (width < 36)


def test_names_are_never_cut_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(10, monkeypatch)[2].startswith("cloud/g…  ")


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (amounts.tokens(0), "0"),
        (amounts.tokens(99_999), "99 999"),
        (amounts.tokens(100_000), "100 k"),
        (amounts.tokens(1_240_000), "1.24 M"),
        (amounts.tokens(999_960), "1.00 M"),
        (amounts.tokens(12_345_678_901), "12.3 G"),
        (amounts.seconds(None), "-"),
        (amounts.seconds(0.0412), "0.041"),
        (amounts.seconds(12.36), "12.4"),
        (amounts.seconds(99.96), "100"),
        (amounts.seconds(1240.4), "1 240"),
        (amounts.share(None), "-"),
        (amounts.share(0.0), "0 %"),
        (amounts.share(1.0), "100 %"),
        (amounts.share(0.9961), "99.6 %"),
        (amounts.share(0.99999), "99.9 %"),
        (amounts.lasting(4.12), "4.1 s"),
        (amounts.lasting(59.7), "1 min"),
        (amounts.lasting(42), "42 s"),
        (amounts.lasting(545), "9 min 5 s"),
        (amounts.lasting(18_725), "5 h 12 min"),
        (amounts.lasting(3_600), "1 h"),
        (amounts.lasting(273_700), "3 d 4 h"),
    ],
)
def test_amounts_are_short_and_never_better_than_they_are(shown: str, text: str) -> None:
    assert shown == text


@pytest.mark.parametrize(
    ("nano_usd", "texts"),
    [
        ([None], ["?"]),
        ([0, None], ["0.00", "?"]),
        ([29_400_000, 877_000, 0], ["0.029400", "0.000877", "0.000000"]),
        ([1_584_600_000, 20_000_000], ["1.58", "0.02"]),
        ([1_584_612_345, 2_100_000], ["1.5846", "0.0021"]),
        ([12, 2_000_000_000], ["<0.000001", "2.000000"]),
        ([123_456_700_000_000, 2_100_000], ["123 456.70", "<0.01"]),
    ],
)
def test_money_in_one_column_has_one_number_of_decimals(nano_usd: list[int | None], texts: list[str]) -> None:
    assert amounts.dollar_column(nano_usd) == texts


def test_points_stay_below_each_other_where_a_mark_follows_one_number() -> None:
    out = memory()
    columns = (Column(name="lane", number=False), Column(name="cost"))
    rows = [("a", "0.0825+"), ("b", "0.0009"), ("c", "-")]
    show_table(Output(stdout=out, stderr=memory()), columns, rows)
    assert out.buffer.getvalue().decode().splitlines() == [  # type: ignore[attr-defined]
        "lane     cost",
        "a     0.0825+",
        "b     0.0009",
        "c          -",
    ]
