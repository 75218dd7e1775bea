"""A program for tests of kind ``command``: notes down how it was started, then does what its script says.

``python played.py FOLDER WORD…``: the script is ``FOLDER/script.json``, a list of steps; what it was told goes to
``FOLDER/seen-PID.json``. Nothing but the standard library, because it runs with ``-I -S``.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HOLD = """import os, signal, time
if {stubborn}: signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write({ready}, b"x")
time.sleep(600)"""


def note(folder, stdin):
    files = {}
    for word in sys.argv[2:]:
        path = Path(word.rpartition("=")[2])
        if len(word) < 4096 and path.is_file():
            files[str(path)] = [path.read_bytes().hex(), path.stat().st_mode & 0o777]
    seen = {
        "argv": sys.argv[2:],
        "stdin": stdin,
        "env": dict(os.environ),
        "cwd": str(Path.cwd()),
        "listing": [path.name for path in Path.cwd().iterdir()],
        "folder_mode": Path.cwd().stat().st_mode & 0o777,
        "pid": os.getpid(),
        "group": os.getpgid(0),
        "files": files,
        "terminal": has_terminal(),
    }
    path = folder / f"seen-{os.getpid()}.new"
    path.write_text(json.dumps(seen))
    path.rename(path.with_suffix(".json"))


def has_terminal():
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def child(words):
    """Start a grandchild that holds our stdout; come back when it is ready for signals."""
    up, ready = os.pipe()
    code = HOLD.format(stubborn="stubborn" in words, ready=ready)
    subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code],
        pass_fds=[ready],
        stdin=subprocess.DEVNULL,
        start_new_session="own session" in words,
    )
    os.read(up, 1)


def main():
    folder = Path(sys.argv[1])
    script = json.loads((folder / "script.json").read_text())
    reads = not script or script[0] != {"do": "read nothing"}
    note(folder, sys.stdin.buffer.read().hex() if reads else None)
    out, err = sys.stdout.buffer, sys.stderr.buffer
    for step in script:
        ((what, value),) = step.items()
        if what == "out":
            out.write(value.encode())
        elif what == "hex":
            out.write(bytes.fromhex(value))
        elif what == "err":
            err.write(value.encode())
            err.flush()
        elif what == "flood":
            block = value.encode() * (65536 // len(value))
            while True:
                out.write(block)
        elif what == "pause":
            time.sleep(value)
        elif what == "exit":
            out.flush()
            os._exit(value)
        elif what == "kill":
            out.flush()
            os.kill(os.getpid(), getattr(signal, value))
        elif what == "child":
            out.flush()
            child(value)
        elif what == "chatter":
            out.flush()
            code = f"while True: print({value!r} * 1000, flush=True)"
            subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdin=subprocess.DEVNULL)
        elif what == "ignore":
            signal.signal(getattr(signal, value), signal.SIG_IGN)
        elif what == "print":
            out.write(json.dumps({"argv": sys.argv, "env": dict(os.environ)}).encode())
        elif what == "do" and value == "hold":
            out.flush()
            time.sleep(600)
        out.flush()


try:
    main()
except BrokenPipeError:
    os._exit(1)
