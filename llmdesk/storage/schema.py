"""The schema as numbered steps: append-only, forward only, each in one transaction with a backup before it.

A new database gets all of them in one transaction.

In every table instants (``*_at``) are UTC epoch milliseconds, durations (``*_ms``) milliseconds and money
(``cost_nano_usd``) thousand-millionths of a dollar; ``NULL`` means unknown, never zero. Rows are ordered by their
integer key, because clocks jump (policy K6).
"""

from __future__ import annotations

from llmdesk.core.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step: its number is its place in the list, counted from 1."""

    name: str
    statements: tuple[str, ...]


_CONVERSATIONS = """
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    lane TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    used INTEGER NOT NULL  -- grows with every use; orders the list whatever the clock does
) STRICT, WITHOUT ROWID
"""

_MESSAGES = """
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL REFERENCES conversations (id),
    turn INTEGER NOT NULL,  -- the id of the first message of the turn, so that a late answer stands in its place
    request TEXT,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    thinking TEXT NOT NULL DEFAULT '',
    completeness TEXT,  -- set for answers only
    provider TEXT,
    model TEXT,
    served_model TEXT NOT NULL DEFAULT '',
    latency_ms INTEGER,
    first_token_ms INTEGER,
    input_tokens INTEGER,
    output_tokens INTEGER,
    estimated INTEGER NOT NULL DEFAULT 0,
    cost_nano_usd INTEGER,
    seams TEXT NOT NULL DEFAULT '[]',  -- a JSON list of the lines shown above the answer
    created_at INTEGER NOT NULL
) STRICT
"""

_REQUESTS = """
CREATE TABLE requests (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    owner TEXT NOT NULL,  -- the instance that runs it
    lane TEXT NOT NULL,
    agent TEXT,
    job TEXT,
    conversation TEXT,
    title TEXT NOT NULL,
    prompt TEXT NOT NULL,
    payload TEXT NOT NULL,  -- what the desk needs to ask again; emptied when the request has ended
    record_text INTEGER NOT NULL,
    run INTEGER NOT NULL DEFAULT 1,  -- grows when the request is taken out of the outbox
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    error_kind TEXT,
    next_try_at INTEGER,
    answer TEXT NOT NULL DEFAULT '',  -- only where no conversation holds it
    provider TEXT,
    model TEXT
) STRICT
"""

_ATTACHMENTS = """
CREATE TABLE attachments (
    request TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT,
    image BLOB,
    PRIMARY KEY (request, position)
) STRICT
"""

_ATTEMPTS = """
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    request TEXT NOT NULL,
    number INTEGER NOT NULL,
    run INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at INTEGER NOT NULL,
    error_kind TEXT,
    reason TEXT NOT NULL,
    http_status INTEGER,
    message TEXT NOT NULL,
    details TEXT NOT NULL,
    first_token_ms INTEGER,
    elapsed_ms INTEGER NOT NULL,
    has_usage INTEGER NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    estimated INTEGER NOT NULL,
    cost_nano_usd INTEGER,
    served_model TEXT NOT NULL,
    discarded_text TEXT NOT NULL,  -- to be looked at, never sent to a model (policy R7)
    probe INTEGER NOT NULL,
    UNIQUE (request, number)
) STRICT
"""

# A step from one target to the next one that was asked, within one run of a request: the seams a user saw. Going on by
# hand counts too (outcome cancelled); a target without a key was never there to step from.
_FAILOVERS = """
CREATE VIEW failovers AS
SELECT
    a.id AS id, b.at AS at, a.request AS request, r.lane AS lane, r.agent AS agent,
    a.provider AS from_provider, a.model AS from_model, b.provider AS to_provider, b.model AS to_model,
    coalesce(nullif(a.reason, ''), a.error_kind, a.outcome) AS reason, a.message AS message,
    (SELECT sum(s.elapsed_ms) FROM attempts s
     WHERE s.request = a.request AND s.run = a.run AND s.number <= a.number
       AND s.provider = a.provider AND s.model = a.model) AS lost_ms
FROM attempts a
JOIN attempts b ON b.request = a.request AND b.number = (
    SELECT min(n.number) FROM attempts n
    WHERE n.request = a.request AND n.run = a.run AND n.number > a.number AND n.reason <> 'no key')
JOIN requests r ON r.id = a.request
WHERE a.outcome <> 'completed' AND a.reason <> 'no key' AND b.outcome <> 'skipped'
  AND (a.provider <> b.provider OR a.model <> b.model)
"""

# What a step cost lasts from the first try of the target left behind to its last word, the pauses between included.
# Clocks that are set back in between leave at least the tries themselves.
_FAILOVERS_WITH_PAUSES = _FAILOVERS.replace(
    "SELECT sum(s.elapsed_ms) FROM", "SELECT max(sum(s.elapsed_ms), a.at + a.elapsed_ms - min(s.at)) FROM"
)

# An attempt tells by itself to whom it is booked: its numbers outlive its request, and some requests never had a row.
_FAILOVERS_OF_ATTEMPTS = (
    _FAILOVERS_WITH_PAUSES.replace("r.lane AS lane, r.agent AS agent", "a.lane AS lane, a.agent AS agent")
    .replace("JOIN requests r ON r.id = a.request\n", "")
    .replace("a.id AS id, b.at AS at", "a.id AS id, b.id AS to_id, b.at AS at")
)

# What was spent, added up when it is booked, so that it outlives the attempts themselves. ``scope`` is day,
# month, job or conversation; ``key`` the local date or month, the job's name or the conversation's id.
_SPEND = """
CREATE TABLE spend (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    lane TEXT NOT NULL,
    provider TEXT NOT NULL,
    agent TEXT NOT NULL,  -- empty = none
    tokens INTEGER NOT NULL,
    nano_usd INTEGER NOT NULL,
    unknown INTEGER NOT NULL,  -- attempts whose price nobody knows
    used INTEGER NOT NULL,  -- the newest attempt in it: orders jobs and conversations by their last use
    PRIMARY KEY (scope, key, lane, provider, agent)
) STRICT, WITHOUT ROWID
"""

# What attempts under way may still cost. ``owner`` is the instance that makes them.
_RESERVATIONS = """
CREATE TABLE reservations (
    request TEXT NOT NULL,
    number INTEGER NOT NULL,
    owner TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    day TEXT NOT NULL,
    lane TEXT NOT NULL,
    provider TEXT NOT NULL,
    agent TEXT NOT NULL,
    job TEXT,
    conversation TEXT,
    tokens INTEGER NOT NULL,
    nano_usd INTEGER NOT NULL,
    model TEXT NOT NULL,
    at INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,  -- what is booked if nobody lives to tell
    prompt_nano_usd INTEGER,
    PRIMARY KEY (request, number)
) STRICT, WITHOUT ROWID
"""

_TOKENS = "coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0)"
_SUMS = f"{_TOKENS}, coalesce(sum(cost_nano_usd), 0), sum(has_usage AND cost_nano_usd IS NULL), max(id)"


def _booked_so_far(scope: str, column: str) -> str:
    """Add up what was spent before there was anything to add it to."""
    return (
        f"INSERT INTO spend SELECT '{scope}', {column}, lane, provider, coalesce(agent, ''), {_SUMS} FROM attempts "  # noqa: S608 - constants
        f"WHERE has_usage AND outcome <> 'skipped' AND {column} IS NOT NULL GROUP BY 2, 3, 4, 5"
    )


# How it went, added up when an attempt is booked (storage/rollups.py). What a level does not keep apart is empty.
_MEASURES = """
CREATE TABLE measures (
    id INTEGER PRIMARY KEY,
    level TEXT NOT NULL,
    day TEXT NOT NULL,  -- the local date
    hour INTEGER NOT NULL,  -- the beginning of the local hour, UTC epoch seconds; 0 = the whole day
    provider TEXT NOT NULL,
    lane TEXT NOT NULL,
    model TEXT NOT NULL,
    agent TEXT NOT NULL,
    job TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    unknown_price INTEGER NOT NULL,
    cooldown_ms INTEGER NOT NULL,
    free_input_tokens INTEGER NOT NULL,
    free_output_tokens INTEGER NOT NULL,
    failovers INTEGER NOT NULL,
    lost_ms INTEGER NOT NULL,
    errors TEXT NOT NULL,  -- a JSON object, how many of each class; empty = none
    response BLOB NOT NULL,  -- distributions, as core/histogram.py keeps them
    response_low INTEGER,
    response_high INTEGER,
    first_token BLOB NOT NULL,
    first_token_low INTEGER,
    first_token_high INTEGER,
    speed BLOB NOT NULL,
    speed_low INTEGER,
    speed_high INTEGER,
    UNIQUE (level, day, hour, provider, lane, model, agent, job)
) STRICT
"""

_TAGS = """
CREATE TABLE tags (
    conversation TEXT NOT NULL REFERENCES conversations (id),
    tag TEXT NOT NULL,
    PRIMARY KEY (conversation, tag)
) STRICT, WITHOUT ROWID
"""

# What is being written, lane by lane. ``owner`` is the instance it is written in.
_DRAFTS = """
CREATE TABLE drafts (
    owner TEXT NOT NULL,
    lane TEXT NOT NULL,
    conversation TEXT,
    text TEXT NOT NULL,
    queue TEXT NOT NULL,  -- a JSON list of prompts
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (owner, lane)
) STRICT, WITHOUT ROWID
"""

# ``prompt`` is the place in the queue of the draft, from 0; -1 = the text in the editor.
_DRAFT_FILES = """
CREATE TABLE draft_files (
    owner TEXT NOT NULL,
    lane TEXT NOT NULL,
    prompt INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT,
    image BLOB,
    PRIMARY KEY (owner, lane, prompt, position)
) STRICT
"""

_DRAFT_GONE = """
CREATE TRIGGER draft_gone AFTER DELETE ON drafts
BEGIN
    DELETE FROM draft_files WHERE owner = OLD.owner AND lane = OLD.lane;
END
"""

# What is done now and then, and how far it is.
_UPKEEP = "CREATE TABLE upkeep (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID"

_BACKLOG = "INSERT INTO upkeep SELECT * FROM (SELECT 'backlog {end}', {of}(id) AS key FROM attempts) WHERE key NOT NULL"


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        name="conversations, requests and attempts",
        statements=(
            _CONVERSATIONS,
            "CREATE INDEX conversations_used ON conversations (used)",
            _MESSAGES,
            "CREATE INDEX messages_in_order ON messages (conversation, turn, id)",
            "CREATE INDEX messages_of_request ON messages (request) WHERE request IS NOT NULL",
            _REQUESTS,
            "CREATE INDEX requests_open ON requests (status) WHERE status IN ('accepted', 'running', 'paused')",
            "CREATE INDEX requests_of_conversation ON requests (conversation) WHERE conversation IS NOT NULL",
            _ATTACHMENTS,
            _ATTEMPTS,
            "CREATE INDEX attempts_in_vain ON attempts (id) WHERE outcome <> 'completed'",
            _FAILOVERS,
        ),
    ),
    Migration(
        name="how often a paused request was asked again by itself",
        # Counted since a user last asked for it; the end of a cooldown does not count.
        statements=("ALTER TABLE requests ADD COLUMN resumed INTEGER NOT NULL DEFAULT 0",),
    ),
    Migration(
        name="failovers cost the pauses between tries too",
        statements=("DROP VIEW failovers", _FAILOVERS_WITH_PAUSES),
    ),
    Migration(
        name="what attempts cost, and to whom they are booked",
        statements=(
            "ALTER TABLE attempts ADD COLUMN day TEXT NOT NULL DEFAULT ''",  # the local date it was booked to
            "ALTER TABLE attempts ADD COLUMN lane TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE attempts ADD COLUMN agent TEXT",
            "ALTER TABLE attempts ADD COLUMN job TEXT",
            "ALTER TABLE attempts ADD COLUMN conversation TEXT",
            "ALTER TABLE attempts ADD COLUMN cached_input_tokens INTEGER",
            "ALTER TABLE attempts ADD COLUMN cache_write_tokens INTEGER",
            "ALTER TABLE attempts ADD COLUMN image_tokens INTEGER",
            "ALTER TABLE attempts ADD COLUMN reasoning_tokens INTEGER",
            "ALTER TABLE attempts ADD COLUMN cooldown_ms INTEGER NOT NULL DEFAULT 0",
            (
                "UPDATE attempts SET day = date(at / 1000, 'unixepoch', 'localtime'), lane = r.lane, agent = r.agent, "
                "job = r.job, conversation = r.conversation FROM requests r WHERE r.id = attempts.request"
            ),
            "CREATE INDEX attempts_at ON attempts (at)",
            "CREATE INDEX attempts_of_job ON attempts (job) WHERE job IS NOT NULL",
            "DROP VIEW failovers",
            _FAILOVERS_OF_ATTEMPTS,
            _SPEND,
            _RESERVATIONS,
            _booked_so_far("day", "day"),
            _booked_so_far("month", "substr(day, 1, 7)"),
            _booked_so_far("job", "job"),
            _booked_so_far("conversation", "conversation"),
            "CREATE INDEX spend_by_use ON spend (scope, used) WHERE scope IN ('job', 'conversation')",
        ),
    ),
    Migration(
        name="measures added up by hour and day",
        statements=(
            _MEASURES,
            _UPKEEP,
            _BACKLOG.format(end="first", of="min"),
            _BACKLOG.format(end="last", of="max"),
            "CREATE INDEX attempts_of_day ON attempts (day, at)",
        ),
    ),
    Migration(
        name="versions of a turn, conversations in order, drafts",
        statements=(
            "ALTER TABLE messages ADD COLUMN superseded_by TEXT",  # the request that took its place; NULL = it stands
            "ALTER TABLE messages ADD COLUMN continues TEXT",  # the request whose answer is to go on
            "CREATE INDEX messages_superseded ON messages (superseded_by) WHERE superseded_by IS NOT NULL",
            "ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE conversations ADD COLUMN archived_at INTEGER",
            "ALTER TABLE conversations ADD COLUMN deleted_at INTEGER",  # still to be had back; then all of it goes
            _TAGS,
            _DRAFTS,
        ),
    ),
    Migration(
        name="files and texts put aside of drafts",
        statements=(
            _DRAFT_FILES,
            _DRAFT_GONE,
            "ALTER TABLE drafts ADD COLUMN aside TEXT NOT NULL DEFAULT '[]'",  # a JSON list of texts
        ),
    ),
)
"""Append only: what has been released is never edited."""
