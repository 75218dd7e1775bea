"""Run a command and write down how long it took and how much memory it, or a child of it, had at most.

``python -I -S measured.py REPORT LIMIT_S WORD…``. A process of its own, and a small one: the peak that the system tells
of a child counts the memory of whoever started it. The report is one line of JSON; the command's own streams are
untouched. Nothing but the standard library.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> int:
    report, limit_s, *words = sys.argv[1:]
    begun = time.monotonic()
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        try:
            os.execvp(words[0], words)
        finally:
            os._exit(127)
    hung = False

    def late(*_: object) -> None:
        nonlocal hung
        hung = True
        os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, float(limit_s))
    _, status, used = os.wait4(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    told = {
        "code": os.waitstatus_to_exitcode(status),
        "over": time.monotonic(),
        "seconds": time.monotonic() - begun,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_kib": used.ru_maxrss,
        "hung": hung,
        "pid": child,
    }
    Path(report).write_text(json.dumps(told), encoding="ascii")
    return 0


sys.exit(main())
