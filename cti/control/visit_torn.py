"""Visits that a restart tore apart: dialled or talking, and no server sees them through any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from cti.ami import AmiError
from cti.call_records import CallRecord
from cti.control.calls import Calls
from cti.control.visits import Visits
from orders import visits as life
from orders.visits import Visit, VisitState

__all__ = ["TornVisits"]

log = logging.getLogger(__name__)

S = VisitState
READ_S = 5.0
TORN_S = 15.0
"""A dialling or talk that is older than this, and whose channel Asterisk does not have, was torn apart."""
GONE_S = 3600.0
"""A node that has been away for so long has no channels of then."""


class TornVisits:
    """Sets them right, on the server that leads."""

    def __init__(
        self,
        *,
        visits: Visits,
        calls: Calls,
        alive: Callable[[str], Awaitable[bool]],
        call_record: Callable[[str], Awaitable[CallRecord | None]],
    ) -> None:
        """`alive` tells whether Asterisk has a channel, `call_record` what became of a call."""
        self._visits = visits
        self._calls = calls
        self._alive = alive
        self._call_record = call_record

    async def see_through(self, visit: Visit, now: float) -> None:
        """A dialling or talk that no server sees through any more is set right."""
        if now < visit.state_since + TORN_S:
            return
        if self._calls.find(visit.call_id) is not None:
            return
        try:
            if await self._alive(visit.call_id):
                return
        except AmiError as error:  # the node is away, or no longer ours
            log.warning("visited citizen's channel not looked for", extra={"reason": type(error).__name__})
            if now < visit.state_since + GONE_S:
                return
        current = await self._visits.find(visit.visit_id, fresh=True)
        if current != visit:
            return
        if visit.state is S.DIALLING:
            self._visits.book.keep("released", life.released(visit, now))
            return
        async with asyncio.timeout(READ_S):
            record = await self._call_record(visit.call_id)
        talked = record is not None and record.answered is not None
        self._visits.over(visit, (record.agent_id or "") if record is not None and talked else "")
