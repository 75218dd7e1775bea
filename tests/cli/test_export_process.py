"""``llmdesk metrics export`` as a process: any number of rows in little memory, and a reader that goes away."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from llmdesk.storage.columns import attempt_row
from tests.support.exec_world import exec_world
from tests.support.reported import PAID, TODAY, Account, a_world, at, done

MANY = 60_000
LIMIT_S = 60
PEAK = """
import resource, sys
from llmdesk.__main__ import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with so many attempts, written as one and the same row."""
    home = tmp_path_factory.mktemp("many")
    world = a_world(home)
    row = attempt_row(
        done(TODAY, PAID, "0.25"), Account(request="r", lane="chat"), day="2026-11-21", run=1, record_text=True
    )
    names = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)

    async def fill():
        async with world.desk() as desk:
            await desk._parts.database.write(
                lambda connection: connection.executemany(
                    f"INSERT INTO attempts ({names}) VALUES ({marks})",
                    ({**row, "request": f"r{n}", "at": round(at(TODAY) * 1000) + n} for n in range(MANY)),
                )
            )

    asyncio.run(fill())
    return exec_world(home)


def peak_kib(world, *argv):
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *argv], env=world.environment, capture_output=True, timeout=LIMIT_S, check=True,
    )  # fmt: skip
    return int(done.stderr.split()[-1]), done.stdout


@pytest.mark.parametrize("form", ["csv", "json"])
def test_many_rows_take_no_more_memory_than_none(home, form):
    little, nothing = peak_kib(home, "metrics", "export", "--format", form, "--until", "2020-01-01")
    peak, rows = peak_kib(home, "metrics", "export", "--format", form)
    assert rows.count(b"\n") > MANY > nothing.count(b"\n")
    assert len(rows) > 6 * 2**20
    assert peak - little < 5 * 1024


def test_a_reader_that_goes_away_ends_it_without_a_word(home):
    process = home.start("metrics", "export")
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"id,at,")
    process.stdout.close()
    assert process.wait(LIMIT_S) == 141
    assert process.stderr is not None
    with process.stderr as narration:
        assert narration.read() == b""


def test_an_interrupt_ends_it_although_nobody_reads(home):
    process = home.start("metrics", "export")
    assert process.stdout is not None
    with process.stdout as out, process.stderr as _:
        assert os.read(out.fileno(), 10)
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 130
