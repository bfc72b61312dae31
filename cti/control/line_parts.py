"""What lines work with, put together: listening, talk while waiting, messages, other systems."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from asr.messages import TranscriptMessage
from asr.needs import NeedRules
from cti.call import Call
from cti.control.calls import Calls
from cti.control.captions import Captions
from cti.control.dispatch import Dispatch
from cti.control.line_ports import Announcements, Callbacks, Callers, LineDeps, LineSettings, nobody_notes
from cti.control.listening import Listening
from cti.control.messages_left import MessagesLeft
from cti.control.orderdesk import OrderDesk
from cti.control.talkahead import TalkAhead
from cti.control.taps import Taps
from cti.control.telephony import Telephony
from cti.control.webrequests import AllowedRequest, WebAsker
from cti.faults import fault_site
from cti.ports import Pages
from cti.tasks import end
from ivr_flows.messages import Note

log = logging.getLogger(__name__)


class LineParts:
    """Made once for each server; `deps` is what every line is given."""

    def __init__(
        self,
        *,
        calls: Calls,
        telephony: Telephony,
        dispatch: Dispatch,
        taps: Taps,
        captions: Callable[[], Captions],
        orders: OrderDesk,
        pages: Pages,
        callers: Callers,
        callbacks: Callbacks,
        recordings: Path,
        web_requests: tuple[AllowedRequest, ...],
        settings: LineSettings,
        noted: Callable[[Call, Note], Awaitable[None]] = nobody_notes,
        announcements: Announcements,
    ) -> None:
        """`captions()` are asked for when they are needed: they are made after this, and tell this part."""
        self._calls = calls
        self._telephony = telephony
        self._sweeping: asyncio.Task[None] | None = None
        self.listening = Listening(taps=taps, calls=calls)
        self.ahead = TalkAhead(
            calls=calls,
            captions=captions,
            orders=orders,
            pages=pages,
            router=dispatch,
            rules=NeedRules.load(),
            queue_exists=telephony.queue_exists,
        )
        self.messages = MessagesLeft(recordings, calls=calls, callbacks=callbacks)
        self.web = WebAsker(web_requests, calls.metrics)
        self.deps = LineDeps(
            calls=calls,
            phones=telephony,
            router=dispatch,
            callers=callers,
            callbacks=callbacks,
            ears=self.listening,
            ahead=self.ahead,
            web=self.web,
            messages=self.messages,
            settings=settings,
            beside=self._beside,
            noted=noted,
            announcements=announcements,
        )

    def attach(self) -> None:
        """Hear of calls that are answered and of those that end, the latter before who hears of them now."""
        tell_ended = self._calls.on_ended

        def ended(call: Call) -> None:
            self.ahead.ended(call)
            tell_ended(call)

        self._calls.on_ended = ended
        self._calls.on_answered = self.ahead.answered

    def heard(self, message: TranscriptMessage) -> None:
        """A recogniser tells something."""
        self.listening.take(message)

    def said(self, call: Call) -> None:
        """A call has one more finished sentence."""
        self.ahead.said(call)

    def start(self) -> None:
        """Begin: messages that a server of before left behind are kept."""
        self._sweeping = asyncio.create_task(self._sweep(), name="messages-sweep")

    async def stop(self) -> None:
        """End what runs beside."""
        await end(self._sweeping)
        await self.web.close()

    async def _sweep(self) -> None:
        try:
            await self.messages.sweep()
        except OSError as error:
            log.error("messages of before not looked at", extra={"site": fault_site(error)})

    def _beside(self, work: Awaitable[None], what: str, call_id: str) -> None:
        async def awaited() -> None:
            await work

        self._telephony.beside(awaited(), what, call_id)
