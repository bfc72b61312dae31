"""`hotline bench fanout` at a small scale: real processes and sockets, each event at each page that reads."""

from __future__ import annotations

import pytest

from cti.bench.fanout import turn
from cti.bench.options import Options
from tests.support.loopback import LoopbackBlock

pytestmark = pytest.mark.integration


async def test_every_page_that_reads_gets_every_event_in_order(loopback: LoopbackBlock) -> None:
    options = Options(rate=50.0, seconds=1.0, clients=20)
    side = await turn(options, loopback.address(), "hotline", slow=3)
    assert side.whole
    assert side.pages["deliveries"] == 20 * 50
    assert side.pages["own"] > 0
