"""From samples to one judged table: what is aimed at, what came out, how it grows. Standard library only."""
