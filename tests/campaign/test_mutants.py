"""The seeded bugs fit the program as it is: each replaces one piece of text that is there, and is still a program."""

from __future__ import annotations

import ast
import asyncio
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.campaign.__main__ import PARTS
from tests.campaign.generate import generate
from tests.campaign.mutants.catalogue.everything import MUTANTS
from tests.campaign.mutants.command import read_out
from tests.campaign.mutants.mutant import ROOT, Command, Slice, Test
from tests.campaign.mutants.replica import with_bug
from tests.campaign.mutants.slice import known, sequences
from tests.campaign.mutants.stories import STORIES
from tests.campaign.stage import Stage, room

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaign.mutants.mutant import Mutant
    from tests.campaign.stage import Verdict

RULES = {f"I{number}" for number in range(1, 21)} | {"I3b", "I6b"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_and_changes_what_the_program_does(mutant: Mutant) -> None:
    text = (ROOT / "llmdesk" / mutant.file).read_text(encoding="utf-8")
    assert ast.dump(ast.parse(mutant.applied_to(text))) != ast.dump(ast.parse(text))
    assert mutant.rules
    assert set(mutant.rules) <= RULES


def test_a_mutant_whose_text_is_gone_says_so() -> None:
    with pytest.raises(ValueError, match="stands 0 times"):
        MUTANTS[0].applied_to("another program")
    with pytest.raises(ValueError, match="stands 2 times"):
        MUTANTS[0].applied_to(MUTANTS[0].old * 2)


def test_there_are_enough_of_them_everywhere_and_no_two_alike() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)
    by_sequences = [mutant for mutant in MUTANTS if isinstance(mutant.killer, Slice)]
    assert len(by_sequences) >= 25
    places = Counter(mutant.file.partition("/")[0] for mutant in MUTANTS)
    assert min(places[name] for name in ("core", "desk", "providers", "router", "storage")) >= 3


def test_each_dies_of_something_that_is_named() -> None:
    for mutant in MUTANTS:
        match mutant.killer:
            case Slice(story=""):
                assert mutant.killer.seeds, f"{mutant.name}: which seed shows it?"
            case Slice():
                assert mutant.killer.story in STORIES
            case Command():
                assert mutant.killer.words[0] in PARTS
            case Test():
                assert (ROOT / mutant.killer.words[0]).is_file()


def test_what_runs_a_mutant_runs_no_other_program(tmp_path: Path) -> None:
    original, elsewhere = tmp_path / "original", tmp_path / "elsewhere"
    (original / "llmdesk").mkdir(parents=True)
    (original / "llmdesk" / "__init__.py").touch()
    mutant = MUTANTS[0]
    place = original / "llmdesk" / mutant.file
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "llmdesk" / mutant.file, place)
    python = with_bug(mutant, original, tmp_path / "copy")
    elsewhere.mkdir()
    told = subprocess.run(
        [python, "-c", "import llmdesk, pytest; print(llmdesk.__file__)"], cwd=elsewhere, env={}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == str(tmp_path / "copy" / "llmdesk" / "__init__.py")
    assert mutant.new in (tmp_path / "copy" / "llmdesk" / mutant.file).read_text(encoding="utf-8")
    assert mutant.new not in place.read_text(encoding="utf-8")


def test_a_known_seed_comes_before_those_that_may_show_it_too() -> None:
    what = Slice(seeds=(15, 3), priced=True, count=2)
    assert [sequence.seed for sequence in known(what)] == [15, 3]
    assert {sequence.seed for sequence in known(Slice(story="a short hint"))} == {STORIES["a short hint"].seed}
    assert list(sequences(what)) == list(sequences(Slice(priced=True, count=2)))


def test_another_part_kills_by_a_rule_that_it_names_and_by_nothing_else() -> None:
    mutant = replace(MUTANTS[0], rules=("I9",), killer=Command(words=("crash", "--scenario", "state")))
    assert read_out(mutant, 1, "  state, before 7 (rename): I9: half of it")["killed"]
    assert not read_out(mutant, 1, "  state, before 7 (rename): I2: lost")["killed"], "another rule"
    assert not read_out(mutant, 2, "Not run: I9")["killed"], "it could not be done"
    assert not read_out(mutant, 0, "I9 is well")["killed"]
    telling = replace(mutant, killer=Command(words=("secrets",), tells="LEAK: secrets"))
    assert read_out(telling, 1, "LEAK: secrets, seed 1")["rules"] == ("I9",)
    assert not read_out(telling, 1, "Traceback (most recent call last):")["killed"]


def test_a_slice_is_of_the_generators_own_sequences_and_shows_what_it_names() -> None:
    what = Slice(symbols=r"ollama/C1", steps=("resume",), record="full", follows=True, count=3)
    chosen = list(sequences(what))
    assert len(chosen) == 3
    for sequence in chosen:
        assert sequence == generate(sequence.seed)
        assert sequence.record == "full"
        assert any(type(step).__name__ == "Resume" for step in sequence.steps)


def test_the_stories_made_by_hand_are_well_without_a_bug() -> None:
    verdicts = asyncio.run(_played())
    assert {verdict.seed: (verdict.violations, verdict.notes) for verdict in verdicts if not verdict.well} == {}
    assert {verdict.seed for verdict in verdicts} == {sequence.seed for sequence in STORIES.values()}


async def _played() -> list[Verdict]:
    with room() as root:
        async with Stage(root) as stage:
            return await asyncio.gather(*map(stage.verdict_of, STORIES.values()))


def test_only_a_rule_that_was_to_be_broken_counts_as_a_death() -> None:
    mutant = next(each for each in MUTANTS if each.rules == ("I2",))
    found = '{"seed": 7, "rules": ["I2"], "words": ["I2: lost"]}\n{"played": 3}\n'
    assert read_out(mutant, 1, found)["killed"]
    assert not read_out(mutant, 1, found.replace("I2", "I9"))["killed"], "another rule"
    assert not read_out(mutant, 0, '{"played": 3}\n')["killed"], "nothing found"
    assert not read_out(mutant, 1, "Traceback (most recent call last):\nImportError: x")["killed"], "it broke"
    assert not read_out(mutant, None, found[:5])["killed"], "no end"
