"""Bugs of what is said, shown and sent along: redaction, one-line messages, contexts, records."""

from __future__ import annotations

from tests.campaign.mutants.mutant import Command, Mutant, Slice

MUTANTS = (
    Mutant(
        name="nothing is redacted that a server echoes",
        file="core/text.py",
        old="        for value in sorted(self._exact, key=len, reverse=True):",
        new="        return text\n        for value in sorted(self._exact, key=len, reverse=True):",
        rules=("I11",),
        killer=Slice(seeds=(203,), symbols=r"openai/P4|anthropic/A5|google/E3"),
    ),
    Mutant(
        name="a message may be as long as it likes",
        file="core/text.py",
        old='    return line if len(line) <= limit and len(head) == len(text) else line[: limit - 1].rstrip() + "…"',
        new='    return line if len(line) <= limit and len(head) == len(text) else line[: limit + 50].rstrip() + "…"',
        rules=("I20",),
        killer=Slice(seeds=(1133,), symbols=r"(endless error|long|form)", count=300),
    ),
    Mutant(
        name="a message may have several lines",
        file="core/text.py",
        old='    line = " ".join(sanitise(head).split())',
        new="    line = sanitise(head)",
        rules=("I20",),
        killer=Command(words=("limits", "--only", "ollama: endless error body of lines")),
    ),
    Mutant(
        name="a failure does not say whose it is",
        file="router/words.py",
        old="            message = f\"{message.rstrip('.')} after {tries} tries.\"",
        new='            message = f"Failed after {tries} tries."',
        rules=("I20",),
        killer=Slice(seeds=(16,)),
    ),
    Mutant(
        name="a cooldown does not say when it ends",
        file="router/words.py",
        old='    return one_line(f"{base}, next try {hour(until, now)}.")',
        new='    return one_line(f"{base}.")',
        rules=("I20",),
        killer=Slice(seeds=(7,)),
    ),
    Mutant(
        name="half an answer goes along",
        file="core/prompting.py",
        old='ANSWERED = ("full", "cut by limit", "no answer text")',
        new='ANSWERED = ("full", "cut by limit", "no answer text", "interrupted")',
        rules=("I18",),
        killer=Slice(story="half an answer, and on"),
    ),
    Mutant(
        name="the questions of all conversations go along",
        file="storage/conversations.py",
        old="FROM messages WHERE conversation = ? ORDER BY turn, id",
        new="FROM messages WHERE conversation >= '' OR conversation = ? ORDER BY turn, id",
        rules=("I18",),
        killer=Slice(seeds=(13,)),
    ),
    Mutant(
        name="a conversation begins anew with every prompt",
        file="desk/planning.py",
        old="            history = await parts.conversations.history(conversation, before_request=request_id)",
        new="            history = (await parts.conversations.history(conversation, before_request=request_id))[2:]",
        rules=("I18",),
        killer=Slice(seeds=(75, 13, 7), follows=True),
    ),
    Mutant(
        name="a later turn is shown to an earlier one",
        file="core/prompting.py",
        old="    return stored[:at]",
        new="    return stored",
        rules=("I18",),
        killer=Slice(seeds=(263,), follows=True, steps=("resume",), count=400),
    ),
    Mutant(
        name="off the record the log tells of prompts",
        file="desk/serving.py",
        old="        self._tell_accepted(run, job)\n",
        new="        self._tell_accepted(run, job)\n        self._parts.log('accepted', asked=job.ask.prompt)\n",
        rules=("I11",),
        killer=Command(words=("crash", "--scenario", "off the record", "--at", "unlink")),
    ),
    Mutant(
        name="off the record is on the record",
        file="wiring/__init__.py",
        old='    stored = writable and record != "off-record"',
        new="    stored = writable",
        rules=("I11",),
        killer=Slice(seeds=(83,), record="off-record"),
    ),
    Mutant(
        name="a process that has answered tells that it has not",
        file="cli/follow.py",
        old="    Status.COMPLETED: 0,",
        new="    Status.COMPLETED: 5,",
        rules=("I1",),
        killer=Command(words=("limits", "--only", "ollama: an answer word by word")),
    ),
)
