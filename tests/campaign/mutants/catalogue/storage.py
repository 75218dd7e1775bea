"""Bugs of what is kept: requests, answers, the outbox, accounts, files."""

from __future__ import annotations

from tests.campaign.mutants.mutant import Command, Mutant, Slice

MUTANTS = (
    Mutant(
        name="a prompt is tidied before it is kept",
        file="storage/request_rows.py",
        old="            storable(request.prompt),\n            storable(request.payload),",
        new="            ' '.join(request.prompt.split()),\n            storable(request.payload),",
        rules=("I2",),
    ),
    Mutant(
        name="a stored answer has other line ends",
        file="storage/request_rows.py",
        old="            storable(answer.content),\n            storable(answer.thinking),",
        new="            storable(answer.content).replace('\\r\\n', '\\n'),\n            storable(answer.thinking),",
        rules=("I1",),
    ),
    Mutant(
        name="what a killed instance was doing stays running",
        file="storage/request_rows.py",
        old="\"WHERE owner = ? AND status IN ('accepted', 'running') RETURNING position, id\"",
        new="\"WHERE owner = ? AND status = 'accepted' RETURNING position, id\"",
        rules=("I1",),
        killer=Slice(cut="kill"),
    ),
    Mutant(
        name="what a killed instance was doing is given up",
        file="storage/request_rows.py",
        old="\"UPDATE requests SET status = 'paused', reason = ?, error_kind = NULL, next_try_at = NULL \"",
        new="\"UPDATE requests SET status = 'cancelled', reason = ?, error_kind = NULL, next_try_at = NULL \"",
        rules=("I1", "I2"),
        killer=Slice(cut="kill"),
    ),
    Mutant(
        name="a paused request forgets what it asked",
        file="storage/request_rows.py",
        old="payload = CASE WHEN ? THEN '' ELSE payload END",
        new="payload = CASE WHEN ? THEN '' ELSE '' END",
        rules=("I2",),
    ),
    Mutant(
        name="the text of a request without text stays",
        file="storage/request_rows.py",
        old="    if final and not record_text:",
        new="    if final and not record_text and not answer:",
        rules=("I11",),
        killer=Slice(record="metadata"),
    ),
    Mutant(
        name="two may take one request out of the outbox",
        file="storage/requests.py",
        old="\"error_kind = NULL, next_try_at = NULL WHERE id = ? AND status = 'paused' AND (? OR \"",
        new="\"error_kind = NULL, next_try_at = NULL WHERE id = ? AND status <> 'completed' AND (? OR \"",
        rules=("I1", "I6", "I19"),
        killer=Command(words=("instances", "--only", "outbox", "--processes", "6", "--seed", "1")),
    ),
    Mutant(
        name="the outbox gives the newest first",
        file="storage/request_rows.py",
        old='FROM requests r WHERE r.status = \'paused\' ORDER BY r.position"""',
        new='FROM requests r WHERE r.status = \'paused\' ORDER BY r.position DESC"""',
        rules=("I17",),
        killer=Slice(steps=("resume",), count=300),
    ),
    Mutant(
        name="every attempt is spent twice",
        file="storage/booking.py",
        old="ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens,",
        new="ON CONFLICT DO UPDATE SET tokens = tokens + 2 * excluded.tokens,",
        rules=("I8",),
    ),
    Mutant(
        name="what was set aside is never settled",
        file="storage/booking.py",
        old="    reserved = _settle(connection, row)",
        new="    reserved = None",
        rules=("I8",),
        killer=Slice(budgets=True, priced=True),
    ),
    Mutant(
        name="a skip counts as an attempt in the measures",
        file="storage/rollups.py",
        old="_ASKED = \"outcome <> 'skipped'\"",
        new="_ASKED = \"outcome <> 'never'\"",
        rules=("I8",),
    ),
    Mutant(
        name="the state file may be read by everybody",
        file="storage/files.py",
        old="descriptor = os.open(temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)",
        new="descriptor = os.open(temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)",
        rules=("I9",),
    ),
    Mutant(
        name="the state file is copied into its place",
        file="storage/files.py",
        old="        temp.replace(path)\n",
        new="        path.write_bytes(content)\n",
        rules=("I9",),
    ),
    Mutant(
        name="the living are taken for dead, and the dead for alive",
        file="storage/requests.py",
        old="dead = [owner for owner in owners if owner != self._owner and not is_alive(owner)]",
        new="dead = [owner for owner in owners if is_alive(owner)]",
        rules=("I1",),
        killer=Slice(cut="kill"),
    ),
)
