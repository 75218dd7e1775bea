"""The steps that only reports take."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_bdd import scenarios, then

if TYPE_CHECKING:
    from tests.scenarios.world import World

scenarios("reports.feature")


@then("the report covers this month until today")
def covers_this_month(world: World) -> None:
    told = {(row["first_day"], row["last_day"]) for row in map(json.loads, world.ran.out.splitlines())}
    today = datetime.now().astimezone().date()
    assert told == {(today.replace(day=1).isoformat(), today.isoformat())}
