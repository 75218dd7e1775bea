"""Bugs that no sequence can show: terminals, secrets in every spelling, memory."""

from __future__ import annotations

from tests.campaign.mutants.mutant import Command, Mutant, Slice, Test

MUTANTS = (
    Mutant(
        name="keys in base64 are known at their beginning only",
        file="core/text.py",
        old="for offset in range(3 if len(secret) >= _PACKED else 0):",
        new="for offset in range(0 if len(secret) >= _PACKED else 0):",
        rules=("I11",),
        killer=Command(words=("secrets", "--rounds", "1", "--seed", "1"), tells=r"LEAK: secrets"),
    ),
    Mutant(
        name="programs inherit every variable",
        file="config/command_options.py",
        old='if name.upper() in names or name.startswith("LC_")}',
        new="if names}",
        rules=("I11",),
        killer=Slice(seeds=(26,), symbols=r"command/"),
    ),
    Mutant(
        name="an escape reaches the terminal",
        file="core/text.py",
        old='for code in range(0x20) if chr(code) not in "\\n\\t"}',
        new='for code in range(0x20) if chr(code) not in "\\n\\t\\x1b"}',
        rules=("I13",),
        killer=Test(
            words=("tests/campaign/terminal/test_hostile_commands.py", "-k", "on_a_terminal and conversations")
        ),
    ),
    Mutant(
        name="a line may be as long as memory",
        file="providers/base.py",
        old="    line: int = 8 * 1024 * 1024",
        new="    line: int = 1 << 40",
        rules=("I16",),
        killer=Command(words=("limits", "--only", "ollama: endless line")),
    ),
)
