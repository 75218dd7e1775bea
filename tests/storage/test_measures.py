"""What is measured of booked attempts, over any selection and by any grouping."""

import pytest

from llmdesk.core.budget import Account
from llmdesk.core.errors import ErrorKind
from llmdesk.core.measures import Percentiles, Selection
from llmdesk.core.types import Usage
from llmdesk.storage.database import Database
from llmdesk.storage.ledger import Ledger
from llmdesk.storage.measures import MeasureStore
from tests.support.stored import CLOUD, LOCAL, an_attempt


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "llmdesk.db", on_warning=lambda _: None)
    yield database
    await database.aclose()


async def test_one_row_for_all_even_where_there_is_nothing(database):
    (nothing,) = await MeasureStore(database).read(Selection())
    assert (nothing.attempts, nothing.response_s, dict(nothing.group)) == (0, None, {})
    assert await MeasureStore(database).read(Selection(), ["provider"]) == ()


async def test_attempts_are_counted_by_what_became_of_them(database):
    done = {"elapsed_s": 2.0, "first_token_s": 0.5, "usage": Usage(input_tokens=10, output_tokens=30)}
    await Ledger(database).book(
        Account(request="r1", lane="chat", agent="a"),
        [
            an_attempt(1, error_kind=ErrorKind.RATE, elapsed_s=0.5, cooldown_s=60.0),
            an_attempt(2, LOCAL, "completed", **done),
        ],
    )
    by_provider = {row.group["provider"]: row for row in await MeasureStore(database).read(Selection(), ["provider"])}
    cloud, local = by_provider[CLOUD.provider], by_provider[LOCAL.provider]
    assert (cloud.attempts, cloud.failed, dict(cloud.errors), cloud.cooldown_s) == (1, 1, {"rate": 1}, 60.0)
    assert (cloud.failovers, cloud.lost_s) == (1, 0.5)
    assert (local.completed, local.input_tokens, local.output_tokens) == (1, 10, 30)
    assert local.response_s == Percentiles(count=1, p50=2.0, p95=2.0, p99=2.0)
    assert local.tokens_per_s == Percentiles(count=1, p50=20.0, p95=20.0, p99=20.0)
    assert local.free_tokens == {"chat": (10, 30)}
