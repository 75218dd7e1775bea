"""The steps that only the job takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, scenarios

from tests.support import anthropic_answers as anthropic

if TYPE_CHECKING:
    from tests.scenarios.world import World

scenarios("job.feature")


@given(parsers.re('Claude answers "(?P<text>.*)", (?P<read>[0-9]+) tokens in and (?P<written>[0-9]+) out'))
def claude_answers(world: World, text: str, read: str, written: str) -> None:
    begun, stopped = anthropic.begun(input_tokens=int(read)), anthropic.stopped(output_tokens=int(written))
    world.server("claude").play(
        anthropic.PATH, anthropic.played([begun, *anthropic.text_block(text), stopped, anthropic.END])
    )
