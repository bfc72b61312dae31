"""kill -9 in the middle of submissions: nothing that was acknowledged is lost, nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.bench.orders_kill import bring_and_kill

pytestmark = pytest.mark.integration

COUNT, KILLS = 300, 2


async def test_every_acknowledged_order_is_there_once_and_whole_however_often_the_server_is_killed(
    database_url: str, tmp_path: Path
) -> None:
    outcome = await bring_and_kill(database_url, tmp_path, count=COUNT, kills=KILLS, seed=5)
    assert (len(outcome.acknowledged), outcome.kills) == (COUNT, KILLS)
    assert outcome.unanswered > 0  # a kill met orders on their way
    assert (outcome.lost, outcome.doubled, outcome.numbered_twice) == ([], 0, 0)
    assert (outcome.altered, outcome.broken) == ([], [])
