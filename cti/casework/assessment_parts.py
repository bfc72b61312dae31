"""Puts the assessment of units together for a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.assessment_closing import AssessmentClosing
from cti.casework.assessments import AssessmentDesk
from cti.casework.leaders import LeaderDesk
from cti.casework.sights import Sights
from orders.assessment_policy import AssessmentPolicy
from orders.workdays import Workdays

__all__ = ["AssessmentParts", "compose_assessment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentParts:
    """What pages ask, and what freezes months by itself."""

    desk: AssessmentDesk  # sheets, and the orders behind them
    closing: AssessmentClosing  # frozen months
    leaders: LeaderDesk  # the leader's page

    def start(self) -> None:
        """Begin to look whether a month is to be frozen."""
        self.closing.start()

    async def stop(self) -> None:
        """Stop looking."""
        await self.closing.stop()


def compose_assessment(
    engine: AsyncEngine,
    sights: Sights,
    policy: Callable[[], AssessmentPolicy],
    workdays: Callable[[], Workdays],
    *,
    clock: Callable[[], float] = time.time,
) -> AssessmentParts:
    """Return the parts; `policy` and `workdays` return the rules and the working calendar in force."""
    desk = AssessmentDesk(engine, sights, policy, workdays, clock=clock)
    return AssessmentParts(
        desk=desk, closing=AssessmentClosing(desk, workdays), leaders=LeaderDesk(engine, desk, clock=clock)
    )
