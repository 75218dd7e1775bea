"""What was spent before sums were kept: added up once, by the migration that begins to keep them."""

import sqlite3
import time
from contextlib import closing

from llmdesk.storage.migrations import migrate
from llmdesk.storage.schema import MIGRATIONS

REQUEST = """INSERT INTO requests (id, status, owner, lane, agent, job, conversation, title, prompt, payload,
    record_text, created_at) VALUES (?, 'completed', 'me', ?, ?, ?, ?, '', '', '', 1, 0)"""
ATTEMPT = """INSERT INTO attempts (request, number, run, provider, model, outcome, at, reason, message, details,
    elapsed_ms, has_usage, input_tokens, output_tokens, estimated, cost_nano_usd, served_model, discarded_text, probe)
    VALUES (?, ?, 1, ?, 'm', ?, ?, '', '', '', 0, ?, ?, ?, 0, ?, '', '', 0)"""


def test_old_attempts_are_booked_to_their_days_months_jobs_and_conversations():
    noon = time.mktime((2026, 11, 21, 12, 0, 0, 0, 0, -1)) * 1000
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, None, now=time.time, migrations=MIGRATIONS[:3])
        connection.execute(REQUEST, ("r1", "chat", None, None, "c1"))
        connection.execute(REQUEST, ("r2", "codegen", "backend-dev", "nightly", None))
        for row in (
            ("r1", 1, "cloud", "failed", noon, 0, None, None, 0),
            ("r1", 2, "openai", "completed", noon, 1, 700, 300, 2_500),
            ("r1", 3, "openai", "skipped", noon, 0, None, None, 0),
            ("r2", 1, "openai", "completed", noon + 86_400_000, 1, 50, None, None),
        ):
            connection.execute(ATTEMPT, row)
        migrate(connection, None, now=time.time, migrations=MIGRATIONS[:4])
        found = connection.execute(
            "SELECT scope, key, lane, provider, agent, tokens, nano_usd, unknown FROM spend ORDER BY 1, 2, 3"
        ).fetchall()
        last = connection.execute("SELECT key, used FROM spend WHERE scope = 'job'").fetchall()
    first, second = ("chat", "openai", "", 1_000, 2_500, 0), ("codegen", "openai", "backend-dev", 50, 0, 1)
    assert found == [
        ("conversation", "c1", *first),
        ("day", "2026-11-21", *first),
        ("day", "2026-11-22", *second),
        ("job", "nightly", *second),
        ("month", "2026-11", *first),
        ("month", "2026-11", *second),
    ]
    assert last == [("nightly", 4)]
