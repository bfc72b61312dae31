"""`hotline assessment`: what orders are counted by, made anew out of their events."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from cti.database import migrate, open_engine
from cti.planning_days import CHINA
from cti.settings import Settings
from orders.assessment_store import rebuild

__all__ = ["assessment"]

Say = Callable[[object], None]


async def assessment(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Make the marks of all accepted orders anew; frozen months stay, and what differs corrects them."""
    await migrate(settings.database)
    engine = open_engine(settings.database)
    looked = 0

    def told(count: int) -> None:
        nonlocal looked
        looked = count
        if count % 10_000 == 0 and count:
            say(f"已核对 {count} 张工单")

    try:
        mended = await rebuild(engine, clock=time.time, zone=CHINA, told=told)
    finally:
        await engine.dispose()
    say(f"共核对 {looked} 张工单，更正 {mended} 张")
    return 0
