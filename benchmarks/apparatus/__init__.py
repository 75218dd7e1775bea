"""What the parts measure with: a pseudo-terminal with a clock, servers on loopback, floors, turns."""
