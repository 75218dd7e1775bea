"""What the user writes: settings, the file they are read from, and the plain values the rest of the house gets."""
