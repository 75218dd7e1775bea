"""One long sitting: hundreds of answers in one desk, and whether it grows or slows down.

    uv run python benchmarks/sitting.py [--answers 500] [--tokens 300] [--turns 25]

The desk runs in a pseudo-terminal over a server on loopback; after every `--turns` answers a new conversation begins
(0 = all of them in one). Every fifty answers: its memory (PSS, MiB), the CPU of those answers, the median time from the
keys that ask to the last token on the screen, how much of it passed before the server was asked, how much was sent, and
the keystroke echo. It exits with 1 if memory grew by more than 64 MiB after the first fifty answers, or if the last
fifty were slower than the first by more than a quarter.

In one long conversation every request takes along what has been said, until the largest window that a local model is
asked for is full (about 340 of these answers): making, sending and receiving that grows with it, and is in the figures.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from screen import Server, Sitting

STEP = 50
GROWTH_MIB = 64
SLOWER = 1.25


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=300)
    parser.add_argument("--turns", type=int, default=25, help="answers in one conversation; 0 = all")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has llmdesk installed")
    told = parser.parse_args()
    server, work = Server(), Path(tempfile.mkdtemp(prefix="llmdesk-bench-"))
    env = {"OLLAMA_HOST": server.url, "LLMDESK_HOME": str(work / "home")}
    sitting = Sitting([told.python, "-m", "llmdesk"], env, "Ask something", server, work)
    try:
        sitting.probe.settle()
        return run(sitting, told.answers, told.tokens, told.turns)
    finally:
        sitting.probe.close()
        server.close()
        shutil.rmtree(work)


def run(sitting: Sitting, answers: int, tokens: int, turns: int) -> int:
    probe = sitting.probe
    memory, times = [], []
    columns = (
        "answers", "memory, MiB", "CPU per answer, ms", "answer, median ms", "before it was asked, ms", "sent, kB",
        "key p95, ms",
    )  # fmt: skip
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for done in range(STEP, answers + 1, STEP):
        cpu, taken, before, sent = probe.cpu_s(), list[float](), list[float](), list[float]()
        for number in range(done - STEP, done):
            if turns and number and number % turns == 0:
                probe.send("\x0e")  # ctrl+n: a new conversation
                probe.settle(0.05, 2)
            end = f"END{number}x"
            sitting.server.call("/plan", {"tokens": tokens, "rate": 0, "begin": "BEGIN", "end": end})
            offset = len(probe.raw)
            at = probe.send(f"question {number:03}\r")
            seen = probe.wait_bytes(end, offset, 30)
            if seen is None:
                print(f"answer {number} was never shown\n{probe.text()}")
                return 1
            told = sitting.server.call("/told")
            taken.append((seen - at) * 1000)
            before.append((told["asked_at"] - at) * 1000)
            sent.append(told["asked_bytes"] / 1000)
            probe.settle(0.05, 2)  # the answer is written down before the next one is asked
        cpu_ms = 1000 * (probe.cpu_s() - cpu) / STEP
        sitting.typed("now", 20, 0.1)
        memory.append(probe.memory_mib())
        times.append(statistics.median(taken))
        row = [
            memory[-1],
            cpu_ms,
            times[-1],
            *map(statistics.median, (before, sent)),
            sitting.figures["key p95 now, ms"],
        ]
        print(f"| {done} | " + " | ".join(f"{figure:.1f}" for figure in row) + " |", flush=True)
    grown = max(memory) - memory[0]
    print(f"grown by {grown:.1f} MiB; the last {STEP} took {times[-1] / times[0]:.2f} times as long as the first")
    return int(grown > GROWTH_MIB or times[-1] > times[0] * SLOWER)


if __name__ == "__main__":
    sys.exit(main())
