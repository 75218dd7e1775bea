"""The command line: one file for each group of commands, one writer to the standard streams."""
