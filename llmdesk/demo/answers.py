"""What a simulated model says: pleasant Markdown chosen by the words of the prompt, always marked as DEMO."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass
from llmdesk.demo.sample import sample_value

if TYPE_CHECKING:
    from llmdesk.core.types import Json

SLOW_FACTOR = 12.0
"""How many times longer each token takes when the prompt asks for ``slow``."""

_QUOTE_LIMIT = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``thinking`` is said before ``text`` by models that think; ``slow`` stretches the time between tokens."""

    text: str
    thinking: str = ""
    slow: bool = False


def compose(prompt: str, *, model: str, image_sizes: tuple[int, ...] = (), format_: str | Json | None = None) -> Answer:
    """Answer ``prompt`` as ``model``.

    Args:
        prompt: the last user message.
        model: the name that signs the answer.
        image_sizes: the attached images, bytes each.
        format_: ``"json"``, a JSON Schema, or ``None`` for prose.
    """
    words = set(re.findall(r"[a-z0-9]+", prompt.lower()))
    slow = "slow" in words or "slowly" in words
    if format_ is not None:
        value = sample_value(format_) if isinstance(format_, Mapping) else {"demo": True, "model": model}
        return Answer(text=json.dumps(value, ensure_ascii=False), thinking=_SHORT_THOUGHT, slow=slow)
    thinking = _LONG_THOUGHT if words & {"think", "thinking", "reason", "why"} else _SHORT_THOUGHT
    return Answer(text=f"{_body(prompt, words, image_sizes)}\n\n{_signature(model)}\n", thinking=thinking, slow=slow)


def _signature(model: str) -> str:
    return f"*DEMO · simulated by {model}, no model was asked.*"


def _body(prompt: str, words: set[str], image_sizes: tuple[int, ...]) -> str:
    """Choose by the words of the prompt, the most telling first."""
    if image_sizes:
        sizes = ", ".join(f"{size / 1000:,.1f} kB" for size in image_sizes)
        images = "one image" if len(image_sizes) == 1 else f"{len(image_sizes)} images"
        got = f"I was sent **{images}** ({sizes})."
        return f"## Image received\n\n{got} A real model would look at it now."
    for keys, text in _CANNED:
        if words & keys:
            return text
    quoted = prompt.strip()
    quoted = quoted if len(quoted) <= _QUOTE_LIMIT else quoted[:_QUOTE_LIMIT].rstrip() + " …"
    quoted = "\n".join(f"> {line}" for line in quoted.splitlines())
    return f"## You asked\n\n{quoted}\n\n{_TRY}"


_SHORT_THOUGHT = "The user is trying the demo. A friendly, short answer in Markdown will do."

_LONG_THOUGHT = (
    "The user wants to see reasoning, so I take the question apart first.\n\n"
    "1. What is asked? Something that shows how thoughts arrive before the answer.\n"
    "2. What is known? This is a simulation: the thoughts are written down, not thought.\n"
    "3. What follows? A short answer that says so, and a hint at what else can be tried.\n\n"
    "That settles it; now the answer itself."
)

_TRY = """\
This answer is part of the demo: it came over real HTTP from a server on your own machine that only plays a model.
Words that make something happen:

- **code**, **table**, **long**, **slow**, **think**: other kinds of answers
- **limit**: the cloud refuses with a 429 and rests for a few seconds
- **overload**: the cloud answers 503 until the next target is asked
- **cut**: the connection breaks in the middle of an answer
- **demo again**: the script starts over"""

_HELLO = f"""\
# Hello from the demo

Nice to meet you. Your prompt was on disk before it was sent, and what you read now came whole.

{_TRY}"""

_CODE = '''\
## A small parser

Here is a function that reads `key=value` lines and says where a line is wrong:

```python
from collections.abc import Iterable


def read_pairs(lines: Iterable[str]) -> dict[str, str]:
    """Read ``key=value`` lines; blank lines and # comments are skipped."""
    pairs: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"line {number}: expected key=value, got {text!r}")
        pairs[key.strip()] = value.strip()
    return pairs
```

And a way to call it:

```sh
printf 'name = demo\\n' | python -c "import sys, pairs; print(pairs.read_pairs(sys.stdin))"
```

1. It reads one line at a time, so a large file costs no memory.
2. A broken line is an error with its number, never silently dropped.'''

_TABLE = """\
## Who answers when

| moment | cloud | local | you see |
| --- | --- | --- | --- |
| all is well | answers | rests | the cloud's name and speed |
| rate limit (429) | cools down | answers | a seam line and a countdown |
| overload (503) | is asked again | answers then | each try, and the reason |
| cut connection | is asked again | answers then | the cut text set aside |
| cooldown over | answers | rests | nothing special |

The numbers beside each answer are measured, not guessed."""

_SUMMARY = """\
## Summary

- The conversation tried the demo of the desk.
- The cloud answered, was limited once, and came back after its cooldown.
- Meanwhile the local model answered; no prompt was lost."""

_THINK = """\
## Thought through

Models that can think send their reasoning first, apart from the answer; it can be folded away. `demo-cloud:120b` does,
`demo-large:27b` does not, so after a failover this answer comes without it."""

_SLOW = """\
## Slowly

One word after the other, as a busy machine would send them. Press **Esc** to stop: what has come stays, and your
prompt is given back."""


def _long_text() -> str:
    """About a thousand words in sections, to scroll through and to interrupt."""
    topics = ("Waiting", "Limits", "Cooldowns", "Failover", "History", "Budgets", "Models", "Lanes", "Drafts", "Search")
    section = (
        "## {n}. {topic}\n\n"
        "Section {n} is here to be long. It talks about *{lower}* in the way a patient model would: first the rule, "
        "then the exception, then an example that shows both. Nothing in it is urgent, so this is a good moment to "
        "scroll up, to switch to another lane while this one goes on, or to type the next prompt.\n\n"
        "- what it is: {lower}, seen from the side of the person who waits\n"
        "- what it costs: **nothing** here; elsewhere it is said beside the answer\n"
        "- what can go wrong: the connection, the plan, the memory of the machine; each has a line in the history\n\n"
        "```text\n{lower}: {n} of {count}\n```"
    )
    parts = [
        section.format(n=n, topic=topic, lower=topic.lower(), count=len(topics))
        for n, topic in enumerate(topics, start=1)
    ]
    return "# A long answer\n\n" + "\n\n".join(parts)


_CANNED: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"summarise", "summarize", "summary"}), _SUMMARY),
    (frozenset({"code", "parser", "function", "python", "script"}), _CODE),
    (frozenset({"table", "compare"}), _TABLE),
    (frozenset({"long", "essay"}), _long_text()),
    (frozenset({"think", "thinking", "reason", "why"}), _THINK),
    (frozenset({"slow", "slowly"}), _SLOW),
    (frozenset({"hello", "hi", "hey", "help"}), _HELLO),
)
