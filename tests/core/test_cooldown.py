from dataclasses import replace

import pytest

from llmdesk.core.cooldown import Instant, later, remaining_s, settled, start, usable_hint

NOW = Instant(wall=1_800_000_000.0, boot=500.0, boot_id="a")


def at(wall: float = 0.0, boot: float = 0.0, boot_id: str = "a") -> Instant:
    return Instant(wall=NOW.wall + wall, boot=NOW.boot + boot, boot_id=boot_id)


@pytest.fixture
def cooldown():
    return start("cloud", "rate", "slow down", 600.0, NOW)


@pytest.mark.parametrize("jump", [-86_400.0, -1.0, 0.0, 1.0, 86_400.0])
def test_a_wall_clock_jump_in_the_same_boot_changes_nothing(cooldown, jump):
    assert remaining_s(cooldown, at(wall=jump + 100, boot=100)) == 500.0


def test_suspended_time_counts(cooldown):
    assert remaining_s(cooldown, at(wall=28_800, boot=28_800)) == 0.0


def test_after_a_reboot_the_wall_clock_decides(cooldown):
    assert remaining_s(cooldown, at(wall=200, boot=-490, boot_id="b")) == 400.0
    assert remaining_s(cooldown, at(wall=601, boot=-490, boot_id="b")) == 0.0


def test_without_boot_ids_the_wall_clock_decides():
    plain = Instant(wall=100.0, boot=5.0, boot_id="")
    assert remaining_s(start("cloud", "rate", "", 600.0, plain), replace(plain, wall=400.0)) == 300.0


def test_a_remainder_is_never_longer_than_the_cooldown(cooldown):
    far = replace(cooldown, until_wall=253_402_300_799.0, until_boot=1e15)
    assert remaining_s(far, NOW) == 600.0
    assert remaining_s(far, at(boot_id="b")) == 600.0


@pytest.mark.parametrize("until", [float("nan"), float("inf"), float("-inf")])
def test_a_deadline_that_is_no_number_is_no_cooldown(cooldown, until):
    assert remaining_s(replace(cooldown, until_boot=until), NOW) == 0.0


def test_a_clock_set_back_over_a_reboot_costs_at_most_one_more_duration(cooldown):
    before_it_began = at(wall=-7200, boot=-490, boot_id="b")
    kept = settled(cooldown, before_it_began)
    assert remaining_s(kept, before_it_began) == 600.0
    assert remaining_s(kept, replace(before_it_began, boot=before_it_began.boot + 600)) == 0.0
    assert settled(kept, replace(before_it_began, boot=before_it_began.boot + 1)) is kept


def test_after_a_reboot_later_jumps_change_nothing_either(cooldown):
    rebooted = at(wall=200, boot=-490, boot_id="b")
    kept = settled(cooldown, rebooted)
    assert remaining_s(kept, replace(rebooted, wall=rebooted.wall - 86_400, boot=rebooted.boot + 100)) == 300.0


def test_a_damaged_deadline_ends_after_one_duration(cooldown):
    kept = settled(replace(cooldown, until_boot=1e15), NOW)
    assert remaining_s(kept, at(boot=599)) == pytest.approx(1.0)
    assert remaining_s(kept, at(boot=600)) == 0.0


def test_a_sound_cooldown_is_left_as_it_is(cooldown):
    assert settled(cooldown, at(wall=-9999, boot=10)) is cooldown


def test_the_later_deadline_wins_with_the_newer_message(cooldown):
    shorter = start("cloud", "quota", "newer", 60.0, NOW)
    longer = start("cloud", "quota", "newer", 900.0, NOW)
    assert later(None, shorter, NOW) is shorter
    assert later(cooldown, longer, NOW) is longer
    kept = later(cooldown, shorter, NOW)
    assert (kept.until_boot, kept.reason, kept.message) == (cooldown.until_boot, "quota", "newer")


@pytest.mark.parametrize(
    ("hint", "usable"),
    [
        (None, None),
        (0, None),
        (-5, None),
        (float("inf"), None),
        (float("nan"), None),
        (0.2, 1.0),
        (30, 30),
        (1e9, 86_400),
    ],
)
def test_a_hint_is_a_positive_finite_number_of_seconds_within_a_day(hint, usable):
    assert usable_hint(hint) == usable
