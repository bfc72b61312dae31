"""What a server takes over when it starts: the calls, agents, words and drafts of the one before."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from acd.messages import AgentState
from acd.store import LiveState, StoreError
from asr import bus
from cti.call import Call
from cti.control.calls import Calls
from cti.control.captions import Captions, caption_of
from cti.control.dispatch import Dispatch
from cti.control.live import LiveCalls
from cti.control.orderdesk import OrderDesk
from cti.control.people import People
from cti.control.phones import Phones
from cti.journal import Journal
from cti.transcripts import TranscriptStore
from orders.errors import OrderError
from orders.messages import OrderState
from orders.store import OrderStore

log = logging.getLogger(__name__)

WORDS_S = 8.0
"""How long words and drafts may take in all; callers wait until this is over."""

TRIES = 3
"""So often a Redis that is too slow is asked for what it keeps."""

T = TypeVar("T")


async def insisting(read: Callable[[], Awaitable[T]]) -> T:
    """Read, and again while Redis is only slow: talks that are not found now are not known any more.

    Raises what the last try raises, and at once what tells that Redis is not there.
    """
    for _ in range(TRIES - 1):
        try:
            return await read()
        except (RedisError, StoreError, TimeoutError) as error:
            if not isinstance(error.__cause__ or error, TimeoutError | redis_errors.TimeoutError):
                raise
            log.warning("live state comes slowly, asked again", extra={"reason": type(error).__name__})
    return await read()


class Takeover:
    """Reads the live state once, before the server takes its first call."""

    def __init__(
        self,
        *,
        redis: Redis,
        prefix: str,
        live_calls: LiveCalls,
        live_state: LiveState,
        calls: Calls,
        dispatch: Dispatch,
        people: People,
        phones: Phones,
        orders: OrderDesk,
        captions: Captions,
        journal: Journal,
        order_store: OrderStore,
        transcripts: TranscriptStore,
        server: str,
        draft_restored: Callable[[str], None],
    ) -> None:
        """`server` is this server's name; `draft_restored(order)` shows a draft to its agent's pages."""
        self._redis = redis
        self._prefix = prefix
        self._live_calls = live_calls
        self._live_state = live_state
        self._calls = calls
        self._dispatch = dispatch
        self._people = people
        self._phones = phones
        self._orders = orders
        self._captions = captions
        self._journal = journal
        self._order_store = order_store
        self._transcripts = transcripts
        self._server = server
        self._draft_restored = draft_restored

    async def restore(self, *, words: bool) -> None:
        """Take over calls; with `words`, also what was said and drafted. Callers wait.

        What was stored of agents and of the line is where the line begins if no other server knows better.
        """
        try:
            for call in await insisting(self._live_calls.load):
                self._calls.restore(call)
            agents, waiting = await insisting(self._live_state.load)
        except (RedisError, StoreError, OSError, TimeoutError) as error:
            log.error("live state is away, starting without it", extra={"reason": type(error).__name__})
            self._dispatch.enter((), ())
            return
        self._dispatch.enter(agents, waiting)
        for agent in agents:
            extension = self._people.extension(agent.agent_id)
            if extension and agent.state is not AgentState.OFFLINE:
                self._phones.restored({extension: agent.state is AgentState.NOT_READY})
        try:
            async with asyncio.timeout(WORDS_S):
                for call in self._calls:
                    if call.order_id and words:
                        await self._restore_words(call.call_id, call.order_id)
        except TimeoutError:
            log.warning("not all drafts restored in time", extra={"calls": len(self._calls)})

    async def adopt(self, call_id: str) -> Call | None:
        """Go on with a talk whose server is gone; None when that one kept nothing of it."""
        call = await self._live_calls.fetch(call_id)
        if call is None or call_id in self._calls:
            return self._calls.find(call_id)
        self._calls.restore(call)
        if call.order_id:
            await self._restore_words(call_id, call.order_id)
        log.info("talk of another server is adopted", extra={"call_id": call_id, "before": call.server})
        call = self._calls.update(replace(call, server=self._server))
        draft = self._orders.find(call.order_id)
        if draft is not None:
            for each in (draft, *self._orders.more(draft.order_id)):
                self._draft_restored(each.order_id)
        return call

    async def _restore_words(self, call_id: str, order_id: str) -> None:
        try:
            async with asyncio.timeout(5):
                await self._journal.delivered()
                order = await self._order_store.get(order_id)
                others = await self._order_store.by_call(call_id)
                lines = await self._transcripts.lines(call_id)
        except (OrderError, SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("draft not restored", extra={"call_id": call_id, "reason": type(error).__name__})
            return
        self._orders.restore(
            order.draft,
            [
                other.draft
                for other in others
                if other.draft.order_id != order_id and other.draft.state is not OrderState.DISCARDED
            ],
        )
        self._captions.restore(call_id, [caption_of(call_id, kept) for kept in lines])

    async def last_transcript(self) -> str:
        """Where to read on: a little before now, since a restarted server has missed some sentences."""
        try:
            async with asyncio.timeout(2):
                newest = await bus.last_transcript_id(self._redis, prefix=self._prefix)
        except (RedisError, OSError, TimeoutError):
            return f"{int(time.time() * 1000)}-0"
        milliseconds = int(newest.partition("-")[0])
        return f"{max(0, milliseconds - 60_000)}-0" if len(self._calls) else newest
