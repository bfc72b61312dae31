"""Calls of more than two, put together: rooms, transfers, handovers, and what is found after a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from acd.messages import AgentState
from cti import call as calls_of
from cti.ami import AmiEvent, AmiNodes
from cti.call import Call
from cti.control.calls import Calls
from cti.control.directory_shelf import DirectoryShelf
from cti.control.dispatch import Dispatch
from cti.control.handover_post import Handover, Post
from cti.control.handovers import RETRY_S, Handovers
from cti.control.orderdesk import OrderDesk
from cti.control.people import People
from cti.control.phones import Phones
from cti.control.recovery import Recovery
from cti.control.room_events import RoomEvents
from cti.control.room_recovery import RoomRecovery
from cti.control.rooms import Rooms
from cti.control.targets import Targets
from cti.control.telephony import Telephony
from cti.control.transfers import Transfers
from cti.messages import Caption, Notice, TransferMessage
from cti.ports import Pages, Person


class Sharing:
    """Made once for each server."""

    def __init__(
        self,
        *,
        calls: Calls,
        dispatch: Dispatch,
        telephony: Telephony,
        nodes: AmiNodes,
        phones: Phones,
        people: People,
        pages: Pages,
        orders: OrderDesk,
        captions: Callable[[str], Sequence[Caption]],
        directory: DirectoryShelf,
        trunk: str,
        outbox: Path,
        post: Post,
        secret: Callable[[str], str],
        audit: Callable[[Handover], Awaitable[None]],
        server: str,
        alone: bool,
        retry_s: Sequence[float] = RETRY_S,
    ) -> None:
        """`captions(call)`: what was said; `trunk`: the way outside, "" for none; `outbox`: a folder."""
        self._calls = calls
        self._dispatch = dispatch
        self._pages = pages
        self._orders = orders
        self._captions = captions
        self._directory = directory

        def telephones(agent_id: str, node: str) -> str:
            extension = people.extension(agent_id)
            return phones.targets(extension, node) if extension else ""

        self.rooms = Rooms(nodes, telephones, trunk)
        self.events = RoomEvents(
            calls=calls, telephony=telephony, rooms=self.rooms, notice=self._tell_agent, brief=self.brief
        )
        self.handovers = Handovers(
            calls=calls, folder=outbox, directory=lambda: directory.current, draft=orders.find,
            captions=captions, post=post, secret=secret, audit=audit, notice=self._tell, retry_s=retry_s,
        )  # fmt: skip
        self.targets = Targets(
            directory=lambda: directory.current, dispatch=dispatch, people=people, may_call_out=bool(trunk)
        )
        self.transfers = Transfers(
            calls=calls, dispatch=dispatch, telephony=telephony, rooms=self.rooms, events=self.events,
            targets=self.targets, pages=pages, handovers=self.handovers,
        )  # fmt: skip
        self.recovery = RoomRecovery(
            calls=calls, telephony=telephony, events=self.events, rooms=self.rooms, people=people,
            server=server, alone=alone,
        )  # fmt: skip
        telephony.on_talk = self._talk_began

    def attach(self, recovery: Recovery) -> None:
        """Let the looks at Asterisk's channel list see rooms, too."""
        recovery.rooms = self.recovery

    def start(self) -> None:
        """Take up what a former server left; after the calls have been restored."""
        self.recovery.start()
        self.handovers.start()
        self._directory.start()

    async def stop(self) -> None:
        """Stop what runs beside."""
        await self._directory.stop()
        await self.handovers.stop()

    async def carry_out(self, person: Person, message: TransferMessage) -> None:
        """Carry one command out, or raise CommandRefused with words for the person."""
        await self.transfers.carry_out(person, message)

    def take(self, event: AmiEvent) -> None:
        """One AMI event, after `Telephony.take`."""
        self.events.take(event)

    def brief(self, call: Call, login: str) -> None:
        """Show somebody who comes into a call what has been said and written so far."""
        for caption in self._captions(call.call_id):
            self._pages.send((login,), caption)
        draft = self._orders.find(call.order_id) if call.order_id else None
        if draft is not None:
            for each in (draft, *self._orders.more(draft.order_id)):
                self._pages.send((login,), self._orders.view(each))

    def written_up(self, agent_id: str, now_with: str | None) -> None:
        """An agent has gone on: calls that they had left are no longer at their desk."""
        agent = self._dispatch.agent(agent_id)
        for call in self._calls:
            if agent_id not in call.writers:
                continue
            if call.call_id == now_with and agent is not None and agent.state is AgentState.WRAP_UP:
                continue
            self._calls.update(calls_of.wrote_up(call, agent_id))

    def _talk_began(self, call: Call) -> None:
        if call.agent_id:
            self.brief(call, call.agent_id)

    def _tell_agent(self, call: Call, level: str, text: str) -> None:
        logins = {login for login in (call.agent_id, *call.writers) if login}
        self._pages.send(logins, Notice(level=level, text=text))

    def _tell(self, login: str, level: str, text: str) -> None:
        self._pages.send((login,), Notice(level=level, text=text))
