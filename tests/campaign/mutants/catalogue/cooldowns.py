"""Bugs of the cooldowns: how long they last, by which clock, and who hears of them."""

from __future__ import annotations

from tests.campaign.mutants.mutant import Mutant, Slice

MUTANTS = (
    Mutant(
        name="a short hint shortens the cooldown of an Ollama server",
        file="core/policy.py",
        old="return hint_s if self.retries_rate else max(self.cooldown_s, hint_s)",
        new="return hint_s",
        rules=("I3", "I3b"),
        killer=Slice(symbols=r"ollama/N16\.(g|k|l)"),
    ),
    Mutant(
        name="the wall clock decides within one boot",
        file="core/cooldown.py",
        old="if cooldown.boot_id and cooldown.boot_id == now.boot_id:\n        left = cooldown.until_boot",
        new="if not cooldown.boot_id:\n        left = cooldown.until_boot",
        rules=("I3", "I3b", "I4"),
        killer=Slice(symbols=r"ollama/C[123]", steps=("jump",)),
    ),
    Mutant(
        name="the boot clock decides after a reboot",
        file="core/cooldown.py",
        old="if cooldown.boot_id and cooldown.boot_id == now.boot_id:\n        left = cooldown.until_boot",
        new="if cooldown.boot_id:\n        left = cooldown.until_boot",
        rules=("I3", "I3b", "I4"),
        killer=Slice(symbols=r"ollama/C[123]", steps=("reboot",), count=300),
    ),
    Mutant(
        name="a wall clock that was set back pins a provider",
        file="core/cooldown.py",
        old="    if left > cooldown.duration_s + CLOCK_NOISE_S:",
        new="    if left > 1e9:",
        rules=("I4",),
        killer=Slice(story="a reboot into the past"),
    ),
    Mutant(
        name="the newer of two deadlines counts, even if it is earlier",
        file="core/cooldown.py",
        old="if old is None or remaining_s(old, now) <= remaining_s(new, now):",
        new="if old is None or new:",
        rules=("I3", "I3b"),
        killer=Slice(story="a day, and then ten minutes"),
    ),
    Mutant(
        name="a cooldown ends after half its time",
        file="core/cooldown.py",
        old="        until_boot=now.boot + duration_s,\n    )",
        new="        until_boot=now.boot + duration_s / 2,\n    )",
        rules=("I3", "I3b"),
    ),
    Mutant(
        name="a cooldown lasts a minute longer",
        file="core/cooldown.py",
        old="return min(max(_raw_s(cooldown, now), 0.0), cooldown.duration_s)",
        new="return min(max(_raw_s(cooldown, now) + 60.0, 0.0), cooldown.duration_s)",
        rules=("I4",),
        killer=Slice(symbols=r"ollama/C[123]", steps=("jump",), count=300),
    ),
    Mutant(
        name="other instances are not heard of",
        file="storage/cooldowns.py",
        old="        mark = change_mark(self.path)\n        if self._seen == (mark,):\n            return",
        new="        mark = change_mark(self.path)\n        if self._seen is not None:\n            return",
        rules=("I3",),
        killer=Slice(symbols=r"ollama/C[123]", steps=("second",), count=300),
    ),
    Mutant(
        name="one provider's cooldown overwrites all others",
        file="storage/cooldowns.py",
        old="        on_disk = {provider: settled(each, now) for provider, each in state.cooldowns.items()}",
        new="        on_disk = {}",
        rules=("I3", "I3b"),
        killer=Slice(symbols=r"(ollama|openai|anthropic|google|command)/(C1|C2|N16|P2|E1)", count=300),
    ),
    Mutant(
        name="a cooldown is known to this process alone",
        file="storage/cooldowns.py",
        old="later(self._merged(now).get(provider), new, now)}\n            self._save()",
        new="later(self._merged(now).get(provider), new, now)}",
        rules=("I3b",),
    ),
    Mutant(
        name="a provider may be asked early after a restart",
        file="storage/state_format.py",
        old="            cooldowns[provider] = _cooldown(provider, entry)\n",
        new="            cooldowns[provider.upper()] = _cooldown(provider, entry)\n",
        rules=("I3", "I3b"),
        killer=Slice(symbols=r"ollama/C[123]", steps=("restart",)),
    ),
    Mutant(
        name="the oldest key of the state file is not kept in step",
        file="storage/state_format.py",
        old="OLDEST_KEY: round(now.wall + left, 3) if left else 0,",
        new="OLDEST_KEY: 0,",
        rules=("I9",),
    ),
    Mutant(
        name="the boot of a cooldown is not written",
        file="storage/state_format.py",
        old='"boot_id": cooldown.boot_id,',
        new='"boot_id": "",',
        rules=("I3", "I3b", "I4"),
        killer=Slice(symbols=r"ollama/C[123]", steps=("jump",)),
    ),
)
