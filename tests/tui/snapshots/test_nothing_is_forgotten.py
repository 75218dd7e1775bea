"""Every promise about the screen has its looks, in all sizes, and every look belongs to a promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.looks import SIZES

KEPT = Path(__file__).parent / "__snapshots__"

PROMISES: dict[str, tuple[str, ...]] = {
    "lanes beside one another, with badges": ("test_lanes_in_the_background_carry_badges",),
    "picking a lane or a model, for once or for good": ("test_the_lanes_and_the_models_to_pick",),
    "comparing lanes": ("test_a_comparison_side_by_side",),
    "a transcript of Markdown with code and tables": ("test_an_answer_with_a_table_and_code_read_again",),
    "a seam at each failover": ("test_an_answer_after_a_failover",),
    "reasoning that folds": ("test_reasoning_is_folded_below_its_answer", "test_reasoning_is_unfolded_on_demand"),
    "marks of completeness, tokens, cost": ("test_the_marks_of_completeness",),
    "an answer that streams": ("test_an_answer_that_is_under_way",),
    "acting on a turn": ("test_a_marked_answer_and_a_marked_prompt_say_what_can_be_done",),
    "earlier versions": ("test_earlier_versions_are_folded_into_a_line_and_unfold",),
    "what was sent and received": ("test_what_was_sent_and_received",),
    "several lines, files, a queue in sight": ("test_a_prompt_of_several_lines_with_files_beside_a_queue",),
    "slash commands, arguments and paths completed": ("test_commands_arguments_and_paths_are_completed",),
    "prompts sent before": ("test_earlier_prompts_are_searched",),
    "prompts of one's own": ("test_a_prompt_is_taken_from_the_library",),
    "waiting with a way out, consent": ("test_a_wait_says_what_for_until_when_and_the_ways_out",),
    "a pause that loses nothing": ("test_a_pause_says_where_the_prompt_is_and_who_comes_back",),
    "a failure that says why": ("test_a_prompt_that_failed_says_why",),
    "a stop by a budget": ("test_a_stop_by_a_budget_offers_every_way_on",),
    "a warning of a budget": ("test_a_budget_that_is_exceeded_warns_above_everything",),
    "panels in full": ("test_each_panel", "test_each_panel_with_nothing_in_it"),
    "every attempt with its discarded text, filters": ("test_every_attempt_of_a_failover_with_its_discarded_text",),
    "models fetched and looked at": ("test_a_model_on_its_way_and_what_is_known_of_one",),
    "quota, a provider, a paused request": ("test_a_provider_and_a_paused_request_in_full",),
    "search over everything": ("test_conversations_are_listed_and_searched",),
    "find in the open conversation": ("test_words_are_found_in_the_open_conversation",),
    "help of each screen": ("test_help_tells_the_keys_of_its_screen",),
    "every action by its name": ("test_every_action_by_its_name",),
    "the first card": ("test_the_first_card_where_all_is_well", "test_the_first_card_where_nobody_can_answer"),
    "the tour": ("test_a_step_of_the_tour",),
    "where the part that is sent begins": ("test_the_part_that_is_sent_begins_at_a_mark",),
    "keys and themes": ("test_keys_and_themes",),
    "lanes changed after a look at the difference": ("test_a_lane_and_the_change_to_approve",),
    "a sidebar that folds": ("test_the_sidebar_is_shown_and_hidden_on_demand",),
    "leaving asks once": ("test_leaving_in_mid_answer_asks_once",),
}
"""What the desk promises to show, and the tests that keep pictures of it."""

ANY_SIZE = {"test_what_fits_is_shown_whole"}
"""Those that choose their own sizes."""


def kept() -> dict[str, set[str]]:
    """The tests that have snapshots, each with the sizes it has them in."""
    found: dict[str, set[str]] = {}
    for file in KEPT.glob("*.ambr"):
        for name, size in re.findall(r"^# name: (\w+)\[(\d+x\d+)", file.read_text(), re.MULTILINE):
            found.setdefault(name, set()).add(size)
    return found


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_is_looked_at_in_every_size(promise: str) -> None:
    found = kept()
    for name in PROMISES[promise]:
        assert found.get(name, set()) == {f"{width}x{height}" for width, height in SIZES}, name


def test_no_look_is_without_a_promise() -> None:
    assert kept().keys() - ANY_SIZE == {name for names in PROMISES.values() for name in names}
