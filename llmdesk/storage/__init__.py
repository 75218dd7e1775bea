"""SQLite and the state file: what must survive the process. Nothing here is imported before it is needed."""
