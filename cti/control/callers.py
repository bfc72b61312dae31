"""What is known of a number that calls: one quick look into the database, within the time that is given."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.phone_numbers import NumberKind, read_number, spellings
from cti.blocked import LOOK_BACK_S, BlockKind, in_force, silent_calls
from cti.messages import EntryKind
from cti.tables import blocked_numbers, call_events, calls
from orders.course_table import ENDED
from orders.messages import OrderState
from orders.tables import orders

__all__ = ["Callers"]

log = logging.getLogger(__name__)

CACHE_S = 5.0
"""A caller who is looked up again so soon (a flow that asks twice) is answered from memory."""
CACHE_MOST = 2000
AGENT_DAYS = 30
"""The agent of an older call is not remembered as the citizen's."""
LANGUAGE_CALLS = 10
"""The language is looked for in the notes of so many of the newest calls."""
NOT_OPEN = (OrderState.DRAFT.value, OrderState.DISCARDED.value, OrderState.MERGED.value)
"""States of an order that nobody works on."""
COURSE_ENDED = tuple(state.value for state in ENDED)
"""The same of an accepted one."""

NOTHING: Mapping[str, str] = MappingProxyType({})


class Callers:
    """Facts about callers for flows, as texts: a flow compares and says nothing else."""

    def __init__(
        self, engine: AsyncEngine, *, area_code: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._area_code = area_code
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Mapping[str, str]]] = OrderedDict()

    async def facts(self, number: str, within_s: float) -> Mapping[str, str]:
        """Return what is known of a calling number; {} when nobody can tell within `within_s`. Never raises.

        `known` yes or no; `calls` how many before; `last_agent` login of who answered last, within 30 days;
        `case_owner` login of who has the newest open order; `open_orders` how many; `language` as noted;
        `district` of the newest order that names one;
        `blocked`, `nuisance` yes or no, as people entered it; `silent_calls` how many without a word;
        `satisfaction` of the newest rated call, 1 to 5. What there is not is left out, but for counts.
        """
        caller = read_number(number, area_code=self._area_code)
        if caller.kind is NumberKind.ANONYMOUS:
            return {"known": "no", "calls": "0", "open_orders": "0", "blocked": "no", "nuisance": "no"}
        now = self._clock()
        at, facts = self._known.get(caller.number, (0.0, NOTHING))
        if facts and now - at < CACHE_S:
            return facts
        try:
            async with asyncio.timeout(within_s):
                facts = await self._look(caller.number, now)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("caller not looked up", extra={"reason": type(error).__name__})
            return NOTHING
        except Exception as error:  # whatever it is, the caller goes on without
            log.error("caller not looked up", extra={"reason": type(error).__name__})
            return NOTHING
        self._known[caller.number] = (now, facts)
        if len(self._known) > CACHE_MOST:
            self._known.popitem(last=False)
        return facts

    def forget(self, number: str) -> None:
        """Something was changed about this number."""
        self._known.pop(read_number(number, area_code=self._area_code).number, None)

    async def _look(self, number: str, now: float) -> Mapping[str, str]:
        written = spellings(number)
        own_calls = calls.c.caller.in_(written) & calls.c.ended.is_not(None)  # not the one that is going on
        own_orders = or_(orders.c.caller.in_(written), orders.c.phone.in_(written))
        async with self._engine.connect() as connection:
            facts = await _calls(connection, own_calls, now)
            facts |= await _orders(connection, own_orders)
            facts |= await _entry(connection, number, now)
            if language := await _language(connection, own_calls):
                facts["language"] = language
        facts["known"] = "yes" if facts["calls"] != "0" or facts["open_orders"] != "0" else "no"
        return MappingProxyType(facts)


async def _calls(connection: AsyncConnection, own: ColumnElement[bool], now: float) -> dict[str, str]:
    counts = select(func.count(), func.count().filter(silent_calls(now - LOOK_BACK_S))).where(own)
    count, silent = (await connection.execute(counts)).one()
    facts = {"calls": str(count), "silent_calls": str(silent)}
    if not count:
        return facts
    answered = calls.c.agent_id.is_not(None) & calls.c.answered.is_not(None)
    recent = calls.c.started >= now - AGENT_DAYS * 86_400
    newest = calls.c.started.desc()
    agent = await connection.scalar(
        select(calls.c.agent_id).where(own, answered, recent).order_by(newest).limit(1)
    )
    rated = select(calls.c.satisfaction).where(own, calls.c.satisfaction.is_not(None))
    score = await connection.scalar(rated.order_by(newest).limit(1))
    if agent:
        facts["last_agent"] = agent
    if score is not None:
        facts["satisfaction"] = str(score)
    return facts


async def _orders(connection: AsyncConnection, own: ColumnElement[bool]) -> dict[str, str]:
    being_done = own & orders.c.state.not_in(NOT_OPEN) & orders.c.course_state.not_in(COURSE_ENDED)
    count = await connection.scalar(select(func.count()).select_from(orders).where(being_done))
    facts = {"open_orders": str(count or 0)}
    if count:
        newest = select(orders.c.agent).where(being_done).order_by(orders.c.created_at.desc()).limit(1)
        if owner := await connection.scalar(newest):
            facts["case_owner"] = owner
    located = own & (orders.c.district != "") & (orders.c.state != OrderState.DISCARDED.value)
    newest = select(orders.c.district).where(located).order_by(orders.c.created_at.desc()).limit(1)
    if district := await connection.scalar(newest):
        facts["district"] = district
    return facts


async def _entry(connection: AsyncConnection, number: str, now: float) -> dict[str, str]:
    query = select(blocked_numbers.c.kind).where(blocked_numbers.c.number == number, in_force(now))
    kind = await connection.scalar(query)
    return {name: "yes" if kind == name.value else "no" for name in BlockKind}


async def _language(connection: AsyncConnection, own: ColumnElement[bool]) -> str:
    newest = select(calls.c.call_id).where(own).order_by(calls.c.started.desc()).limit(LANGUAGE_CALLS)
    query = select(call_events.c.data).where(
        call_events.c.call_id.in_(newest.scalar_subquery()), call_events.c.kind == EntryKind.NOTE.value
    )
    for data in await connection.scalars(query.order_by(call_events.c.entry_id.desc()).limit(100)):
        if data.get("kind") == "language":
            language = (
                data.get("values", {}).get("language", "") if isinstance(data.get("values"), dict) else ""
            )
            if isinstance(language, str) and language:
                return language[:40]
    return ""
