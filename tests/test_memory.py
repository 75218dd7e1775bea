"""What is large and no longer needed goes back to the system, whatever lies behind it in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

KEPT = """
import sys
from pathlib import Path
from llmdesk import memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

memory.expect(int(sys.argv[1]))
bytes(16 << 20)  # the first that is freed; from now on glibc would keep blocks of this size in its heap
before = resident()
blocks, small = [], []
for _ in range(8):
    blocks.append(b"x" * (4 << 20))
    small.append(b"x" * 100_000)
del blocks
print((resident() - before) >> 20)
"""


def kept_mib(expected: int) -> int:
    """How much a process keeps of 32 MiB in large blocks that it has let go."""
    done = subprocess.run(
        [sys.executable, "-c", KEPT, str(expected)], capture_output=True, text=True, check=True, timeout=30
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="it is a matter of the C library there")
def test_large_blocks_go_back_to_the_system_when_they_were_expected() -> None:
    assert kept_mib(10_000_000) <= 1


def test_for_small_things_nothing_is_loaded() -> None:
    code = "import sys; from llmdesk import memory; memory.expect(100_000); assert 'ctypes' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
