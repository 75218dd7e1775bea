"""The steps that only a cooldown takes: what its file says, and its end."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_bdd import scenarios, then, when

from tests.support.slowness import PATIENCE_S

if TYPE_CHECKING:
    from tests.scenarios.world import World

SLACK_S = 1.0
"""The cloud is asked again within so long of the end of its rest (policy I4), seconds."""

scenarios("cooldown.feature")


@when("the cloud's rest is over")
def rest_is_over(world: World) -> None:
    until = json.loads(world.state.read_text(encoding="utf-8"))["cloud_cooldown_until"]
    while time.time() < until + SLACK_S:
        time.sleep(0.05)


@then("the cloud is said to rest for ten minutes from when it refused")
def rests_for_ten_minutes(world: World) -> None:
    told = {row["provider"]: row for row in map(json.loads, world.ran.out.splitlines())}
    assert told["cloud"]["status"] == "cooling"
    until = datetime.fromisoformat(told["cloud"]["cooldown_until"]).timestamp()
    (refused,) = world.asked("cloud")
    age_s = time.monotonic() - refused.at
    rests_s = until - (time.time() - age_s)
    assert 599 < rests_s < 600 + PATIENCE_S, "counted from the refusal, which came a moment later"
