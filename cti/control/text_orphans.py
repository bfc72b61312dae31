"""Conversations whose server is gone for good: the server that leads goes on with them.

No channel of Asterisk brings them back, as it does spoken calls, and their citizen may never return. At the
server that leads they keep their place and their agent, and end like any other whose page is closed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from redis.exceptions import RedisError

from cti.call import Call
from cti.control.callback_members import Members
from cti.control.calls import Calls
from cti.messages import CallState

log = logging.getLogger(__name__)

LOOK_EVERY = 3
"""Ticks between two looks."""


class TextOrphans:
    """Looks at what every server kept in Redis."""

    def __init__(
        self,
        *,
        members: Members,
        calls: Calls,
        kept: Callable[[], Awaitable[Iterable[Call]]],
        adopt: Callable[[str], Awaitable[Call | None]],
        taken: Callable[[str], None],
    ) -> None:
        """`kept` reads all servers' calls, `adopt` takes one over, `taken(guest)` tells the others so."""
        self._members = members
        self._calls = calls
        self._kept = kept
        self._adopt = adopt
        self._taken = taken
        self._ticks = 0

    async def tick(self) -> None:
        """Look now and then; without Redis later again."""
        self._ticks += 1
        alive = self._members.alive()
        if self._ticks % LOOK_EVERY or alive is None or not self._members.leads():
            return
        try:
            kept = await self._kept()
        except (RedisError, OSError, TimeoutError) as error:
            log.info("conversations of other servers not read", extra={"reason": type(error).__name__})
            return
        for call in kept:
            over = call.state is CallState.ENDED
            if not call.written or over or call.server in alive or self._calls.find(call.call_id) is not None:
                continue
            if await self._adopt(call.call_id) is not None:
                self._taken(call.guest_id)
