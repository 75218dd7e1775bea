"""Bugs of money and tokens."""

from __future__ import annotations

from tests.campaign.mutants.mutant import Command, Mutant, Slice

MUTANTS = (
    Mutant(
        name="the prompt is paid as the answer",
        file="core/prices.py",
        old="(whole - cached - written, self.input_usd_per_mtok),",
        new="(whole - cached - written, self.output_usd_per_mtok),",
        rules=("I8",),
        killer=Slice(seeds=(15,), priced=True),
    ),
    Mutant(
        name="a cost is rounded up",
        file="core/prices.py",
        old="            ROUND_HALF_UP,\n            (whole",
        new="            ROUND_CEILING,\n            (whole + 1",
        rules=("I8",),
        killer=Slice(seeds=(15,), priced=True),
    ),
    Mutant(
        name="a hard budget does not see what is spent",
        file="storage/standings.py",
        old="return Standing(budget=budget, period=period, spent=spent, reserved=reserved, unknown=unknown)",
        new="return Standing(budget=budget, period=period, spent=0, reserved=reserved, unknown=unknown)",
        rules=("I8",),
        killer=Command(words=("instances", "--only", "spending", "--processes", "6", "--seed", "1")),
    ),
    Mutant(
        name="an estimate passes for a report",
        file="router/usage.py",
        old="        output_tokens=said_tokens(walk) if reported.output_tokens is None else reported.output_tokens,\n"
        "        estimated=True,",
        new="        output_tokens=said_tokens(walk) if reported.output_tokens is None else reported.output_tokens,\n"
        "        estimated=False,",
        rules=("I8",),
        killer=Slice(seeds=(237,), symbols=r"(P12|no usage|usage|T0)", count=200),
    ),
    Mutant(
        name="silence costs nothing that is marked",
        file="router/usage.py",
        old="    return Usage(input_tokens=prompt_tokens(request, sizes), output_tokens=said, estimated=True)",
        new="    return Usage(input_tokens=prompt_tokens(request, sizes), output_tokens=said, estimated=False)",
        rules=("I8",),
        killer=Slice(seeds=(58, 17), symbols=r"/(N8|N7|T4)"),
    ),
    Mutant(
        name="the tokens of the answer are forgotten",
        file="storage/columns.py",
        old='"output_tokens": usage.output_tokens,',
        new='"output_tokens": 0,',
        rules=("I8",),
        killer=Slice(seeds=(5,)),
    ),
    Mutant(
        name="a month is a day",
        file="storage/booking.py",
        old='"month": str(row["day"])[:7],',
        new='"month": None,',
        rules=("I8",),
        killer=Slice(seeds=(5,)),
    ),
)
