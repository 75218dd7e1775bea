"""What the desk costs, measured beside floors and rivals in one run: ``python3 -m benchmarks``.

``judging`` knows the figures and their aims and makes the table, ``running`` makes environments and runs the parts in
them, ``apparatus`` is what the parts measure with. Every other module is a part.
"""
