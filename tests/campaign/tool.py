"""The command-line tool of a sequence: asks its world what to do, and does it.

``python -I -S tool.py PORT PROVIDER MODEL``: tells the world at that port who it is and what it was given, gets a few
lines of Python back, and announces each step with a comma and its own end with a full stop: whoever reads what it
prints may kill it before it could say that it has. It imports nothing but what is built in, because a sequence starts
hundreds of it.
"""

import _socket
import os
import sys

stdin = sys.stdin.buffer.read()
line = _socket.socket()
line.connect(("127.0.0.1", int(sys.argv[1])))
told = repr((os.getpid(), sys.argv, dict(os.environ), stdin)).encode()
line.sendall(b"%d\n%b" % (len(told), told))


def out(data):
    line.send(b",")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def err(data):
    line.send(b",")
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


def hold():
    while True:
        line.recv(1)


def flood(data):
    while True:
        sys.stdout.buffer.write(data)


def kill(number):
    line.send(b".")
    os.kill(os.getpid(), number)


def leave(code):
    line.send(b".")
    os._exit(code)


script = b""
while not script.endswith(b"#end"):
    script += line.recv(65536) or b"leave(9)\n#end"
try:
    exec(script)
except BrokenPipeError:
    os._exit(1)
leave(0)
