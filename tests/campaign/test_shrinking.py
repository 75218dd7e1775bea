"""A sequence that breaks a rule is made as small as the rule needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.generate import generate
from tests.campaign.sequence import Say, Together
from tests.campaign.shrink import shrink, smaller

if TYPE_CHECKING:
    from tests.campaign.sequence import Sequence


def symbols_of_all(sequence: Sequence) -> list[str]:
    says = [say for step in sequence.steps for say in (step.says if isinstance(step, Together) else (step,))]
    return [name for say in says if isinstance(say, Say) for _, names in say.meets for name in names]


async def test_what_does_not_matter_is_left_out() -> None:
    sequence = next(each for each in map(generate, range(1, 500)) if len(set(symbols_of_all(each))) > 4)
    wanted = symbols_of_all(sequence)[-1]

    async def breaks(candidate: Sequence) -> bool:
        return wanted in symbols_of_all(candidate)

    small = await shrink(sequence, breaks, limit_s=20)
    (step,) = small.steps
    assert isinstance(step, Say)
    assert [names for _, names in step.meets] == [(wanted,)]
    assert (step.cut, step.follows, small.budgets, small.record) == ("", False, (), "full")
    assert len(small.lanes) == 1


async def test_what_breaks_alone_as_it_is_stays_as_it_is() -> None:
    sequence = generate(7)

    async def never(_: Sequence) -> bool:
        return False

    assert await shrink(sequence, never, limit_s=20) is sequence


def test_every_smaller_sequence_is_another_one() -> None:
    for seed in range(1, 40):
        sequence = generate(seed)
        assert sequence not in list(smaller(sequence))
