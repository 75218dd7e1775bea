"""How the private folder of a command-line tool's run, and every process of that run, are known again (policy T13)."""

from __future__ import annotations

RUN_PREFIX = "llmdesk-run-"
"""How the folder's name begins, so that only such a one is ever removed."""

RUN_FOLDER = "LLMDESK_RUN_FOLDER"
"""The variable of the processes that names the folder, so that a leftover is told from a stranger."""
